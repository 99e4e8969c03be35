"""Reading results: listed by page, one with everything, or all of a benchmark as a stream."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, false, func, select

from app.accounts.caller import Caller
from app.benchmarks import points, repository
from app.benchmarks.audience import visible_to
from app.benchmarks.curve_views import PointField, Points
from app.benchmarks.measures import MeasuredResult
from app.benchmarks.models import BenchmarkSession, Result
from app.benchmarks.result_views import RequestDetail, ResultDetail, ResultItem
from app.benchmarks.rows import from_row, selected
from app.core.database import Database
from app.core.errors import MalformedRequestError, NotFoundError
from app.core.pagination import Page, decode_cursor, encode_cursor

STREAM_BATCH = 1_000


class ResultFilters(NamedTuple):
    """What a listing is narrowed to; None does not narrow."""

    session_id: UUID | None = None
    status: Literal["ok", "error"] | None = None
    error_type: str | None = None
    provider: str | None = None
    model: str | None = None
    point: int | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """As SQL."""
        given = {name: value for name, value in self._asdict().items() if value is not None}
        if any(isinstance(value, str) and "\0" in value for value in given.values()):
            return [false()]  # no stored text has one, and PostgreSQL refuses to be asked
        point = given.pop("point", None)
        conditions = [getattr(Result, name) == value for name, value in given.items()]
        return conditions if point is None else [*conditions, Result.metadata_["point"].as_integer() == point]


class ResultService:
    """Serves requests about results; a caller sees those of the benchmarks that they see."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(
        self, caller: Caller, filters: ResultFilters, *, limit: int, cursor: str | None = None
    ) -> Page[ResultItem]:
        """A page: of one benchmark by index, else newest first.

        Raises:
            NotFoundError: when the benchmark asked for does not exist.
        """
        by_index = filters.session_id is not None
        query = _visible(caller).where(*filters.conditions()).limit(limit + 1)
        if by_index:
            query = query.order_by(Result.index)
            if cursor:
                query = query.where(Result.index > decode_cursor(cursor, int)[0])
        else:
            query = query.order_by(Result.id.desc())
            if cursor:
                query = query.where(Result.id < _uuid(decode_cursor(cursor, str)[0]))
        async with self._database.read() as session:
            if filters.session_id is not None:
                await self._check_visible(session, caller, filters.session_id)
            rows = (await session.execute(query)).all()
        items = [ResultItem.of(row.session_id, from_row(row)) for row in rows[:limit]]
        next_cursor = None
        if len(rows) > limit:
            next_cursor = encode_cursor(items[-1].index if by_index else str(items[-1].id))
        return Page(items=items, next_cursor=next_cursor)

    async def get(self, caller: Caller, result_id: UUID) -> ResultDetail:
        """One result with its gaps, text and usage.

        Raises:
            NotFoundError: when there is none.
        """
        async with self._database.read() as session:
            query = _visible(caller, with_gaps=True, with_text=True).where(Result.id == result_id)
            row = (await session.execute(query)).one_or_none()
        if row is None:
            raise NotFoundError(f"there is no result {result_id}", resource="result", id=str(result_id))
        return ResultDetail.of(row.session_id, from_row(row))

    async def request(self, caller: Caller, session_id: UUID, index: int) -> RequestDetail:
        """A result by its position in the benchmark's schedule, with its neighbours.

        Raises:
            NotFoundError: when there is none.
        """
        mine = Result.session_id == session_id
        async with self._database.read() as session:
            await self._check_visible(session, caller, session_id)
            query = select(*selected(with_gaps=True, with_text=True)).where(mine, Result.index == index)
            row = (await session.execute(query)).one_or_none()
            if row is None:
                raise _no_request(session_id, index)
            before = select(func.max(Result.index)).where(mine, Result.index < index)
            behind = select(func.min(Result.index)).where(mine, Result.index > index)
            previous_index, next_index = (
                await session.execute(select(before.scalar_subquery(), behind.scalar_subquery()))
            ).one()
        return RequestDetail.of(session_id, from_row(row), previous_index=previous_index, next_index=next_index)

    async def check_exists(self, caller: Caller, session_id: UUID, index: int) -> None:
        """Raise `NotFoundError` unless the caller sees the benchmark and it has a result of this index."""
        query = select(Result.index).where(Result.session_id == session_id, Result.index == index)
        async with self._database.read() as session:
            await self._check_visible(session, caller, session_id)
            if (await session.execute(query)).one_or_none() is None:
                raise _no_request(session_id, index)

    async def points(
        self, caller: Caller, filters: ResultFilters, x: PointField, y: PointField, *, limit: int
    ) -> Points:
        """Two measures of a benchmark's requests, at most about `limit` of them; `filters` must name the benchmark.

        Raises:
            NotFoundError: when there is no such benchmark.
        """
        assert filters.session_id is not None
        async with self._database.read() as session:
            await self._check_visible(session, caller, filters.session_id)
            return await points.points(session, filters.session_id, x, y, conditions=filters.conditions(), limit=limit)

    async def stream(
        self, caller: Caller, session_id: UUID, *, with_gaps: bool = False, with_text: bool = False
    ) -> AsyncIterator[MeasuredResult]:
        """Every result of a benchmark by index, read in batches so that memory and locks stay small.

        Raises:
            NotFoundError: at once, when there is no such benchmark.
        """
        async with self._database.read() as session:
            await self._check_visible(session, caller, session_id)
        return stored_results(self._database, session_id, with_gaps=with_gaps, with_text=with_text)

    async def _check_visible(self, session: Any, caller: Caller, session_id: UUID) -> None:
        if await repository.find_status(session, caller, session_id) is None:
            raise NotFoundError(f"there is no benchmark {session_id}", resource="benchmark", id=str(session_id))


async def stored_results(
    database: Database, session_id: UUID, *, with_gaps: bool = False, with_text: bool = False
) -> AsyncIterator[MeasuredResult]:
    """Every result of a session by index, whoever asks; each batch is read in a session of its own."""
    last = -1
    while True:
        query = select(*selected(with_gaps=with_gaps, with_text=with_text)).where(
            Result.session_id == session_id, Result.index > last
        )
        async with database.read() as session:
            rows: Sequence[Row[Any]] = (await session.execute(query.order_by(Result.index).limit(STREAM_BATCH))).all()
        for row in rows:
            yield from_row(row)
        if len(rows) < STREAM_BATCH:
            return
        last = rows[-1]._mapping["index"]  # noqa: SLF001  (a row is a tuple, whose `index` is a method)


def _visible(caller: Caller, *, with_gaps: bool = False, with_text: bool = False) -> Select[Any]:
    query = select(*selected(with_gaps=with_gaps, with_text=with_text))
    return query.join(BenchmarkSession, BenchmarkSession.id == Result.session_id).where(visible_to(caller))


def _no_request(session_id: UUID, index: int) -> NotFoundError:
    return NotFoundError(f"benchmark {session_id} has no request {index}", resource="request", id=str(index))


def _uuid(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        raise MalformedRequestError(
            "the cursor is not valid", errors=[{"path": "cursor", "message": "use next_cursor"}]
        ) from None
