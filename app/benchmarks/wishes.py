"""What waiting benchmarks need of the cluster; remembered, for a spec does not change and may hold many prompts."""

from collections.abc import Collection
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.benchmarks import planner
from app.benchmarks.models import BenchmarkSession
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.spec_parts import STORED
from app.cluster.placement import Wish

_AT_ONCE = 50


class Wishes:
    """Those of the benchmarks that were asked for last."""

    def __init__(self) -> None:
        self._known: dict[UUID, Wish] = {}

    async def of(self, session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, Wish]:
        """What each of these benchmarks needs at once."""
        unknown = [one for one in ids if one not in self._known]
        found = {one: self._known[one] for one in ids if one in self._known}
        for at in range(0, len(unknown), _AT_ONCE):
            query = select(BenchmarkSession.id, BenchmarkSession.spec)
            rows = await session.execute(query.where(BenchmarkSession.id.in_(unknown[at : at + _AT_ONCE])))
            found |= {row.id: _wish(row.spec) for row in rows}
        self._known = found
        return dict(found)


def _wish(document: object) -> Wish:
    try:
        spec = BenchmarkSpec.model_validate(document, context=STORED)
    except ValidationError:  # its run will say what is wrong
        return Wish(1)
    return Wish(max(planner.shard_counts(spec)), tuple(spec.placement))
