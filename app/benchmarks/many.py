"""Facts about many benchmarks at once, each in one query: what lists of them are made of."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from app.accounts.caller import Caller
from app.benchmarks import repository
from app.benchmarks.live import LiveRuns
from app.benchmarks.models import BenchmarkSession
from app.benchmarks.repository import Filters
from app.benchmarks.spec_parts import STORED
from app.benchmarks.states import LIVE
from app.benchmarks.views import EMPTY_TIMELINE, BenchmarkListItem, Progress, Timeline, headline
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
            return await repository.count(session, caller, filters)


def list_item(row: Row[Any], progress: Progress | dict[str, Any] | None) -> BenchmarkListItem:
    """The answer for a row of a listing."""
    parts = {"targets": row.targets, "load": row.load, "stop": row.stop, "headline": headline(row.summary)}
    return BenchmarkListItem.model_validate(head(row, progress) | parts, context=STORED)


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
