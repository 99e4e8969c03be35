"""How a run ends: its summary out of what its shards measured, written once, under the coordinator's lease."""

import asyncio
import logging
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from app.benchmarks import calibrations, execution_traces, planner, repository
from app.benchmarks.announcements import ENDED_TOPIC, announce
from app.benchmarks.attending import Attendant
from app.benchmarks.exploring import completed
from app.benchmarks.models import BenchmarkSession
from app.benchmarks.observing import RunObserver
from app.benchmarks.recorder import is_transient
from app.benchmarks.runs import Run
from app.benchmarks.spans import SpanSink
from app.benchmarks.states import LIVE, Status, transition
from app.benchmarks.supervisor import window_of
from app.benchmarks.views import headline
from app.benchmarks.workload_facts import workload_facts
from app.core import leases
from app.core.clock import Clock
from app.core.database import Database, WriteSession
from app.events import outbox
from app.stats.summary import summarise

log = logging.getLogger(__name__)

_PATIENCE_SECONDS = 60.0
_PAUSE_SECONDS = 1.0


class Ending:
    """Ends runs. `data_dir` is where the calibration of this machine lies, if the engines ran here."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        attendant: Attendant,
        observer: RunObserver,
        spans: SpanSink | None,
        data_dir: Path | None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._attendant = attendant
        self._observer = observer
        self._spans = spans
        self._data_dir = data_dir

    async def finish(self, run: Run) -> None:
        """Write the end, trying again while the database is away: a result that is not written was not measured."""
        give_up_at = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                await self._write(run)
            except Exception as error:
                if not is_transient(error) or time.monotonic() > give_up_at:
                    log.exception("the end of benchmark %s could not be written", run.session_id)
                    return
                await asyncio.sleep(_PAUSE_SECONDS)
            else:
                return

    async def _write(self, run: Run) -> None:
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
                log.warning("benchmark %s is coordinated by another server now", run.session_id)
                run.lose()
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
                outbox.record(session, self._attendant.progress(run, wanted))  # before the end: nothing follows that
                _announce(session, run, wanted, summary, now)
                run.alerts.at_end(session, summary, lost_engines=run.instrument.lost_engines, at=now)
        if not changed:  # cancelled in this very moment
            await self._write(run)
            return
        self._observer.ended(run.session_id, wanted, time.monotonic() - run.begun_seconds)
        await execution_traces.tell(self._spans, self._database, run.session_id)


def _announce(session: WriteSession, run: Run, status: Status, summary: dict[str, Any], now: datetime) -> None:
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
