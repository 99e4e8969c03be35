"""What this machine is: facts that a measurement depends on, and a fingerprint to tell machines apart.

Host names and addresses stay out: facts travel with results.
"""

import hashlib
import os
import platform
from pathlib import Path
from typing import Any

_CPUINFO = Path("/proc/cpuinfo")
_MEMINFO = Path("/proc/meminfo")
_FINGERPRINT = ("cpu_model", "cores", "architecture", "kernel")


def facts() -> dict[str, Any]:
    """CPU model, cores, architecture, kernel, system, memory in bytes, Python; None where the platform does not say."""
    return {
        "cpu_model": _line(_CPUINFO, "model name") or _line(_CPUINFO, "Model") or platform.processor() or None,
        "cores": os.cpu_count(),
        "usable_cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "architecture": platform.machine(),
        "kernel": platform.release(),
        "system": platform.system(),
        "memory_bytes": _memory_bytes(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def fingerprint(of: dict[str, Any]) -> str:
    """The same for machines whose CPU model, cores, architecture and kernel are the same: 16 hexadecimal digits."""
    text = "\n".join(f"{name}={of.get(name)}" for name in _FINGERPRINT)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _line(path: Path, name: str) -> str | None:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                key, _, value = line.partition(":")
                if key.strip() == name:
                    return value.strip() or None
    except OSError:
        pass
    return None


def _memory_bytes() -> int | None:
    amount, _, unit = (_line(_MEMINFO, "MemTotal") or "").partition(" ")
    return int(amount) * 1024 if amount.isdigit() and unit == "kB" else None
