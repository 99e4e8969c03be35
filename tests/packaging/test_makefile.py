import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_help_lists_every_target() -> None:
    targets = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert targets is not None
    listed = make().stdout
    assert [target for target in targets[1].split() if f"make {target} " not in listed] == []


@pytest.mark.skipif("MAKELEVEL" not in os.environ, reason="only `make test` has just run `make setup`")
def test_a_second_setup_does_nothing() -> None:
    assert make("--question", "setup").returncode == 0


@pytest.mark.parametrize("script", [*sorted((ROOT / "ops").glob("*/*.sh")), ROOT / ".ci" / "run"])
def test_scripts_are_valid_and_executable(script: Path) -> None:
    assert script.stat().st_mode & 0o111
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0


def test_a_python_that_will_not_do_is_refused_with_a_reason(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2" && exit 0\nexit 1\n')
    old.chmod(0o755)
    found = subprocess.run(
        [ROOT / "ops" / "dev" / "python.sh"], env={"PYTHON": str(old), "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.returncode == 1
    assert "Python 3.11 or newer is needed" in found.stderr
    assert "Python 3.9.2" in found.stderr


def test_ci_runs_check_and_test() -> None:
    assert "make check test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
