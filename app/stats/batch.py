"""A batch of measured requests of one target, column by column: what statistics take in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from app.stats.histogram import Integers

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

REQUEST_METRICS = (
    "schedule_delay_ms",
    "dns_ms",
    "connect_ms",
    "tls_ms",
    "ttfb_ms",
    "ttft_ms",
    "ttfo_ms",
    "tpot_ms",
    "e2e_ms",
    "stream_end_ms",
    "ttfb_from_intended_ms",
    "ttft_from_intended_ms",
    "ttfo_from_intended_ms",
    "e2e_from_intended_ms",
    "stream_end_from_intended_ms",
)
CONNECTION_METRICS = frozenset({"dns_ms", "connect_ms", "tls_ms"})  # of new connections only: reused ones have none
CHUNK_METRIC = "icl_ms"
METRICS = (*REQUEST_METRICS[:8], CHUNK_METRIC, *REQUEST_METRICS[8:])


@dataclass(frozen=True)
class Batch:
    """n requests. Instants are Unix nanoseconds and 0 where unknown, except `end_ns`, which is always known.

    `metrics` maps each of `REQUEST_METRICS` to n milliseconds with NaN where nothing was measured. `gaps_ns` holds the
    chunk gaps of all n one after another, `gap_counts` how many belong to each; a negative gap is censored, and the gap
    behind a censored one spans several chunks.
    """

    ok: Flags
    start_ns: Integers
    first_token_ns: Integers
    last_token_ns: Integers
    end_ns: Integers
    metrics: dict[str, Floats]
    gaps_ns: Integers
    gap_counts: Integers
    chunks: Integers
    coalesced_chunks: Integers
    input_tokens: Integers
    output_tokens: Integers
    reasoning_tokens: Integers
    cost_usd: Floats  # NaN where unknown
    new_connection: Flags
    error_types: dict[str, int] = field(default_factory=dict)
    token_sources: dict[str, int] = field(default_factory=dict)
    server_timings: tuple[Mapping[str, float], ...] = ()  # of successful requests, those that have any

    def __len__(self) -> int:
        return len(self.ok)

    @cached_property
    def single_gaps(self) -> Flags:
        """Which gaps are one chunk's own: not censored, and not behind a censored one."""
        known = self.gaps_ns >= 0
        alone = known.copy()
        alone[1:] &= known[:-1]
        firsts = (np.cumsum(self.gap_counts) - self.gap_counts)[self.gap_counts > 0]
        alone[firsts] = known[firsts]
        return alone

    @cached_property
    def ok_gaps(self) -> Flags:
        """Which gaps belong to successful requests."""
        return np.repeat(self.ok, self.gap_counts)
