"""What the API answers about benchmarks. Documented here once; REST, WebSocket payloads and the CLI share it."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from app.benchmarks.loads import LoadSpec
from app.benchmarks.schemas import BenchmarkSpec, StopRule, Target
from app.benchmarks.states import Status


class View(BaseModel):
    """Base of every answer."""

    model_config = ConfigDict(populate_by_name=True, from_attributes=True)


class Owner(View):
    """Who submitted a benchmark."""

    id: UUID = Field(description="Id of the user.")
    username: str = Field(description="Name of the user.")


class Percentiles(View):
    """Current percentiles, in milliseconds."""

    p50: float
    p95: float
    p99: float


class Median(View):
    """A current median, in milliseconds."""

    p50: float


class TimelinePoint(View):
    """What was reported in one second; null where nothing was."""

    t_s: float = Field(description="Seconds since the start of the run.")
    ttft_p50_ms: float | None = None
    ttft_p95_ms: float | None = None
    ttft_p99_ms: float | None = None
    gap_p50_ms: float | None = None
    gap_p95_ms: float | None = None
    gap_p99_ms: float | None = None
    output_tokens_per_s: float = 0
    requests_per_s: float = 0
    chunks_per_s: float = 0
    errors_per_s: float = 0
    in_flight: float = 0


class Progress(View):
    """Where a running benchmark is; also the payload of `benchmark.progress`, four times a second.

    Counters are of the whole run; rates and percentiles of the last ten seconds (of the run so far while those are
    empty).
    """

    status: Status
    planned: int | None = Field(None, description="Requests in all; null when only time ends the run.")
    started: int = Field(0, description="Requests started.")
    completed: int = Field(0, description="Requests ended.")
    ok: int = Field(0, description="Successful ones.")
    failed: int = Field(0, description="Failed ones.")
    in_flight: int = Field(0, description="Requests under way.")
    waiting: int = Field(0, description="Open loop: due, but held back by load.max_in_flight.")
    elapsed_s: float = Field(0, description="Since the start of the run.")
    eta_s: float | None = Field(None, description="To the end, as far as can be told.")
    percent: float | None = Field(None, description="Done, 0 to 100.")
    requests_per_s: float = Field(0, description="Requests ended.")
    output_tokens_per_s: float = Field(0, description="Output tokens.")
    chunks_per_s: float = Field(0, description="Output chunks.")
    ttft_ms: Percentiles | None = Field(None, description="Time to first token.")
    gap_ms: Percentiles | None = Field(None, description="Gap between chunks.")
    tpot_ms: Median | None = Field(None, description="Time per output token.")
    error_rate: float = Field(0, description="Failed share of ended requests.")
    cost_usd: float | None = Field(None, description="So far; null when a price is unknown.")
    errors: dict[str, int] = Field(default_factory=dict, description="Failed requests by error type.")
    point: TimelinePoint | None = Field(
        None, description="The newest full second whose requests have ended; the last one reported when they take long."
    )
    target_index: int = Field(0, description="Which of spec.targets is being measured.")
    point_index: int | None = Field(None, description="Which level of load of this target; null when none is explored.")
    points: int | None = Field(None, description="Levels of each target; of a search at most.")
    level: float | None = Field(None, description="That level: concurrency, or requests per second.")
    parameter: Literal["concurrency", "rate"] | None = Field(None, description="What is varied.")
    explores: Literal["sweep", "search"] | None = Field(None, description="How levels are chosen.")


class MetricSummary(View):
    """One metric over all successful requests (chunk gaps: over all their chunks), in milliseconds."""

    n: int
    min: float
    max: float
    mean: float
    stdev: float
    p50: float
    p75: float
    p90: float
    p95: float
    p99: float
    p99_9: float = Field(alias="p99.9")


class RequestCounts(View):
    """Requests by outcome."""

    total: int = Field(description="All that ended.")
    ok: int = Field(description="Successful ones.")
    failed: int = Field(description="Failed ones.")
    by_error_type: dict[str, int] = Field(description="Failed ones by class.")


class TokenCounts(View):
    """Tokens of successful requests. `output` includes `reasoning`."""

    input: int = Field(description="Input tokens.")
    output: int = Field(description="Output tokens.")
    reasoning: int = Field(description="Part of the output.")
    source: str | None = Field(description="usage, tokenizer, chunks, or mixed.")


class Rates(View):
    """Of successful requests, over the duration; goodput only when the spec has an SLO."""

    requests_per_s: float | None = Field(description="Successful requests.")
    output_tokens_per_s: float | None = Field(description="Output tokens.")
    total_tokens_per_s: float | None = Field(description="Input and output tokens.")
    chunks_per_s: float | None = Field(None, description="Output chunks.")
    goodput_requests_per_s: float | None = Field(None, description="Requests that met every SLO limit.")
    good_share: float | None = Field(None, description="Share of all requests that met every SLO limit.")


class Instrument(View):
    """The instrument's own error during the run, and whether to trust the numbers."""

    clock: str | None = Field(description="kernel, user, or both joined by +.")
    loop_lag_ms: dict[str, float] | None = Field(description="p50, p99, max of the worst engine.")
    send_lag_ms: dict[str, float] | None = Field(description="Due → sent; p50, p99, max of the worst engine.")
    coalesced_share: float = Field(description="Share of chunks that came out of one read with a later one.")
    cpu_share: float = Field(description="Share of one core that the busiest engine used.")
    clock_steps: int = Field(description="How often the wall clock was stepped.")
    bytes_in: int = Field(0, description="Bytes received.")
    reads: int = Field(0, description="Reads from sockets.")
    peak_rss_bytes: int = Field(0, description="Of the biggest engine.")
    verdict: Literal["trusted", "suspect", "client_bound"] = Field(
        description="`suspect` and `client_bound`: better not rely on the numbers."
    )
    reason: str = Field(description="Why, in words.")


