"""What containers call: `health` and `migrate`."""

import http.server
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.cli import EXIT_FAILED, EXIT_USAGE
from tests.cli.conftest import Cli


class _Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        bodies = {
            "/health/live": (200, b'{"status": "ok"}'),
            "/health/ready": (503, b'{"error": {"message": "not ready: database"}}'),
            "/odd/health/ready": (502, b"<html>"),
        }
        status, body = bodies.get(self.path, (404, b"{}"))
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Silent."""


@pytest.fixture
def address() -> Iterator[str]:
    """A server that lives and is not ready."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_health_tells_alive_from_ready(cli: Cli, address: str) -> None:
    alive = cli("health", "--live", "--url", f"http://{address}/")
    assert (alive.returncode, alive.stdout) == (0, "ok\n")
    ready = cli("health", "--url", f"http://{address}")
    assert ready.returncode == EXIT_FAILED
    assert "503: not ready: database" in ready.stderr
    odd = cli("health", "--url", f"http://{address}/odd")
    assert odd.returncode == EXIT_FAILED
    assert "502: no reason was given" in odd.stderr


def test_health_asks_a_port(cli: Cli, address: str) -> None:
    assert cli("health", "--tcp", address).returncode == 0
    with socket.create_server(("127.0.0.1", 0)) as probe:
        closed = probe.getsockname()[1]
    refused = cli("health", "--tcp", f"127.0.0.1:{closed}")
    assert refused.returncode == EXIT_FAILED
    assert "takes no connections" in refused.stderr


@pytest.mark.parametrize(
    "arguments", [("--tcp", "scheduler"), ("--tcp", "h:99999"), ("--url", "ftp://h"), ("--url", "http://h:x")]
)
def test_health_refuses_what_is_no_address(cli: Cli, arguments: tuple[str, str]) -> None:
    assert cli("health", *arguments).returncode == EXIT_USAGE


def test_migrate_migrates_and_check_only_looks(cli: Cli, tmp_path: Path) -> None:
    before = cli("migrate", "--check")
    assert before.returncode == EXIT_FAILED
    assert "at nothing, this version needs" in before.stderr
    done = cli("migrate")
    assert done.returncode == 0, done.stderr
    assert "from nothing to" in done.stdout
    assert (tmp_path / "data" / "llm-test-bench.db").is_file()
    assert cli("migrate", "--check").returncode == 0
    assert "was up to date" in cli("migrate").stdout


def test_migrate_waits_for_a_database_only_so_long(cli: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        closed = probe.getsockname()[1]
    url = f"postgresql+asyncpg://u:very-secret@127.0.0.1:{closed}/d"
    found = cli("migrate", "--wait-seconds", "1", env={"LTB_STORAGE__DATABASE_URL": url})
    assert found.returncode == EXIT_FAILED
    assert "the database cannot be used" in found.stderr
    assert "very-secret" not in found.stderr
