"""A stop lets requests end, refuses new ones, and a second signal cuts: with a real process."""

import signal
import socket
from pathlib import Path
from urllib.parse import urlsplit

from tests.cli.test_serve import serving

HEAD = (
    b"POST /api/v1/auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n"
)
BODY = b'{"username": "nobody", "password": "a wrong password"}'


def _begin(address: str) -> socket.socket:
    # A request whose body is not there yet is one that is under way.
    connection = socket.create_connection(("127.0.0.1", urlsplit(address).port or 0), timeout=20)
    connection.sendall(HEAD % len(BODY) + BODY[:5])
    ready = socket.create_connection(("127.0.0.1", urlsplit(address).port or 0), timeout=20)
    ready.sendall(b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
    while ready.recv(65536):  # answered after the first connection's bytes were read
        pass
    ready.close()
    return connection


def _is_open(address: str) -> bool:
    try:
        socket.create_connection(("127.0.0.1", urlsplit(address).port or 0), timeout=5).close()
    except OSError:
        return False
    return True


def test_requests_under_way_end(tmp_path: Path) -> None:
    with serving(tmp_path, "--data-dir", str(tmp_path / "data")) as (process, address, _):
        connection = _begin(address)
        process.send_signal(signal.SIGTERM)
        while _is_open(address):  # until the port is closed
            assert process.poll() is None
        connection.sendall(BODY[5:])
        assert connection.recv(65536).startswith(b"HTTP/1.1 401 ")
        connection.close()
        assert process.wait(20) == 0


def test_a_second_signal_cuts(tmp_path: Path) -> None:
    with serving(tmp_path, "--data-dir", str(tmp_path / "data")) as (process, address, _):
        connection = _begin(address)
        process.send_signal(signal.SIGTERM)
        while _is_open(address):
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        process.wait(10)  # well before the fifteen seconds of draining
        connection.close()
