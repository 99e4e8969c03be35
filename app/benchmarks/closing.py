"""Closes a benchmark whose server is gone and with which no other goes on: what it has measured is kept."""

import logging

from app.benchmarks import execution_traces, repository
from app.benchmarks.announcements import ENDED_TOPIC, announce
from app.benchmarks.audience import Audience
from app.benchmarks.budget import BudgetWatch
from app.benchmarks.exploring import Exploration, completed
from app.benchmarks.models import BenchmarkSession
from app.benchmarks.observing import RunObserver
from app.benchmarks.restoring import add_stored
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.spans import SpanSink
from app.benchmarks.spec_parts import STORED
from app.benchmarks.states import LIVE, Status, transition
from app.benchmarks.supervisor import slo_of, window_of
from app.benchmarks.views import headline
from app.benchmarks.workload_facts import workload_facts
from app.core.clock import Clock
from app.core.database import Database
from app.stats.run_statistics import RunStatistics
from app.stats.summary import summarise

log = logging.getLogger(__name__)


async def close(
    row: BenchmarkSession, database: Database, clock: Clock, observer: RunObserver, spans: SpanSink | None
) -> None:
    """End a benchmark that nobody runs any more: as cancelled if that was under way, else as failed.

    First its state, then its summary: reading back a million rows takes a while.
    """
    async with database.read() as session:
        counts = await repository.count_results(session, row.id)
    last = row.heartbeat_at or row.started_at or row.created_at
    kept = sum(counts.values())
    is_cancelled = row.status == Status.CANCELLING
    status = transition(row.status, Status.CANCELLED if is_cancelled else Status.FAILED)
    reason = (
        f"the server stopped during the run, after {last:%Y-%m-%d %H:%M:%S UTC}; "
        f"{kept} result{'' if kept == 1 else 's'} are kept"
    )
    now = clock.now()
    async with database.write() as session:
        closed = await repository.change(
            session,
            row.id,
            [*LIVE],
            status=status,
            error=None if is_cancelled else reason,
            finished_at=now,
            requests_ok=counts.get("ok", 0),
            requests_failed=counts.get("error", 0),
        )
    if closed:
        observer.ended(row.id, status, None)
        await execution_traces.tell(spans, database, row.id)
        log.warning("benchmark %s was closed: %s", row.id, reason)
        await _summarise(row, status, None if is_cancelled else reason, database, clock)


async def _summarise(
    row: BenchmarkSession, status: Status, error: str | None, database: Database, clock: Clock
) -> None:
    spec = BenchmarkSpec.model_validate(row.spec, context=STORED)
    started_at = row.started_at or row.created_at
    statistics = RunStatistics(int(started_at.timestamp() * 1e9), slo_of(spec))
    await add_stored(statistics, database, row.id)
    exploration = Exploration(spec)
    exploration.end("the server stopped during the run")
    measured = summarise(statistics, None, window=window_of(spec))
    summary = completed(measured, statistics, exploration, BudgetWatch(spec, None))
    summary["workload"] = workload_facts(spec.workload, {})
    head = headline(summary)
    async with database.write() as session:
        changed = await repository.change(
            session,
            row.id,
            [status],
            summary=summary,
            timeline={"columns": statistics.timeline.columns()},
            histograms=statistics.encode(with_timeline=False),
        )
        if changed:
            announce(
                session,
                ENDED_TOPIC[status],
                session_id=row.id,
                audience=Audience.of(row),
                name=row.name,
                status=status,
                at=clock.now(),
                error=error,
                headline=head.model_dump() if head else None,
            )
