"""What each kind of event tells: one type per payload. `catalogue` says which topic has which.

Times are RFC 3339 in UTC; units are in the names.
"""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

Status = Literal["pending", "running", "cancelling", "completed", "failed", "cancelled"]
Count = Annotated[int, msgspec.Meta(ge=0)]


class Payload(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The root of all payloads: fields that are not named here are refused."""


class BenchmarkState(Payload, frozen=True, kw_only=True):
    """A benchmark, and the state that it is in now."""

    id: UUID
    name: str
    status: Status


class BenchmarkUpdated(BenchmarkState, frozen=True, kw_only=True):
    """Its name, tags or visibility have changed; `changed` names what."""

    changed: list[str] = []
    visibility: Literal["private", "team", "all"] | None = None


class Headline(Payload, frozen=True, kw_only=True):
    """The numbers of a list row; null where nothing was measured."""

    requests: Count
    error_rate: float | None
    ttft_p50_ms: float | None
    ttft_p95_ms: float | None
    tpot_p50_ms: float | None
    output_tokens_per_s: float | None
    cost_usd: float | None
    verdict: Literal["trusted", "suspect", "client_bound"] | None


class BenchmarkEnded(BenchmarkState, frozen=True, kw_only=True):
    """A benchmark has ended; the summary can be read by REST."""

    error: str | None = None
    headline: Headline | None = None


class Percentiles(Payload, frozen=True, kw_only=True):
    """Current percentiles, in milliseconds."""

    p50: float
    p95: float
    p99: float


class Median(Payload, frozen=True, kw_only=True):
    """A current median, in milliseconds."""

    p50: float


class ProgressPoint(Payload, frozen=True, kw_only=True):
    """One second of the run; null where nothing happened, or where it is not known yet."""

    t_s: float
    ttft_p50_ms: float | None = None
    ttft_p95_ms: float | None = None
    ttft_p99_ms: float | None = None
    gap_p50_ms: float | None = None
    gap_p95_ms: float | None = None
    gap_p99_ms: float | None = None
    output_tokens_per_s: float | None = 0
    requests_per_s: float | None = 0
    chunks_per_s: float | None = 0
    errors_per_s: float | None = 0
    in_flight: float | None = 0
    offered_per_s: float | None = None


class BenchmarkProgress(Payload, frozen=True, kw_only=True):
    """Where a running benchmark is: the `Progress` of the OpenAPI document."""

    status: Status
    waits_for: str | None = None
    planned: Count | None
    started: Count
    completed: Count
    ok: Count
    failed: Count
    in_flight: Count
    waiting: Count
    elapsed_s: float
    eta_s: float | None
    percent: float | None
    requests_per_s: float
    output_tokens_per_s: float
    chunks_per_s: float
    ttft_ms: Percentiles | None
    gap_ms: Percentiles | None
    tpot_ms: Median | None
    error_rate: float
    cost_usd: float | None
    errors: dict[str, Count]
    point: ProgressPoint | None
    earlier: list[ProgressPoint] = []
    target_index: Count
    point_index: Count | None = None
    points: Count | None = None
    level: float | None = None
    parameter: str | None = None
    explores: Literal["sweep", "search"] | None = None


class NewResult(Payload, frozen=True, kw_only=True):
    """A request that has just ended."""

    id: UUID
    index: Count
    status: Literal["ok", "error"]
    error_type: str | None
    provider: str
    model: str
    ttft_ms: float | None
    e2e_ms: float | None
    output_tokens: Count | None


class Slowest(Payload, frozen=True, kw_only=True):
    """A request that took longest of those that have just ended well."""

    index: Count
    ttft_ms: float | None
    e2e_ms: float


class JustFailed(Payload, frozen=True, kw_only=True):
    """A request that has just failed."""

    index: Count
    error_type: str
    error: str | None = None
    http_status: int | None = None
    attempts: Count = 1
    failed_after_ms: float | None = None


class TestsCompleted(Payload, frozen=True, kw_only=True):
    """`number` requests have ended since the last such event: the `newest`, the `slowest`, the newest `failed` ones."""

    number: Count
    newest: Annotated[list[NewResult], msgspec.Meta(max_length=10)]
    slowest: Annotated[list[Slowest], msgspec.Meta(max_length=5)] = []
    failed: Annotated[list[JustFailed], msgspec.Meta(max_length=5)] = []


class DatabasePool(Payload, frozen=True, kw_only=True):
    """Connections to the database of one server process; null where the pool does not tell.

    Without those that only read by key (a quarter of `storage.max_connections`, two at most).
    """

    size: Count | None
    in_use: Count | None


class SystemMetrics(Payload, frozen=True, kw_only=True):
    """How one server process is, every five seconds. `instance` tells several apart."""

    instance: str
    uptime_s: float
    cpu_percent: float
    memory_bytes: Count
    open_sockets: Count
    running_benchmarks: Count
    waiting_benchmarks: Count | None
    database_pool: DatabasePool
    disk_free_bytes: Count
    dropped_events: Count


AlertKind = Literal[
    "certificate_untrusted",
    "budget_reached",
    "engine_lost",
    "error_share",
    "provider_unhealthy",
    "disk_low",
]


class Alert(Payload, frozen=True, kw_only=True):
    """Something wants attention. The same `key` names the same condition when it is raised again and resolved.

    Facts about an ended run (`is_lasting` false) are raised once and never resolved.
    """

    key: str
    kind: AlertKind
    severity: Literal["warning", "critical"]
    message: str
    is_lasting: bool
    benchmark_id: UUID | None = None
    provider: str | None = None
    instance: str | None = None
    value: float | None = None
    threshold: float | None = None
    raised_at: datetime | None = None


class SettingsChanged(Payload, frozen=True, kw_only=True):
    """An administrator has changed run-time settings; `values` are those in force now."""

    version: Count
    changed: list[str]
    values: dict[str, Any]