class Figures(View):
    """Numbers of a run, or of one target of it."""

    duration_seconds: float = Field(description="First start to last end.")
    requests: RequestCounts
    error_rate: float | None = Field(None, description="Failed share of the requests.")
    tokens: TokenCounts
    chunks: int = Field(0, description="Output chunks.")
    rates: Rates
    cost_usd: float | None = Field(description="Null when a price is unknown.")
    metrics: dict[str, MetricSummary | None] = Field(
        description="By name, such as `ttft_ms`; null when never measured."
    )


class TargetSummary(Figures):
    """Numbers of one target."""

    provider: str = Field(description="Name of the provider.")
    model: str = Field(description="Name of the model.")


class PointCertificate(View):
    """The instrument's verdict on itself at one point."""

    verdict: Literal["trusted", "suspect", "client_bound"] = Field(description="As for the whole run.")
    reason: str = Field(description="Why, in words.")


class PointSummary(TargetSummary):
    """Numbers of one target at one level of load."""

    point: int = Field(description="Position among the points of the target, in the order in which they were measured.")
    parameter: Literal["concurrency", "rate"] = Field(description="What is varied.")
    value: float = Field(description="The level: concurrency, or requests per second.")
    verdict: Literal["met", "not_met", "undecided"] | None = Field(
        None, description="Of a search: whether the level meets the criteria, by all requests at this level so far."
    )
    reason: str | None = Field(None, description="Why, in words; without a verdict, why the point was cut short.")
    instrument: PointCertificate | None = Field(None, description="Null when the engines could not tell.")


class TargetAnswer(View):
    """What was found out about one target."""

    provider: str = Field(description="Name of the provider.")
    model: str = Field(description="Name of the model.")
    answer: float | None = Field(
        None, description="Highest level that is known to meet the criteria; null when none is, and for a sweep."
    )
    statement: str = Field(description="The same in a sentence, with its confidence.")


class ExplorationSummary(View):
    """What a sweep or a search found."""

    kind: Literal["sweep", "search"] = Field(description="How levels were chosen.")
    parameter: Literal["concurrency", "rate"] = Field(description="What was varied.")
    confidence: float | None = Field(None, description="Of each criterion at the answer; null for a sweep.")
    by_target: list[TargetAnswer] = Field(description="One entry a target.")


