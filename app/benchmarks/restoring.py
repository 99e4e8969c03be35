"""Statistics out of stored rows, for runs and shards whose own were lost with their process."""

from collections.abc import Callable
from itertools import groupby
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import ColumnElement, select

from app.benchmarks.measures import MeasuredResult
from app.benchmarks.models import Result
from app.benchmarks.result_columns import columns
from app.benchmarks.rows import from_row, selected
from app.core.database import Database
from app.stats.run_statistics import RunStatistics, TargetKey

_BATCH = 1_000


async def add_stored(
    statistics: RunStatistics,
    database: Database,
    session_id: UUID,
    *conditions: ColumnElement[bool],
    wanted: Callable[[int], bool] = lambda _index: True,
) -> list[int]:
    """Count every stored result that meets the conditions and whose index is wanted; the answer is their indices."""
    indices: list[int] = []
    last = -1
    while True:
        query = select(*selected(with_gaps=True)).where(
            Result.session_id == session_id, Result.index > last, *conditions
        )
        async with database.read() as session:
            found: Any = (await session.execute(query.order_by(Result.index).limit(_BATCH))).all()
        rows = [from_row(row) for row in found]
        results = [row for row in rows if wanted(row.index)]
        for key, group in groupby(sorted(results, key=_target), key=_target):
            members = list(group)
            statistics.add(key, columns(members))
            _add_in_flight(statistics, key, members)
        indices += [result.index for result in results]
        if len(rows) < _BATCH:
            return indices
        last = rows[-1].index


def _target(result: MeasuredResult) -> TargetKey:
    return TargetKey(result.provider, result.model, result.point or 0, result.level)


def _add_in_flight(statistics: RunStatistics, key: TargetKey, results: list[MeasuredResult]) -> None:
    spans = [(result.started_ns, result.end_ns) for result in results if result.started_ns and result.end_ns]
    starts, ends = np.array(spans, dtype=np.int64).reshape(-1, 2).T
    statistics.add_open(key, starts, ends)
