"""Coordinates one claimed benchmark: its stages on the cluster, live progress, heartbeat, and how it ends."""

import asyncio
import contextlib
import dataclasses
import logging
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select

from app.benchmarks import calibrations, execution_traces, plan_workloads, planner, repository, token_probe
from app.benchmarks.alerts import RunAlerts
from app.benchmarks.announcements import ENDED_TOPIC, announce, control_channel, tick_channel
from app.benchmarks.audience import Audience, audience_query
from app.benchmarks.budget import BudgetWatch, estimate
from app.benchmarks.checking import ProviderDirectory
from app.benchmarks.cluster import Cluster, Places, WorkerLostError
from app.benchmarks.course import Course
from app.benchmarks.exploring import Exploration, completed
from app.benchmarks.live import LiveRun, LiveRuns
from app.benchmarks.models import BenchmarkSession, Result
from app.benchmarks.observing import RunObserver, ShardKey, Unobserved
from app.benchmarks.planner import Point
from app.benchmarks.probing import ProbeTask
from app.benchmarks.recorder import is_transient
from app.benchmarks.remote_cluster import RemoteCluster
from app.benchmarks.restoring import add_stored
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.shards import ShardTask
from app.benchmarks.spans import SpanSink
from app.benchmarks.spec_parts import STORED
from app.benchmarks.starting import lead_ns, start_at_ns
from app.benchmarks.states import LIVE, Status, transition
from app.benchmarks.supervisor import BUDGET_REACHED, HANDED_BACK, ShardOutcome, ShardTick, slo_of, window_of
from app.benchmarks.token_probe import Probed
from app.benchmarks.views import headline
from app.benchmarks.workload_facts import workload_facts
from app.core import leases
from app.core.clock import Clock
from app.core.database import Database
from app.core.errors import TestBenchError
from app.core.leases import Lease
from app.events import outbox
from app.events.bus import Bus
from app.events.types import Event, Topic
from app.loadgen.plan import TokenModel
from app.stats.instrument import InstrumentFacts
from app.stats.pace import Pace
from app.stats.run_statistics import RunStatistics
from app.stats.summary import summarise

log = logging.getLogger(__name__)

PROGRESS_SECONDS = 0.25
HEARTBEAT_SECONDS = 2.0
RUN_LEASE_SECONDS = 8 * HEARTBEAT_SECONDS
MAX_ENGINE_RESTARTS = 2  # of one shard: an engine that dies again and again has a reason to
MAX_MOVES = 16
_POINTS_PER_HEARTBEAT = 300  # longer timelines are written proportionally less often
_FINISH_PATIENCE_SECONDS = 60.0
_FINISH_PAUSE_SECONDS = 1.0
_STOP_POLL_SECONDS = 0.1


@dataclass
class Run:
    """One benchmark while it runs."""

    session_id: UUID
    audience: Audience
    name: str
    spec: BenchmarkSpec
    live: LiveRun
    statistics: RunStatistics
    exploration: Exploration
    budget: BudgetWatch
    instrument: InstrumentFacts = field(default_factory=InstrumentFacts)
    error: str | None = None
    stop_reason: str | None = None
    is_cancelled: bool = False
    has_begun: bool = False
    probed: dict[int, Probed] = field(default_factory=dict)  # by the index of the target
    begun_seconds: float = field(default_factory=time.monotonic)
    lease: Lease | None = None
    course: Course = field(default_factory=Course)
    is_let_go: bool = False  # another server goes on with it, or has begun to
    shards: list[asyncio.Task[ShardOutcome]] = field(default_factory=list)

    @cached_property
    def alerts(self) -> RunAlerts:
        """What is watched for while it runs."""
        return RunAlerts(self.session_id, self.name, lambda: self.audience)

    def restart_clock(self, origin_ns: int) -> None:
        """Count time from here on; nothing may have been measured yet."""
        self.live = LiveRun(self.spec, origin_ns)
        self.statistics = RunStatistics(origin_ns, slo_of(self.spec))

    @property
    def status(self) -> Status:
        """As shown while it runs."""
        return Status.CANCELLING if self.is_cancelled else Status.RUNNING


