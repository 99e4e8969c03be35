"""How many results a listing has, without reading ten million of them.

Each benchmark keeps how many of its requests went well and how many did not, so those counts are sums over benchmarks.
What no count is kept of is counted in one benchmark, up to a bound; beyond it the answer is not known.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, literal, select

from app.accounts.caller import Caller
from app.benchmarks.audience import visible_to
from app.benchmarks.models import BenchmarkSession, Result
from app.benchmarks.results_service import ResultFilters
from app.core.database import Database

MAX_COUNTED = 100_000
"""Results that one count goes through at most."""


class Kept(NamedTuple):
    """What a benchmark keeps."""

    ok: int
    failed: int

    def of(self, status: str | None) -> int:
        """Those of a status; None means all."""
        return {"ok": self.ok, "error": self.failed}.get(status or "", self.ok + self.failed)


class ResultCounts:
    """Counts results of the benchmarks that a caller sees."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def kept(self, caller: Caller, ids: Sequence[UUID]) -> dict[UUID, Kept]:
        """The counts of these benchmarks, in one query; of one that runs as of its last heartbeat."""
        columns = (BenchmarkSession.id, BenchmarkSession.requests_ok, BenchmarkSession.requests_failed)
        query = select(*columns).where(BenchmarkSession.id.in_(ids), visible_to(caller))
        async with self._database.read() as session:
            return {id_: Kept(ok, failed) for id_, ok, failed in await session.execute(query)}

    async def count(self, caller: Caller, filters: ResultFilters) -> int | None:
        """How many results a listing has over all its pages; None where only a long scan would tell."""
        if filters._replace(session_id=None, status=None) == ResultFilters():
            return await self._sum(caller, filters)
        return None if filters.session_id is None else await self._counted(caller, filters)

    async def _sum(self, caller: Caller, filters: ResultFilters) -> int:
        ok, failed = func.sum(BenchmarkSession.requests_ok), func.sum(BenchmarkSession.requests_failed)
        query = select(func.coalesce(ok, 0), func.coalesce(failed, 0)).where(visible_to(caller))
        if filters.session_id is not None:
            query = query.where(BenchmarkSession.id == filters.session_id)
        async with self._database.read() as session:
            found = (await session.execute(query)).one()
        return Kept(int(found[0]), int(found[1])).of(filters.status)

    async def _counted(self, caller: Caller, filters: ResultFilters) -> int | None:
        targets = select(BenchmarkSession.providers, BenchmarkSession.models)
        async with self._database.read() as session:
            known = await session.execute(targets.where(BenchmarkSession.id == filters.session_id, visible_to(caller)))
            if (its := known.one_or_none()) is None:
                return 0
            conditions = filters.conditions_in(its.providers, its.models)
            some = select(literal(1)).select_from(Result).where(*conditions).limit(MAX_COUNTED + 1).subquery()
            found = (await session.execute(select(func.count()).select_from(some))).scalar_one()
        return None if found > MAX_COUNTED else found
