"""Supervises one shard: engine frames in; measured results, statistics and ticks out.

Knows nothing about databases, clusters or buses: whoever calls it says where results and ticks go. So the server and
`llm-test-bench bench` measure with exactly the same code.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self

import msgspec

from app.benchmarks.live_points import EVERYTHING_NS
from app.benchmarks.measures import MeasureContext, MeasuredResult, measure
from app.benchmarks.request_costs import warm_prices
from app.benchmarks.result_columns import columns
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.shard_reports import ShardOutcome, ShardTick
from app.benchmarks.stop_signal import GENTLE, StopSignal
from app.core.errors import TestBenchError
from app.loadgen.frames import Done, Failed, Outgoing, Ready, Record, Records, Tick
from app.loadgen.plan import Plan
from app.loadgen.process import EngineDiedError, EngineProcess
from app.stats.instrument import InstrumentFacts
from app.stats.pace import Pace
from app.stats.run_statistics import RunStatistics, Slo, TargetKey
from app.stats.steady import GivenWindow

log = logging.getLogger(__name__)

_PATIENCE_SECONDS = 10.0  # past the grace that in-flight requests get


class Engine(Protocol):
    """What the supervisor needs of `loadgen.process.EngineProcess`."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def frames(self) -> AsyncIterator[Outgoing]:
        """Every frame, the last being `Done` or `Failed`; raises `EngineDiedError`."""
        ...

    async def stop(self, reason: str, *, drain: bool = False) -> None:
        """Ask it to start nothing more; with `drain`, what is in flight may take all its time."""
        ...


EngineFactory = Callable[[Plan], Engine]


def engine_process(plan: Plan) -> Engine:
    """The real engine, in a process of its own."""
    return EngineProcess(plan)


@dataclass
class Shard:
    """One shard to run. `known` are statistics of results that an earlier try of it has stored.

    Ticks tell them too, unless `tells_known` says that whoever listens knows them already. `attempt` tells the ticks of
    this try from those of an earlier one: the instant of its making, in Unix nanoseconds.
    """

    plan: Plan
    context: MeasureContext
    target_index: int
    origin_ns: int
    slo: Slo
    known: RunStatistics | None = None
    attempt: int = field(default_factory=time.time_ns)
    tells_known: bool = True


def slo_of(spec: BenchmarkSpec) -> Slo:
    """The spec's limits as statistics take them."""
    return Slo(**spec.slo.model_dump())


def window_of(spec: BenchmarkSpec) -> GivenWindow:
    """What the spec leaves out of the steady window."""
    return GivenWindow(**spec.window.model_dump())


async def supervise(
    shard: Shard,
    *,
    on_results: Callable[[list[MeasuredResult]], Awaitable[None]],
    on_tick: Callable[[ShardTick], Awaitable[None]],
    stop: StopSignal,
    new_engine: EngineFactory = engine_process,
) -> ShardOutcome:
    """Run a shard to its end. Never raises for what an engine or a sink does; the outcome says it."""
    # Loading the price table takes a second, which must not fall into the run.
    await asyncio.to_thread(warm_prices, shard.context.kind, shard.context.model)
    run = _ShardRun(shard, on_results, on_tick)
    limit = asyncio.timeout(None)
    try:
        async with limit, new_engine(shard.plan) as engine:
            is_up = asyncio.Event()
            watcher = asyncio.create_task(_pass_on_stop(stop, engine, is_up, limit, shard.plan))
            try:
                async for frame in engine.frames():
                    is_up.set()
                    await run.take(frame)
            finally:
                watcher.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await watcher
    except EngineDiedError as error:
        words = f"; its last words:\n{error.stderr}" if error.stderr.strip() else ""
        log.error("%s%s", error.why, words)  # noqa: TRY400 - its traceback, not ours
        run.lost(str(error))
    except msgspec.DecodeError as error:
        run.lost(f"the engine sent a frame that cannot be read: {error}")
    except TimeoutError:
        run.lost("the engine did not stop when it was asked to")
    except TestBenchError as error:  # results could not be stored: no fault of the engine, which is stopped
        run.abandoned(error.message)
    except OSError as error:
        run.lost(f"the engine could not be started: {error}")
    await run.report(time.time_ns(), in_flight=0, waiting=0, settled_ns=EVERYTHING_NS)
    return run.outcome()


async def _pass_on_stop(
    stop: StopSignal, engine: Engine, is_up: asyncio.Event, limit: asyncio.Timeout, plan: Plan
) -> None:
    reason = await stop.wait()
    await is_up.wait()  # a Stop that comes in one read with the plan would be lost
    if reason in GENTLE:
        longest_s = (plan.limits.connect_ns + plan.limits.total_ns) / 1e9
        limit.reschedule(asyncio.get_running_loop().time() + longest_s + _PATIENCE_SECONDS)
        await engine.stop(reason, drain=True)
        reason = await stop.wait_for_hurry()
    limit.reschedule(asyncio.get_running_loop().time() + plan.grace_ns / 1e9 + _PATIENCE_SECONDS)
    await engine.stop(reason)


