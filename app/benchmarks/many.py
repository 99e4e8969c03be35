"""Facts about many benchmarks at once, each in one query: what lists of them are made of."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from app.accounts.caller import Caller
from app.benchmarks import listed, listing, repository
from app.benchmarks.listing import NEWEST_FIRST, Filters, Order, cursor_at, place_of
from app.benchmarks.live import LiveRuns
from app.benchmarks.models import BenchmarkSession
from app.benchmarks.spec_parts import STORED
from app.benchmarks.states import LIVE
from app.benchmarks.views import (
    EMPTY_TIMELINE,
    BenchmarkListItem,
    BenchmarkPage,
    Headline,
    Matching,
    Progress,
    Timeline,
)
from app.core.database import Database


class ManyBenchmarks:
    """Serves requests about several benchmarks; what a caller may not see is left out of the answer."""

    def __init__(self, database: Database, live: LiveRuns) -> None:
        self._database = database
        self._live = live

    async def heads(self, caller: Caller, ids: Sequence[UUID]) -> dict[UUID, BenchmarkListItem]:
        """Rows as in a listing; the progress of those that another replica runs is read from what it stored."""
        async with self._database.read() as session:
            rows = await repository.rows_of(session, caller, ids)
            elsewhere = [row.id for row in rows if row.status in LIVE and self._live.progress(row.id) is None]
            stored = (
                await repository.column_of(session, caller, BenchmarkSession.timeline, elsewhere) if elsewhere else {}
            )
        progress = {id_: (document or {}).get("progress") for id_, document in stored.items()}
        return {row.id: list_item(row, self._live.progress(row.id) or progress.get(row.id)) for row in rows}

    async def summaries(self, caller: Caller, ids: Sequence[UUID]) -> dict[UUID, dict[str, Any] | None]:
        """Stored summaries; None while there is none."""
        async with self._database.read() as session:
            return await repository.column_of(session, caller, BenchmarkSession.summary, ids)

    async def versions(self, caller: Caller, ids: Sequence[UUID]) -> dict[UUID, int]:
        """Numbers that count the changes of each row."""
        async with self._database.read() as session:
            return await repository.column_of(session, caller, BenchmarkSession.version, ids)

    async def specs(self, caller: Caller, ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
        """Stored specs, which may be megabytes each."""
        async with self._database.read() as session:
            return await repository.column_of(session, caller, BenchmarkSession.spec, ids)

    async def timelines(self, caller: Caller, ids: Sequence[UUID]) -> dict[UUID, Timeline]:
        """What happened in each second, also while they run."""
        async with self._database.read() as session:
            stored = await repository.column_of(session, caller, BenchmarkSession.timeline, ids)
        columns = {id_: self._live.timeline(id_) or (document or {}).get("columns") for id_, document in stored.items()}
        return {id_: Timeline.model_validate(found or EMPTY_TIMELINE) for id_, found in columns.items()}

    async def count(self, caller: Caller, filters: Filters) -> int:
        """How many benchmarks a listing has over all its pages."""
        async with self._database.read() as session:
            return await listing.count(session, caller, filters)

    async def page(
        self,
        caller: Caller,
        filters: Filters,
        order: Order = NEWEST_FIRST,
        *,
        limit: int,
        cursor: str | None = None,
    ) -> BenchmarkPage:
        """A page of visible benchmarks.

        Raises:
            InvalidRequestError: the filters contradict each other.
            MalformedRequestError: the cursor is not one of this order.
        """
        after = place_of(order, cursor) if cursor else None
        async with self._database.read() as session:
            # First the places, from an index, then the rows: no sort ever carries documents.
            places = await listing.places(session, caller, filters, order, limit + 1, after)
            shown = places[:limit]
            rows = {row.id: row for row in await repository.rows_of(session, caller, [place.id for place in shown])}
        kept = [place for place in shown if place.id in rows]  # what was deleted between the two is left out
        page = BenchmarkPage(
            items=[list_item(rows[place.id], self._live.progress(place.id)) for place in kept],
            next_cursor=cursor_at(order, shown[-1]) if len(places) > limit else None,
        )
        page.cursors = [cursor_at(order, place) for place in kept]
        return page

    async def matching(self, caller: Caller, filters: Filters, order: Order, *, limit: int) -> Matching:
        """How many benchmarks fit, and the ids of the first `limit` of them; raises `InvalidRequestError`."""
        async with self._database.read() as session:
            number = await listing.count(session, caller, filters)
            places = await listing.places(session, caller, filters, order, limit, None) if limit else []
        return Matching(count=number, ids=[place.id for place in places])


def list_item(row: Row[Any], progress: Progress | dict[str, Any] | None) -> BenchmarkListItem:
    """The answer for a row of a listing."""
    parts = {"targets": row.targets, "load": row.load, "stop": row.stop, "headline": _headline(row)}
    return BenchmarkListItem.model_validate(head(row, progress) | parts, context=STORED)


def _headline(row: Row[Any]) -> Headline | None:
    if row.requests is None:
        return None
    return Headline.model_validate({name: getattr(row, name) for name in listed.FIGURES})


def head(row: Row[Any], progress: Progress | dict[str, Any] | None) -> dict[str, Any]:
    """What every answer about a benchmark begins with."""
    return {
        "id": row.id,
        "name": row.name,
        "status": row.status,
        "tags": row.tags,
        "visibility": row.visibility,
        "team": row.team,
        "owner": {"id": row.owner_id, "username": row.owner_name} if row.owner_name else None,
        "created_at": row.created_at,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "trace_id": row.trace_id,
        "error": row.error,
        "progress": progress if row.status in LIVE else None,
    }
