"""How many authenticated `GET /api/v1/benchmarks/{id}` a second the service answers on one core.

The real `serve` process is pinned to one core and `wrk` (Debian) loads it from the other, over keep-alive connections,
with rate limits counted as ever (their number alone is raised). What is read is a finished benchmark with its whole
spec and summary. Database queries per request are counted in this process, on the same app. CPU time per request says
what an idle core would do where other work disturbs the clock: `could take`.

Goals: 1,000 requests a second with p95 below 200 ms, at most two queries a request, on SQLite and on PostgreSQL.
"""

import argparse
import asyncio
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from sqlalchemy import event

from app.core.point_reads import PointQuery
from benches.running import judge
from tests.servers import PostgresServer

SERVER_CORE, LOAD_CORE = 0, 1
GOAL_PER_S, GOAL_P95_MS, GOAL_QUERIES = 1000, 200, 2
REPORT = Path(__file__).with_name("api_report.lua")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_START_SECONDS = 60


class Row(NamedTuple):
    """One measurement."""

    per_s: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    cpu_us: float
    bad: int


def environment(folder: Path, url: str | None) -> dict[str, str]:
    """Settings of the measured server."""
    settings = {
        "LTB_STORAGE__DATA_DIR": str(folder / "data"),
        "LTB_SERVER__RATE_LIMIT__REQUESTS_PER_MINUTE": "10000000",
        "LTB_SERVER__RATE_LIMIT__BURST_SIZE": "10000000",
        "LTB_MONITORING__LOG_LEVEL": "warning",
    }
    return {**os.environ, **settings, **({"LTB_STORAGE__DATABASE_URL": url} if url else {})}


@contextlib.contextmanager
def served(folder: Path, url: str | None) -> Iterator[tuple[int, str]]:
    """The process id and address of a server on its own core."""
    command = ["taskset", "-c", str(SERVER_CORE), sys.executable, "-m", "app.cli", "serve", "--port", "0"]
    process = subprocess.Popen(command, env=environment(folder, url), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        found = re.search(r"http://\S+", process.stdout.readline())
        if found is None:
            raise SystemExit("the server did not start")
        yield process.pid, found[0]
    finally:
        process.terminate()
        process.wait(30)


def prepare(address: str, folder: Path) -> tuple[dict[str, str], dict[str, str], str]:
    """Headers with an access token, headers with an API key, and the id of the finished demo benchmark."""
    password = (folder / "data" / "admin-password").read_text().strip()
    with httpx.Client(base_url=f"{address}/api/v1", trust_env=False, timeout=_START_SECONDS) as client:
        answer = client.post("/auth/login", json={"username": "admin", "password": password}).raise_for_status()
        token = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        key = client.post("/auth/apikey", json={"name": "bench"}, headers=token).raise_for_status().json()["key"]
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            items = client.get("/benchmarks", headers=token).raise_for_status().json()["items"]
            if items and items[0]["status"] == "completed":
                return token, {"Authorization": f"Bearer {key}"}, items[0]["id"]
            time.sleep(0.5)
    raise SystemExit("the demo benchmark did not finish")


def load(address: str, headers: dict[str, str], path: str, *, pid: int, connections: int, seconds: int) -> Row:
    """Load one address and read what wrk says, and what it cost the server."""
    command = ["taskset", "-c", str(LOAD_CORE), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(REPORT)]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    before = cpu_seconds(pid)
    output = subprocess.run([*command, f"{address}{path}"], check=True, capture_output=True, text=True).stdout
    spent = cpu_seconds(pid) - before
    found = {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", output)}
    count = found["requests"]
    return Row(
        count / (found["micros"] / 1e6),
        found["p50"] / 1000,
        found["p95"] / 1000,
        found["p99"] / 1000,
        spent / max(1, count) * 1e6,
        found["bad"] + found["broken"],
    )


def cpu_seconds(pid: int) -> float:
    """What a process has used of the processor."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


async def count_queries(environ: dict[str, str], headers: dict[str, str], path: str) -> int:
    """What a request asks of the database, on the same app in here. Under load, several requests ask together."""
    from asgi_lifespan import LifespanManager  # noqa: PLC0415 - only once the server is gone

    from app.core.settings import load_settings  # noqa: PLC0415
    from app.main import create_app  # noqa: PLC0415

    os.environ.update({name: value for name, value in environ.items() if name.startswith("LTB_")})
    app = create_app(load_settings())
    async with LifespanManager(app, startup_timeout=30, shutdown_timeout=30):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080", headers=headers) as client:
            (await client.get(path)).raise_for_status()  # an API key's last use is stored once a minute
            seen: list[str] = []

            def count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
                seen.append(statement)

            database = app.state.database
            event.listen(database.engine.sync_engine, "before_cursor_execute", count)
            past_sqlalchemy = database.point_reads.fetch_one

            async def counted(query: PointQuery, key: Hashable) -> tuple[Any, ...] | None:
                seen.append("by key")
                return await past_sqlalchemy(query, key)

            database.point_reads.fetch_one = counted
            (await client.get(path)).raise_for_status()
    return len(seen)


def measure(name: str, url: str | None, *, connections: int, seconds: int) -> None:
    """One database, and whether the goals are met."""
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        with served(folder, url) as (pid, address):
            token, key, benchmark_id = prepare(address, folder)
            path = f"/api/v1/benchmarks/{benchmark_id}"
            load(address, token, path, pid=pid, connections=connections, seconds=2)  # warm
            options = {"pid": pid, "connections": connections, "seconds": seconds}
            rows = {
                "access token": load(address, token, path, **options),
                "API key": load(address, key, path, **options),
                "/health/live": load(address, {}, "/health/live", **options),
            }
        queries = asyncio.run(count_queries(environment(folder, url), key, path))
    for what, row in rows.items():
        print(
            f"{name:<11} {what:<13} {row.per_s:7,.0f}/s  p50 {row.p50_ms:6.1f}  p95 {row.p95_ms:6.1f}  "
            f"p99 {row.p99_ms:6.1f} ms  CPU {row.cpu_us:5.0f} µs (could take {1e6 / row.cpu_us:6,.0f}/s)  "
            f"{row.bad} not answered well"
        )
    print(f"{name:<11} queries per request: {queries}")
    slowest = min(rows["access token"], rows["API key"])
    bad = sum(row.bad for row in rows.values())
    goals = {
        "requests/s": judge(slowest.per_s, GOAL_PER_S),
        "p95 ms": judge(slowest.p95_ms, GOAL_P95_MS, at_most=True),
        "queries": judge(queries, GOAL_QUERIES, at_most=True),
        "not answered well": judge(bad, 0, at_most=True),
    }
    print(f"{name:<11} goals: " + ", ".join(f"{what} {verdict}" for what, verdict in goals.items()))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=32, help="kept open by the load")
    parser.add_argument("--seconds", type=int, default=10, help="of each measurement")
    parser.add_argument("--only", choices=("sqlite", "postgresql"), help="one database instead of both")
    chosen = parser.parse_args()
    if shutil.which("wrk") is None or shutil.which("taskset") is None:
        print("skipped: needs wrk and taskset (on Debian: apt install wrk util-linux)")
        return
    options = {"connections": chosen.connections, "seconds": chosen.seconds}
    if chosen.only != "postgresql":
        measure("SQLite", None, **options)
    if chosen.only != "sqlite":
        with PostgresServer() as server:
            measure("PostgreSQL", server.url("postgres"), **options)


if __name__ == "__main__":
    main()
