"""What the API answers about benchmarks. Documented here once; REST, WebSocket payloads and the CLI share it."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field, PrivateAttr

from app.accounts.visibility import Visibility
from app.benchmarks import listed
from app.benchmarks.loads import LoadSpec
from app.benchmarks.schemas import BenchmarkSpec, StopRule, Target
from app.benchmarks.states import Status
from app.benchmarks.summary_views import Summary
from app.benchmarks.view import View
from app.core.pagination import Page


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
    """What happened in one second; null where nothing did, or where it is not known yet (see `Progress.earlier`)."""

    t_s: float = Field(description="Seconds since the start of the run.")
    ttft_p50_ms: float | None = None
    ttft_p95_ms: float | None = None
    ttft_p99_ms: float | None = None
    gap_p50_ms: float | None = None
    gap_p95_ms: float | None = None
    gap_p99_ms: float | None = None
    output_tokens_per_s: float | None = Field(0, description="Null while requests that send them have not ended.")
    requests_per_s: float = 0
    chunks_per_s: float | None = Field(0, description="Null while requests that send them have not ended.")
    errors_per_s: float = 0
    in_flight: float = 0
    offered_per_s: float | None = Field(None, description="Requests that an open loop wanted to start; else null.")


class Progress(View):
    """Where a running benchmark is; also the payload of `benchmark.progress`, four times a second.

    Counters are of the whole run; rates and percentiles of the last ten seconds (of the run so far while those are
    empty).
    """

    status: Status
    waits_for: str | None = Field(
        None, description="What of the cluster it waits for before it can go on, such as a tagged worker."
    )
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
        None,
        description="The newest second of which all is known; when requests take long, the newest full second, without "
        "what only their ends will tell.",
    )
    earlier: list[TimelinePoint] = Field(
        default_factory=list,
        description="Seconds before `point` of which more is known than when they were told. Only in events.",
    )
    target_index: int = Field(0, description="Which of spec.targets is being measured.")
    point_index: int | None = Field(None, description="Which level of load of this target; null when none is explored.")
    points: int | None = Field(None, description="Levels of each target; of a search at most.")
    level: float | None = Field(None, description="That level: concurrency, or requests per second.")
    parameter: Literal["concurrency", "rate"] | None = Field(None, description="What is varied.")
    explores: Literal["sweep", "search"] | None = Field(None, description="How levels are chosen.")


class Headline(View):
    """The numbers of a list row."""

    requests: int = Field(description="Requests that ended.")
    error_rate: float | None = Field(description="Failed share of them.")
    ttft_p50_ms: float | None = Field(description="Median time to first token.")
    ttft_p95_ms: float | None = Field(description="95th percentile of it.")
    tpot_p50_ms: float | None = Field(description="Median time per output token.")
    output_tokens_per_s: float | None = Field(description="Over the duration.")
    cost_usd: float | None = Field(description="Null when a price is unknown.")
    verdict: Literal["trusted", "suspect", "client_bound"] | None = Field(
        None, description="What the instrument says of its own measurement; null for runs of other tools."
    )


class BenchmarkHead(View):
    """What list rows and whole benchmarks share."""

    id: UUID = Field(description="Its id.")
    name: str = Field(description="Its name.")
    status: Status
    tags: list[str] = Field(description="Its tags.")
    owner: Owner | None = Field(description="Who submitted it; null for the service itself.")
    visibility: Visibility = Field(description="With whom it is shared: nobody, the owner's team, or all.")
    team: str | None = Field(description="The team that it is shared with.")
    created_at: datetime = Field(description="When it was submitted.")
    started_at: datetime | None = Field(description="When it was claimed.")
    finished_at: datetime | None = Field(description="When it ended.")
    trace_id: str | None = Field(description="W3C trace id of the request that submitted it, and of its results.")
    error: str | None = Field(description="Why it failed.")
    progress: Progress | None = Field(description="Only while it runs.")


class BenchmarkListItem(BenchmarkHead):
    """A benchmark in a listing."""

    targets: list[Target] = Field(description="What is measured.")
    load: LoadSpec = Field(description="When requests start.")
    stop: StopRule
    headline: Headline | None = Field(description="Once it has a summary.")


class BenchmarkPage(Page[BenchmarkListItem]):
    """A page of the listing, with the place of each of its items."""

    _cursors: list[str] = PrivateAttr(default_factory=list)

    @property
    def cursors(self) -> list[str]:
        """For each item, what gives the page after it."""
        return self._cursors

    @cursors.setter
    def cursors(self, cursors: list[str]) -> None:
        self._cursors = cursors


class Matching(View):
    """What a search finds, without its rows."""

    count: int = Field(description="Benchmarks that you may see and that fit.")
    ids: list[UUID] = Field(description="Of the first `limit` of them, in the order that was asked for.")


class Benchmark(BenchmarkHead):
    """One benchmark."""

    spec: BenchmarkSpec
    summary: Summary | None = Field(description="Once it has ended.")
    trace_url: str | None = Field(None, description="Its trace for people; null without `telemetry.trace_url`.")


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
    output_tokens_per_s: list[float | None]
    requests_per_s: list[float]
    chunks_per_s: list[float | None]
    errors_per_s: list[float]
    in_flight: list[float]
    offered_per_s: list[float | None] = Field(
        default_factory=list,
        description="Requests that an open loop wanted to start; null in a closed one; empty for old runs.",
    )


EMPTY_TIMELINE: dict[str, list[Any]] = {name: [] for name in Timeline.model_fields}


def headline(summary: dict[str, Any] | None) -> Headline | None:
    """The list row's numbers out of a stored summary."""
    return None if summary is None else Headline.model_validate(listed.figure_columns(summary))
