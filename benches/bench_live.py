"""How fast live events reach many browsers: 1,000 idle and 200 busy sockets at one server process on one core.

A benchmark runs meanwhile (its simulator and engine share the other core with the clients). Delivery is from the
instant an event was published (`timestamp`) to its arrival at a client on the same machine, so it holds the clients'
own lateness too. Goal: p95 below 100 ms.
"""

import argparse
import asyncio
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
from websockets.asyncio.client import ClientConnection, connect

from benches.running import SERVER_CORE as OTHER_CORE

CORE = 0
GOAL_P95_MS = 100.0
PASSWORD = "a long enough password"


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[tuple[str, int]]:
    """A server pinned to one core: its address and process id. Engines and simulators leave that core at once."""
    settings = {
        "LTB_STORAGE__DATA_DIR": str(folder),
        "LTB_SERVER__PORT": "0",
        "LTB_SERVER__WEBSOCKET__MAX_CONNECTIONS_PER_USER": "5000",
        "LTB_SERVER__RATE_LIMIT_REQUESTS_PER_MINUTE": "0",
        "LTB_DEMO__ENABLE": "false",
        "LTB_MONITORING__LOG_LEVEL": "warning",
    }
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LTB_")} | settings
    process = subprocess.Popen(
        [sys.executable, "-m", "app.cli", "serve"], env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.search(r"ready: http://(\S+)", line):
                os.sched_setaffinity(process.pid, {CORE})
                for thread in psutil.Process(process.pid).threads():
                    with contextlib.suppress(ProcessLookupError):
                        os.sched_setaffinity(thread.id, {CORE})
                yield found.group(1), process.pid
                break
        else:
            raise SystemExit("the server did not start")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


@contextlib.contextmanager
def simulating() -> Iterator[str]:
    """A simulator on the clients' core."""
    command = [sys.executable, "-m", "app.simulator", "--port", "0", "--ttft-ms", "50", "--itl-ms", "10"]
    process = subprocess.Popen([*command, "--tokens", "20"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{json.loads(process.stdout.readline())['port']}/v1"
    finally:
        process.terminate()
        process.wait(10)


class Clients:
    """Sockets, and how late events came to them."""

    def __init__(self, address: str, token: str) -> None:
        self.delays_ms: list[float] = []
        self.own_lag_ms: list[float] = []  # how late this process itself gets to run: part of every delay
        self.dropped = 0
        self._address = address
        self._token = token
        self._sockets: list[ClientConnection] = []
        self._readers: list[asyncio.Task[None]] = []

    async def open(self, number: int, topics: list[str]) -> None:
        """Connect clients that listen to these topics."""
        for _ in range(number):
            socket = await connect(
                f"ws://{self._address}/ws", proxy=None, compression=None, ping_interval=None, max_queue=None
            )
            await socket.send(json.dumps({"type": "Auth", "token": self._token}))
            await socket.send(json.dumps({"type": "Subscribe", "topics": topics}))
            for _ in range(2):
                answer = json.loads(await socket.recv())
                assert answer["type"] == "Ack", answer
            self._sockets.append(socket)
            self._readers.append(asyncio.create_task(self._read(socket)))

    async def watch_itself(self) -> None:
        """Note how late a timer fires here."""
        while True:
            due = time.perf_counter() + 0.02
            await asyncio.sleep(0.02)
            self.own_lag_ms.append((time.perf_counter() - due) * 1000)

    async def close(self) -> None:
        """Leave."""
        for reader in self._readers:
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)
        for socket in self._sockets:
            socket.transport.abort()

    async def _read(self, socket: ClientConnection) -> None:
        async for data in socket:
            now = time.time()
            message: dict[str, Any] = json.loads(data)
            if message["type"] == "Event":
                at = datetime.fromisoformat(message["timestamp"]).timestamp()
                self.delays_ms.append((now - at) * 1000)
            elif message["type"] == "Dropped":
                self.dropped += message["count"]
            elif message["type"] == "Ping":
                await socket.send('{"type":"Pong"}')


async def run(address: str, pid: int, target: str, options: argparse.Namespace, password: str) -> bool:
    """Measure once, print, and say whether the goal is met."""
    async with httpx.AsyncClient(base_url=f"http://{address}/api/v1", trust_env=False, timeout=30) as client:
        login = await client.post("/auth/login", json={"username": "admin", "password": password})
        token = login.raise_for_status().json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        provider = {"name": "sim", "kind": "openai-compatible", "base_url": target}
        (await client.post("/providers", json=provider)).raise_for_status()
        process = psutil.Process(pid)
        before_bytes = process.memory_info().rss
        clients = Clients(address, token)
        begun = time.perf_counter()
        await clients.open(options.idle, ["settings.*"])
        await clients.open(options.busy, ["benchmark.*", "test.*", "metrics.*", "alert.*"])
        connected_s = time.perf_counter() - begun
        spec = {
            "name": "live",
            "targets": [{"provider": "sim", "model": "m"}],
            "workload": {"kind": "prompt", "prompt": "hello"},
            "load": {"kind": "closed", "concurrency": 16},
            "stop": {"duration_seconds": options.seconds},
        }
        answer = (await client.post("/benchmarks", json=spec)).raise_for_status().json()
        cpu, started = process.cpu_times(), time.perf_counter()
        clients.delays_ms.clear()
        itself = asyncio.create_task(clients.watch_itself())
        while (await client.get(f"/benchmarks/{answer['id']}")).json()["finished_at"] is None:  # noqa: ASYNC110
            await asyncio.sleep(1)
        seconds = time.perf_counter() - started
        used = process.cpu_times()
        after_bytes = process.memory_info().rss
        await asyncio.sleep(1)
        itself.cancel()
        await clients.close()
    delays = np.array(clients.delays_ms)
    p50, p95, p99 = np.percentile(delays, [50, 95, 99])
    sockets = options.idle + options.busy
    print(f"sockets            {options.idle} idle + {options.busy} busy, connected in {connected_s:.1f} s")
    pace = f"{len(delays) / seconds:,.0f}/s"
    print(f"events delivered   {len(delays):,} in {seconds:.1f} s ({pace}), {clients.dropped} dropped")
    print(f"delivery           p50 {p50:.1f} ms, p95 {p95:.1f} ms, p99 {p99:.1f} ms, max {delays.max():.1f} ms")
    busy = (used.user + used.system - cpu.user - cpu.system) / seconds
    each_kb = (after_bytes - before_bytes) / sockets / 1e3
    print(f"server             {busy:.0%} of a core, {after_bytes / 1e6:.0f} MB ({each_kb:.0f} kB a socket)")
    lag = np.percentile(np.array(clients.own_lag_ms), [50, 95, 99])
    load = os.getloadavg()[0]
    print(f"clients' own lag   p50 {lag[0]:.1f} ms, p95 {lag[1]:.1f} ms, p99 {lag[2]:.1f} ms; machine load {load:.1f}")
    is_met = bool(p95 < GOAL_P95_MS)
    print(f"goal               p95 below {GOAL_P95_MS:g} ms: {'met' if is_met else 'MISSED'}")
    return is_met


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--idle", type=int, default=1000)
    parser.add_argument("--busy", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=20)
    options, _ = parser.parse_known_args()
    os.sched_setaffinity(0, {OTHER_CORE % (os.cpu_count() or 1)})
    with (
        tempfile.TemporaryDirectory(prefix="ltb-live-") as folder,
        simulating() as target,
        serving(Path(folder)) as (address, pid),
    ):
        password = (Path(folder) / "admin-password").read_text(encoding="utf-8").strip()
        is_met = asyncio.run(run(address, pid, target, options, password))
    sys.exit(0 if is_met else 1)


if __name__ == "__main__":
    main()
