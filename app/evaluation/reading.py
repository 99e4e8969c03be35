"""Fetches what a comparison needs of stored benchmarks: few columns, in batches, so that memory stays small."""

from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import select

from app.benchmarks import gaps
from app.benchmarks.models import BenchmarkSession
from app.benchmarks.rows import TABLE
from app.core.database import Database
from app.evaluation.figures import NAMES
from app.stats.batch import CHUNK_METRIC, Batch
from app.stats.run_statistics import RunStatistics
from app.stats.slices import Slices

MAX_ROWS = 200_000  # of one run; above it the slices say the same in a hundredth of the time
MAX_GAP_ROWS = 20_000  # whose chunk gaps are read: 200 tokens each make four million values
_BATCH = 10_000
_NUMBERS = ("intended_ns", "started_ns", "first_token_ns", "last_token_ns", "end_ns", "input_tokens", "output_tokens")
_LATENCIES = tuple(name for name in NAMES if name != CHUNK_METRIC)  # chunk gaps have a column of their own form
_COLUMNS = ("index", "status", "attempts", *_NUMBERS, "cost_usd", *_LATENCIES)


async def read_rows(database: Database, session_id: UUID, *, with_gaps: bool) -> tuple[Batch, list[int]]:
    """Every stored request of a benchmark in the order of its schedule, and their indices."""
    names = [*_COLUMNS, *(["gaps"] if with_gaps else [])]
    columns: dict[str, list[Any]] = {name: [] for name in names}
    last = -1
    while True:
        query = (
            select(*(TABLE.columns[name] for name in names))
            .where(TABLE.columns["session_id"] == session_id, TABLE.columns["index"] > last)
            .order_by(TABLE.columns["index"])
            .limit(_BATCH)
        )
        async with database.read() as session:
            rows = (await session.execute(query)).all()
        for name, values in zip(names, zip(*rows, strict=True), strict=False):
            columns[name].extend(values)
        if len(rows) < _BATCH:
            return _batch(columns), columns["index"]
        last = columns["index"][-1]


async def read_slices(database: Database, session_id: UUID) -> bytes | None:
    """The stored statistics, encoded; None when there are none."""
    async with database.read() as session:
        query = select(BenchmarkSession.histograms).where(BenchmarkSession.id == session_id)
        return (await session.execute(query)).scalar_one_or_none()


def decode_slices(encoded: bytes | None) -> Slices | None:
    """The slices of the run's only target; None where there are several or none."""
    if encoded is None:
        return None
    try:
        targets = RunStatistics.decode(encoded).targets
    except ValueError:  # of a later version
        return None
    found = next(iter(targets.values())).slices if len(targets) == 1 else None
    return found if found is not None and found.length else None


def _batch(columns: dict[str, list[Any]]) -> Batch:
    def integers(name: str) -> np.typing.NDArray[np.int64]:
        return np.array([value or 0 for value in columns[name]], dtype=np.int64)

    count = len(columns["index"])
    nothing = np.zeros(count, dtype=np.int64)
    stored = columns.get("gaps")
    gaps_ns, gap_counts = gaps.joined([gaps.unpack(one) for one in stored]) if stored else (nothing[:0], nothing)
    intended = integers("intended_ns")
    started = integers("started_ns")
    starts = np.where(started > 0, started, intended)
    return Batch(
        ok=np.array([status == "ok" for status in columns["status"]], dtype=bool),
        start_ns=starts,
        first_token_ns=integers("first_token_ns"),
        last_token_ns=integers("last_token_ns"),
        end_ns=np.maximum(integers("end_ns"), starts),
        metrics={name: np.array(columns[name], dtype=np.float64) for name in _LATENCIES},
        gaps_ns=gaps_ns,
        gap_counts=gap_counts,
        chunks=nothing,
        coalesced_chunks=nothing,
        input_tokens=integers("input_tokens"),
        output_tokens=integers("output_tokens"),
        reasoning_tokens=nothing,
        cost_usd=np.array(columns["cost_usd"], dtype=np.float64),
        new_connection=np.zeros(count, dtype=bool),
        intended_ns=intended,
        attempts=integers("attempts"),
        clock_stepped=np.zeros(count, dtype=bool),
    )
