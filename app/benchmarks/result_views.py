"""What the API answers about results."""

from typing import Any, Literal, Self
from uuid import UUID

import msgspec
from pydantic import Field

from app.benchmarks import gaps
from app.benchmarks.measures import MeasuredResult
from app.benchmarks.view import View
from app.benchmarks.waterfall import Waterfall, waterfall


class ResultItem(View):
    """One measured request. Instants are Unix nanoseconds, durations milliseconds; null means "not measured"."""

    id: UUID = Field(description="Id of the result.")
    session_id: UUID = Field(description="Id of its benchmark.")
    index: int = Field(description="Position in the benchmark's schedule, unique within it.")
    provider: str = Field(description="Name of the provider.")
    model: str = Field(description="Name of the model.")
    response_id: str | None = Field(description="The provider's id of the response.")
    status: Literal["ok", "error"] = Field(description="Failed requests never enter latencies.")
    error_type: str | None = Field(description="Class of the failure, such as `connect` or `http_429`.")
    error: str | None = Field(description="What happened, in words.")
    http_status: int | None = Field(description="Status of the response; null when none came.")
    finish_reason: str | None = Field(description="Why the model stopped, in the provider's words.")
    finish_kind: str | None = Field(
        None, description="The same under every vendor: stop, length, tool_calls, content_filter, error or other."
    )
    attempts: int = Field(description="Tries, the first included.")
    clock: str = Field(description="`kernel` or `user`: who took the receive stamps.")
    connection_reused: bool = Field(description="Whether a kept-alive connection served it.")
    intended_ns: int = Field(description="When the schedule wanted it to start.")
    started_ns: int | None = Field(description="When its first byte was handed to the socket.")
    first_byte_ns: int | None = Field(description="First byte of the response.")
    first_token_ns: int | None = Field(description="First generated output of any kind.")
    first_output_ns: int | None = Field(description="First non-reasoning output.")
    last_token_ns: int | None = Field(description="Last output chunk.")
    end_ns: int | None = Field(description="End of the body, or of the failure.")
    schedule_delay_ms: float | None = Field(description="Intended → started.")
    dns_ms: float | None = Field(description="Name lookup of a new connection.")
    connect_ms: float | None = Field(description="TCP handshake of a new connection.")
    tls_ms: float | None = Field(description="TLS handshake of a new connection.")
    ttfb_ms: float | None = Field(description="Started → first byte of the response.")
    ttft_ms: float | None = Field(description="Started → first chunk with generated output of any kind.")
    ttfo_ms: float | None = Field(description="Started → first chunk with non-reasoning content.")
    tpot_ms: float | None = Field(
        description="(Last - first output chunk) / (output tokens - 1); null below two tokens or two chunks."
    )
    e2e_ms: float | None = Field(description="Started → last output chunk.")
    stream_end_ms: float | None = Field(description="Started → end of the body.")
    ttfb_from_intended_ms: float | None = Field(description="`ttfb_ms`, counted from the intended start.")
    ttft_from_intended_ms: float | None = Field(description="`ttft_ms`, counted from the intended start.")
    ttfo_from_intended_ms: float | None = Field(description="`ttfo_ms`, counted from the intended start.")
    e2e_from_intended_ms: float | None = Field(description="`e2e_ms`, counted from the intended start.")
    stream_end_from_intended_ms: float | None = Field(description="`stream_end_ms`, counted from the intended start.")
    chunks: int = Field(description="Output chunks.")
    coalesced_chunks: int = Field(description="Chunks that shared a read with a later one.")
    input_tokens: int | None = Field(description="All input tokens.")
    output_tokens: int | None = Field(description="All output tokens, reasoning included.")
    uncached_input_tokens: int | None = Field(description="Input read anew.")
    cache_read_tokens: int | None = Field(description="Input read from a cache.")
    cache_write_tokens: int | None = Field(description="Input written to a cache.")
    visible_output_tokens: int | None = Field(description="Output without reasoning.")
    reasoning_tokens: int | None = Field(description="Reasoning, part of the output.")
    token_count_source: str | None = Field(description="`usage`, `tokenizer` or `chunks`.")
    cost_usd: float | None = Field(description="From list prices; null when the price is unknown.")
    trace_id: str | None = Field(description="W3C trace id of the benchmark; `metadata.span_id` is its span.")
    point: int | None = Field(None, description="Which level of load it belongs to; null when none is explored.")
    level: float | None = Field(None, description="That level: concurrency, or requests per second.")
    conversation: int | None = Field(None, description="Which conversation it is a turn of; null for other workloads.")
    turn: int | None = Field(None, description="Which turn of it, from 0.")
    tags: list[str] = Field(description="Tags of the benchmark.")
    metadata: dict[str, Any] = Field(description="Whatever else was kept.")

    @classmethod
    def of(cls, session_id: UUID, result: MeasuredResult, **more: Any) -> Self:
        """The answer for a stored result."""
        kept = {name: getattr(result, name) for name in ("point", "level", "conversation", "turn", "finish_kind")}
        # By far the longest of it, and for those who look at one request.
        kept["metadata"] = {name: value for name, value in result.metadata.items() if name != "response_headers"}
        return cls.model_validate(msgspec.structs.asdict(result) | {"session_id": session_id} | kept | more)


class ResultDetail(ResultItem):
    """One measured request with everything that was kept of it."""

    usage: dict[str, Any] | None = Field(description="The provider's own usage object.")
    response_text: str | None = Field(description="Only when the spec has save_responses.")
    response_headers: dict[str, str] | None = Field(
        None,
        description="Headers of the response, by lower-case name and without secrets: when the spec has "
        "save_responses, and of the first 1,000 failed requests of each worker. Null where they were not kept.",
    )
    gaps_ms: list[float | None] | None = Field(
        description="One entry per output chunk after the first; null for a chunk that came out of one read with a "
        "later one, and then the entry behind it spans both. Null altogether when gaps were not kept."
    )
    waterfall: Waterfall = Field(description="The request phase by phase, from its intended start.")
    trace_url: str | None = Field(None, description="Its trace for people; null without `telemetry.trace_url`.")

    @classmethod
    def of(cls, session_id: UUID, result: MeasuredResult, **more: Any) -> Self:
        """As `ResultItem.of`."""
        gaps_ms = gaps.milliseconds(result.gaps) if result.gaps else None
        headers = result.response_headers
        return super().of(
            session_id, result, gaps_ms=gaps_ms, waterfall=waterfall(result), response_headers=headers, **more
        )


class RequestDetail(ResultDetail):
    """A result, and where the next ones of its benchmark are."""

    previous_index: int | None = Field(description="Of the request before it in the schedule; null for the first.")
    next_index: int | None = Field(description="Of the request behind it; null for the last.")
