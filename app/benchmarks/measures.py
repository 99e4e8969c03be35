"""What a record means: instants become the named durations, buckets become token counts and a cost. Pure.

Definitions, all from datetime import UTC, datetime
from `started_ns` unless said otherwise:
schedule_delay intended → started; ttfb → first byte; ttft → first chunk with generated output of any kind;
ttfo → first non-reasoning content; e2e → last output chunk; stream_end → end of the body;
tpot (last - first output chunk) / (output_tokens - 1), undefined below two tokens or two chunks.
The `*_from_intended` twins count from `intended_ns`: what a user who arrived on schedule would have waited.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, Literal
from uuid import UUID

import msgspec
import numpy as np
import orjson

from app.adapters import prices
from app.adapters.base import Buckets, Terms
from app.adapters.finish_reasons import FinishKind, finish_kind
from app.benchmarks import gaps
from app.core.ids import new_id
from app.loadgen.frames import Record
from app.loadgen.trace_context import is_sampled, span_id
from app.stats.batch import REQUEST_METRICS, Batch

_NS_PER_MS = 1e6
_ERROR_CHARACTERS = 2_000
_MAX_USAGE_BYTES = 64 * 1024
_MAX_TOKENS = 500_000_000  # the sum of three still fits the 32-bit column
_NO_INTEGERS = np.zeros(0, dtype=np.int64)


class MeasureContext(msgspec.Struct, frozen=True):
    """What a record does not say about itself. `kind` names the provider's kind in the adapter registry."""

    provider: str
    model: str
    kind: str
    tags: tuple[str, ...] = ()
    point: int = 0
    level: float | None = None  # of load; None: the benchmark explores nothing
    trace_id: str | None = None  # of the benchmark
    propagates_trace: bool = False
    trace_scope: str = ""  # see `loadgen.trace_context`
    exported_ratio: float | None = None  # share of requests whose spans are exported; None: nobody takes any


class MeasuredResult(msgspec.Struct, kw_only=True):
    """One request under its reported names: the columns of the results table, in its order.

    Instants are Unix nanoseconds, durations milliseconds, None where nothing was measured. `gaps` are the engine's
    (see `benchmarks.gaps`); the table keeps them packed.
    """

    index: int
    id: UUID
    provider: str
    model: str
    response_id: str | None
    status: Literal["ok", "error"]
    error_type: str | None
    error: str | None
    http_status: int | None
    finish_reason: str | None
    attempts: int
    clock: str
    connection_reused: bool
    intended_ns: int
    started_ns: int | None
    first_byte_ns: int | None
    first_token_ns: int | None
    first_output_ns: int | None
    last_token_ns: int | None
    end_ns: int | None
    schedule_delay_ms: float | None = None
    dns_ms: float | None = None
    connect_ms: float | None = None
    tls_ms: float | None = None
    ttfb_ms: float | None = None
    ttft_ms: float | None = None
    ttfo_ms: float | None = None
    tpot_ms: float | None = None
    e2e_ms: float | None = None
    stream_end_ms: float | None = None
    ttfb_from_intended_ms: float | None = None
    ttft_from_intended_ms: float | None = None
    ttfo_from_intended_ms: float | None = None
    e2e_from_intended_ms: float | None = None
    stream_end_from_intended_ms: float | None = None
    chunks: int = 0
    coalesced_chunks: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    uncached_input_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    visible_output_tokens: int | None = None
    reasoning_tokens: int | None = None
    token_count_source: str | None = None
    usage: dict[str, Any] | None = None
    cost_usd: float | None = None
    trace_id: str | None = None
    tags: tuple[str, ...] = ()
    metadata: dict[str, Any] = {}
    response_text: str | None = None
    gaps: bytes = b""
    response_model: str | None = None  # no column: kept in `metadata` where it is another than was asked for

    @property
    def finish_kind(self) -> FinishKind | None:
        """Why the model stopped, the same under every vendor."""
        return finish_kind(self.finish_reason)

    @property
    def error_kind(self) -> str | None:
        """What a failure that the provider told of means, the same under every vendor (`adapters.errors.ErrorKind`)."""
        return self.metadata.get("error_kind")

    @property
    def rate_limits(self) -> dict[str, dict[str, float]] | None:
        """How the response's headers said that things stand with the server's rate limits."""
        return self.metadata.get("rate_limits")

    @property
    def point(self) -> int | None:
        """Which level of load it belongs to, from 0; None when the benchmark explores nothing."""
        return self.metadata.get("point")

    @property
    def level(self) -> float | None:
        """That level: concurrency, or requests per second."""
        return self.metadata.get("level")

    @property
    def conversation(self) -> int | None:
        """Which conversation it is a turn of, from 0; None for other workloads."""
        return self.metadata.get("conversation")

    @property
    def turn(self) -> int | None:
        """Which turn of that, from 0."""
        return self.metadata.get("turn")

    @property
    def server_timings_ms(self) -> dict[str, float] | None:
        """What the server said about its own times."""
        return self.metadata.get("server_timings_ms")


