"""Tables of benchmark sessions and their results."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Connection,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Text,
    event,
    text,
)
from sqlalchemy.orm import Mapped, Mapper, mapped_column

from app.benchmarks import listed
from app.core.database import Base, JsonDocument
from app.core.ids import new_id

SORTED_COLUMNS = (
    "name_key",
    "status",
    "target_key",
    "load_key",
    "requests",
    "ttft_p50_ms",
    "ttft_p95_ms",
    "tpot_p50_ms",
    "output_tokens_per_s",
    "error_rate",
    "cost_usd",
    "verdict",
    "tags_key",
)
"""Each has an index that ends in the id: the keyset of a listing in its order."""


def _key(length: int = listed.KEY_CHARACTERS) -> String:
    """A folded text, ordered by code point on both dialects."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


class BenchmarkSession(Base):
    """One submitted benchmark: its spec, where it is in its life, and what it found."""

    __tablename__ = "sessions"
    __table_args__ = (
        # The listing's keyset is (created_at, id). On PostgreSQL the migration adds GIN indexes for `@>` on tags,
        # providers and models.
        Index("ix_sessions_created", "created_at", "id"),
        Index("ix_sessions_status_created", "status", "created_at", "id"),
        Index("ix_sessions_owner_created", "owner_id", "created_at", "id"),
        Index("ix_sessions_shared_created", "visibility", "team", "created_at", "id"),
        *(Index(f"ix_sessions_{name}", name, "id") for name in SORTED_COLUMNS),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(200))
    status: Mapped[str] = mapped_column(String(16))
    owner_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    visibility: Mapped[str] = mapped_column(String(8), default="private", server_default="private")
    team: Mapped[str | None] = mapped_column(String(64))
    spec: Mapped[dict[str, Any]]
    tags: Mapped[list[str]]
    providers: Mapped[list[str]]
    models: Mapped[list[str]]
    requests_planned: Mapped[int | None] = mapped_column(BigInteger)
    requests_ok: Mapped[int] = mapped_column(BigInteger, default=0)
    requests_failed: Mapped[int] = mapped_column(BigInteger, default=0)
    summary: Mapped[dict[str, Any] | None] = mapped_column(JsonDocument)
    timeline: Mapped[dict[str, Any] | None] = mapped_column(JsonDocument, deferred=True)
    histograms: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    heartbeat_at: Mapped[datetime | None]
    trace_id: Mapped[str | None] = mapped_column(String(32))  # of the request that submitted it
    parent_span_id: Mapped[str | None] = mapped_column(String(16))  # whose span it hangs under in that trace

    # What listings sort, search and show: copies of parts of the documents above, made in `listed`.
    name_key: Mapped[str] = mapped_column(_key(), default="", server_default="")
    target_key: Mapped[str] = mapped_column(_key(), default="", server_default="")
    tags_key: Mapped[str | None] = mapped_column(_key())
    load_key: Mapped[str] = mapped_column(_key(40), default="", server_default="")
    load_kind: Mapped[str] = mapped_column(String(16), default="", server_default="")
    search_text: Mapped[str] = mapped_column(Text, default="", server_default="")
    requests: Mapped[int | None] = mapped_column(BigInteger)
    error_rate: Mapped[float | None] = mapped_column(Double)
    ttft_p50_ms: Mapped[float | None] = mapped_column(Double)
    ttft_p95_ms: Mapped[float | None] = mapped_column(Double)
    tpot_p50_ms: Mapped[float | None] = mapped_column(Double)
    output_tokens_per_s: Mapped[float | None] = mapped_column(Double)
    cost_usd: Mapped[float | None] = mapped_column(Double)
    verdict: Mapped[str | None] = mapped_column(String(16))

    # Counts changes that a reader can see; every UPDATE raises it unless it sets it itself (see `repository.beat`).
    version: Mapped[int] = mapped_column(Integer, default=1, server_default="1", onupdate=text("version + 1"))


@event.listens_for(BenchmarkSession, "before_insert")
def _keep_what_listings_need(_mapper: Mapper[Any], _connection: Connection, row: BenchmarkSession) -> None:
    # Here and not in each place that makes a session, so that none can forget it. Changes: see `repository`.
    found = listed.text_columns(row.name, row.tags, row.providers, row.models) | listed.spec_columns(row.spec)
    if row.summary is not None:
        found |= listed.figure_columns(row.summary)
    for name, value in found.items():
        setattr(row, name, value)


