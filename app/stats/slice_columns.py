"""The sums that slices keep: which there are, and what of a batch goes into those of its starts. See `slices`."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.stats.batch import Batch, Flags

STARTED = (
    "ok",
    "failed",
    "good",
    "retried_requests",
    "retried_attempts",
    "clock_stepped",
    "chunks",
    "coalesced_chunks",
    "input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "good_output_tokens",
    "priced",
    "cost_usd",
    "speeds",
    "speed_sum",
    "time_in_system_s",
)
HAPPENED = (
    "ended_ok",
    "ended_failed",
    "ended_good",
    "input_tokens_then",
    "output_tokens_then",
    "good_output_tokens_then",
    "chunks_then",
    "in_flight_s",
)
COLUMNS = {name: position for position, name in enumerate((*STARTED, *HAPPENED))}
"""The place of each sum in a row."""
_NS_PER_S = 10**9


def started(batch: Batch, good: Flags) -> Iterator[tuple[str, NDArray[Any]]]:
    """Each of `STARTED` with what every request of a batch adds to it; `good` says which met the SLO."""
    ok, again = batch.ok, batch.attempts > 1
    priced = ok & ~np.isnan(batch.cost_usd)
    began = np.where(again & (batch.intended_ns > 0), batch.intended_ns, batch.start_ns)
    speeds = batch.speeds
    outputs = np.where(ok, batch.output_tokens, 0)
    yield "ok", ok
    yield "failed", ~ok
    yield "good", good
    yield "retried_requests", again
    yield "retried_attempts", np.where(again, batch.attempts, 0)
    yield "clock_stepped", batch.clock_stepped
    yield "chunks", batch.chunks
    yield "coalesced_chunks", batch.coalesced_chunks
    yield "input_tokens", np.where(ok, batch.input_tokens, 0)
    yield "output_tokens", outputs
    yield "reasoning_tokens", np.where(ok, batch.reasoning_tokens, 0)
    yield "good_output_tokens", np.where(good, outputs, 0)
    yield "priced", priced
    yield "cost_usd", np.where(priced, batch.cost_usd, 0.0)
    yield "speeds", speeds > 0
    yield "speed_sum", speeds
    yield "time_in_system_s", np.maximum(batch.end_ns - began, 0) / _NS_PER_S
