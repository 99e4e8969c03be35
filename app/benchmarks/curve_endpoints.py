"""REST routes that answer what charts show: curves, heatmaps, errors over time, and one request with its neighbours."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from app.accounts.caller import Caller, require
from app.accounts.permissions import Permission
from app.benchmarks.curve_service import Chosen, Stretch
from app.benchmarks.curve_views import Distributions, ErrorTimeline, Heatmap, Metric
from app.benchmarks.endpoints import BenchmarkId, CanRead, Service
from app.benchmarks.explorations import MAX_POINTS
from app.benchmarks.result_views import RequestDetail
from app.core.http import API_PREFIX, error_responses

router = APIRouter(prefix=f"{API_PREFIX}/benchmarks", tags=["benchmarks"])

CanReadResults = Annotated[Caller, Depends(require(Permission.RESULTS_READ))]
OfMetric = Annotated[Metric, Query(description="Which measure.")]
Target = Annotated[int | None, Query(description="Only this target, by its position in the spec.", ge=0, lt=16)]
OfPoint = Annotated[int | None, Query(description="Only this level of a sweep or search.", ge=0, lt=MAX_POINTS)]


@router.get(
    "/{benchmark_id}/distributions",
    operation_id="getDistributions",
    summary="Read the distribution of a measure",
    responses=error_responses(401, 403, 404, 422),
)
async def distributions(
    *,
    caller: CanRead,
    service: Service,
    benchmark_id: BenchmarkId,
    metric: OfMetric = "ttft_ms",
    from_s: Annotated[float | None, Query(description="Also of what started from then on.", ge=0, le=1e9)] = None,
    to_s: Annotated[float | None, Query(description="And before then, seconds of the run.", gt=0, le=1e9)] = None,
    target: Target = None,
    point: OfPoint = None,
) -> Distributions:
    """Cumulative distribution and percentile spectrum with 95 % bands: of the run, its steady window and a given one.

    While the benchmark runs, of what has ended by now and without windows.
    """
    stretch, chosen = Stretch(from_s, to_s), Chosen(target, point)
    return await service.curves.distributions(caller, benchmark_id, metric, stretch, chosen)


@router.get(
    "/{benchmark_id}/heatmap",
    operation_id="getHeatmap",
    summary="Read a measure over time and size",
    responses=error_responses(401, 403, 404, 422),
)
async def heatmap(
    *,
    caller: CanRead,
    service: Service,
    benchmark_id: BenchmarkId,
    metric: OfMetric = "ttft_ms",
    target: Target = None,
    point: OfPoint = None,
) -> Heatmap:
    """Counts in at most 256 stretches of time times 64 of latency. While it runs, of `ttft_ms` and `icl_ms` only."""
    return await service.curves.heatmap(caller, benchmark_id, metric, Chosen(target, point))


@router.get(
    "/{benchmark_id}/errors",
    operation_id="getErrorTimeline",
    summary="Read failures over time",
    responses=error_responses(401, 403, 404, 422),
)
async def errors(caller: CanRead, service: Service, benchmark_id: BenchmarkId) -> ErrorTimeline:
    """Failed requests per second by class, also while the benchmark runs."""
    return await service.curves.errors(caller, benchmark_id)


@router.get(
    "/{benchmark_id}/requests/{index}",
    operation_id="getRequest",
    summary="Read a request by its position",
    responses=error_responses(401, 403, 404, 422),
)
async def request(
    caller: CanReadResults,
    service: Service,
    benchmark_id: BenchmarkId,
    index: Annotated[int, Path(description="Position in the schedule.", ge=0, lt=2**63)],
) -> RequestDetail:
    """One measured request as a waterfall with everything that was kept of it, and where its neighbours are."""
    return await service.results.request(caller, benchmark_id, index)