class Result(Base):
    """One measured request. `(session_id, index)` is unique, so a shard that runs again stores nothing twice.

    Instants are Unix nanoseconds, durations milliseconds; null means "not measured" and never zero.
    """

    __tablename__ = "results"
    __table_args__ = (
        # The listing's keyset is (session_id, index), the primary key; each filter has an index that ends in it.
        Index("ix_results_session_status", "session_id", "status", "index"),
        Index(
            "ix_results_session_error_type",
            "session_id",
            "error_type",
            "index",
            # Most requests go well; leaving them out keeps this index small. Both dialects see that `error_type = ?`
            # implies the condition.
            sqlite_where=text("error_type IS NOT NULL"),
            postgresql_where=text("error_type IS NOT NULL"),
        ),
        Index("ix_results_provider_model", "provider", "model", "session_id", "index"),
    )

    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True)
    index: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    id: Mapped[UUID] = mapped_column(unique=True)
    provider: Mapped[str] = mapped_column(String(64))
    model: Mapped[str] = mapped_column(String(200))
    response_id: Mapped[str | None] = mapped_column(String(200))
    status: Mapped[str] = mapped_column(String(8))
    error_type: Mapped[str | None] = mapped_column(String(32))
    error: Mapped[str | None] = mapped_column(Text)
    http_status: Mapped[int | None] = mapped_column(SmallInteger)
    finish_reason: Mapped[str | None] = mapped_column(String(32))
    attempts: Mapped[int] = mapped_column(SmallInteger)
    clock: Mapped[str] = mapped_column(String(8))
    connection_reused: Mapped[bool]

    intended_ns: Mapped[int] = mapped_column(BigInteger)
    started_ns: Mapped[int | None] = mapped_column(BigInteger)
    first_byte_ns: Mapped[int | None] = mapped_column(BigInteger)
    first_token_ns: Mapped[int | None] = mapped_column(BigInteger)
    first_output_ns: Mapped[int | None] = mapped_column(BigInteger)
    last_token_ns: Mapped[int | None] = mapped_column(BigInteger)
    end_ns: Mapped[int | None] = mapped_column(BigInteger)

    schedule_delay_ms: Mapped[float | None] = mapped_column(Double)
    dns_ms: Mapped[float | None] = mapped_column(Double)
    connect_ms: Mapped[float | None] = mapped_column(Double)
    tls_ms: Mapped[float | None] = mapped_column(Double)
    ttfb_ms: Mapped[float | None] = mapped_column(Double)
    ttft_ms: Mapped[float | None] = mapped_column(Double)
    ttfo_ms: Mapped[float | None] = mapped_column(Double)
    tpot_ms: Mapped[float | None] = mapped_column(Double)
    e2e_ms: Mapped[float | None] = mapped_column(Double)
    stream_end_ms: Mapped[float | None] = mapped_column(Double)
    ttfb_from_intended_ms: Mapped[float | None] = mapped_column(Double)
    ttft_from_intended_ms: Mapped[float | None] = mapped_column(Double)
    ttfo_from_intended_ms: Mapped[float | None] = mapped_column(Double)
    e2e_from_intended_ms: Mapped[float | None] = mapped_column(Double)
    stream_end_from_intended_ms: Mapped[float | None] = mapped_column(Double)

    chunks: Mapped[int] = mapped_column(Integer)
    coalesced_chunks: Mapped[int] = mapped_column(Integer)
    input_tokens: Mapped[int | None] = mapped_column(Integer)
    output_tokens: Mapped[int | None] = mapped_column(Integer)
    uncached_input_tokens: Mapped[int | None] = mapped_column(Integer)
    cache_read_tokens: Mapped[int | None] = mapped_column(Integer)
    cache_write_tokens: Mapped[int | None] = mapped_column(Integer)
    visible_output_tokens: Mapped[int | None] = mapped_column(Integer)
    reasoning_tokens: Mapped[int | None] = mapped_column(Integer)
    token_count_source: Mapped[str | None] = mapped_column(String(16))
    usage: Mapped[dict[str, Any] | None] = mapped_column(JsonDocument)
    cost_usd: Mapped[float | None] = mapped_column(Double)

    trace_id: Mapped[str | None] = mapped_column(String(32))
    tags: Mapped[list[str]]
    metadata_: Mapped[dict[str, Any]] = mapped_column("metadata", JsonDocument)
    response_text: Mapped[str | None] = mapped_column(Text, deferred=True)
    gaps: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
