"""Comparisons of stored benchmarks: who may see them, what is read, and what is remembered of finished ones."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row

from app.accounts.caller import Caller
from app.benchmarks import repository
from app.benchmarks.states import FINAL
from app.core.database import Database
from app.core.errors import ConflictError, InvalidRequestError, NotFoundError, invalid_field
from app.evaluation import reading
from app.evaluation.comparing import DEFAULT_MARGIN, LEAST_RUNS, MOST_RUNS, MeasuredRun, compare
from app.evaluation.schemas import Comparison, WindowKind
from app.stats.batch import Batch

_REMEMBERED = 16
_AT_ONCE = 1  # a comparison is seconds of one core: more at once would slow down every request of the server


class Wanted(NamedTuple):
    """What to compare."""

    ids: tuple[UUID, ...]
    baseline: UUID
    window: WindowKind = "steady"
    margin: float = DEFAULT_MARGIN


def wanted(ids: str, baseline: str | None, window: WindowKind, margin_percent: float) -> Wanted:
    """What a query asks for.

    Raises:
        InvalidRequestError: naming the parameter and what is allowed.
    """
    found = tuple(_id("ids", text) for text in ids.split(",") if text.strip())
    if not LEAST_RUNS <= len(found) <= MOST_RUNS:
        raise invalid_field("ids", f"give {LEAST_RUNS} to {MOST_RUNS} ids of benchmarks, separated by commas")
    if len(set(found)) < len(found):
        raise invalid_field("ids", "every benchmark may be given once")
    base = _id("baseline", baseline) if baseline else found[0]
    if base not in found:
        raise invalid_field("baseline", "must be one of ids")
    return Wanted(found, base, window, margin_percent / 100)


def _id(path: str, text: str) -> UUID:
    try:
        return UUID(text.strip())
    except ValueError:
        raise invalid_field(path, f"{text.strip()[:80]!r} is not the id of a benchmark") from None


class ComparisonService:
    """Compares benchmarks that the caller sees."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: OrderedDict[tuple[Any, ...], Comparison] = OrderedDict()
        self._turn = asyncio.Semaphore(_AT_ONCE)

    async def compare(self, caller: Caller, what: Wanted) -> Comparison:
        """The comparison.

        Raises:
            NotFoundError: naming a benchmark that does not exist, or that the caller does not see.
            ConflictError: naming one that has not ended.
            InvalidRequestError: naming one without results.
        """
        heads = [await self._head(caller, session_id) for session_id in what.ids]
        key = (what, tuple((row.version, row.name) for row in heads))
        if (found := self._known.get(key)) is not None:
            self._known.move_to_end(key)
            return found
        async with self._turn:
            if (found := self._known.get(key)) is not None:  # asked twice at once
                return found
            runs = [await self._read(caller, session_id) for session_id in what.ids]
            found = await asyncio.to_thread(_compare, runs, what)
            self._known[key] = found
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return found

    async def run(self, caller: Caller, session_id: UUID) -> MeasuredRun:
        """One finished benchmark as comparisons read it; raises as `compare`."""
        await self._head(caller, session_id)
        async with self._turn:
            return await self._read(caller, session_id)

    async def _head(self, caller: Caller, session_id: UUID) -> Row[Any]:
        async with self._database.read() as session:
            row = await repository.find_status(session, caller, session_id)
        if row is None:
            raise NotFoundError(f"there is no benchmark {session_id}", resource="benchmark", id=str(session_id))
        if row.status not in FINAL:
            raise ConflictError(
                f"benchmark {session_id} ({row.name}) is {row.status}; only what has ended can be compared",
                status=row.status,
                id=str(session_id),
            )
        return row

    async def _read(self, caller: Caller, session_id: UUID) -> MeasuredRun:
        async with self._database.read() as session:
            row = await repository.find(session, caller, session_id)
        if row is None:
            raise NotFoundError(f"there is no benchmark {session_id}", resource="benchmark", id=str(session_id))
        if row.summary is None:
            message = f"benchmark {session_id} ({row.name}) {row.status} without any result"
            raise InvalidRequestError(message, errors=[{"path": "ids", "message": message}])
        return await read_run(self._database, row)


async def read_run(database: Database, row: Any) -> MeasuredRun:
    """A stored benchmark with a summary, whoever asks; `row` has the columns of a session."""
    count = row.summary["requests"]["total"]
    batch: Batch | None = None
    indices: list[int] = []
    reason: str | None = None
    encoded: bytes | None = None
    if count <= reading.MAX_ROWS:
        batch, indices = await reading.read_rows(database, row.id, with_gaps=count <= reading.MAX_GAP_ROWS)
    if count > reading.MAX_GAP_ROWS or batch is None or not len(batch):
        encoded = await reading.read_slices(database, row.id)
        reason = (
            f"more than {reading.MAX_ROWS:,} requests: slices of time say the same"
            if count > reading.MAX_ROWS
            else f"more than {reading.MAX_GAP_ROWS:,} requests: chunk gaps are of slices of time"
            if count > reading.MAX_GAP_ROWS
            else "its requests are not stored any more"
        )
    return MeasuredRun(
        id=str(row.id),
        name=row.name,
        status=row.status,
        summary=row.summary,
        spec=row.spec,
        batch=batch if batch is not None and len(batch) else None,
        indices=indices,
        slices=await asyncio.to_thread(reading.decode_slices, encoded) if encoded else None,
        source_reason=reason,
        created_at=row.created_at,
    )


def _compare(runs: Sequence[MeasuredRun], what: Wanted) -> Comparison:
    try:
        return compare(runs, baseline=what.ids.index(what.baseline), window=what.window, margin=what.margin)
    except ValueError as error:
        raise InvalidRequestError(f"ids: {error}", errors=[{"path": "ids", "message": str(error)}]) from None
