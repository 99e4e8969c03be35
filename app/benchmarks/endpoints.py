"""REST routes of benchmarks."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from app.accounts.caller import Caller, require
from app.accounts.permissions import Permission
from app.accounts.visibility import Visibility
from app.benchmarks.changes import BenchmarkUpdate
from app.benchmarks.listing import MAX_MATCHING
from app.benchmarks.listing_query import Ordered, Wanted
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.service import BenchmarkService
from app.benchmarks.views import Benchmark, BenchmarkListItem, Matching, Timeline
from app.core.conditional import TAGGED_RESPONSES, IfNoneMatch, Preconditions, preconditions
from app.core.http import API_PREFIX, error_responses
from app.core.pagination import DEFAULT_PAGE_SIZE, Cursor, Page, PageSize

router = APIRouter(prefix=f"{API_PREFIX}/benchmarks", tags=["benchmarks"])

CanCreate = Annotated[Caller, Depends(require(Permission.BENCHMARK_CREATE))]
CanRead = Annotated[Caller, Depends(require(Permission.BENCHMARK_READ))]
CanShare = Annotated[Caller, Depends(require(Permission.BENCHMARK_SHARE))]
CanCancel = Annotated[Caller, Depends(require(Permission.BENCHMARK_CANCEL))]
CanDelete = Annotated[Caller, Depends(require(Permission.BENCHMARK_DELETE))]


async def _service(request: Request) -> BenchmarkService:
    service = request.app.state.benchmarks
    assert isinstance(service, BenchmarkService)
    return service


Service = Annotated[BenchmarkService, Depends(_service)]
BenchmarkId = Annotated[UUID, Path(description="Id of the benchmark.")]


@router.post(
    "",
    operation_id="createBenchmark",
    summary="Submit a benchmark",
    status_code=202,
    responses=error_responses(400, 401, 403, 413, 422),
)
async def create(
    caller: CanCreate,
    service: Service,
    spec: BenchmarkSpec,
    visibility: Annotated[
        Visibility | None, Query(description="With whom to share it; by default `security.default_visibility`.")
    ] = None,
) -> Benchmark:
    """Store a benchmark and run it as soon as there is room. Follow it by its id or under `/ws`."""
    return await service.submit(caller, spec, visibility=visibility)


@router.get(
    "",
    operation_id="listBenchmarks",
    summary="List benchmarks",
    responses=error_responses(400, 401, 403, 422),
)
async def list_(
    *,
    caller: CanRead,
    service: Service,
    filters: Wanted,
    order: Ordered,
    limit: PageSize = DEFAULT_PAGE_SIZE,
    cursor: Cursor = None,
) -> Page[BenchmarkListItem]:
    """The benchmarks that you may see, newest first unless `sort` says otherwise. A cursor is good for one order."""
    return await service.list(caller, filters, order, limit=limit, cursor=cursor)


@router.get(
    "/matching",
    operation_id="matchBenchmarks",
    summary="Count benchmarks, and list their ids",
    responses=error_responses(401, 403, 422),
)
async def matching(
    *,
    caller: CanRead,
    service: Service,
    filters: Wanted,
    order: Ordered,
    limit: Annotated[int, Query(ge=0, le=MAX_MATCHING, description="Most ids; 0: only count.")] = 0,
) -> Matching:
    """How many benchmarks a listing has over all its pages, and which: to do something with all of them."""
    return await service.many.matching(caller, filters, order, limit=limit)


@router.get(
    "/{benchmark_id}",
    operation_id="getBenchmark",
    summary="Read a benchmark",
    response_model=Benchmark,
    responses=TAGGED_RESPONSES | error_responses(401, 403, 404, 422),
)
async def get(
    caller: CanRead, request: Request, benchmark_id: BenchmarkId, if_none_match: IfNoneMatch = None
) -> Response:
    """Spec, state, progress while it runs, summary when it has ended. The `ETag` changes with what is answered."""
    # Asked for most, and each dependency costs 7 % of the request: so these two are not dependencies here.
    service = await _service(request)
    etag, body = await service.read(caller, benchmark_id)
    return Preconditions(None, if_none_match).respond(etag, body)


@router.get(
    "/{benchmark_id}/timeline",
    operation_id="getBenchmarkTimeline",
    summary="Read a benchmark's timeline",
    responses=error_responses(401, 403, 404, 422),
)
async def timeline(caller: CanRead, service: Service, benchmark_id: BenchmarkId) -> Timeline:
    """What happened in each second of the run, as columns; also while it runs."""
    return await service.timeline(caller, benchmark_id)


@router.patch(
    "/{benchmark_id}",
    operation_id="updateBenchmark",
    summary="Rename, tag or share a benchmark",
    responses=error_responses(400, 401, 403, 404, 412, 413, 422, 428),
)
async def update(
    caller: CanShare,
    service: Service,
    benchmark_id: BenchmarkId,
    changes: BenchmarkUpdate,
    conditions: Annotated[Preconditions, Depends(preconditions)],
) -> Benchmark:
    """Changes what is given; the spec stays as it was submitted. For its owner, or an administrator.

    `team` shares it with the owner's team as it is now. While it runs, listeners hear the change within seconds.
    """
    return await service.update(caller, benchmark_id, changes, conditions)


@router.post(
    "/{benchmark_id}/cancel",
    operation_id="cancelBenchmark",
    summary="Cancel a benchmark",
    responses=error_responses(401, 403, 404, 409, 422),
)
async def cancel(caller: CanCancel, service: Service, benchmark_id: BenchmarkId) -> Benchmark:
    """A pending benchmark ends at once; a running one starts nothing more, and what was measured is kept."""
    return await service.cancel(caller, benchmark_id)


@router.delete(
    "/{benchmark_id}",
    operation_id="deleteBenchmark",
    summary="Delete a benchmark",
    status_code=204,
    responses=error_responses(401, 403, 404, 409, 412, 422, 428),
)
async def delete(
    caller: CanDelete,
    service: Service,
    benchmark_id: BenchmarkId,
    conditions: Annotated[Preconditions, Depends(preconditions)],
) -> None:
    """Remove a benchmark and all its results. Cancel a running one first."""
    await service.delete(caller, benchmark_id, conditions)
