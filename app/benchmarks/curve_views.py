"""What the API answers about the shape of latencies: curves, heatmaps, errors over time, requests as points."""

from typing import Literal, get_args

from pydantic import Field

from app.benchmarks.view import View
from app.stats.batch import METRICS

Metric = Literal[
    "schedule_delay_ms",
    "dns_ms",
    "connect_ms",
    "tls_ms",
    "ttfb_ms",
    "ttft_ms",
    "ttfo_ms",
    "tpot_ms",
    "icl_ms",
    "e2e_ms",
    "stream_end_ms",
    "ttfb_from_intended_ms",
    "ttft_from_intended_ms",
    "ttfo_from_intended_ms",
    "e2e_from_intended_ms",
    "stream_end_from_intended_ms",
]
assert set(get_args(Metric)) == set(METRICS)


class Part(View):
    """A target, or one level of load of one: what curves can be asked for by `target` and `point`."""

    target: int = Field(description="Position in spec.targets.")
    provider: str = Field(description="Its provider.")
    model: str = Field(description="Its model.")
    point: int | None = Field(description="Which level; null where none is explored.")
    level: float | None = Field(description="Concurrency, or requests per second.")


class CdfCurve(View):
    """Cumulative distribution, a step at each value; columns of one length."""

    value_ms: list[float] = Field(description="Where the curve steps up.")
    share: list[float] = Field(description="Of the samples, at most this value.")
    low: list[float] = Field(description="Lower edge of the 95 % band of the whole curve.")
    high: list[float] = Field(description="Upper edge of it.")


class SpectrumCurve(View):
    """Percentile spectrum; columns of one length."""

    percentile: list[float] = Field(description="From 0 to below 100.")
    value_ms: list[float] = Field(description="The percentile itself.")
    low_ms: list[float | None] = Field(description="95 % interval of this percentile; null where n is too small.")
    high_ms: list[float | None] = Field(description="Upper end of that interval.")


class Curve(View):
    """A metric over the requests of one stretch of the run that started in it."""

    scope: Literal["run", "steady", "window"] = Field(description="All of it, its steady window, or what was asked.")
    from_s: float | None = Field(description="Seconds of the run, at edges of slices; null for the whole run.")
    to_s: float | None = Field(description="The end of the stretch; null for the whole run.")
    n: int = Field(description="Samples.")
    min_ms: float | None = Field(description="Smallest sample.")
    max_ms: float | None = Field(description="Largest sample.")
    mean_ms: float | None = Field(description="Mean of the samples.")
    cdf: CdfCurve
    spectrum: SpectrumCurve


class Distributions(View):
    """The distribution of one metric. Bands take samples as independent; the summary warns where they are not."""

    metric: Metric = Field(description="What was measured.")
    cdf_band: str = Field(
        "Dvoretzky-Kiefer-Wolfowitz: holds the whole true curve at once with 95 %",
        description="Kind of the CDF's band.",
    )
    spectrum_band: str = Field(
        "order statistics: holds each percentile by itself with 95 %, as the tables do",
        description="Kind of the spectrum's band.",
    )
    curves: list[Curve] = Field(description="The run; then its steady window and the asked one, where there are such.")
    parts: list[Part] = Field(description="What else can be asked for, when the run has several targets or levels.")
    note: str | None = Field(description="Why a curve is missing.")


class Heatmap(View):
    """How many samples fell into which stretch of time and of latency. Cells that are not listed hold none.

    Column c begins at from_s + c * width_s; row r reaches from edges_ms[r] to edges_ms[r + 1], edges being logarithmic.
    """

    metric: Metric = Field(description="What was measured.")
    by: Literal["start", "event"] = Field(
        description="Time is when requests started; while the run lasts, when the first token or chunk came."
    )
    from_s: float = Field(description="Where the first column begins, in seconds of the run.")
    width_s: float = Field(description="Length of a column.")
    columns: int = Field(description="How many columns there are.")
    edges_ms: list[float] = Field(description="Edges of the rows, one more than rows.")
    column: list[int] = Field(description="Column of each listed cell, from 0.")
    row: list[int] = Field(description="Row of each listed cell, from 0.")
    count: list[int] = Field(description="Samples in each listed cell.")
    n: int = Field(description="Samples in all cells.")
    note: str | None = Field(description="Why there is none.")


class ErrorTimeline(View):
    """Failed requests per second by class; points without any are left out."""

    by: Literal["start", "report"] = Field(
        description="Time is when requests started; while the run lasts, when their failure was reported."
    )
    width_s: float = Field(description="Length of a point.")
    t_s: list[float] = Field(description="Where each point begins.")
    per_s: dict[str, list[float]] = Field(description="Failures per second at each point, by class.")


PointField = Literal[
    "index",
    "started_s",
    "schedule_delay_ms",
    "ttfb_ms",
    "ttft_ms",
    "ttfo_ms",
    "tpot_ms",
    "e2e_ms",
    "stream_end_ms",
    "ttft_from_intended_ms",
    "e2e_from_intended_ms",
    "connect_ms",
    "tls_ms",
    "input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "cache_read_tokens",
    "chunks",
    "attempts",
    "cost_usd",
]


class ExtremePoint(View):
    """A request among those with the highest y."""

    index: int = Field(description="Index of the request.")
    x: float | None = Field(description="Its value of `x`.")
    y: float = Field(description="Its value of `y`.")
    status: Literal["ok", "error"] = Field(description="`ok` or `error`.")


class Points(View):
    """Two measures of single requests; columns of one length, ordered by index."""

    x: PointField = Field(description="What is on the x axis.")
    y: PointField = Field(description="What is on the y axis.")
    n: int = Field(description="Requests that have both measures.")
    is_sample: bool = Field(description="Whether these are only some of them.")
    sampling: str = Field(description="How they were chosen, in words.")
    index: list[int] = Field(description="Position in the schedule: the request's address within the benchmark.")
    xs: list[float] = Field(description="Values of `x`, one per point.")
    ys: list[float] = Field(description="Values of `y`, one per point.")
    ok: list[bool] = Field(description="False for requests that failed.")
    extremes: list[ExtremePoint] = Field(description="The requests with the highest y, chosen for that, not by chance.")
