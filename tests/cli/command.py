"""Runs `llm-test-bench` in a process of its own, as a user's shell does."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

PYTHON = [sys.executable, "-W", "error"]


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The caller's environment without its own settings, and with plain output."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("LTB_", "LLM_TEST_BENCH_", "OTEL_"))
    }
    return kept | {"NO_COLOR": "1", "COLUMNS": "160"} | dict(extra or {})


def run(
    *arguments: str | Path, cwd: Path, env: Mapping[str, str] | None = None, timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    """The finished process: `returncode`, `stdout`, `stderr`."""
    return subprocess.run(
        [*PYTHON, "-m", "app.cli", *map(str, arguments)],
        cwd=cwd,
        env=environment(env),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
