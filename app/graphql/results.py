"""Results: measured requests, listed and one by one."""

from typing import TYPE_CHECKING, Annotated, Any, Optional
from uuid import UUID

import strawberry

from app.accounts.permissions import Permission
from app.benchmarks.explorations import MAX_POINTS
from app.benchmarks.result_views import ResultDetail, ResultItem
from app.benchmarks.results_service import ResultFilters, cursor_of
from app.core.errors import InvalidRequestError
from app.core.pagination import Page
from app.graphql.connections import (
    DEFAULT_FIRST,
    After,
    Connection,
    First,
    connection,
    connection_type,
    cursor_of_client,
    page_size,
)
from app.graphql.context import Info
from app.graphql.derive import TYPES, enum_of
from app.graphql.guard import guarded
from app.graphql.scalars import Long

if TYPE_CHECKING:
    from app.graphql.benchmark_types import BenchmarkType

ResultStatus = enum_of(ResultItem.model_fields["status"].annotation, "status")
_BenchmarkType = Annotated["BenchmarkType", strawberry.lazy("app.graphql.benchmark_types")]


@guarded(Permission.BENCHMARK_READ, returns=Optional[_BenchmarkType], cost=2)
async def benchmark(root: strawberry.Parent[ResultItem], info: Info) -> Any:
    """The benchmark that it belongs to."""
    return await info.context.loaders.benchmarks.load(root.session_id)


ResultType = TYPES.of(ResultItem, more={"benchmark": benchmark})
ResultDetailType = TYPES.of(ResultDetail, more={"benchmark": benchmark})


@guarded(Permission.RESULTS_READ, returns=Long | None, cost=5)
async def total_count(root: strawberry.Parent[Connection], info: Info) -> Any:
    """How many the whole listing has; of a benchmark that runs, as of a moment ago.

    Null where only a long scan would tell: with filters other than `benchmarkId` and `status`, when there are over
    100,000, or without `benchmarkId`.
    """
    filters: ResultFilters = root.scope
    if filters == ResultFilters(filters.session_id, filters.status) and filters.session_id is not None:
        kept = await info.context.loaders.result_counts.load(filters.session_id)
        return None if kept is None else kept.of(filters.status)
    return await info.context.services.benchmarks.result_counts.count(info.context.caller, filters)


ResultConnection = connection_type(ResultType, "Result", "measured requests", more={"total_count": total_count})

ResultId = Annotated[UUID, strawberry.argument(name="id", description="Id of the result.")]


@strawberry.input(description="What a listing of results is narrowed to. Fields left out do not narrow.")
class ResultFilter:
    """What a listing of results is narrowed to."""

    benchmark_id: UUID | None = strawberry.field(default=None, description="Only those of this benchmark.")
    status: ResultStatus | None = strawberry.field(default=None, description="Only those that ended so.")
    error_type: str | None = strawberry.field(default=None, description="Only those that failed so.")
    provider: str | None = strawberry.field(default=None, description="Only those of this provider.")
    model: str | None = strawberry.field(default=None, description="Only those of this model.")
    point: int | None = strawberry.field(
        default=None, description="Only those of this level of a sweep or search, from 0."
    )

    def conditions(self) -> ResultFilters:
        """As the service takes them; raises `InvalidRequestError`."""
        if self.point is not None and not 0 <= self.point < MAX_POINTS:
            allowed = f"0 … {MAX_POINTS - 1}"
            problem = {"path": "filter.point", "message": "there is no such point", "allowed": allowed}
            raise InvalidRequestError(f"filter.point: use {allowed}", errors=[problem])
        status: Any = getattr(self.status, "value", self.status)
        return ResultFilters(self.benchmark_id, status, self.error_type, self.provider, self.model, self.point)


def connected(page: Page[ResultItem], filters: ResultFilters, *, after: str | None) -> Connection:
    """A page of results as a connection."""
    by_index = filters.session_id is not None
    return connection(page, lambda item: cursor_of(item, by_index=by_index), after=after, scope=filters)


@strawberry.type
class ResultQueries:
    """Reading results."""

    @guarded(Permission.RESULTS_READ, returns=ResultConnection, cost=5, paged=True)
    async def results(
        self,
        info: Info,
        filter_: Annotated[
            ResultFilter | None, strawberry.argument(name="filter", description="Which ones; without it all.")
        ] = None,
        first: First = DEFAULT_FIRST,
        after: After = None,
    ) -> Any:
        """Measured requests: of one benchmark in the order of its schedule, else newest first."""
        filters = (filter_ or ResultFilter()).conditions()
        size, cursor = page_size(info, first), cursor_of_client(after)
        service = info.context.services.benchmarks.results
        page = await service.list(info.context.caller, filters, limit=size, cursor=cursor)
        return connected(page, filters, after=cursor)

    @guarded(Permission.RESULTS_READ, returns=ResultDetailType | None, cost=5)
    async def result(self, info: Info, result_id: ResultId) -> Any:
        """One measured request with every chunk gap, its usage and, if it was kept, its text."""
        return await info.context.services.benchmarks.results.get(info.context.caller, result_id)
