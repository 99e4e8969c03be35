"""`serve` as a user's shell runs it: a real process, real sockets, real signals."""

import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.cli.command import PYTHON, environment, run
from tests.cli.conftest import Cli

SECRET = "a configured secret of enough characters"
QUIET = {"LTB_DEMO__ENABLE": "false"}


@contextmanager
def serving(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """The running process, its address, and what it printed up to there and the password after."""
    with (folder / "stderr").open("w") as log:
        process = subprocess.Popen(
            [*PYTHON, "-m", "app.cli", "serve", "--port", "0", *arguments],
            cwd=folder,
            env=environment(QUIET),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first, (folder / "stderr").read_text()
        address = re.search(r"http://\S+", first)
        assert address is not None
        yield process, address[0], first
    finally:
        process.kill()
        process.wait(10)
        assert process.stdout is not None
        process.stdout.close()


def _stopped(process: subprocess.Popen[str], number: signal.Signals) -> int:
    process.send_signal(number)
    return process.wait(20)


def test_two_starts(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving(tmp_path, "--data-dir", str(data)) as (process, address, _):
        assert process.stdout is not None
        shown = [process.stdout.readline() for _ in range(3)]
        password = (data / "admin-password").read_text().strip()
        assert "admin" in shown[0]
        assert password in shown[1]
        with httpx.Client(base_url=address, trust_env=False) as client:
            assert client.get("/health/ready").status_code == 200
            body = {"username": "admin", "password": password}
            assert client.post("/api/v1/auth/login", json=body).status_code == 200
            assert client.get("/", headers={"Host": "evil.example"}).status_code == 400
            assert "server" not in client.get("/health").headers
        assert _stopped(process, signal.SIGTERM) == 0
    assert password not in (tmp_path / "stderr").read_text()

    with serving(tmp_path, "--data-dir", str(data)) as (process, address, _):
        with httpx.Client(base_url=address, trust_env=False) as client:
            assert client.post("/api/v1/auth/login", json=body).status_code == 200
        assert _stopped(process, signal.SIGINT) == 0
        assert process.stdout is not None
        assert process.stdout.read() == ""  # the password is shown once


def test_a_port_in_use(cli: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        outcome = cli("serve", "--port", str(taken.getsockname()[1]))
    assert outcome.returncode == 1
    assert "in use" in outcome.stderr
    assert "Traceback" not in outcome.stderr


@pytest.mark.parametrize(
    ("arguments", "env", "code", "says"),
    [
        (("--host", "0.0.0.0"), {}, 2, "LTB_SECURITY__SECRET_KEY"),
        (("--port", "99999"), {}, 2, "65535"),
        (("--config", "gone.toml"), {}, 2, "gone.toml"),
        ((), {"LTB_STORAGE__MAX_CONNECTIONS": "many"}, 2, "storage.max_connections"),
        (("--host", "192.0.2.1"), {"LTB_SECURITY__SECRET_KEY": SECRET}, 1, "cannot bind"),
        ((), {"LTB_STORAGE__DATABASE_URL": "postgresql+asyncpg://u:hunter22@127.0.0.1:1/x"}, 1, "127.0.0.1:1"),
        ((), {"LTB_STORAGE__DATA_DIR": "/proc/nowhere"}, 1, "/proc/nowhere"),
    ],
)
def test_starts_that_cannot_be(cli: Cli, arguments: tuple[str, ...], env: dict[str, str], code: int, says: str) -> None:
    port = () if "--port" in arguments else ("--port", "0")
    outcome = cli("serve", *port, *arguments, env=env)
    assert outcome.returncode == code, outcome.stderr
    assert says in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert "hunter22" not in outcome.stderr


@pytest.mark.parametrize(
    ("secret", "says"), [({}, "LTB_SECURITY__SECRET_KEY"), ({"LTB_SECURITY__SECRET_KEY": SECRET}, "auth create-user")]
)
def test_production_mode_generates_nothing(tmp_path: Path, secret: dict[str, str], says: str) -> None:
    outcome = run("serve", "--port", "0", cwd=tmp_path, env={"LTB_SECURITY__PRODUCTION": "true", **secret})
    assert outcome.returncode == 2, outcome.stderr
    assert says in outcome.stderr
    assert "Traceback" not in outcome.stderr
