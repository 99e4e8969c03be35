"""One shard as a cluster task: finds its plan and its provider by itself, so that no key or prompt travels in it.

A task that runs again (its worker died) skips what is stored already and counts it as measured.
"""

import asyncio
import contextlib
import heapq
import logging
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID

from app.benchmarks import planner
from app.benchmarks.announcements import control_channel, tick_channel
from app.benchmarks.audience import Audience, audience_query
from app.benchmarks.measures import MeasureContext, MeasuredResult
from app.benchmarks.models import BenchmarkSession, Result
from app.benchmarks.recorder import Recorder
from app.benchmarks.restoring import add_stored
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.spec_parts import STORED
from app.benchmarks.states import Status
from app.benchmarks.supervisor import (
    EngineFactory,
    Shard,
    ShardOutcome,
    ShardTick,
    StopSignal,
    engine_process,
    slo_of,
    supervise,
)
from app.benchmarks.token_probe import with_tokens
from app.core.database import Database
from app.core.errors import NotFoundError, TestBenchError
from app.events.bus import Bus
from app.events.types import Event, Topic
from app.loadgen.plan import Endpoint, TokenModel
from app.providers.client import ResolvedProvider
from app.stats.instrument import InstrumentFacts
from app.stats.run_statistics import RunStatistics

log = logging.getLogger(__name__)

CONTROL_POLL_SECONDS = 2.0
COORDINATOR_SILENCE = timedelta(seconds=60)
_TOLD_RESULTS = 10
_TOLD_EXTREMES = 5
_TOLD_ERROR_CHARACTERS = 200


class ProviderResolver(Protocol):
    """What a shard asks of providers: `providers.service.ProviderService` and fakes in tests."""

    async def resolve(self, name: str) -> ResolvedProvider:
        """Address and key; raises `NotFoundError` or `ConflictError`."""
        ...


@dataclass(frozen=True)
class WorkerContext:
    """What a worker process gives to the shards that run in it."""

    database: Database
    bus: Bus
    providers: ProviderResolver
    new_engine: EngineFactory = engine_process


DEFAULT_CONTEXT = "worker"
_contexts: dict[str, WorkerContext] = {}


def install(context: WorkerContext, name: str = DEFAULT_CONTEXT) -> None:
    """Let shards run in this process. An embedded cluster uses a name of its own."""
    _contexts[name] = context


def uninstall(name: str = DEFAULT_CONTEXT) -> None:
    """Undo `install`."""
    _contexts.pop(name, None)


@dataclass(frozen=True)
class ShardTask:
    """All that travels to a worker."""

    context: str
    session_id: UUID
    target_index: int
    shard: int
    start_at_ns: int
    origin_ns: int
    point: int = 0
    level: float | None = None
    tokens: TokenModel = field(default_factory=TokenModel)  # what probes of the target found


async def run_shard(task: ShardTask) -> bytes:
    """Run one shard to its end; the answer is an encoded `ShardOutcome`, also when it failed."""
    try:
        outcome = await _run(task, installed(task.context))
    except TestBenchError as error:
        outcome = _failed(task, error.message)
    except Exception:
        log.exception("shard %d of benchmark %s failed", task.shard, task.session_id)
        outcome = _failed(task, "internal error in a worker; its log has the details")
    return outcome.encode()


def installed(name: str) -> WorkerContext:
    """The context of that name; raises `NotFoundError`."""
    try:
        return _contexts[name]
    except KeyError:
        raise NotFoundError("this worker is not part of the service that submitted the shard") from None


def _failed(task: ShardTask, message: str) -> ShardOutcome:
    return ShardOutcome("failed", RunStatistics(task.origin_ns), InstrumentFacts(), message)


async def _run(task: ShardTask, context: WorkerContext) -> ShardOutcome:
    async with context.database.read() as session:
        query = audience_query(task.session_id).add_columns(BenchmarkSession.spec)
        row = (await session.execute(query)).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no benchmark {task.session_id}")
    spec = BenchmarkSpec.model_validate(row.spec, context=STORED)
    target = spec.targets[task.target_index]
    provider = await context.providers.resolve(target.provider)
    known, skip = await _stored_before(task, context.database, spec)
    endpoint = endpoint_of(provider, target.model)
    plan = planner.shard(
        spec,
        task.target_index,
        endpoint,
        shard=task.shard,
        start_at_ns=task.start_at_ns,
        skip=tuple(skip),
        point=task.point,
        level=task.level,
    )
    plan = with_tokens(plan, task.tokens)
    measured = MeasureContext(target.provider, target.model, provider.adapter, tuple(spec.tags), task.point, task.level)
    shard = Shard(plan, measured, task.target_index, task.origin_ns, slo_of(spec), known if skip else None)
    stop = StopSignal()
    teller = _Teller(context.bus, task.session_id, Audience.of(row))
    watcher = asyncio.create_task(_watch_control(task, context, stop, teller))
    try:
        return await _supervise(task, context, shard, stop, teller, keep_gaps=spec.save_gaps)
    finally:
        watcher.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watcher


def endpoint_of(provider: ResolvedProvider, model: str) -> Endpoint:
    """Where a target's requests go."""
    return Endpoint(
        adapter=provider.adapter,
        base_url=provider.base_url,
        model=model,
        api_key=provider.api_key,
        headers=provider.headers,
        verify_tls=provider.verify_tls,
        definition=provider.definition,
        addresses=tuple(provider.addresses),
    )


