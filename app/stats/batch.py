"""A batch of measured requests of one target, column by column: what statistics take in."""

from collections import Counter
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
    intended_ns: Integers
    attempts: Integers
    clock_stepped: Flags  # whose durations were dropped
    error_classes: tuple[str, ...] = ()  # of the failed ones, in their order
    token_sources: dict[str, int] = field(default_factory=dict)
    server_timings: tuple[Mapping[str, float], ...] = ()  # of successful requests, those that have any
    finish_kinds: dict[str, int] = field(default_factory=dict)  # of successful requests: why the model stopped
    rate_limits: tuple[tuple[int, Mapping[str, Mapping[str, float]]], ...] = ()  # end of a response, what it told

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
    def first_tries(self) -> Flags:
        """Which requests succeeded at once; only these enter latencies: a retry is not what a usual request sees."""
        return self.ok & (self.attempts <= 1)

    @cached_property
    def error_types(self) -> dict[str, int]:
        """Failed requests by class."""
        return dict(Counter(self.error_classes))

    @cached_property
    def speeds(self) -> Floats:
        """Output tokens per second of each first try while it streamed; 0 where that is not defined."""
        tpot = self.metrics["tpot_ms"]
        known = self.first_tries & (tpot > 0)
        return np.where(known, 1e3 / np.where(known, tpot, 1.0), 0.0)

    @cached_property
    def samples(self) -> dict[str, tuple[Flags, Integers]]:
        """What each of `METRICS` measured, in nanoseconds, behind which requests (`icl_ms`: gaps) it is of."""
        found = {}
        for name, values in self.metrics.items():
            mine = self.first_tries & ~np.isnan(values)
            if name in CONNECTION_METRICS:
                mine &= self.new_connection
            found[name] = (mine, np.rint(values[mine] * 1e6).astype(np.int64))
        mine = self.single_gaps & np.repeat(self.first_tries, self.gap_counts)
        return found | {CHUNK_METRIC: (mine, self.gaps_ns[mine])}

    @cached_property
    def ok_gaps(self) -> Flags:
        """Which gaps belong to successful requests."""
        return np.repeat(self.ok, self.gap_counts)
