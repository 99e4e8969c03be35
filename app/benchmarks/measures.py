"""What a record means: instants become the named durations, buckets become token counts and a cost. Pure.

Definitions, all from `started_ns` unless said otherwise:
schedule_delay intended → started; ttfb → first byte; ttft → first chunk with generated output of any kind;
ttfo → first non-reasoning content; e2e → last output chunk; stream_end → end of the body;
tpot (last - first output chunk) / (output_tokens - 1), undefined below two tokens or two chunks.
The `*_from_intended` twins count from `intended_ns`: what a user who arrived on schedule would have waited.
"""

from typing import Any, Literal
from uuid import UUID

import msgspec
import orjson

from app.adapters.base import Buckets
from app.adapters.finish_reasons import FinishKind, finish_kind
from app.benchmarks.request_costs import MAX_USAGE_BYTES, cost_usd, token_count
from app.core.ids import new_id
from app.loadgen.frames import Record
from app.loadgen.trace_context import is_sampled, span_id

_NS_PER_MS = 1e6
_ERROR_CHARACTERS = 2_000


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
    def response_headers(self) -> dict[str, str] | None:
        """The response's headers without secrets, where they are kept (see `loadgen.response_headers`)."""
        return self.metadata.get("response_headers")

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
        uncached_input_tokens=token_count(record.uncached_input_tokens),
        cache_read_tokens=token_count(record.cache_read_tokens),
        cache_write_tokens=token_count(record.cache_write_tokens),
        visible_output_tokens=token_count(record.visible_output_tokens),
        reasoning_tokens=token_count(record.reasoning_tokens),
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
        at_ns = record.started_ns or record.intended_ns
        result.cost_usd = cost_usd(context.kind, context.model, Buckets(*inputs, *outputs), record.usage, at_ns)
    if not record.clock_stepped:
        _set_durations(result, record)
    return result


def _metadata(record: Record, context: MeasureContext) -> dict[str, Any]:
    """What has no column of its own.

    `clock_stepped`; `span_id` of requests that carried a `traceparent` or whose span is exported; `error_kind`, what
    the provider's error means, the same under every vendor; `conversation` and `turn`, both from 0; `point` and
    `level`; `server_timings_ms`, `rate_limits` and `response_headers` by name; `response_model` where another answered
    than was asked.
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
    if record.response_headers:
        metadata["response_headers"] = record.response_headers
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


def _sum(parts: tuple[int | None, ...]) -> int | None:
    known = [part for part in parts if part is not None]
    return sum(known) if known else None


def _json_object(usage: bytes) -> dict[str, Any] | None:
    if not usage or len(usage) > MAX_USAGE_BYTES:
        return None
    try:
        decoded = orjson.loads(usage)
    except orjson.JSONDecodeError:
        return None
    return decoded if isinstance(decoded, dict) else None
