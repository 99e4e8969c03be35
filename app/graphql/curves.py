"""The shape of what a benchmark measured: curves, heatmaps, failures over time, requests as points and one by one."""

from typing import Annotated, Any

import strawberry

from app.accounts.permissions import Permission
from app.benchmarks.curve_service import Chosen, Stretch
from app.benchmarks.curve_views import Distributions, ErrorTimeline, Heatmap, Metric, PointField, Points
from app.benchmarks.explorations import MAX_POINTS
from app.benchmarks.result_views import RequestDetail
from app.benchmarks.results_service import ResultFilters
from app.benchmarks.views import BenchmarkListItem
from app.core.errors import InvalidRequestError
from app.graphql.context import Info
from app.graphql.derive import NAMES, TYPES, enum_of
from app.graphql.guard import guarded
from app.graphql.results import ResultStatus, benchmark

NAMES["Part"] = "CurvePart"
MAX_TARGETS = 16
MAX_SCATTERED = 10_000
MAX_SECONDS = 1e9
MAX_INDEX = 2**31 - 1  # of an `Int`
MetricType = enum_of(Metric, "metric")
MeasureType = enum_of(PointField, "x")

OfMetric = Annotated[MetricType, strawberry.argument(description="Which measure.")]
Target = Annotated[
    int | None, strawberry.argument(description="Only this target, by its position in `spec.targets`, from 0.")
]
OfPoint = Annotated[int | None, strawberry.argument(description="Only this level of a sweep or search, from 0.")]


def _text(value: Any) -> Any:
    return getattr(value, "value", value)


def within(name: str, value: float | None, least: float, most: float) -> None:
    """Raise `InvalidRequestError` for an argument that is given and out of range."""
    if value is not None and not least <= value <= most:
        allowed = f"{least:g} … {most:g}"
        problem = {"path": name, "message": "is out of range", "allowed": allowed}
        raise InvalidRequestError(f"{name}: use {allowed}", errors=[problem])


def _chosen(target: int | None, point: int | None) -> Chosen:
    within("target", target, 0, MAX_TARGETS - 1)
    within("point", point, 0, MAX_POINTS - 1)
    return Chosen(target, point)


@guarded(Permission.BENCHMARK_READ, returns=TYPES.of(Distributions) | None, cost=200)
async def distributions(
    root: strawberry.Parent[BenchmarkListItem],
    info: Info,
    metric: OfMetric = MetricType.TTFT_MS,
    from_s: Annotated[
        float | None, strawberry.argument(description="Also of what started from then on, in seconds of the run.")
    ] = None,
    to_s: Annotated[float | None, strawberry.argument(description="And before then.")] = None,
    target: Target = None,
    point: OfPoint = None,
) -> Any:
    """Cumulative distribution and percentile spectrum with 95 % bands: of all, the steady window and a given one."""
    within("fromS", from_s, 0, MAX_SECONDS)
    within("toS", to_s, 0, MAX_SECONDS)
    curves = info.context.services.benchmarks.curves
    stretch, chosen = Stretch(from_s, to_s), _chosen(target, point)
    return await curves.distributions(info.context.caller, root.id, _text(metric), stretch, chosen)


@guarded(Permission.BENCHMARK_READ, returns=TYPES.of(Heatmap) | None, cost=200)
async def heatmap(
    root: strawberry.Parent[BenchmarkListItem],
    info: Info,
    metric: OfMetric = MetricType.TTFT_MS,
    target: Target = None,
    point: OfPoint = None,
) -> Any:
    """Counts in stretches of time times latency. While it runs, of `TTFT_MS` and `ICL_MS` only."""
    curves = info.context.services.benchmarks.curves
    return await curves.heatmap(info.context.caller, root.id, _text(metric), _chosen(target, point))


@guarded(Permission.BENCHMARK_READ, returns=TYPES.of(ErrorTimeline) | None, cost=100)
async def error_timeline(root: strawberry.Parent[BenchmarkListItem], info: Info) -> Any:
    """Failed requests per second by class, also while it runs."""
    return await info.context.services.benchmarks.curves.errors(info.context.caller, root.id)


@guarded(Permission.RESULTS_READ, returns=TYPES.of(Points) | None, cost=200)
async def points(
    root: strawberry.Parent[BenchmarkListItem],
    info: Info,
    x: Annotated[MeasureType, strawberry.argument(description="The measure across.")] = MeasureType.INPUT_TOKENS,
    y: Annotated[MeasureType, strawberry.argument(description="The measure upwards.")] = MeasureType.TTFT_MS,
    status: Annotated[ResultStatus | None, strawberry.argument(description="Only those that ended so.")] = None,
    point: OfPoint = None,
    limit: Annotated[int, strawberry.argument(description="About how many at most, from 1 to 10000.")] = 2_000,
) -> Any:
    """Two measures of its requests, for a scatter plot. Of more than `limit` an even sample."""
    within("point", point, 0, MAX_POINTS - 1)
    within("limit", limit, 1, MAX_SCATTERED)
    filters = ResultFilters(root.id, _text(status), point=point)
    results = info.context.services.benchmarks.results
    return await results.points(info.context.caller, filters, _text(x), _text(y), limit=limit)


RequestType = TYPES.of(RequestDetail, more={"benchmark": benchmark})
Index = Annotated[int, strawberry.argument(description="Position in the schedule, from 0.")]


@guarded(Permission.RESULTS_READ, returns=RequestType | None, cost=5)
async def request(root: strawberry.Parent[BenchmarkListItem], info: Info, index: Index) -> Any:
    """One measured request as a waterfall with everything that was kept of it, and where its neighbours are."""
    within("index", index, 0, MAX_INDEX)
    return await info.context.services.benchmarks.results.request(info.context.caller, root.id, index)


FIELDS = {
    "distributions": distributions,
    "heatmap": heatmap,
    "error_timeline": error_timeline,
    "points": points,
    "request": request,
}
