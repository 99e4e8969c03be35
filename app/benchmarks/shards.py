"""One shard as a cluster task: finds its plan and its provider by itself, so that no key or prompt travels in it.

A task that runs again (its worker died) skips what is stored already and counts it as measured.
"""

import asyncio
import contextlib
import heapq
import logging
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Protocol
from uuid import UUID

import msgspec

from app.benchmarks import planner
from app.benchmarks.announcements import tick_channel
from app.benchmarks.audience import Audience, audience_query
from app.benchmarks.measures import MeasureContext, MeasuredResult
from app.benchmarks.models import BenchmarkSession, Result
from app.benchmarks.recorder import Recorder, is_transient
from app.benchmarks.restoring import add_stored
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.shard_watch import Watch, counted
from app.benchmarks.spans import SpanSink
from app.benchmarks.spec_parts import STORED
from app.benchmarks.spooling import PATIENCE_SECONDS, SpoolingRecorder
from app.benchmarks.supervisor import (
    HANDED_BACK,
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

_TOLD_RESULTS = 10
_DATABASE_PATIENCE_SECONDS = 60.0
_DATABASE_PAUSE_SECONDS = 0.5
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
    is_shared: bool = False
    """Whether other processes could run the same shards: then each has a lease."""
    spool_folder: Path | None = None
    """Where results wait on disk while the database is away."""
    spans: SpanSink | None = None
    """Who exports traces."""


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
    epoch: int = 0  # of the coordinator's lease
    clock_offset_ns: int = 0  # that the worker's clock is ahead of the coordinator's
    again: bool = False  # an earlier try has started some of it
    is_told: bool = False  # and the coordinator knows from that try's ticks what it has stored

    @property
    def lease_name(self) -> str:
        """Of the lease that its running try holds."""
        return f"shard/{self.session_id}/{self.target_index}/{self.point}/{self.shard}"


class _Prepared(NamedTuple):
    shard: Shard
    audience: Audience
    keep_gaps: bool


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
    stop = StopSignal()
    name = task.lease_name if context.is_shared else None
    watch = Watch(context.database, context.bus, task.session_id, stop, epoch=task.epoch, lease_name=name)
    async with counted(stop), watch.alone():
        outcome = await _run_alone(task, await _prepare(task, context), context, stop, watch)
    if outcome.status == "cancelled" and stop.reason == HANDED_BACK:
        outcome.status = "handed_back"
    return outcome


async def _prepare(task: ShardTask, context: WorkerContext) -> _Prepared:
    """All that the database has to say, asked again while it is away: a shard may start in the middle of a restart."""
    give_up_at = time.monotonic() + _DATABASE_PATIENCE_SECONDS
    while True:
        try:
            return await _ask_database(task, context)
        except Exception as error:
            if not is_transient(error) or time.monotonic() > give_up_at:
                raise
            await asyncio.sleep(_DATABASE_PAUSE_SECONDS)


async def _ask_database(task: ShardTask, context: WorkerContext) -> _Prepared:
    async with context.database.read() as session:
        query = audience_query(task.session_id).add_columns(BenchmarkSession.spec, BenchmarkSession.trace_id)
        row = (await session.execute(query)).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no benchmark {task.session_id}")
    spec = BenchmarkSpec.model_validate(row.spec, context=STORED)
    target = spec.targets[task.target_index]
    provider = await context.providers.resolve(target.provider)
    known, skip = await stored_before(task, context.database, spec)
    endpoint = endpoint_of(provider, target.model)
    plan = planner.shard(
        spec,
        task.target_index,
        endpoint,
        shard=task.shard,
        start_at_ns=task.start_at_ns + task.clock_offset_ns,
        skip=tuple(skip),
        point=task.point,
        level=task.level,
    )
    plan = msgspec.structs.replace(with_tokens(plan, task.tokens), keeps_start=task.again)
    scope, ratio = task.session_id.hex, None if context.spans is None else context.spans.sample_ratio
    plan = planner.traced(spec, plan, row.trace_id, scope, 1.0 if ratio is None else ratio)
    measured = MeasureContext(
        target.provider,
        target.model,
        provider.adapter,
        tuple(spec.tags),
        task.point,
        task.level,
        row.trace_id,
        spec.propagate_trace,
        scope,
        ratio,
    )
    shard = Shard(
        plan,
        measured,
        task.target_index,
        task.origin_ns,
        slo_of(spec),
        known if skip else None,
        tells_known=not task.is_told,
    )
    return _Prepared(shard, Audience.of(row), spec.save_gaps)


async def _run_alone(
    task: ShardTask, prepared: _Prepared, context: WorkerContext, stop: StopSignal, watch: Watch
) -> ShardOutcome:
    teller = _Teller(context.bus, task.session_id, prepared.audience, watch)
    watcher = asyncio.create_task(watch.watch())
    try:
        return await _supervise(task, context, prepared.shard, stop, teller, keep_gaps=prepared.keep_gaps)
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
    trace = context.spans.of_shard(shard.plan, shard.context) if context.spans is not None else None
    try:
        async with _recorder(task, context, keep_gaps=keep_gaps) as recorder:

            async def keep(results: list[MeasuredResult]) -> None:
                await recorder.add(results)
                teller.remember(results)
                if trace is not None:
                    trace(results)

            outcome = await supervise(
                shard, on_results=keep, on_tick=teller.tell, stop=stop, new_engine=context.new_engine
            )
    except TestBenchError as error:  # the last results could not be stored
        if outcome is None:
            raise
        outcome.status, outcome.error = "failed", error.message
    return outcome


def _recorder(task: ShardTask, context: WorkerContext, *, keep_gaps: bool) -> Recorder:
    if context.spool_folder is None:
        return Recorder(context.database, task.session_id, keep_gaps=keep_gaps, patience_seconds=PATIENCE_SECONDS)
    return SpoolingRecorder(context.database, task.session_id, context.spool_folder, keep_gaps=keep_gaps)


async def stored_before(task: ShardTask, database: Database, spec: BenchmarkSpec) -> tuple[RunStatistics, list[int]]:
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

    def __init__(self, bus: Bus, session_id: UUID, audience: Audience, watch: Watch) -> None:
        self._bus = bus
        self._session_id = session_id
        self._audience = audience
        self._watch = watch
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
                **(self._watch.audience or self._audience)._asdict(),
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
