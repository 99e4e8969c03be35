"""Compiles the native reader (app/loadgen/_reader.c) while the package is built or installed from a checkout.

No compiler, no Python headers, or not Linux: then nothing happens and the package is pure Python, which does the same
at twice the CPU time. `LOADGEN_NATIVE=0` leaves it out on purpose, `LOADGEN_NATIVE=1` makes its absence an error.
"""

import os
import shlex
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE = Path("app/loadgen/_reader.c")
TARGET = SOURCE.with_suffix(".abi3.so")
FLAGS = ("-O2", "-std=gnu11", "-fPIC", "-shared", "-fvisibility=hidden", "-Wall", "-Wextra", "-Wno-unused-parameter")


class NativeReaderHook(BuildHookInterface):  # type: ignore[type-arg,unused-ignore]
    """Puts the compiled reader beside its source, and into the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile; a wheel with it in is for this platform and every CPython from 3.11 on."""
        if self.target_name != "wheel":
            return
        root = Path(self.root)
        problem = self._compile(root)
        if problem is not None:
            if version == "editable":
                (root / TARGET).unlink(missing_ok=True)  # of an earlier build: it no longer fits its source
            if os.environ.get("LOADGEN_NATIVE") == "1":
                raise RuntimeError(f"the native reader cannot be built: {problem}")
            self.app.display_info(f"Without the native reader: {problem}")
            return
        build_data["artifacts"].append(TARGET.as_posix())
        build_data["pure_python"] = False
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"cp311-abi3-{platform}"

    def _compile(self, root: Path) -> str | None:
        """Why it could not be compiled, or None."""
        if os.environ.get("LOADGEN_NATIVE") == "0":
            return "LOADGEN_NATIVE=0"
        if sys.platform != "linux" or sys.implementation.name != "cpython" or sys.maxsize < 2**32:
            return f"it is for 64-bit CPython on Linux, not {sys.implementation.name} on {sys.platform}"
        source, target = root / SOURCE, root / TARGET
        if target.exists() and target.stat().st_mtime_ns > source.stat().st_mtime_ns:
            return None
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            built = Path(folder) / target.name
            compiler = shlex.split(os.environ.get("CC", "cc"))
            include = sysconfig.get_path("include")
            command = [*compiler, *FLAGS, f"-I{include}", str(source), "-o", str(built)]
            try:
                subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603  (our own source)
            except (OSError, subprocess.CalledProcessError) as error:
                said = getattr(error, "stderr", "") or str(error)
                return said.strip().splitlines()[0]
            built.replace(target)  # whole or not at all: somebody may be running
        return None
