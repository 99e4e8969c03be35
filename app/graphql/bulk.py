"""The same change to many benchmarks, and what one would change."""

from typing import Annotated, Any, TypeVar

import strawberry

from app.accounts.permissions import Permission
from app.benchmarks.bulk import BulkAnswer, BulkDelete, BulkUpdate
from app.benchmarks.listing import MAX_MATCHING, NEWEST_FIRST
from app.benchmarks.views import Matching
from app.core.errors import InvalidRequestError
from app.graphql.benchmark_filters import BenchmarkFilter
from app.graphql.conditions import conditions
from app.graphql.context import Info
from app.graphql.derive import TYPES
from app.graphql.guard import guarded
from app.graphql.inputs import INPUTS, read

DeleteInput = INPUTS.of(BulkDelete)
UpdateInput = INPUTS.of(BulkUpdate)
_Bulk = TypeVar("_Bulk", BulkDelete, BulkUpdate)


@strawberry.type
class BulkQueries:
    """Reading what a change would be about."""

    @guarded(Permission.BENCHMARK_READ, returns=TYPES.of(Matching), cost=20)
    async def matching_benchmarks(
        self,
        info: Info,
        filter_: Annotated[
            BenchmarkFilter | None, strawberry.argument(name="filter", description="Which ones; without it all.")
        ] = None,
        limit: Annotated[int, strawberry.argument(description="Most ids; 0: only count.")] = 0,
    ) -> Any:
        """How many benchmarks fit, and the ids of the newest of them: to do something with all of them."""
        if not 0 <= limit <= MAX_MATCHING:
            allowed = f"0 to {MAX_MATCHING}"
            problem = {"path": "limit", "message": "is out of range", "allowed": allowed}
            raise InvalidRequestError(f"limit: use {allowed}", errors=[problem])
        filters = (filter_ or BenchmarkFilter()).conditions()
        many = info.context.services.benchmarks.many
        return await many.matching(info.context.caller, filters, NEWEST_FIRST, limit=limit)


@strawberry.type
class BulkMutations:
    """Changing several benchmarks."""

    @guarded(Permission.BENCHMARK_DELETE, returns=TYPES.of(BulkAnswer), cost=200)
    async def delete_benchmarks(
        self, info: Info, asked: Annotated[DeleteInput, strawberry.argument(name="input", description="Which.")]
    ) -> Any:
        """Remove each with all its results; running ones are left. What cannot be deleted is told and stops nothing."""
        body = _tagged(info, read(BulkDelete, asked, path="input"))
        return await info.context.services.benchmarks.bulk.delete(
            info.context.caller, body, if_match_required=info.context.services.requires_if_match
        )

    @guarded(Permission.BENCHMARK_SHARE, returns=TYPES.of(BulkAnswer), cost=200)
    async def update_benchmarks(
        self,
        info: Info,
        asked: Annotated[UpdateInput, strawberry.argument(name="input", description="Which, and what changes.")],
    ) -> Any:
        """Add and remove tags of, and share, each that you own; an administrator's are all."""
        body = _tagged(info, read(BulkUpdate, asked, path="input"))
        return await info.context.services.benchmarks.bulk.update(
            info.context.caller, body, if_match_required=info.context.services.requires_if_match
        )


def _tagged(info: Info, body: _Bulk) -> _Bulk:
    """Each `ifMatch` as the header of REST has it; raises `InvalidRequestError`."""
    items = [item.model_copy(update={"if_match": conditions(info, item.if_match).if_match}) for item in body.items]
    return body.model_copy(update={"items": items})
