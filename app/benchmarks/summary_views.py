"""What the API answers about the numbers of a run: its summary, part by part. `docs/statistics.md` has the rules."""

from typing import Literal

from pydantic import Field

from app.benchmarks.view import View


class MetricSummary(View):
    """One metric over all requests that succeeded at their first try (chunk gaps: their chunks), in milliseconds."""

    n: int
    min: float
    max: float
    mean: float
    stdev: float
    p50: float | None
    p75: float | None
    p90: float | None
    p95: float | None
    p99: float | None
    p99_9: float | None = Field(alias="p99.9")
    ci: dict[str, tuple[float, float] | None] = Field(
        default_factory=dict,
        description="95 % order-statistic interval of each percentile; null when n is too small for one.",
    )
    needs_n: dict[str, int] = Field(
        default_factory=dict, description="Percentiles that are null for lack of samples, and the least n they need."
    )


class RequestCounts(View):
    """Requests by outcome."""

    total: int = Field(description="All that ended.")
    ok: int = Field(description="Successful ones.")
    failed: int = Field(description="Failed ones.")
    by_error_type: dict[str, int] = Field(description="Failed ones by class.")
    by_finish: dict[str, int] = Field(
        default_factory=dict,
        description="Successful ones by why the model stopped: stop, length, tool_calls, content_filter, error, other.",
    )


class RateLimitStanding(View):
    """How the server's headers said that things stand with one of its rate limits."""

    limit: float | None = Field(description="How much there is; null when not told, as everything here.")
    remaining: float | None = Field(description="How much was left, by the newest response.")
    reset_seconds: float | None = Field(description="In how many seconds from that response on it is full again.")
    lowest_remaining: float | None = Field(description="The least that any response left.")
    at_ns: int = Field(description="When the newest response ended, Unix nanoseconds.")
    responses: int = Field(description="How many responses told of it.")


class TokenCounts(View):
    """Tokens of successful requests. `output` includes `reasoning`."""

    input: int = Field(description="Input tokens.")
    output: int = Field(description="Output tokens.")
    reasoning: int = Field(description="Part of the output.")
    source: str | None = Field(description="usage, tokenizer, chunks, or mixed.")


class UserSpeed(View):
    """Output tokens per second that one user gets while an answer streams, from `tpot_ms`."""

    p5: float | None = Field(None, description="Slow users: 1000 / p95 of tpot_ms; null below 20 requests.")
    p50: float | None = Field(None, description="1000 / p50 of tpot_ms.")
    mean: float | None = Field(None, description="Mean of 1000 / tpot_ms over requests.")


class Rates(View):
    """Of successful requests, over the duration; goodput only when the spec has an SLO.

    Of a steady window: of what happened in its time. Requests count where they ended, input tokens where the first
    token came, output tokens and chunks evenly from the first to the last chunk of their request.
    """

    requests_per_s: float | None = Field(description="Successful requests.")
    output_tokens_per_s: float | None = Field(description="Output tokens.")
    total_tokens_per_s: float | None = Field(description="Input and output tokens.")
    chunks_per_s: float | None = Field(None, description="Output chunks.")
    goodput_requests_per_s: float | None = Field(None, description="Requests that met every SLO limit.")
    goodput_output_tokens_per_s: float | None = Field(None, description="Output tokens of those requests.")
    good_share: float | None = Field(None, description="Share of all requests that met every SLO limit.")
    user_output_tokens_per_s: UserSpeed | None = Field(None, description="Null when tpot_ms was never measured.")


class CalibrationError(View):
    """Absolute error of one measure, in milliseconds."""

    p50: float = Field(description="Half of the samples are off by at most this.")
    p99: float = Field(description="99 % of the samples are off by at most this.")


class CalibrationPoint(View):
    """The instrument's error at a comparable load, as `llm-test-bench calibrate` measured it on this machine."""

    at: str = Field(description="When it was calibrated, ISO 8601.")
    concurrency: float = Field(description="Streams at once in the calibrated load.")
    chunks_per_s: float = Field(description="Chunks per second of one engine in the calibrated load.")
    errors_ms: dict[str, CalibrationError] = Field(description="By measure: `ttft_ms`, `icl_ms`, `e2e_ms`.")


class Instrument(View):
    """The instrument's own error during the run, and whether to trust the numbers."""

    clock: str | None = Field(description="kernel, user, or both joined by +.")
    reader: str | None = Field(
        None, description="Who read the sockets: native (C), python, or both joined by +; null when not known."
    )
    loop_lag_ms: dict[str, float] | None = Field(description="p50, p99, max of the worst engine.")
    send_lag_ms: dict[str, float] | None = Field(description="Due → sent; p50, p99, max of the worst engine.")
    coalesced_share: float = Field(description="Share of chunks that came out of one read with a later one.")
    cpu_share: float = Field(description="Share of one core that the busiest engine used.")
    clock_steps: int = Field(description="How often the wall clock was stepped.")
    bytes_in: int = Field(0, description="Bytes received.")
    reads: int = Field(0, description="Reads from sockets.")
    peak_rss_bytes: int = Field(0, description="Of the biggest engine.")
    gc_pauses: int = Field(0, description="Pauses of the garbage collector, all engines.")
    gc_pause_max_ms: float = Field(0, description="The longest of them.")
    core_shares: list[float] = Field(default_factory=list, description="How busy each core of the machine was.")
    steal_share: float = Field(0, description="Share of all cores' time that the hypervisor took.")
    involuntary_switches: int = Field(0, description="How often engines lost their core.")
    dropped_samples: int = Field(
        0, description="Out of the histograms' range (1 µs to 1 h), or measured while the clock was stepped."
    )
    held_by_rate_limit: int = Field(0, description="Starts that waited for the client's own rate limit.")
    restarts: int = Field(0, description="Shards that were taken up again after a part of the cluster was lost.")
    clock_offset_ms: float | None = Field(
        None, description="How far the worst worker's clock was ahead of the server's; null where it is the same."
    )
    verdict: Literal["trusted", "suspect", "client_bound"] = Field(
        description="`suspect` and `client_bound`: better not rely on the numbers."
    )
    reason: str = Field(description="Why, in words.")
    calibration: CalibrationPoint | None = Field(
        None, description="Known error at a comparable load; null when there is none."
    )
    calibration_reason: str | None = Field(None, description="Why `calibration` is null.")


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
    server_timings: dict[str, MetricSummary] = Field(
        default_factory=dict, description="What the server said about its own times, by name, such as `prompt_ms`."
    )
    rate_limits: dict[str, RateLimitStanding] = Field(
        default_factory=dict, description="The server's rate limits by name, such as `requests` and `tokens`."
    )