RESULT_FIELDS = tuple(name for name in MeasuredResult.__struct_fields__ if name != "response_model")

# The fields of one line of `results.jsonl`, in order. CSV has the same columns.
LINE_FIELDS = (
    "index",
    "response_id",
    "provider",
    "model",
    "status",
    "error_type",
    "error",
    "error_kind",
    "http_status",
    "finish_reason",
    "finish_kind",
    "attempts",
    "clock",
    "connection_reused",
    "intended_ns",
    "started_ns",
    "first_byte_ns",
    "first_token_ns",
    "first_output_ns",
    "last_token_ns",
    "end_ns",
    *REQUEST_METRICS,
    "input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "token_count_source",
    "chunks",
    "coalesced_chunks",
    "cost_usd",
    "trace_id",
    "point",
    "level",
    "conversation",
    "turn",
    "server_timings_ms",
    "rate_limits",
)

line_values: Callable[[MeasuredResult], tuple[Any, ...]] = attrgetter(*LINE_FIELDS)
"""The values of a line, in the order of `LINE_FIELDS`."""


def results_line(result: MeasuredResult) -> dict[str, Any]:
    """One request as a flat JSON object: a line of `results.jsonl`."""
    return dict(zip(LINE_FIELDS, line_values(result), strict=True))


def measure(record: Record, context: MeasureContext) -> MeasuredResult:
    """The record under its reported names.

    Durations of a request during which the system clock was stepped are dropped, and `metadata.clock_stepped` says so.
    """
    result = MeasuredResult(
        index=record.index,
        id=new_id(),
        provider=context.provider,
        model=context.model,
        response_id=record.response_id[:200] if record.response_id else None,
        status=record.status,
        error_type=record.error_type,
        error=record.error[:_ERROR_CHARACTERS] if record.error else None,
        http_status=record.http_status,
        finish_reason=record.finish_reason[:32] if record.finish_reason else None,
        attempts=record.attempts,
        clock=record.clock,
        connection_reused=record.reused,
        intended_ns=record.intended_ns,
        started_ns=record.started_ns or None,
        first_byte_ns=record.first_byte_ns or None,
        first_token_ns=record.first_token_ns or None,
        first_output_ns=record.first_output_ns or None,
        last_token_ns=record.last_token_ns or None,
        end_ns=record.end_ns or None,
        chunks=record.chunks,
        coalesced_chunks=record.coalesced_chunks,
        uncached_input_tokens=_count(record.uncached_input_tokens),
        cache_read_tokens=_count(record.cache_read_tokens),
        cache_write_tokens=_count(record.cache_write_tokens),
        visible_output_tokens=_count(record.visible_output_tokens),
        reasoning_tokens=_count(record.reasoning_tokens),
        token_count_source=record.token_count_source,
        usage=_json_object(record.usage),
        trace_id=context.trace_id,
        tags=context.tags,
        metadata=_metadata(record, context),
        response_text=record.response_text,
        gaps=record.gaps,
        response_model=record.response_model[:200] if record.response_model else None,
    )
    inputs = (result.uncached_input_tokens, result.cache_read_tokens, result.cache_write_tokens)
    outputs = (result.visible_output_tokens, result.reasoning_tokens)
    result.input_tokens, result.output_tokens = _sum(inputs), _sum(outputs)
    if result.status == "ok":
        started_ns = record.started_ns or record.intended_ns
        result.cost_usd = _cost_of(context, Buckets(*inputs, *outputs), record.usage, started_ns)
    if not record.clock_stepped:
        _set_durations(result, record)
    return result