class Executor:
    """Runs claimed benchmarks. `context` names the worker context that its shards use."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        bus: Bus,
        cluster: Cluster | RemoteCluster,
        live: LiveRuns,
        *,
        context: str,
        providers: ProviderDirectory,
        data_dir: Path | None = None,
        observer: RunObserver | None = None,
        clock_offset_limit_ns: int = 0,
        spans: SpanSink | None = None,
    ) -> None:
        self.observer, self.spans = observer or Unobserved(), spans
        self._database = database
        self._clock = clock
        self._bus = bus
        self._cluster = cluster
        self._live = live
        self._context = context
        self._providers = providers
        self._data_dir = data_dir  # where the calibration of this machine lies
        self._clock_offset_limit_ns = clock_offset_limit_ns
        self._runs: dict[UUID, Run] = {}

    async def ready(self) -> None:
        """Return once the cluster is there: a run's clock must not begin while its cluster still starts."""
        await self._cluster.ready()

    async def run(self, session_id: UUID, lease: Lease | None = None) -> None:
        """Run a benchmark that has just become `running` (or that another server has left behind) to its end.

        `lease` says that this server coordinates it.
        """
        run = await self._load(session_id, lease)
        self._runs[session_id] = run
        self._live.put(session_id, run.live)
        try:
            await self._estimate_cost(run)
            async with self._attended(run):
                await self._take_up(run)
                await self._run_stages(run)
        except TestBenchError as error:
            run.error = run.error or error.message
        except Exception:
            log.exception("benchmark %s failed", session_id)
            run.error = run.error or "internal error; the server's log has the details"
        finally:
            self._runs.pop(session_id, None)
            try:
                if not run.is_let_go:
                    await self._finish(run)
            finally:
                self._live.drop(session_id)
                self.observer.forget(session_id)

    async def let_go(self, session_id: UUID) -> bool:
        """Leave a run to another server, which goes on with it; False where none could (all is in this process).

        Its shards end what is in flight, and the results are stored; whoever takes it up sends the rest.
        """
        run = self._runs.get(session_id)
        if run is None or run.lease is None or not self._cluster.is_remote or run.is_cancelled:
            return False
        run.is_let_go = True
        with contextlib.suppress(Exception):  # else it runs out by itself
            async with self._database.write() as session:
                await leases.release(session, run.lease)
        await self._stop_shards(run, HANDED_BACK)
        for shard in run.shards:
            shard.cancel()
        return True

    async def interrupt(self, session_id: UUID, reason: str) -> None:
        """End a run early as failed (the server stops); what was measured is kept."""
        if (run := self._runs.get(session_id)) is not None:
            run.error = run.error or reason
            await self._stop_shards(run, reason)

    async def _load(self, session_id: UUID, lease: Lease | None) -> Run:
        async with self._database.read() as session:
            query = audience_query(session_id).add_columns(BenchmarkSession.name, BenchmarkSession.spec)
            row = (await session.execute(query)).one()
            kept = None if lease is None else await leases.find(session, lease.name)
        spec = BenchmarkSpec.model_validate(row.spec, context=STORED)
        course = Course.of(kept.detail if kept is not None else None)
        origin_ns = course.origin_ns or start_at_ns(spec)
        statistics = RunStatistics(origin_ns, slo_of(spec))
        return Run(
            session_id,
            Audience.of(row),
            row.name,
            spec,
            LiveRun(spec, origin_ns),
            statistics,
            Exploration(spec),
            BudgetWatch(spec, None),
            lease=lease,
            course=course,
            has_begun=bool(course.origin_ns),
        )

    async def _estimate_cost(self, run: Run) -> None:
        if run.spec.budget_usd is not None:
            kinds = await self._providers.kinds([target.provider for target in run.spec.targets])
            estimated = await asyncio.to_thread(estimate, run.spec, kinds)  # loading prices takes a second
            run.budget = BudgetWatch(run.spec, estimated)

    # ---------------------------------------------------------------- stages

    async def _take_up(self, run: Run) -> None:
        """Count the stages that an earlier coordinator has finished."""
        for done in run.course.done:
            point = run.exploration.next()
            if point is None:
                return
            stage = point.target_index * planner.point_count(run.spec) + point.point
            mine = Result.index % planner.index_stride(run.spec) == stage
            await add_stored(run.statistics, self._database, run.session_id, mine)
            instrument, pace = done.facts()
            run.instrument.merge(instrument)
            run.exploration.take(point, run.statistics, instrument, pace)

    async def _run_stages(self, run: Run) -> None:
        while run.stop_reason is None and run.error is None and (point := run.exploration.next()) is not None:
            number = planner.shard_count(run.spec, point.level)
            async with self._cluster.slots(number, run.session_id, run.spec.placement) as places:
                if run.stop_reason is None:
                    await self._probe(run, point.target_index, places)
                if run.stop_reason is None:
                    await self._run_stage(run, point, places)
        if (reason := run.error or run.stop_reason) is not None:
            run.exploration.end(reason)

    async def _probe(self, run: Run, target_index: int, places: Places) -> None:
        """Find out what a word is in tokens at a target, unless that is asked already or nothing depends on it."""
        if target_index in run.probed or not token_probe.needs_probes(plan_workloads.workload(run.spec.workload)):
            return
        if not run.has_begun:
            run.live.prepare()
        task = ProbeTask(self._context, run.session_id, target_index)
        asked = asyncio.create_task(self._cluster.probe(task, places))
        try:
            while not asked.done() and run.stop_reason is None:
                await asyncio.wait({asked}, timeout=_STOP_POLL_SECONDS)
            if asked.done():
                run.probed[target_index] = Probed.decode(asked.result())
        except Exception:  # the cluster lost the worker: if it is not back, the shards will say so
            log.exception("target %d of benchmark %s could not be probed", target_index, run.session_id)
        finally:
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)
        if not run.has_begun:  # nothing was measured yet: the clock of the run need not have begun
            run.restart_clock(start_at_ns(run.spec))
            self._live.put(run.session_id, run.live)

    async def _run_stage(self, run: Run, point: Point, places: Places) -> None:
        begin_ns = run.course.begin_ns(point.target_index, point.point)
        again = begin_ns is not None
        if begin_ns is None:
            lead = lead_ns(planner.at_level(run.spec, point.level), is_remote=self._cluster.is_remote)
            begin_ns = time.time_ns() + lead
        run.has_begun = True
        run.live.begin_stage(point.target_index, begin_ns, point)
        origin_ns = run.statistics.timeline.origin_ns
        run.course.begin(origin_ns, point.target_index, point.point, begin_ns)
        await self._note_course(run)
        probed = run.probed.get(point.target_index)
        tokens = probed.tokens if probed else TokenModel()
        tasks = [
            ShardTask(
                self._context,
                run.session_id,
                point.target_index,
                position,
                begin_ns,
                origin_ns,
                point.point,
                point.level,
                tokens,
                run.lease.epoch if run.lease else 0,
                again=again,
            )
            for position in range(planner.shard_count(run.spec, point.level))
        ]
        outcomes = run.shards = [asyncio.create_task(self._run_shard(run, task, places)) for task in tasks]
        try:
            await asyncio.gather(*outcomes)
        except asyncio.CancelledError:
            if not run.is_let_go:
                raise
            return
        finally:
            for outcome in outcomes:
                outcome.cancel()
            await asyncio.gather(*outcomes, return_exceptions=True)
        instrument, pace = InstrumentFacts(restarts=len(tasks) if again else 0), Pace()
        for ended in outcomes:
            instrument.merge(ended.result().instrument)
            pace.merge(ended.result().pace)
        if again:
            run.instrument.restarts += len(tasks)
        run.exploration.take(point, run.statistics, instrument, pace, cut_short=run.error or run.stop_reason)
        run.course.end(instrument, pace)
        await self._note_course(run)

    async def _run_shard(self, run: Run, task: ShardTask, places: Places) -> ShardOutcome:
        """Run a shard to its end, on other workers or with new engines when its own are lost."""
        before = InstrumentFacts(clock_offset_limit_ns=self._clock_offset_limit_ns if self._cluster.is_remote else 0)
        pace = Pace()
        engines = moves = 0
        while True:
            offset_ns = places.offset_ns(task.shard) or 0
            before.clock_offset_ns = max(before.clock_offset_ns, offset_ns, key=abs)
            outcome = await self._try_shard(run, dataclasses.replace(task, clock_offset_ns=offset_ns), places)
            is_stopped = run.stop_reason is not None or run.error is not None
            if outcome.status == "failed" and outcome.instrument.lost_engines and not is_stopped:
                engines += 1
                if engines > MAX_ENGINE_RESTARTS:
                    break
            elif outcome.status == "handed_back" and not is_stopped:
                moves += 1
                if moves > MAX_MOVES:
                    outcome.status, outcome.error = "failed", f"{moves} workers in turn were lost or left"
                    break
                try:
                    await self._cluster.move(places, task.shard)
                except TestBenchError as error:
                    outcome.status, outcome.error = "failed", error.message
                    break
            else:
                break
            log.warning("shard %d of benchmark %s is taken up again", task.shard, run.session_id)
            before.merge(outcome.instrument)
            before.restarts += 1
            pace.merge(outcome.pace)
            task = dataclasses.replace(task, again=True, is_told=True)
        if outcome.status == "handed_back":  # in the middle of a stop
            outcome.status = "cancelled"
        before.lost_engines = 0 if outcome.status != "failed" else before.lost_engines
        outcome.instrument.merge(before)
        outcome.pace.merge(pace)
        run.statistics.merge(outcome.statistics)
        key = ShardKey(task.session_id, task.target_index, task.point, task.shard)
        self.observer.take_outcome(key, outcome.statistics)
        run.instrument.merge(outcome.instrument)
        if outcome.status == "failed":
            run.error = run.error or outcome.error or "an engine failed"
            await self._stop_shards(run, "another engine failed")
        return outcome

    async def _try_shard(self, run: Run, task: ShardTask, places: Places) -> ShardOutcome:
        nothing = RunStatistics(task.origin_ns, run.statistics.slo)
        try:
            outcome = ShardOutcome.decode(await self._cluster.run(task, places))
        except asyncio.CancelledError:
            raise
        except WorkerLostError as error:  # what it stored is counted by whoever goes on
            log.warning("shard %d of benchmark %s: %s", task.shard, run.session_id, error.message)
            return ShardOutcome("handed_back", nothing, InstrumentFacts(), error.message)
        except Exception as error:  # the cluster lost the worker, or cannot reach it
            log.exception("shard %d of benchmark %s was lost", task.shard, run.session_id)
            return ShardOutcome("failed", nothing, InstrumentFacts(lost_engines=1), f"a worker was lost: {error}")
        if outcome.status == "handed_back":
            outcome.statistics = nothing
        return outcome

    async def _note_course(self, run: Run) -> None:
        """Let another server know how far the run is, should it have to go on."""
        if run.lease is None:
            return
        try:
            async with self._database.write() as session:
                await leases.keep(session, run.lease, RUN_LEASE_SECONDS, run.course.detail())
        except Exception as error:  # noqa: BLE001  (each heartbeat says it again)
            log.warning("the course of benchmark %s could not be written: %s", run.session_id, error)

    async def _stop_shards(self, run: Run, reason: str) -> None:
        if run.stop_reason is None or run.stop_reason == BUDGET_REACHED:
            run.stop_reason = reason
        with contextlib.suppress(Exception):  # shards look into the database as well
            await self._bus.publish_raw(control_channel(run.session_id), reason.encode())

    # ---------------------------------------------------------------- beside the stages

    @asynccontextmanager
    async def _attended(self, run: Run) -> AsyncIterator[None]:
        """Merge ticks, publish progress, write the heartbeat and hear of cancellation while the block runs."""
        duties: list[Coroutine[Any, Any, None]] = [
            self._merge_ticks(run),
            self._publish_progress(run),
            self._keep_heartbeat(run),
            self._hear_control(run),
        ]
        tasks = [asyncio.create_task(duty) for duty in duties]
        # Subscriptions open with the first step of each task, before the first shard is submitted.
        await asyncio.sleep(0)
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _merge_ticks(self, run: Run) -> None:
        async with self._bus.subscribe_raw(tick_channel(run.session_id)) as ticks:
            async for payload in ticks:
                try:
                    tick = ShardTick.decode(payload)
                    delta = run.live.take(tick)
                except (msgspec.DecodeError, ValueError):
                    log.warning("a tick of benchmark %s cannot be read", run.session_id, exc_info=True)
                    continue
                key = ShardKey(run.session_id, tick.target, tick.point, tick.shard)
                self.observer.take_tick(key, tick.attempt, delta)
                if run.budget.is_reached(run.live, tick.at_ns) and run.stop_reason is None:
                    await self._stop_shards(run, BUDGET_REACHED)

    async def _publish_progress(self, run: Run) -> None:
        while True:
            await self._tell_progress(run, run.status)
            await asyncio.sleep(PROGRESS_SECONDS)

    async def _tell_progress(self, run: Run, status: Status) -> None:
        event = self._progress(run, status)
        try:
            await self._bus.publish(event)
            for alert in run.alerts.watch(event.payload, event.timestamp):
                await self._bus.publish(alert)
        except Exception:
            log.warning("progress of benchmark %s could not be published", run.session_id, exc_info=True)

    def _progress(self, run: Run, status: Status) -> Event:
        progress = run.live.progress(status, time.time_ns())
        self._live.set_progress(run.session_id, progress)
        return Event(
            Topic.BENCHMARK_PROGRESS,
            progress | {"earlier": run.live.news(time.time_ns())},
            self._clock.now(),
            session_id=run.session_id,
            **run.audience._asdict(),
        )

    async def _hear_control(self, run: Run) -> None:
        async with self._bus.subscribe_raw(control_channel(run.session_id)) as messages:
            async for _ in messages:
                await self._look_for_cancel(run)

    async def _keep_heartbeat(self, run: Run) -> None:
        beats = 0
        while True:
            points = len(run.live.statistics.timeline)
            with_document = beats % (1 + points // _POINTS_PER_HEARTBEAT) == 0
            try:
                await self._beat(run, with_document=with_document)
            except Exception:
                log.warning("the heartbeat of benchmark %s could not be written", run.session_id, exc_info=True)
            if run.stop_reason is not None and not run.is_let_go:  # for shards that were not listening yet
                await self._stop_shards(run, run.stop_reason)
            beats += 1
            await asyncio.sleep(HEARTBEAT_SECONDS)

    async def _beat(self, run: Run, *, with_document: bool) -> None:
        counters = run.live.counters()
        values: dict[str, Any] = {
            "heartbeat_at": self._clock.now(),
            "requests_ok": counters.ok,
            "requests_failed": counters.failed,
        }
        if with_document:
            values["timeline"] = {
                "columns": run.live.timeline(),
                "progress": run.live.progress(run.status, time.time_ns()),
            }
        async with self._database.write() as session:
            lease = run.lease
            if lease and not await leases.keep(session, lease, RUN_LEASE_SECONDS, run.course.detail()):
                self._lose(run)
                return
            await repository.change(session, run.session_id, [*LIVE], **values)
        await self._look_for_cancel(run)

    def _lose(self, run: Run) -> None:
        """Another server coordinates this run now (this one was silent for too long): leave it alone."""
        if not run.is_let_go:
            log.warning("benchmark %s is coordinated by another server now", run.session_id)
        run.is_let_go = True
        run.stop_reason = run.stop_reason or "another server coordinates it"
        for shard in run.shards:
            shard.cancel()

    async def _look_for_cancel(self, run: Run) -> None:
        async with self._database.read() as session:
            query = audience_query(run.session_id).add_columns(BenchmarkSession.status)
            row = (await session.execute(query)).one_or_none()
        status = None if row is None else row.status
        if row is not None:
            run.audience = Audience.of(row)
        if status == Status.CANCELLING and not run.is_cancelled:
            run.is_cancelled = True
            await self._stop_shards(run, "cancelled")
        elif (status is None or status not in LIVE) and run.stop_reason is None:
            await self._stop_shards(run, f"the benchmark is {status or 'gone'}")

    # ---------------------------------------------------------------- the end

    async def _finish(self, run: Run) -> None:
        """Write the end, trying again while the database is away: a result that is not written was not measured."""
        give_up_at = time.monotonic() + _FINISH_PATIENCE_SECONDS
        while True:
            try:
                await self._write_end(run)
            except Exception as error:
                if not is_transient(error) or time.monotonic() > give_up_at:
                    log.exception("the end of benchmark %s could not be written", run.session_id)
                    return
                await asyncio.sleep(_FINISH_PAUSE_SECONDS)
            else:
                return

    async def _write_end(self, run: Run) -> None:
        measured = summarise(run.statistics, run.instrument, window=window_of(run.spec))
        found = completed(measured, run.statistics, run.exploration, run.budget)
        found["workload"] = workload_facts(run.spec.workload, run.probed)
        summary = calibrations.annotate(found, self._data_dir, engines=planner.shard_count(run.spec))
        values = {
            "summary": summary,
            "timeline": {"columns": run.live.with_offered(run.statistics.timeline.columns())},
            "histograms": run.statistics.encode(with_timeline=False),
            "error": run.error,
        }
        async with self._database.read() as session:
            counts = await repository.count_results(session, run.session_id)
            query = select(BenchmarkSession.status).where(BenchmarkSession.id == run.session_id)
            current = (await session.execute(query)).scalar_one_or_none()
        if current is None or current not in LIVE:
            log.warning("benchmark %s has been ended as %s by someone else", run.session_id, current)
            return
        if run.error is not None:
            wanted = Status.FAILED
        else:
            wanted = Status.CANCELLED if current == Status.CANCELLING else Status.COMPLETED
        now = self._clock.now()
        async with self._database.write() as session:
            if run.lease is not None and not await leases.is_held(session, run.lease):
                self._lose(run)
                return
            changed = await repository.change(
                session,
                run.session_id,
                [current],
                status=transition(current, wanted),
                finished_at=now,
                requests_ok=counts.get("ok", 0),
                requests_failed=counts.get("error", 0),
                **values,
            )
            if changed:
                if run.lease is not None:
                    await leases.release(session, run.lease, forget=True)
                outbox.record(session, self._progress(run, wanted))  # before the end: nothing follows that
                self._announce_end(session, run, wanted, summary, now)
                run.alerts.at_end(session, summary, lost_engines=run.instrument.lost_engines, at=now)
        if not changed:  # cancelled in this very moment
            await self._write_end(run)
            return
        self.observer.ended(run.session_id, wanted, time.monotonic() - run.begun_seconds)
        await execution_traces.tell(self.spans, self._database, run.session_id)

    def _announce_end(self, session: Any, run: Run, status: Status, summary: dict[str, Any], now: datetime) -> None:
        head = headline(summary)
        announce(
            session,
            ENDED_TOPIC[status],
            session_id=run.session_id,
            audience=run.audience,
            name=run.name,
            status=status,
            at=now,
            error=run.error,
            headline=head.model_dump() if head else None,
        )