class BudgetSummary(View):
    """What became of the spec's budget."""

    limit_usd: float = Field(description="The budget.")
    estimate_usd: float | None = Field(None, description="Before the run, from list prices; null when not known.")
    spent_usd: float | None = Field(None, description="Cost of successful requests; failed ones count as nothing.")
    stopped: bool = Field(False, description="Whether the run was ended early because the budget was reached.")
    note: str | None = Field(None, description="What is not exact about these numbers.")


class Summary(Figures):
    """Everything that a run found."""

    instrument: Instrument
    by_target: list[TargetSummary] = Field(description="The same figures for each target alone.")
    points: list[PointSummary] | None = Field(None, description="The same for each level of load that was explored.")
    exploration: ExplorationSummary | None = Field(None, description="What exploring them found.")
    budget: BudgetSummary | None = Field(None, description="Null without a budget.")
    warnings: list[str] = Field(default_factory=list, description="What a reader must not miss.")


class Headline(View):
    """The numbers of a list row."""

    requests: int = Field(description="Requests that ended.")
    error_rate: float | None = Field(description="Failed share of them.")
    ttft_p50_ms: float | None = Field(description="Median time to first token.")
    ttft_p95_ms: float | None = Field(description="95th percentile of it.")
    tpot_p50_ms: float | None = Field(description="Median time per output token.")
    output_tokens_per_s: float | None = Field(description="Over the duration.")
    cost_usd: float | None = Field(description="Null when a price is unknown.")


class BenchmarkHead(View):
    """What list rows and whole benchmarks share."""

    id: UUID = Field(description="Its id.")
    name: str = Field(description="Its name.")
    status: Status
    tags: list[str] = Field(description="Its tags.")
    owner: Owner | None = Field(description="Who submitted it; null for the service itself.")
    created_at: datetime = Field(description="When it was submitted.")
    started_at: datetime | None = Field(description="When it was claimed.")
    finished_at: datetime | None = Field(description="When it ended.")
    error: str | None = Field(description="Why it failed.")
    progress: Progress | None = Field(description="Only while it runs.")


class BenchmarkListItem(BenchmarkHead):
    """A benchmark in a listing."""

    targets: list[Target] = Field(description="What is measured.")
    load: LoadSpec = Field(description="When requests start.")
    stop: StopRule
    headline: Headline | None = Field(description="Once it has a summary.")


class Benchmark(BenchmarkHead):
    """One benchmark."""

    spec: BenchmarkSpec
    summary: Summary | None = Field(description="Once it has ended.")


class Timeline(View):
    """Columns of one length: one point a second, past 3,600 seconds fewer. Null where nothing happened.

    Everything is counted where it happened: first tokens and chunks when they came, requests when they ended.
    """

    t_s: list[float]
    ttft_p50_ms: list[float | None]
    ttft_p95_ms: list[float | None]
    ttft_p99_ms: list[float | None]
    gap_p50_ms: list[float | None]
    gap_p95_ms: list[float | None]
    gap_p99_ms: list[float | None]
    output_tokens_per_s: list[float]
    requests_per_s: list[float]
    chunks_per_s: list[float]
    errors_per_s: list[float]
    in_flight: list[float]


EMPTY_TIMELINE: dict[str, list[Any]] = {name: [] for name in Timeline.model_fields}


def headline(summary: dict[str, Any] | None) -> Headline | None:
    """The list row's numbers out of a stored summary."""
    if summary is None:
        return None
    ttft = summary["metrics"].get("ttft_ms") or {}
    tpot = summary["metrics"].get("tpot_ms") or {}
    return Headline(
        requests=summary["requests"]["total"],
        error_rate=summary["error_rate"],
        ttft_p50_ms=ttft.get("p50"),
        ttft_p95_ms=ttft.get("p95"),
        tpot_p50_ms=tpot.get("p50"),
        output_tokens_per_s=summary["rates"]["output_tokens_per_s"],
        cost_usd=summary["cost_usd"],
    )
