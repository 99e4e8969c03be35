"""What the API answers about results."""

from typing import Any, Literal, Self
from uuid import UUID

import msgspec
from pydantic import Field

from app.benchmarks import gaps
from app.benchmarks.measures import MeasuredResult
from app.benchmarks.views import View


class ResultItem(View):
    """One measured request. Instants are Unix nanoseconds, durations milliseconds; null means "not measured"."""

    id: UUID
    session_id: UUID
    index: int = Field(description="Position in the benchmark's schedule, unique within it.")
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
    intended_ns: int = Field(description="When the schedule wanted it to start.")
    started_ns: int | None = Field(description="When its first byte was handed to the socket.")
    first_byte_ns: int | None
    first_token_ns: int | None
    first_output_ns: int | None
    last_token_ns: int | None
    end_ns: int | None
    schedule_delay_ms: float | None = Field(description="Intended → started.")
    dns_ms: float | None
    connect_ms: float | None
    tls_ms: float | None
    ttfb_ms: float | None = Field(description="Started → first byte of the response.")
    ttft_ms: float | None = Field(description="Started → first chunk with generated output of any kind.")
    ttfo_ms: float | None = Field(description="Started → first chunk with non-reasoning content.")
    tpot_ms: float | None = Field(
        description="(Last - first output chunk) / (output tokens - 1); null below two tokens or two chunks."
    )
    e2e_ms: float | None = Field(description="Started → last output chunk.")
    stream_end_ms: float | None = Field(description="Started → end of the body.")
    ttfb_from_intended_ms: float | None
    ttft_from_intended_ms: float | None
    ttfo_from_intended_ms: float | None
    e2e_from_intended_ms: float | None
    stream_end_from_intended_ms: float | None
    chunks: int
    coalesced_chunks: int
    input_tokens: int | None
    output_tokens: int | None
    uncached_input_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    visible_output_tokens: int | None
    reasoning_tokens: int | None
    token_count_source: str | None
    cost_usd: float | None
    trace_id: str | None
    tags: list[str]
    metadata: dict[str, Any]

    @classmethod
    def of(cls, session_id: UUID, result: MeasuredResult, **more: Any) -> Self:
        """The answer for a stored result."""
        return cls.model_validate(msgspec.structs.asdict(result) | {"session_id": session_id} | more)


class ResultDetail(ResultItem):
    """One measured request with everything that was kept of it."""

    usage: dict[str, Any] | None = Field(description="The provider's own usage object.")
    response_text: str | None = Field(description="Only when the spec has save_responses.")
    gaps_ms: list[float | None] | None = Field(
        description="One entry per output chunk after the first; null for a chunk that came out of one read with a "
        "later one, and then the entry behind it spans both. Null altogether when gaps were not kept."
    )

    @classmethod
    def of(cls, session_id: UUID, result: MeasuredResult, **more: Any) -> Self:
        """As `ResultItem.of`."""
        return super().of(session_id, result, gaps_ms=gaps.milliseconds(result.gaps) if result.gaps else None, **more)
