"""Stores a run that was measured elsewhere as a finished benchmark: it is listed, shown and exported like others."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.accounts import audit
from app.accounts.caller import Caller
from app.benchmarks import repository
from app.benchmarks.measures import MeasuredResult
from app.benchmarks.models import BenchmarkSession
from app.benchmarks.recorder import store
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.states import Status, transition
from app.benchmarks.storable import check_storable
from app.core.clock import Clock
from app.core.database import Database
from app.core.errors import ConflictError, TestBenchError
from app.core.ids import new_id
from app.stats.run_statistics import RunStatistics

_BATCH = 500


@dataclass(frozen=True)
class FinishedRun:
    """What was measured elsewhere."""

    spec: BenchmarkSpec
    results: Sequence[MeasuredResult]
    statistics: RunStatistics
    summary: dict[str, Any]
    started_at: datetime
    finished_at: datetime


async def store_finished(
    database: Database, clock: Clock, caller: Caller, owner_id: UUID | None, run: FinishedRun
) -> UUID:
    """The id of the new benchmark, which belongs to `owner_id`.

    It counts as running while its results are written, so a crash leaves it for the server to close, not half done.

    Raises:
        InvalidRequestError: the spec holds what no database stores.
        ConflictError: somebody ended it meanwhile.
    """
    document = run.spec.model_dump(mode="json")
    check_storable(document)
    now = clock.now()
    row = BenchmarkSession(
        id=new_id(),
        name=run.spec.name,
        status=Status.RUNNING,
        owner_id=owner_id,
        spec=document,
        tags=list(dict.fromkeys(run.spec.tags)),
        providers=list(dict.fromkeys(target.provider for target in run.spec.targets)),
        models=list(dict.fromkeys(target.model for target in run.spec.targets)),
        requests_planned=len(run.results),
        requests_ok=0,
        requests_failed=0,
        created_at=now,
        started_at=run.started_at,
        heartbeat_at=now,
    )
    session_id, name = row.id, row.name
    async with database.write() as session:
        session.add(row)
        await session.flush()
        changes = {"name": name, "source": run.summary.get("source")}
        await audit.record(session, caller, "benchmark.import", "benchmark", session_id, changes)
    try:
        for batch in _batches(run.results):
            await store(database, session_id, batch)
            async with database.write() as session:
                await repository.change(session, session_id, [Status.RUNNING], heartbeat_at=clock.now())
    except TestBenchError as error:
        await _end(database, session_id, Status.FAILED, error=error.message, finished_at=clock.now())
        raise
    counters = run.statistics.overall().counters
    ended = await _end(
        database,
        session_id,
        Status.COMPLETED,
        finished_at=run.finished_at,
        requests_ok=counters.ok,
        requests_failed=counters.failed,
        summary=run.summary,
        timeline={"columns": run.statistics.timeline.columns()},
        histograms=run.statistics.encode(with_timeline=False),
    )
    if not ended:
        raise ConflictError(f"benchmark {session_id} was ended by somebody else while it was imported")
    return session_id


async def _end(database: Database, session_id: UUID, status: Status, **values: Any) -> bool:
    async with database.write() as session:
        wanted = transition(Status.RUNNING, status)
        return await repository.change(session, session_id, [Status.RUNNING], status=wanted, **values)


def _batches(results: Sequence[MeasuredResult]) -> Iterator[list[MeasuredResult]]:
    for begin in range(0, len(results), _BATCH):
        yield list(results[begin : begin + _BATCH])
