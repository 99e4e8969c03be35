"""The programs that the browser tests run: the service and the simulator, as their users start them."""

import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

START_TIMEOUT_SECONDS = 120.0
STOP_TIMEOUT_SECONDS = 20.0


class Program:
    """A child process whose lines of output can be waited for; it never outlives the `with` block."""

    def __init__(self, *arguments: str, folder: Path | None = None, settings: dict[str, str] | None = None) -> None:
        self.lines: list[str] = []
        self._folder, self._settings = folder, settings or {}
        self._launch(*arguments)

    def _launch(self, *arguments: str) -> None:
        self._arrived: queue.Queue[str | None] = queue.Queue()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LTB_")}
        self._process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=self._folder,
            env={
                **environment,
                **self._settings,
                "PYTHONUNBUFFERED": "1",
                "PYTHONPATH": str(Path(__file__).parents[2]),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_for(self, pattern: str) -> re.Match[str]:
        """The first match of `pattern` in a line of the output."""
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while True:
            try:
                line = self._arrived.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                line = None
            if line is None:
                raise AssertionError(f"no line matched {pattern!r}; the output was:\n" + "".join(self.lines))
            if found := re.search(pattern, line):
                return found

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End it, as an operator would; leaving the block does it too."""
        if self._process.returncode is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line)
            self._arrived.put(line)
        self._arrived.put(None)


class Simulator(Program):
    """The simulated LLM: 50 tokens, the first after about 200 ms, the others about 20 ms apart."""

    def __init__(self) -> None:
        super().__init__(
            "-m",
            "app.simulator",
            *("--port", "0", "--ttft-ms", "200", "--itl-ms", "20", "--jitter", "0.15", "--tokens", "50"),
        )
        self.base_url = f"http://127.0.0.1:{json.loads(self.wait_for(r'{.*}')[0])['port']}/v1"


class Service(Program):
    """The service on a free port with a data folder of its own, signed in to as the generated administrator.

    Without its demo, a benchmark does not wait ten seconds for that to end.
    """

    def __init__(self, data: Path, *, has_demo: bool = True) -> None:
        self.data = data
        super().__init__(
            *self._command(port=0), folder=data.parent, settings=None if has_demo else {"LTB_DEMO__ENABLE": "false"}
        )
        self._await_ready()
        self.username = "admin"
        self.password = (data / "admin-password").read_text().strip()

    def start_again(self) -> None:
        """After `stop`: the same service at the same address."""
        self._launch(*self._command(port=int(self.url.rsplit(":", 1)[1])))
        self._await_ready()

    def _command(self, *, port: int) -> tuple[str, ...]:
        return ("-m", "app.cli", "serve", "--port", str(port), "--data-dir", str(self.data))

    def _await_ready(self) -> None:
        # A log line may follow on the same line; a port that the system chose has five digits.
        self.url = self.wait_for(r"is ready: (http://\S+?:\d{5})")[1]

    def create_user(self, username: str, role: str, password: str) -> None:
        """Make a user, as an administrator would."""
        with httpx.Client(base_url=f"{self.url}/api/v1", timeout=30) as client:
            login = client.post("/auth/login", json={"username": self.username, "password": self.password})
            client.headers["Authorization"] = f"Bearer {login.raise_for_status().json()['access_token']}"
            made = client.post("/users", json={"username": username, "role": role, "password": password})
            assert made.status_code == 201, made.text
