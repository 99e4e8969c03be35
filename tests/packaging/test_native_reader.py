"""The native reader is compiled where there is a compiler, and its absence breaks nothing."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UV = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
COMPILER = shutil.which("cc")
LIBRARY = "app/loadgen/_reader.abi3.so"

pytestmark = [pytest.mark.slow, pytest.mark.skipif(UV is None, reason="uv is not installed; `make setup` installs it")]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A fresh copy of what a wheel is made from, with nothing built in it."""
    folder = tmp_path / "checkout"
    ignored = shutil.ignore_patterns("static", "*.so", "__pycache__")
    for name in ("app", "migrations"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(ROOT / name, folder / name)
    return folder


def build(checkout: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    assert UV is not None
    kept = {name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "CC", "LOADGEN_NATIVE"}}
    return subprocess.run(
        [UV, "build", "--wheel", "--out-dir", "dist"],
        cwd=checkout, env=kept | environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def only_wheel(checkout: Path) -> tuple[str, list[str]]:
    (wheel,) = (checkout / "dist").glob("*.whl")
    return wheel.name, zipfile.ZipFile(wheel).namelist()


@pytest.mark.skipif(COMPILER is None or sys.platform != "linux", reason="needs Linux and a C compiler")
def test_with_a_compiler_the_wheel_carries_it_for_every_later_python(checkout: Path) -> None:
    assert build(checkout, LOADGEN_NATIVE="1").returncode == 0
    name, files = only_wheel(checkout)
    assert "-cp311-abi3-linux_" in name
    assert LIBRARY in files
    code = (
        "from app.loadgen import native; assert native.is_available(), 'not available'; print(native._reader.__file__)"
    )
    loaded = subprocess.run(
        [sys.executable, "-P", "-c", code], env=os.environ | {"PYTHONPATH": str(checkout)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert loaded.stdout.strip() == str(checkout / LIBRARY), loaded.stderr


@pytest.mark.parametrize("environment", [{"CC": "/nonexistent/cc"}, {"CC": "false"}, {"LOADGEN_NATIVE": "0"}])
def test_without_a_compiler_the_wheel_is_pure(checkout: Path, environment: dict[str, str]) -> None:
    built = build(checkout, **environment)
    assert built.returncode == 0, built.stderr
    name, files = only_wheel(checkout)
    assert name.endswith("-py3-none-any.whl")
    assert not [file for file in files if file.endswith((".so", ".c"))]
    assert "app/loadgen/native.py" in files


def test_who_insists_on_it_is_told_why_not(checkout: Path) -> None:
    built = build(checkout, CC="/nonexistent/cc", LOADGEN_NATIVE="1")
    assert built.returncode != 0
    assert "the native reader cannot be built" in built.stderr
    assert "/nonexistent/cc" in built.stderr