def _metadata(record: Record, context: MeasureContext) -> dict[str, Any]:
    """What has no column of its own.

    `clock_stepped`; `span_id` of requests that carried a `traceparent` or whose span is exported; `error_kind`, what
    the provider's error means, the same under every vendor; `conversation` and `turn`, both from 0; `point` and
    `level`; `server_timings_ms` and `rate_limits` by name; `response_model` where another answered than was asked.
    """
    metadata: dict[str, Any] = {"clock_stepped": True} if record.clock_stepped else {}
    if (span := _span_id(context, record.index)) is not None:
        metadata["span_id"] = span
    if record.response_model is not None and record.response_model != context.model:
        metadata["response_model"] = record.response_model[:200]
    if record.error_kind is not None:
        metadata["error_kind"] = record.error_kind
    if record.turn is not None:
        metadata |= {"conversation": record.conversation, "turn": record.turn}
    if context.level is not None:
        metadata |= {"point": context.point, "level": context.level}
    if record.server_timings:
        metadata["server_timings_ms"] = record.server_timings
    if record.rate_limits:
        metadata["rate_limits"] = record.rate_limits
    return metadata


def _span_id(context: MeasureContext, index: int) -> str | None:
    if context.trace_id is None or not (context.propagates_trace or context.exported_ratio):
        return None
    found = span_id(context.trace_id, context.trace_scope, index)
    return found if context.propagates_trace or is_sampled(found, context.exported_ratio or 0.0) else None


def _set_durations(result: MeasuredResult, record: Record) -> None:
    started, intended = record.started_ns, record.intended_ns
    if not started:
        return
    result.schedule_delay_ms = (started - intended) / _NS_PER_MS
    result.dns_ms = record.dns_ns / _NS_PER_MS
    result.connect_ms = record.connect_ns / _NS_PER_MS
    result.tls_ms = record.tls_ns / _NS_PER_MS
    if record.first_byte_ns:
        result.ttfb_ms = (record.first_byte_ns - started) / _NS_PER_MS
        result.ttfb_from_intended_ms = (record.first_byte_ns - intended) / _NS_PER_MS
    if record.first_token_ns:
        result.ttft_ms = (record.first_token_ns - started) / _NS_PER_MS
        result.ttft_from_intended_ms = (record.first_token_ns - intended) / _NS_PER_MS
    if record.first_output_ns:
        result.ttfo_ms = (record.first_output_ns - started) / _NS_PER_MS
        result.ttfo_from_intended_ms = (record.first_output_ns - intended) / _NS_PER_MS
    if record.last_token_ns:
        result.e2e_ms = (record.last_token_ns - started) / _NS_PER_MS
        result.e2e_from_intended_ms = (record.last_token_ns - intended) / _NS_PER_MS
        tokens = result.output_tokens
        if tokens is not None and tokens >= 2 and record.chunks >= 2:
            result.tpot_ms = (record.last_token_ns - record.first_token_ns) / (tokens - 1) / _NS_PER_MS
    if record.end_ns:
        result.stream_end_ms = (record.end_ns - started) / _NS_PER_MS
        result.stream_end_from_intended_ms = (record.end_ns - intended) / _NS_PER_MS


