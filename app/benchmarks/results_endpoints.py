"""REST routes that read results. Exports are the reports room's."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request

from app.accounts.caller import Caller, require
from app.accounts.permissions import Permission
from app.benchmarks.curve_views import PointField, Points
from app.benchmarks.explorations import MAX_POINTS
from app.benchmarks.result_views import ResultDetail, ResultItem
from app.benchmarks.results_service import ResultFilters, ResultService
from app.benchmarks.service import BenchmarkService
from app.core.http import API_PREFIX, error_responses
from app.core.pagination import DEFAULT_PAGE_SIZE, Cursor, Page, PageSize

router = APIRouter(prefix=f"{API_PREFIX}/results", tags=["results"])

CanRead = Annotated[Caller, Depends(require(Permission.RESULTS_READ))]


async def _service(request: Request) -> ResultService:
    service = request.app.state.benchmarks
    assert isinstance(service, BenchmarkService)
    return service.results


Service = Annotated[ResultService, Depends(_service)]
ResultId = Annotated[UUID, Path(description="Id of the result.")]


@router.get(
    "",
    operation_id="listResults",
    summary="List results",
    responses=error_responses(400, 401, 403, 404, 422),
)
async def list_(
    *,
    caller: CanRead,
    service: Service,
    session_id: Annotated[UUID | None, Query(description="Only those of this benchmark.")] = None,
    status: Annotated[Literal["ok", "error"] | None, Query(description="Only those that ended so.")] = None,
    error_type: Annotated[str | None, Query(description="Only those that failed so.", max_length=32)] = None,
    provider: Annotated[str | None, Query(description="Only those of this provider.", max_length=64)] = None,
    model: Annotated[str | None, Query(description="Only those of this model.", max_length=200)] = None,
    point: Annotated[
        int | None, Query(description="Only those of this point of a sweep or search.", ge=0, lt=MAX_POINTS)
    ] = None,
    limit: PageSize = DEFAULT_PAGE_SIZE,
    cursor: Cursor = None,
) -> Page[ResultItem]:
    """Measured requests: of one benchmark in the order of its schedule, else of the newest benchmark first."""
    filters = ResultFilters(session_id, status, error_type, provider, model, point)
    return await service.list(caller, filters, limit=limit, cursor=cursor)


@router.get(
    "/points",
    operation_id="listPoints",
    summary="List two measures of requests",
    responses=error_responses(401, 403, 404, 422),
)
async def points(
    *,
    caller: CanRead,
    service: Service,
    session_id: Annotated[UUID, Query(description="Of this benchmark.")],
    x: Annotated[PointField, Query(description="The measure across.")] = "input_tokens",
    y: Annotated[PointField, Query(description="The measure upwards.")] = "ttft_ms",
    status: Annotated[Literal["ok", "error"] | None, Query(description="Only those that ended so.")] = None,
    point: Annotated[
        int | None, Query(description="Only those of this point of a sweep or search.", ge=0, lt=MAX_POINTS)
    ] = None,
    limit: Annotated[int, Query(ge=1, le=10_000, description="About how many at most.")] = 2_000,
) -> Points:
    """For a scatter plot. Of more than `limit` requests an even sample, which the answer describes."""
    filters = ResultFilters(session_id, status, point=point)
    return await service.points(caller, filters, x, y, limit=limit)


@router.get(
    "/{result_id}",
    operation_id="getResult",
    summary="Read a result",
    responses=error_responses(401, 403, 404, 422),
)
async def get(caller: CanRead, service: Service, result_id: ResultId) -> ResultDetail:
    """One measured request with every chunk gap, its usage and, if it was kept, its text."""
    return await service.get(caller, result_id)
