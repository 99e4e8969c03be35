"""One request as a waterfall: what it waited for, phase by phase, and when each chunk came. Pure.

Everything counts from the intended start, so a request that was sent late shows it. The set-up of a new connection
(name lookup, TCP and TLS handshakes) is known by its lengths; it ends where the first byte was sent. When it is longer
than the time between the intended and the true start, the connection was opened before the request was due: then the
set-up has a length and no place.
"""

import numpy as np
from pydantic import Field

from app.benchmarks.measures import MeasuredResult
from app.benchmarks.view import View

MAX_TICKS = 20_000
_NS_PER_MS = 1e6


class Phase(View):
    """A stretch of a request's life."""

    name: str = Field(description="schedule_delay, dns, connect, tls, first_byte, first_token, reasoning, stream, end.")
    duration_ms: float = Field(description="How long it took.")
    begin_ms: float | None = Field(description="From the intended start; null where only the length is known.")
    end_ms: float | None = Field(description="From the intended start; null where only the length is known.")


class Waterfall(View):
    """Phases in their order, and the arrival of every chunk, in milliseconds from the intended start."""

    total_ms: float = Field(description="From the intended start to the last instant that is known.")
    phases: list[Phase] = Field(description="What it waited for, in order.")
    chunk_ms: list[float] = Field(description="When each output chunk came; empty when gaps were not kept.")
    shared: list[int] = Field(description="Chunks (from 0) that came out of one read with the next one: its stamp.")
    chunks_left_out: int = Field(description=f"Chunks beyond the first {MAX_TICKS:,}.")
    note: str | None = Field(description="What makes it less than exact.")


def waterfall(result: MeasuredResult) -> Waterfall:
    """The waterfall of a measured request, whatever became of it."""
    zero = result.intended_ns

    def after(instant_ns: int | None) -> float | None:
        return None if not instant_ns else (instant_ns - zero) / _NS_PER_MS

    started = after(result.started_ns)
    notes: list[str] = []
    phases = _before_start(result, started, notes)
    at = started
    steps = (
        ("first_byte", after(result.first_byte_ns)),
        ("first_token", after(result.first_token_ns)),
        ("reasoning", after(result.first_output_ns)),
        ("stream", after(result.last_token_ns)),
        ("end", after(result.end_ns)),
    )
    for name, instant in steps:
        if instant is None or at is None:
            continue
        if instant > at or (name in {"first_byte", "first_token"} and instant == at):
            phases.append(Phase(name=name, duration_ms=instant - at, begin_ms=at, end_ms=instant))
        at = max(at, instant)
    if result.attempts > 1:
        notes.append(f"this is try {result.attempts}: what the tries before took is in the wait before the start")
    if result.metadata.get("clock_stepped"):
        notes.append("the system clock was stepped during this request: its instants do not add up")
    chunks, shared = _chunks(result)
    ends = [phase.end_ms for phase in phases if phase.end_ms is not None]
    return Waterfall(
        total_ms=max([0.0, *ends, after(result.end_ns) or 0.0]),
        phases=phases,
        chunk_ms=chunks[:MAX_TICKS],
        shared=[number for number in shared if number < MAX_TICKS],
        chunks_left_out=max(len(chunks) - MAX_TICKS, 0),
        note="; ".join(notes) or None,
    )


def _before_start(result: MeasuredResult, started: float | None, notes: list[str]) -> list[Phase]:
    if started is None:
        end = (result.end_ns - result.intended_ns) / _NS_PER_MS if result.end_ns else 0.0
        return [Phase(name="schedule_delay", duration_ms=end, begin_ms=0.0, end_ms=end)] if end > 0 else []
    parts = [("dns", result.dns_ms), ("connect", result.connect_ms), ("tls", result.tls_ms)]
    setup = [] if result.connection_reused else [(name, length) for name, length in parts if length]
    total = sum(length for _, length in setup)
    fits = bool(setup) and total <= started
    waited = started - total if fits else started
    phases = [Phase(name="schedule_delay", duration_ms=waited, begin_ms=min(0.0, started), end_ms=waited)]
    at = waited
    for name, length in setup:
        place = (at, at + length) if fits else (None, None)
        phases.append(Phase(name=name, duration_ms=length, begin_ms=place[0], end_ms=place[1]))
        at += length if fits else 0.0
    if setup and not fits:
        notes.append("the connection was opened before the request was due")
    return phases


def _chunks(result: MeasuredResult) -> tuple[list[float], list[int]]:
    """Arrivals of all chunks from the intended start, and which share the stamp of the next."""
    if not result.first_token_ns or not (result.gaps or result.chunks == 1):
        return [], []
    gaps = np.frombuffer(result.gaps, dtype="<i8")
    # A censored chunk's time is that of the chunk behind it: the gap there spans the run of them.
    arrivals = np.cumsum(np.maximum(gaps, 0))
    first = result.first_token_ns - result.intended_ns
    shared = np.flatnonzero(gaps < 0)
    for number in shared[::-1].tolist():
        if number + 1 < len(arrivals):
            arrivals[number] = arrivals[number + 1]
    instants = np.concatenate((np.zeros(1, dtype=np.int64), arrivals)) + first
    return (instants / _NS_PER_MS).tolist(), (shared + 1).tolist()