class Window(View):
    """Which part of a run is steady: requests with `from_s <= (started_ns - origin_ns) / 1e9 < to_s`.

    Null edges: there is no such part. A request that never started counts by its intended start.
    """

    from_s: float | None = Field(None, description="Seconds after `origin_ns`; an edge of a slice of time.")
    to_s: float | None = Field(None, description="Seconds after `origin_ns`, exclusive.")
    origin_ns: int | None = Field(None, description="Unix nanoseconds at which the timeline begins.")
    method: Literal["mser-5", "given", "none"] = Field("none", description="How it was found.")
    reason: str = Field("", description="What is left out, or why there is none, in words.")


class Queueing(View):
    """Little's law (in flight = throughput * time in system) in the steady window, from independent sources."""

    in_flight_mean: float = Field(description="As engines sampled it four times a second.")
    throughput_per_s: float = Field(description="Requests that ended, failed ones included.")
    time_in_system_mean_ms: float = Field(description="Start to end, of all requests that started in the window.")
    little_ratio: float | None = Field(None, description="In flight / (throughput * time in system); 1 is right.")
    is_stable: bool = Field(description="False when the law fails, or the server does not keep up with the arrivals.")
    warning: str | None = Field(None, description="Why it is not stable, in words.")


class Retried(View):
    """Requests that took more than one try; they count as requests and errors, but enter no latency metric."""

    requests: int = Field(0, description="Requests with more than one try.")
    attempts: int = Field(0, description="Their tries, the first included.")
    e2e_from_intended_ms: MetricSummary | None = Field(
        None, description="Intended start to last chunk of those that succeeded in the end, waits included."
    )


class WindowedFigures(Figures):
    """Numbers of one load, with its steady window and what can be said about queueing."""

    window: Window = Field(default_factory=Window, description="Which part of the run is steady.")
    steady: Figures | None = Field(None, description="The same figures of that part; null when there is none.")
    queueing: Queueing | None = Field(None, description="Null when there is no window, or nothing to check.")
    retried: Retried = Field(default_factory=Retried, description="Requests that took more than one try.")


class TargetSummary(WindowedFigures):
    """Numbers of one target."""

    provider: str = Field(description="Name of the provider.")
    model: str = Field(description="Name of the model.")


class ImportSource(View):
    """Where an imported run comes from."""

    tool: str = Field(description="Which tool measured it.")
    version: str | None = Field(description="The tool's version, where its file says so.")
    file_sha256: str = Field(description="Of the file.")


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


class TargetWords(View):
    """How texts were made for one target."""

    target_index: int = Field(description="Which of spec.targets.")
    words_per_token: float = Field(description="Words of made-up text per token.")
    overhead_tokens: float = Field(description="Tokens that each prompt has beside those of its words.")
    source: str = Field(description="assumed, given or usage.")
    probe_requests: int = Field(description="Requests sent before the run to find out.")


class WorkloadFacts(View):
    """How prompts were made, and whether server-side caches could help."""

    words_per_token: float | None = Field(None, description="Null where no text was made up, or targets differ.")
    overhead_tokens: float | None = Field(None, description="Tokens that each prompt has beside those of its words.")
    source: str = Field(description="assumed, given, usage (found out by probe requests), or mixed.")
    probe_requests: int = Field(0, description="Requests sent before the run to find out; no part of the results.")
    uniqueness: str = Field(description="Which prompts repeat, in words.")
    by_target: list[TargetWords] = Field(default_factory=list, description="Only where targets differ.")


class Summary(WindowedFigures):
    """Everything that a run found. With several targets, each has a window of its own in `by_target`."""

    instrument: Instrument
    workload: WorkloadFacts | None = Field(None, description="Null for runs of earlier versions.")
    source: ImportSource | None = Field(None, description="Of an imported run; null for our own.")
    not_recorded: dict[str, str] = Field(
        default_factory=dict, description="Of an imported run: measures that its tool did not record, and why."
    )
    by_target: list[TargetSummary] = Field(description="The same figures for each target alone.")
    points: list[PointSummary] | None = Field(None, description="The same for each level of load that was explored.")
    exploration: ExplorationSummary | None = Field(None, description="What exploring them found.")
    budget: BudgetSummary | None = Field(None, description="Null without a budget.")
    warnings: list[str] = Field(default_factory=list, description="What a reader must not miss.")
