"""Reading results: listed by page, one with everything, or all of a benchmark as a stream."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import JSON, ColumnElement, Row, Select, bindparam, case, false, func, literal, select, true, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.caller import Caller
from app.benchmarks import listing, points, repository
from app.benchmarks.audience import visible_to
from app.benchmarks.curve_views import PointField, Points
from app.benchmarks.measures import MeasuredResult
from app.benchmarks.models import BenchmarkSession, Result
from app.benchmarks.result_views import RequestDetail, ResultDetail, ResultItem
from app.benchmarks.rows import TABLE, from_row, selected
from app.benchmarks.spans import TraceLink, no_link
from app.benchmarks.states import REMOVED
from app.core.database import Database
from app.core.errors import ConflictError, NotFoundError
from app.core.pagination import Page, decode_cursor, encode_cursor, uuid_of

_LARGEST_INDEX = 2**63 - 1
STREAM_BATCH = 1_000
POINT = Result.metadata_[literal("point", JSON.JSONIndexType(), literal_execute=True)].as_integer()
"""The level of load that a result belongs to, word for word as `ix_results_session_point` has it."""
_STATUS = select(BenchmarkSession.status).where(BenchmarkSession.id == bindparam("key"))


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
        return conditions if point is None else [*conditions, point == POINT]

    def conditions_in(self, providers: Sequence[str], models: Sequence[str]) -> list[ColumnElement[bool]]:
        """As SQL, for a benchmark of these providers and models.

        A name that it does not have costs no scan, and naming its only provider lets a model be found by index.
        """
        if self.provider not in {None, *providers} or self.model not in {None, *models}:
            return [false()]
        only = providers[0] if self.model is not None and len(providers) == 1 else self.provider
        return self._replace(provider=only).conditions()


class ResultService:
    """Serves requests about results; a caller sees those of the benchmarks that they see."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.trace_link: TraceLink = no_link

    def _link(self, result: MeasuredResult) -> str | None:
        return self.trace_link(result.trace_id, result.metadata.get("span_id"))

    async def list(
        self, caller: Caller, filters: ResultFilters, *, limit: int, cursor: str | None = None
    ) -> Page[ResultItem]:
        """A page: of one benchmark by index, else of the newest benchmark first.

        Raises:
            NotFoundError: when the benchmark asked for does not exist.
        """
        if filters.session_id is None:
            return await self._newest(caller, filters, limit, cursor)
        after = decode_cursor(cursor, int)[0] if cursor else None
        async with self._database.read() as session:
            conditions = await self._conditions(session, caller, filters)
            query = select(*selected()).where(*conditions).order_by(Result.index).limit(limit + 1)
            if after is not None:
                query = query.where(Result.index > after)
            rows = (await session.execute(query)).all()
        items = [ResultItem.of(row.session_id, from_row(row)) for row in rows[:limit]]
        return Page(items=items, next_cursor=cursor_of(items[-1], by_index=True) if len(rows) > limit else None)

    async def _newest(self, caller: Caller, filters: ResultFilters, limit: int, cursor: str | None) -> Page[ResultItem]:
        """Of all visible benchmarks, the newest first, and of each its last request first.

        From the sessions to their results, so that what a caller does not see costs them no time.
        """
        conditions = filters.conditions()
        wanted = [visible_to(caller)]
        for column, value in ((BenchmarkSession.providers, filters.provider), (BenchmarkSession.models, filters.model)):
            if value is not None and "\0" not in value:  # with one, `conditions` hold for nothing
                wanted.append(listing.list_has(self._database.dialect, column, value))
        if cursor:
            text, index = decode_cursor(cursor, str, int)
            last = uuid_of(text)
            wanted.append(BenchmarkSession.id <= last)
            # An upper bound either way, which an index can use.
            conditions.append(Result.index < case((BenchmarkSession.id == last, index), else_=_LARGEST_INDEX))
        query = _newest_first(self._database.dialect, wanted, conditions, limit + 1)
        async with self._database.read() as session:
            rows = (await session.execute(query)).all()
        items = [ResultItem.of(row.session_id, from_row(row)) for row in rows[:limit]]
        more = len(rows) > limit
        return Page(items=items, next_cursor=cursor_of(items[-1], by_index=False) if more else None)

    async def first_pages(
        self, caller: Caller, session_ids: Sequence[UUID], *, limit: int
    ) -> dict[UUID, Page[ResultItem]]:
        """The first page of each benchmark that the caller may see, all in one query.

        A union of limited queries, because each of them reads its own few rows along the primary key; a window
        function would number every result of every benchmark first.
        """
        parts = []
        for session_id in session_ids:
            query = select(*selected()).join(BenchmarkSession, BenchmarkSession.id == Result.session_id)
            query = query.where(visible_to(caller), Result.session_id == session_id)
            parts.append(select(query.order_by(Result.index).limit(limit + 1).subquery()))
        async with self._database.read() as session:
            rows = (await session.execute(union_all(*parts))).all() if parts else ()
        found: dict[UUID, list[ResultItem]] = {}
        for row in rows:
            found.setdefault(row.session_id, []).append(ResultItem.of(row.session_id, from_row(row)))
        pages: dict[UUID, Page[ResultItem]] = {}
        for session_id, items in found.items():
            items.sort(key=lambda item: item.index)
            shown = items[:limit]
            more = cursor_of(shown[-1], by_index=True) if len(items) > limit else None
            pages[session_id] = Page(items=shown, next_cursor=more)
        return pages

    async def get(self, caller: Caller, result_id: UUID) -> ResultDetail:
        """One result with its gaps, text and usage.

        Raises:
            NotFoundError: when there is none.
        """
        async with self._database.read() as session:
            query = select(*selected(with_gaps=True, with_text=True)).where(Result.id == result_id)
            query = query.join(BenchmarkSession, BenchmarkSession.id == Result.session_id).where(visible_to(caller))
            row = (await session.execute(query)).one_or_none()
        if row is None:
            raise NotFoundError(f"there is no result {result_id}", resource="result", id=str(result_id))
        result = from_row(row)
        return ResultDetail.of(row.session_id, result, trace_url=self._link(result))

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
        result = from_row(row)
        return RequestDetail.of(
            session_id,
            result,
            previous_index=previous_index,
            next_index=next_index,
            trace_url=self._link(result),
        )

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
            conditions = await self._conditions(session, caller, filters)
            return await points.points(session, filters.session_id, x, y, conditions=conditions, limit=limit)

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

    async def _conditions(
        self, session: AsyncSession, caller: Caller, filters: ResultFilters
    ) -> Sequence[ColumnElement[bool]]:
        assert filters.session_id is not None
        found = await self._check_visible(session, caller, filters.session_id)
        return filters.conditions_in(found.providers, found.models)

    async def _check_visible(self, session: AsyncSession, caller: Caller, session_id: UUID) -> Row[Any]:
        if (found := await repository.find_status(session, caller, session_id)) is None:
            raise NotFoundError(f"there is no benchmark {session_id}", resource="benchmark", id=str(session_id))
        return found


