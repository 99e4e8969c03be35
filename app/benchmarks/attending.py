"""What a coordinator does beside the stages of a run: merge ticks, tell progress, beat, hear of cancellation."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec

from app.benchmarks import repository
from app.benchmarks.announcements import control_channel, tick_channel
from app.benchmarks.audience import Audience, audience_query
from app.benchmarks.live import LiveRuns
from app.benchmarks.models import BenchmarkSession
from app.benchmarks.observing import RunObserver, ShardKey
from app.benchmarks.runs import Run
from app.benchmarks.shard_reports import ShardTick
from app.benchmarks.states import LIVE, Status
from app.benchmarks.stop_signal import BUDGET_REACHED
from app.core import leases
from app.core.clock import Clock
from app.core.database import Database
from app.events.bus import Bus
from app.events.types import Event, Topic

log = logging.getLogger(__name__)

PROGRESS_SECONDS = 0.25
HEARTBEAT_SECONDS = 2.0
RUN_LEASE_SECONDS = 8 * HEARTBEAT_SECONDS
_POINTS_PER_HEARTBEAT = 300  # longer timelines are written proportionally less often


class Attendant:
    """Attends runs; `stop` is also for others who end one."""

    def __init__(self, database: Database, clock: Clock, bus: Bus, live: LiveRuns, observer: RunObserver) -> None:
        self._database = database
        self._clock = clock
        self._bus = bus
        self._live = live
        self._observer = observer

    @asynccontextmanager
    async def attended(self, run: Run) -> AsyncIterator[None]:
        """Do all of it while the block runs."""
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

    async def stop(self, run: Run, reason: str) -> None:
        """End a run early, and tell its shards."""
        run.end_early(reason)
        with suppress(Exception):  # shards look into the database as well
            await self._bus.publish_raw(control_channel(run.session_id), reason.encode())

    async def note_course(self, run: Run) -> None:
        """Let another server know how far the run is, should it have to go on."""
        if run.lease is None:
            return
        try:
            async with self._database.write() as session:
                await leases.keep(session, run.lease, RUN_LEASE_SECONDS, run.course.detail())
        except Exception as error:  # noqa: BLE001  (each heartbeat says it again)
            log.warning("the course of benchmark %s could not be written: %s", run.session_id, error)

    def progress(self, run: Run, status: Status) -> Event:
        """The event that tells how far a run is."""
        progress = run.live.progress(status, time.time_ns())
        self._live.set_progress(run.session_id, progress)
        return Event(
            Topic.BENCHMARK_PROGRESS,
            progress | {"earlier": run.live.news(time.time_ns())},
            self._clock.now(),
            session_id=run.session_id,
            **run.audience._asdict(),
        )

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
                self._observer.take_tick(key, tick.attempt, delta)
                if run.budget.is_reached(run.live, tick.at_ns) and run.stop_reason is None:
                    await self.stop(run, BUDGET_REACHED)

    async def _publish_progress(self, run: Run) -> None:
        while True:
            event = self.progress(run, run.status)
            try:
                await self._bus.publish(event)
                for alert in run.alerts.watch(event.payload, event.timestamp):
                    await self._bus.publish(alert)
            except Exception:
                log.warning("progress of benchmark %s could not be published", run.session_id, exc_info=True)
            await asyncio.sleep(PROGRESS_SECONDS)

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
                await self.stop(run, run.stop_reason)
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
                if not run.is_let_go:
                    log.warning("benchmark %s is coordinated by another server now", run.session_id)
                run.lose()
                return
            await repository.change(session, run.session_id, [*LIVE], **values)
        await self._look_for_cancel(run)

    async def _look_for_cancel(self, run: Run) -> None:
        async with self._database.read() as session:
            query = audience_query(run.session_id).add_columns(BenchmarkSession.status)
            row = (await session.execute(query)).one_or_none()
        status = None if row is None else row.status
        if row is not None:
            run.audience = Audience.of(row)
        if status == Status.CANCELLING and not run.is_cancelled:
            run.is_cancelled = True
            await self.stop(run, "cancelled")
        elif (status is None or status not in LIVE) and run.stop_reason is None:
            await self.stop(run, f"the benchmark is {status or 'gone'}")