async def _supervise(
    task: ShardTask, context: WorkerContext, shard: Shard, stop: StopSignal, teller: "_Teller", *, keep_gaps: bool
) -> ShardOutcome:
    outcome = None
    try:
        async with Recorder(context.database, task.session_id, keep_gaps=keep_gaps) as recorder:

            async def keep(results: list[MeasuredResult]) -> None:
                await recorder.add(results)
                teller.remember(results)

            outcome = await supervise(
                shard, on_results=keep, on_tick=teller.tell, stop=stop, new_engine=context.new_engine
            )
    except TestBenchError as error:  # the last results could not be stored
        if outcome is None:
            raise
        outcome.status, outcome.error = "failed", error.message
    return outcome


async def _stored_before(task: ShardTask, database: Database, spec: BenchmarkSpec) -> tuple[RunStatistics, list[int]]:
    """Statistics and indices of what an earlier try of this shard has stored."""
    statistics = RunStatistics(task.origin_ns, slo_of(spec))
    stride, shards = planner.index_stride(spec), planner.shard_count(spec, task.level)
    stage = task.target_index * planner.point_count(spec) + task.point
    owner = planner.shard_of_number(spec, task.level)
    if owner is None:
        mine = Result.index % (stride * shards) == stage + task.shard * stride
        return statistics, await add_stored(statistics, database, task.session_id, mine)
    mine = Result.index % stride == stage
    return statistics, await add_stored(
        statistics, database, task.session_id, mine, wanted=lambda index: owner(index // stride) == task.shard
    )


class _Teller:
    """Publishes a shard's ticks, and the newest results as `test.completed`."""

    def __init__(self, bus: Bus, session_id: UUID, audience: Audience) -> None:
        self._bus = bus
        self._session_id = session_id
        self.audience = audience
        self._newest: deque[MeasuredResult] = deque(maxlen=_TOLD_RESULTS)
        self._slowest: list[MeasuredResult] = []
        self._failed: deque[MeasuredResult] = deque(maxlen=_TOLD_EXTREMES)
        self._number = 0

    def remember(self, results: list[MeasuredResult]) -> None:
        """Results that have been measured."""
        self._newest.extend(results)
        self._failed.extend(result for result in results if result.status != "ok")
        timed = [result for result in results if result.status == "ok" and result.e2e_ms is not None]
        self._slowest = heapq.nlargest(_TOLD_EXTREMES, [*self._slowest, *timed], key=lambda one: one.e2e_ms or 0.0)
        self._number += len(results)

    async def tell(self, tick: ShardTick) -> None:
        """Publish."""
        await self._bus.publish_raw(tick_channel(self._session_id), tick.encode())
        if not self._number:
            return
        names = ("id", "index", "status", "error_type", "provider", "model", "ttft_ms", "e2e_ms", "output_tokens")
        newest = [{name: _plain(getattr(result, name)) for name in names} for result in self._newest]
        slowest = [{"index": one.index, "ttft_ms": one.ttft_ms, "e2e_ms": one.e2e_ms} for one in self._slowest]
        payload = {
            "number": self._number,
            "newest": newest,
            "slowest": slowest,
            "failed": [_failure(result) for result in self._failed],
        }
        self._newest.clear()
        self._slowest.clear()
        self._failed.clear()
        self._number = 0
        await self._bus.publish(
            Event(
                Topic.TEST_COMPLETED,
                payload,
                datetime.now(UTC),
                session_id=self._session_id,
                **self.audience._asdict(),
            )
        )


def _failure(result: MeasuredResult) -> dict[str, object]:
    return {
        "index": result.index,
        "error_type": result.error_type or "unknown",
        "error": result.error[:_TOLD_ERROR_CHARACTERS] if result.error else None,
        "http_status": result.http_status,
        "attempts": result.attempts,
        "failed_after_ms": result.stream_end_ms,
    }


def _plain(value: object) -> object:
    return str(value) if isinstance(value, UUID) else value


async def _watch_control(task: ShardTask, context: WorkerContext, stop: StopSignal, teller: "_Teller") -> None:
    """Pass on a stop from the control channel; the database says the same to whoever missed it."""
    async with context.bus.subscribe_raw(control_channel(task.session_id)) as messages:
        listener = asyncio.create_task(_listen(messages, stop))
        try:
            while True:
                await _look_at_session(task, context.database, stop, teller)
                await asyncio.sleep(CONTROL_POLL_SECONDS)
        finally:
            listener.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await listener


async def _listen(messages: AsyncIterator[bytes], stop: StopSignal) -> None:
    async for message in messages:
        stop.set(message.decode(errors="replace") or "cancelled")


async def _look_at_session(task: ShardTask, database: Database, stop: StopSignal, teller: "_Teller") -> None:
    try:
        async with database.read() as session:
            query = audience_query(task.session_id)
            query = query.add_columns(BenchmarkSession.status, BenchmarkSession.heartbeat_at)
            row = (await session.execute(query)).one_or_none()
    except Exception:  # the recorder notices a database that stays away
        log.warning("the state of benchmark %s cannot be read", task.session_id, exc_info=True)
        return
    if row is None:
        stop.set("the benchmark was deleted")
        return
    teller.audience = Audience.of(row)
    if row.status != Status.RUNNING:
        stop.set("cancelled" if row.status == Status.CANCELLING else f"the benchmark is {row.status}")
    elif row.heartbeat_at is not None and datetime.now(UTC) - row.heartbeat_at > COORDINATOR_SILENCE:
        stop.set("the server that coordinates the benchmark is gone")
