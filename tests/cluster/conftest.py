import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from tests.cluster.processes import MODEL, Deployment, until
from tests.monitoring.otlp_receiver import Receiver, receiving
from tests.servers import PostgresServer, RedisServer

ONE = ("--slots", "2", "--tag", "region=eu")
TWO = ("--slots", "2", "--tag", "region=us", "--tag", "gpu")
PLANNED = 400  # requests of a run: some six seconds, so that faults come in its middle
FINAL = ("completed", "failed", "cancelled")


@dataclass
class Cluster:
    """A deployment with the database and the Redis that it uses, both of its own so that they may be stopped."""

    postgres: PostgresServer
    redis: RedisServer
    deployment: Deployment
    traces: Receiver
    stored_ids: set[str] = field(default_factory=set)

    def client(self, name: str = "a") -> httpx.Client:
        return self.deployment.client(name)

    def submit(self, name: str = "a", **fields: Any) -> str:
        spec = {
            "name": "run",
            "targets": [{"provider": "local", "model": MODEL}],
            "workload": {"kind": "prompt", "prompt": "hello"},
            "load": {"kind": "closed", "concurrency": 8},
            "stop": {"requests": PLANNED},
            "workers": 2,
            **fields,
        }
        answer = self.client(name).post("/benchmarks", json=spec)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def stored(self, benchmark: str) -> int:
        return int(self.query("SELECT count(*) FROM results WHERE session_id = $1", UUID(benchmark))[0][0])

    def is_under_way(self, benchmark: str, number: int = 60) -> None:
        until(lambda: self.stored(benchmark) >= number, f"{number} results", 90)

    def ended(self, benchmark: str, name: str = "a", seconds: float = 150) -> dict[str, Any]:
        def look() -> Any:
            try:
                found = self.client(name).get(f"/benchmarks/{benchmark}").json()
            except httpx.HTTPError:
                return None
            return found if found.get("status") in FINAL else None

        found: dict[str, Any] = until(look, "the end of the run", seconds, 0.3)
        return found

    def check_nothing_lost(self, benchmark: str, found: dict[str, Any], planned: int = PLANNED) -> None:
        """Every planned index has exactly one stored result, and the summary counts exactly these."""
        assert (found["status"], found["error"]) == ("completed", None)
        rows = self.query('SELECT "index", status, response_id FROM results WHERE session_id = $1', UUID(benchmark))
        assert sorted(row["index"] for row in rows) == list(range(planned))
        assert found["summary"]["requests"]["total"] == planned
        assert found["summary"]["requests"]["ok"] == planned, "the simulator answers whoever asks"
        self.stored_ids |= {row["response_id"] for row in rows}

    def check_answered(self) -> None:
        """What is stored was answered; this ends the simulator, whose log is then complete."""
        self.deployment.parts["simulator"].terminate()
        with (self.deployment.folder / "answered.jsonl").open() as lines:
            answered = {json.loads(line)["response_id"] for line in lines}
        assert self.stored_ids <= answered

    def coordinator(self, benchmark: str) -> str:
        """The server that coordinates a run now."""
        rows = self.query("SELECT holder FROM leases WHERE name = $1", f"run/{UUID(benchmark).hex}")
        for name in ("a", "b"):
            part = self.deployment.parts.get(name)
            if part is not None and rows and f"-{part.process.pid}-" in rows[0]["holder"]:
                return name
        raise AssertionError(f"nobody coordinates it: {rows}")

    def query(self, statement: str, *values: Any) -> list[Any]:
        async def ask() -> list[Any]:
            connection = await asyncpg.connect(self.postgres.url("bench", driver="postgresql"))
            try:
                return list(await connection.fetch(statement, *values))
            finally:
                await connection.close()

        with ThreadPoolExecutor(1) as pool:
            return pool.submit(asyncio.run, ask()).result()


@pytest.fixture(scope="package")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two servers (which migrate the empty database at the same moment), a scheduler and two workers, over TLS."""
    folder: Path = tmp_path_factory.mktemp("cluster")
    with PostgresServer() as postgres, RedisServer() as redis, receiving() as traces:

        async def create() -> None:
            connection = await asyncpg.connect(postgres.url("postgres", driver="postgresql"))
            await connection.execute("CREATE DATABASE bench")
            await connection.close()

        with ThreadPoolExecutor(1) as pool:
            pool.submit(asyncio.run, create()).result()
        certificates = folder / "certs"
        with Deployment(folder, postgres.url("bench"), redis.url, tls=certificates) as deployment:
            deployment.environment["LTB_TELEMETRY__TRACES_ENDPOINT"] = traces.url
            made = deployment.command("cluster", "certs", "--out", str(certificates))
            assert made.returncode == 0, made.stderr
            deployment.scheduler(wait=False)
            for name in ("a", "b"):
                deployment.server(name, wait=False)
            deployment.worker("one", *ONE, wait=False)
            deployment.worker("two", *TWO, wait=False)
            url = deployment.simulator()
            for name in ("one", "two"):
                deployment.parts[name].says("has joined")
            found = Cluster(postgres, redis, deployment, traces)
            provider = {"name": "local", "kind": "openai-compatible", "base_url": url}
            assert found.client().post("/providers", json=provider).status_code == 201
            yield found
            found.check_answered()
