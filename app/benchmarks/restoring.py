"""Statistics out of stored rows, for runs and shards whose own were lost with their process."""

from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select

from app.benchmarks.measures import MeasuredResult, columns
from app.benchmarks.models import Result
from app.benchmarks.rows import from_row, selected
from app.core.database import Database
from app.stats.run_statistics import RunStatistics, TargetKey

_BATCH = 1_000


async def add_stored(
    statistics: RunStatistics, database: Database, session_id: UUID, *conditions: ColumnElement[bool]
) -> list[int]:
    """Count every stored result that meets the conditions; the answer is their indices."""
    indices: list[int] = []
    last = -1
    while True:
        query = select(*selected(with_gaps=True)).where(
            Result.session_id == session_id, Result.index > last, *conditions
        )
        async with database.read() as session:
            found: Any = (await session.execute(query.order_by(Result.index).limit(_BATCH))).all()
        results = [from_row(row) for row in found]
        for key, group in groupby(sorted(results, key=_target), key=_target):
            members = list(group)
            statistics.add(key, columns(members))
            _add_in_flight(statistics, members)
        indices += [result.index for result in results]
        if len(results) < _BATCH:
            return indices
        last = results[-1].index


def _target(result: MeasuredResult) -> TargetKey:
    return TargetKey(result.provider, result.model, result.point or 0, result.level)


def _add_in_flight(statistics: RunStatistics, results: list[MeasuredResult]) -> None:
    for result in results:
        if result.started_ns and result.end_ns:
            statistics.timeline.add_in_flight(result.started_ns, result.end_ns, 1)
