import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
UV = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
START_SECONDS = 60.0

pytestmark = [pytest.mark.slow, pytest.mark.skipif(UV is None, reason="uv is not installed; `make setup` installs it")]


def uv(*arguments: str | Path, cwd: Path = ROOT) -> None:
    assert UV is not None
    kept = {name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT"}}
    subprocess.run(
        [UV, *map(str, arguments)], cwd=cwd, env=kept, check=True, capture_output=True, text=True, timeout=300
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    uv("build", "--wheel", "--out-dir", folder)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def command(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`llm-test-bench` in an empty environment that holds the wheel and its locked dependencies, and no checkout."""
    folder = tmp_path_factory.mktemp("installed")
    locked = folder / "requirements.txt"
    uv("export", "--frozen", "--no-dev", "--no-emit-project", "--quiet", "--output-file", locked)
    uv("venv", "--quiet", "--python", sys.executable, folder / "venv")
    uv("pip", "install", "--quiet", "--python", folder / "venv", "--no-deps", "-r", locked)
    uv("pip", "install", "--quiet", "--python", folder / "venv", "--no-deps", wheel)
    return folder / "venv" / "bin" / "llm-test-bench"


def run(command: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [command, *arguments], cwd=cwd, env=clean(), capture_output=True, text=True, timeout=60, check=False
    )


def clean() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("LTB_", "PYTHON"))}


def test_the_wheel_carries_the_migrations_and_the_dashboard(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    in_checkout = {path.name for path in (ROOT / "migrations" / "versions").glob("*.py")}
    assert {name.rsplit("/", 1)[1] for name in names if name.startswith("app/migrations/versions/")} == in_checkout
    assert "app/migrations/env.py" in names
    assert "app/static/index.html" in names, "build the dashboard first: make setup"
    assert any(name.startswith("app/static/assets/") and name.endswith(".js") for name in names)
    assert not [name for name in names if name.startswith(("tests/", "web/"))]


def test_the_installed_command_runs_anywhere(command: Path, tmp_path: Path) -> None:
    assert run(command, "--version", cwd=tmp_path).stdout.strip() == f"llm-test-bench {version('llm-test-bench')}"
    assert run(command, "config", "init", cwd=tmp_path).returncode == 0
    validated = run(command, "config", "validate", cwd=tmp_path)
    assert validated.returncode == 0, validated.stderr


@pytest.fixture
def served(command: Path, tmp_path: Path) -> Iterator[str]:
    """The address of the installed service, started in an empty folder."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    log = (tmp_path / "log").open("wb")
    process = subprocess.Popen(
        [command, "serve"],
        cwd=tmp_path,
        env=clean() | {"LTB_SERVER__PORT": str(port), "LTB_DEMO__ENABLE": "false"},
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            assert process.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < deadline, (tmp_path / "log").read_text()
            try:
                httpx.get(f"{address}/api/v1/health/live", timeout=5)
                break
            except httpx.ConnectError:
                time.sleep(0.1)  # nothing to wait on: the port opens when it opens
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        finally:
            process.kill()
            log.close()


def test_the_installed_service_migrates_and_answers(served: str, tmp_path: Path) -> None:
    assert httpx.get(f"{served}/api/v1/health", timeout=10).status_code == 200
    page = httpx.get(f"{served}/", timeout=10)
    assert page.status_code == 200
    assert "<!doctype html>" in page.text.lower()
    assert (tmp_path / "data" / "llm-test-bench.db").is_file()
    password = tmp_path / "data" / "admin-password"
    assert password.stat().st_mode & 0o777 == 0o600
    login = {"username": "admin", "password": password.read_text().strip()}
    signed_in = httpx.post(f"{served}/api/v1/auth/login", json=login, timeout=10)
    assert signed_in.status_code == 200
    assert login["password"] in (tmp_path / "log").read_text()
