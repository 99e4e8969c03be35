"""A hosted benchmark room on each database, with fake engines and fake providers unless a test gives its own."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.accounts.caller import Caller
from app.accounts.permissions import Role
from app.adapters.capabilities import Capabilities
from app.benchmarks.hosting import host_benchmarks
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.service import BenchmarkService
from app.benchmarks.spans import SpanSink
from app.benchmarks.states import FINAL
from app.benchmarks.supervisor import Engine, EngineFactory
from app.benchmarks.views import Benchmark
from app.core.clock import SystemClock
from app.core.database import Database
from app.core.errors import InvalidRequestError, NotFoundError
from app.core.settings import DistributedSettings
from app.events.memory import MemoryBus
from app.events.outbox import publish_on_commit
from app.events.types import Event
from app.loadgen.plan import Plan
from app.loadgen.process import EngineProcess
from app.providers.client import ResolvedProvider
from tests.factories import Rows, make_caller, make_spec

ROOT = Path(__file__).parents[2]


@dataclass
class FakeProviders:
    """Providers by name, without a table."""

    base_urls: dict[str, str] = field(default_factory=lambda: {"local": "http://127.0.0.1:9/v1"})
    kind: str = "openai-compatible"

    async def check_exists(self, names: Sequence[str]) -> None:
        errors = [
            {"path": f"targets.{position}.provider", "message": "does not exist"}
            for position, name in enumerate(names)
            if name not in self.base_urls
        ]
        if errors:
            raise InvalidRequestError("unknown provider", errors=errors)

    async def capabilities(self, name: str, model: str) -> Capabilities:
        return Capabilities()

    async def definitions(self, names: Sequence[str]) -> list[Any]:
        return [None for _ in names]

    async def kinds(self, names: Sequence[str]) -> list[str]:
        return [self.kind for _ in names]

    async def resolve(self, name: str) -> ResolvedProvider:
        if name not in self.base_urls:
            raise NotFoundError(f"there is no provider {name}")
        return ResolvedProvider(
            id=UUID(int=1),
            name=name,
            adapter=self.kind,
            base_url=self.base_urls[name],
            api_key=None,
            headers={},
            verify_tls=True,
        )


@dataclass
class Bench:
    """A hosted room and what tests do with it."""

    service: BenchmarkService
    database: Database
    bus: MemoryBus
    caller: Caller

    async def submit(self, **fields: Any) -> UUID:
        spec = BenchmarkSpec.model_validate(make_spec(**fields))
        return (await self.service.submit(self.caller, spec)).id

    async def until(
        self, session_id: UUID, holds: Callable[[Benchmark], bool], *, caller: Caller | None = None
    ) -> Benchmark:
        """Look again at every event until a condition holds."""
        async with asyncio.timeout(20), self.bus.subscribe(["benchmark.*"]) as events:
            while not holds(benchmark := await self.service.get(caller or self.caller, session_id)):
                await anext(events)
        return benchmark

    async def ended(self, session_id: UUID) -> Benchmark:
        return await self.until(session_id, lambda benchmark: benchmark.status in FINAL)

    async def collected(self, events: AsyncIterator[Event], last_topic: str) -> list[Event]:
        found = []
        async with asyncio.timeout(20):
            async for event in events:
                found.append(event)
                if event.topic == last_topic:
                    break
        return found


def fake(mode: str = "good", **more: Any) -> dict[str, Any]:
    """The workload that tells a fake engine what to do."""
    return {"kind": "prompt", "prompt": json.dumps({"mode": mode, **more})}


@pytest.fixture(scope="session")
def fake_engine(tmp_path_factory: pytest.TempPathFactory) -> EngineFactory:
    """Starts `fake_engine.py` where the real one would be started."""
    script = tmp_path_factory.mktemp("engine") / "fake-engine"
    program = Path(__file__).with_name("fake_engine.py")
    # The real engine is started as `<python> -m app.engine`; this stands in for <python> and ignores the rest.
    script.write_text(f'#!/bin/sh\ncd "{ROOT}" && PYTHONPATH=. exec "{sys.executable}" "{program}"\n')
    script.chmod(0o755)

    def start(plan: Plan) -> Engine:
        return EngineProcess(plan, python=str(script))

    return start


Hosting = Callable[..., AbstractAsyncContextManager[Bench]]


@pytest.fixture
async def hosting(database: Database, rows: Rows, fake_engine: EngineFactory) -> Hosting:
    """Opens a room on `database`, as often as a test wants."""
    caller = make_caller(await rows.user(role=Role.USER))

    @asynccontextmanager
    async def host(
        providers: FakeProviders | None = None,
        new_engine: EngineFactory = fake_engine,
        spans: SpanSink | None = None,
        **settings: Any,
    ) -> AsyncIterator[Bench]:
        bus = MemoryBus()
        unhook = publish_on_commit(database, bus)
        try:
            async with host_benchmarks(
                DistributedSettings(**settings),
                database,
                clock=SystemClock(),
                bus=bus,
                providers=providers or FakeProviders(),
                new_engine=new_engine,
                spans=spans,
            ) as service:
                yield Bench(service, database, bus, caller)
        finally:
            unhook()
            await bus.close()

    return host


@pytest.fixture
async def bench(hosting: Hosting) -> AsyncIterator[Bench]:
    async with hosting() as bench:
        yield bench
