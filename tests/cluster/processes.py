"""A whole cluster of real processes: scheduler, workers, servers, and a simulator that logs what it answered."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import httpx

ROOT = Path(__file__).parents[2]
START_SECONDS = 150.0  # on a machine that others keep busy
PASSWORD = "a long enough password"
MODEL = "m"


def until(holds: Callable[[], Any], what: str, seconds: float = 60.0, pause: float = 0.1) -> Any:
    """The first true answer of `holds`."""
    deadline = time.monotonic() + seconds
    while not (answer := holds()):
        assert time.monotonic() < deadline, f"waited {seconds:g} s for {what}"
        time.sleep(pause)
    return answer


class Process:
    """A child that writes into a log of its own, and never outlives the test."""

    def __init__(self, name: str, *arguments: str, folder: Path, environment: dict[str, str] | None = None) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("LTB_")}
        with self.log.open("ab") as output:
            self._from = output.tell()
            self.process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=folder,
                env={**inherited, "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT), **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def says(self, pattern: str, seconds: float = START_SECONDS) -> str:
        """The first line with `pattern` since this process started."""

        def look() -> str | None:
            for line in self.text().splitlines():
                if pattern in line:
                    return line
            assert self.process.poll() is None, f"{self.name} ended:\n{self.text()[-3000:]}"
            return None

        found: str = until(look, f"{self.name} to say {pattern!r}:\n{self.text()[-3000:]}", seconds)
        return found

    def text(self) -> str:
        """What it has written."""
        return self.log.read_bytes()[self._from :].decode(errors="replace")

    def kill(self) -> None:
        """`kill -9`."""
        self.process.kill()
        self.process.wait()

    def terminate(self, seconds: float = 40.0) -> int:
        """SIGTERM, as an operator or Kubernetes does; its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def close(self) -> None:
        """End it in any case."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Deployment:
    """Two or more servers, a scheduler, workers. `parts` by name; each can be ended and started again."""

    def __init__(self, folder: Path, database_url: str, redis_url: str, *, tls: Path | None = None) -> None:
        self.folder = folder
        self.tls = tls
        self.parts: dict[str, Process] = {}
        self.addresses: dict[str, str] = {}
        self._tokens: dict[str, str] = {}
        self._clients: dict[str, httpx.Client] = {}
        self.scheduler_port = _free_port()
        scheme = "tls" if tls else "tcp"
        self.scheduler_url = f"{scheme}://127.0.0.1:{self.scheduler_port}"
        self.environment = {
            "LTB_STORAGE__DATABASE_URL": database_url,
            "LTB_DISTRIBUTED__REDIS_URL": redis_url,
            "LTB_DISTRIBUTED__ENABLE_DISTRIBUTED": "true",
            "LTB_DISTRIBUTED__SCHEDULER_URL": self.scheduler_url,
            "LTB_DISTRIBUTED__MAX_RUNNING_BENCHMARKS": "4",
            "LTB_SECURITY__SECRET_KEY": "0123456789abcdef0123456789abcdef",
            "LTB_SECURITY__LOGIN_ATTEMPTS_PER_MINUTE": "1000",
            "LTB_SERVER__RATE_LIMIT__REQUESTS_PER_MINUTE": "0",
            "LTB_DEMO__ENABLE": "false",
        }
        if tls:
            self.environment["LTB_DISTRIBUTED__TLS_CA"] = str(tls / "ca.pem")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients.values():
            client.close()
        for part in reversed(list(self.parts.values())):
            part.close()

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `llm-test-bench …` to its end."""
        return subprocess.run(
            [sys.executable, "-m", "app.cli", *words],
            cwd=self.folder,
            env={**os.environ, **self.environment, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def scheduler(self, *, wait: bool = True) -> Process:
        port = str(self.scheduler_port)
        part = self._start("scheduler", "scheduler", "scheduler", "--port", port, "--metrics-port", "0")
        if wait:
            part.says("the scheduler is ready")
        return part

    def worker(self, name: str, *options: str, wait: bool = True, environment: dict[str, str] | None = None) -> Process:
        folder = ("--data-dir", str(self.folder / f"data-{name}"))
        words = ("worker", "--name", name, "--metrics-port", "0", *folder, *options)
        part = self._start(name, "worker", *words, environment=environment)
        if wait:
            part.says("has joined")
        return part

    def server(self, name: str, *, wait: bool = True) -> Process:
        part = self._start(name, "server", "serve", "--port", "0", "--data-dir", str(self.folder / "data"))
        if wait:
            self.address(name)
        return part

    def address(self, name: str) -> str:
        """Where a server listens."""
        self.addresses[name] = self.parts[name].says("is ready: ").rsplit(" ", 1)[1]
        return self.addresses[name]

    def metrics(self, name: str) -> dict[str, float]:
        """What a worker or the scheduler tells Prometheus."""
        address = self.parts[name].says("metrics are at ").rsplit(" ", 1)[1]
        answer = httpx.get(address)
        assert answer.status_code == 200, answer.text
        rows = (line.rsplit(" ", 1) for line in answer.text.splitlines() if line and line[0] != "#")
        return {name: float(value) for name, value in rows}

    def simulator(self, *options: str) -> str:
        """Start the simulator; its base URL. What it answered is in `answered`."""
        log = str(self.folder / "answered.jsonl")
        usual = ("--port", "0", "--ttft-ms", "30", "--itl-ms", "5", "--tokens", "20", "--requests-log", log)
        part = Process("simulator", "-m", "app.simulator", *usual, *options, folder=self.folder)
        self.parts["simulator"] = part
        return f"http://127.0.0.1:{json.loads(part.says('{'))['port']}/v1"

    def client(self, name: str) -> httpx.Client:
        """A signed-in client of a server; waits for one that still starts."""
        address = self.addresses.get(name) or self.address(name)
        if address in self._clients:
            return self._clients[address]
        client = self._clients[address] = httpx.Client(base_url=address + "/api/v1", timeout=20)
        if "token" not in self._tokens:
            password = (self.folder / "data" / "admin-password").read_text().strip()
            answer = client.post("/auth/login", json={"username": "admin", "password": password})
            made = client.post(
                "/auth/apikey",
                json={"name": "test"},
                headers={"Authorization": f"Bearer {answer.json()['access_token']}"},
            )
            self._tokens["token"] = made.json()["key"]
        client.headers["Authorization"] = f"Bearer {self._tokens['token']}"
        return client

    def _start(self, name: str, role: str, *arguments: str, environment: dict[str, str] | None = None) -> Process:
        environment = self.environment | (environment or {})
        if self.tls:
            environment["LTB_DISTRIBUTED__TLS_CERT"] = str(self.tls / f"{role}.pem")
            environment["LTB_DISTRIBUTED__TLS_KEY"] = str(self.tls / f"{role}-key.pem")
        part = Process(name, "-m", "app.cli", *arguments, folder=self.folder, environment=environment)
        self.parts[name] = part
        self.addresses.pop(name, None)  # it will have another
        return part


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