def cursor_of(item: ResultItem, *, by_index: bool) -> str:
    """The place of a result in a listing: of one benchmark `by_index`, else of all."""
    return encode_cursor(item.index) if by_index else encode_cursor(str(item.session_id), item.index)


async def stored_results(
    database: Database, session_id: UUID, *, with_gaps: bool = False, with_text: bool = False
) -> AsyncIterator[MeasuredResult]:
    """Every result of a session by index, whoever asks; each batch is read in a session of its own.

    Raises:
        ConflictError: at the end, when the benchmark was deleted meanwhile, so that no part passes for the whole.
    """
    last = -1
    index = TABLE.columns["index"]
    # Of the table, not of the mapped class: SQLAlchemy's ORM takes a fifth more time for each row.
    query = select(*selected(with_gaps=with_gaps, with_text=with_text)).order_by(index).limit(STREAM_BATCH)
    while True:
        async with database.read() as session:
            connection = await session.connection()
            rows = (
                await connection.execute(query.where(TABLE.columns["session_id"] == session_id, index > last))
            ).all()
            is_end = len(rows) < STREAM_BATCH
            status = await session.scalar(_STATUS, {"key": session_id}) if is_end else None
        for row in rows:
            yield from_row(row)
        if is_end:
            if status in {None, REMOVED}:
                raise ConflictError("the benchmark was deleted while its results were read")
            return
        last = rows[-1]._mapping["index"]  # noqa: SLF001  (a row is a tuple, whose `index` is a method)


def _newest_first(
    dialect: str, wanted: Sequence[ColumnElement[bool]], conditions: Sequence[ColumnElement[bool]], limit: int
) -> Select[Any]:
    """Results that meet `conditions`, of the sessions that are `wanted`."""
    of_session = Result.session_id == BenchmarkSession.id
    query = select(*selected())
    if dialect == "sqlite":
        query = query.join(BenchmarkSession, of_session).where(*wanted, *conditions)
        return query.order_by(BenchmarkSession.id.desc(), Result.index.desc()).limit(limit)
    each = query.where(of_session, *conditions).order_by(Result.index.desc()).limit(limit)
    newest = each.correlate(BenchmarkSession).lateral("newest")
    query = select(newest).select_from(BenchmarkSession).join(newest, true()).where(*wanted)
    return query.order_by(BenchmarkSession.id.desc(), newest.c.index.desc()).limit(limit)


def _no_request(session_id: UUID, index: int) -> NotFoundError:
    return NotFoundError(f"benchmark {session_id} has no request {index}", resource="request", id=str(index))