class _ShardRun:
    """What is known about a shard while it runs."""

    def __init__(
        self,
        shard: Shard,
        on_results: Callable[[list[MeasuredResult]], Awaitable[None]],
        on_tick: Callable[[ShardTick], Awaitable[None]],
    ) -> None:
        self._shard = shard
        self._on_results = on_results
        self._on_tick = on_tick
        context = shard.context
        self._key = TargetKey(context.provider, context.model, context.point, context.level)
        self._pace = Pace()
        self._total = RunStatistics(shard.origin_ns, shard.slo)
        self._delta = RunStatistics(shard.origin_ns, shard.slo)
        self._instrument = InstrumentFacts()
        self._started = 0
        self._last_tick: Tick | None = None
        self._done: Done | None = None
        self._error: str | None = None
        self._known = 0
        self._back_ns = 0  # when a shard that is taken up again could start what was due already
        self._overdue: tuple[int, int] | None = None  # from when the first of that was due, until the last ended
        if shard.known is not None:
            (self._delta if shard.tells_known else self._total).merge(shard.known)
            self._known = shard.known.overall().counters.total

    async def take(self, frame: Outgoing) -> None:
        """Take in one frame of the engine."""
        if isinstance(frame, Records):
            results = [measure(record, self._shard.context) for record in frame.records]
            for record in frame.records:
                if record.started_ns and record.attempts == 1:
                    self._pace.add(record.intended_ns, record.started_ns)
                if record.intended_ns < self._back_ns:
                    self._note_overdue(record)
            self._delta.add(self._key, columns(results))
            await self._on_results(results)
        elif isinstance(frame, Tick):
            await self._take_tick(frame)
        elif isinstance(frame, Ready):
            if self._shard.plan.keeps_start:
                self._back_ns = max(time.time_ns(), self._shard.plan.start_at_ns)
        elif isinstance(frame, Done):
            self._done = frame
            self._take_facts(frame)
        elif isinstance(frame, Failed):
            self._error = frame.message

    async def report(self, at_ns: int, *, in_flight: int, waiting: int, settled_ns: int) -> None:
        """Send a tick; its statistics move into the total. A bus that is away costs a live view only."""
        delta, self._delta = self._delta, RunStatistics(self._shard.origin_ns, self._shard.slo)
        tick = ShardTick(
            self._shard.target_index,
            self._shard.plan.shard,
            at_ns,
            self._known + self._started,
            in_flight,
            waiting,
            delta.encode(with_slices=False),
            self._shard.context.point,
            self._shard.attempt,
            settled_ns,
        )
        self._total.merge(delta)
        try:
            await self._on_tick(tick)
        except Exception:
            log.warning("a tick of shard %d could not be sent", self._shard.plan.shard, exc_info=True)

    def lost(self, error: str) -> None:
        """The shard ended badly; the engine could not account for itself."""
        if self._error is None:
            self._error = error
        if self._done is None:
            self._instrument.lost_engines = 1

    def abandoned(self, error: str) -> None:
        """The shard ended because its results could not be kept, before the engine accounted for itself."""
        if self._error is None:
            self._error = error
        if self._done is None:
            self._instrument.abandoned_engines = 1

    def outcome(self) -> ShardOutcome:
        """How it ended."""
        if self._overdue is not None:
            self._total.add_interruption(self._key, *self._overdue)
        if self._error is not None:
            return ShardOutcome("failed", self._total, self._instrument, self._error, self._pace)
        status: Any = self._done.reason if self._done else "failed"
        return ShardOutcome(status, self._total, self._instrument, pace=self._pace)

    def _note_overdue(self, record: Record) -> None:
        from_ns, to_ns = self._overdue or (record.intended_ns, 0)
        self._overdue = min(from_ns, record.intended_ns), max(to_ns, record.end_ns, self._back_ns)

    async def _take_tick(self, tick: Tick) -> None:
        last = self._last_tick
        if last is not None:
            self._delta.add_in_flight(self._key, last.at_ns, tick.at_ns, tick.in_flight)
        self._last_tick = tick
        self._started = tick.started
        settled_ns = tick.oldest_ns or tick.at_ns
        await self.report(tick.at_ns, in_flight=tick.in_flight, waiting=tick.waiting, settled_ns=settled_ns)

    def _take_facts(self, done: Done) -> None:
        elapsed_ns = done.ended_at_ns - done.started_at_ns
        self._started = done.started
        self._instrument = InstrumentFacts(
            clocks={done.clock},
            loop_lag_ns=dict(done.loop_lag_ns),
            send_lag_ns=dict(done.send_lag_ns),
            cpu_share=done.cpu_ns / elapsed_ns if elapsed_ns > 0 else 0.0,
            clock_steps=done.clock_steps,
            bytes_in=done.bytes_in,
            reads=done.reads,
            peak_rss_bytes=done.peak_rss_bytes,
            open_loop=self._shard.plan.arrivals.kind != "closed",
            seconds=max(elapsed_ns, 0) / 1e9,
            gc_pauses=done.gc_pauses,
            gc_pause_max_ns=done.gc_pause_max_ns,
            gc_pause_total_ns=done.gc_pause_total_ns,
            core_shares=list(done.core_shares),
            steal_share=done.steal_share,
            involuntary_switches=done.involuntary_switches,
            held_by_rate_limit=done.held_by_rate_limit,
            readers={done.reader},
        )