def columns(results: list[MeasuredResult]) -> Batch:
    """Results of one target as the columns that statistics take in."""
    gaps_ns, gap_counts = gaps.joined([result.gaps for result in results]) if results else (_NO_INTEGERS, _NO_INTEGERS)
    starts = _instants([result.started_ns or result.intended_ns for result in results])
    return Batch(
        ok=np.array([result.status == "ok" for result in results], dtype=bool),
        start_ns=starts,
        first_token_ns=_instants([result.first_token_ns for result in results]),
        last_token_ns=_instants([result.last_token_ns for result in results]),
        end_ns=np.maximum(_instants([result.end_ns for result in results]), starts),
        metrics={
            name: np.array([getattr(result, name) for result in results], dtype=np.float64) for name in REQUEST_METRICS
        },
        gaps_ns=gaps_ns,
        gap_counts=gap_counts,
        chunks=_instants([result.chunks for result in results]),
        coalesced_chunks=_instants([result.coalesced_chunks for result in results]),
        input_tokens=_instants([result.input_tokens for result in results]),
        output_tokens=_instants([result.output_tokens for result in results]),
        reasoning_tokens=_instants([result.reasoning_tokens for result in results]),
        cost_usd=np.array([result.cost_usd for result in results], dtype=np.float64),
        new_connection=np.array([not result.connection_reused for result in results], dtype=bool),
        intended_ns=_instants([result.intended_ns for result in results]),
        attempts=_instants([result.attempts for result in results]),
        clock_stepped=np.array([bool(result.metadata.get("clock_stepped")) for result in results], dtype=bool),
        error_classes=tuple(result.error_type or "unknown" for result in results if result.status != "ok"),
        token_sources=_counted(
            result.token_count_source for result in results if result.status == "ok" and result.token_count_source
        ),
        server_timings=tuple(
            timings for result in results if result.status == "ok" and (timings := result.server_timings_ms)
        ),
        finish_kinds=_counted(kind for result in results if result.status == "ok" and (kind := result.finish_kind)),
        rate_limits=tuple(
            (result.end_ns or 0, limits) for result in results if (limits := result.metadata.get("rate_limits"))
        ),
    )


def _instants(values: list[int | None] | list[int]) -> np.typing.NDArray[np.int64]:
    return np.array([value or 0 for value in values], dtype=np.int64)


def _counted(names: Any) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return counts


def _count(tokens: int | None) -> int | None:
    """A token count; None for what no model can have meant."""
    return tokens if tokens is not None and 0 <= tokens <= _MAX_TOKENS else None


def _sum(parts: tuple[int | None, ...]) -> int | None:
    known = [part for part in parts if part is not None]
    return sum(known) if known else None


def _json_object(usage: bytes) -> dict[str, Any] | None:
    if not usage or len(usage) > _MAX_USAGE_BYTES:
        return None
    try:
        decoded = orjson.loads(usage)
    except orjson.JSONDecodeError:
        return None
    return decoded if isinstance(decoded, dict) else None


def _cost_of(context: MeasureContext, counted: Buckets, usage: bytes, started_ns: int) -> float | None:
    known = usage if len(usage) <= _MAX_USAGE_BYTES else b""
    try:
        charged = prices.charged_usd(context.kind, context.model, known)
        if charged is not None:
            return float(charged)
        billed = prices.billed(context.kind, counted, known)
        terms = prices.terms(context.kind, known)
    except LookupError:
        return None
    quarter = started_ns // _QUARTER_NS if started_ns >= _PRICED_SINCE_NS else None
    counts = map(_count, msgspec.structs.astuple(billed))
    return _cost(prices.version(), context.kind, context.model, terms, quarter, *counts)


_QUARTER_NS = 900 * 10**9  # of an hour: list prices change at no other times
_PRICED_SINCE_NS = 1_577_836_800 * 10**9  # 2020: nobody sold tokens before, so an earlier clock is wrong


# One price look-up takes tens of microseconds, and most requests of a run have one of few sizes.
@lru_cache(maxsize=8_192)
def _cost(_prices: int, kind: str, model: str, terms: Terms, quarter: int | None, *buckets: int | None) -> float | None:
    at = None if quarter is None else datetime.fromtimestamp(quarter * 900, UTC)
    try:
        cost = prices.cost_usd(kind, model, Buckets(*buckets), terms, at)
    except LookupError:
        return None
    return None if cost is None else float(cost)


def warm_prices(context: MeasureContext) -> None:
    """Load the price table now if this target needs it."""
    _cost(prices.version(), context.kind, context.model, (), None, 1, None, None, 1, None)
