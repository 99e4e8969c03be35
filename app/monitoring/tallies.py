"""What a shard has measured, as plain sums that only grow: the form in which it enters Prometheus counters.

A tally maps what is counted to how much. Statistics can be told twice (a worker dies and its shard runs again, with
what was stored before) or too little (a tick is lost). So one ledger per run remembers what has been counted of each
shard, and counts only what goes beyond: nothing twice, and in the end nothing too little.
"""

from collections.abc import Hashable, Iterable
from typing import NamedTuple
from uuid import UUID

import numpy as np

from app.benchmarks.observing import ShardKey
from app.stats.distribution import Distribution
from app.stats.histogram import DURATIONS, Integers
from app.stats.run_statistics import RunStatistics, TargetStatistics

LATENCY_BUCKETS_SECONDS = (
    *(0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0),
    *(7.5, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 120.0, 300.0, 600.0),
)
TTFT_BUCKETS_SECONDS = (
    *(0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5),
    *(0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 60.0),
)


class Measure(NamedTuple):
    """One thing that is counted: of a target, what, and which part of it (a bucket's number, a type)."""

    provider: str
    model: str
    name: str
    part: str | int = ""


Tally = dict[Measure, float]

_HISTOGRAMS = (
    ("latency", "stream_end_ms", LATENCY_BUCKETS_SECONDS),
    ("ttft", "ttft_ms", TTFT_BUCKETS_SECONDS),
    ("duration", "stream_end_from_intended_ms", LATENCY_BUCKETS_SECONDS),
)
_EDGES: dict[tuple[float, ...], Integers] = {
    buckets: DURATIONS.indices(np.rint(np.asarray(buckets) * 1e9).astype(np.int64)) + 1
    for buckets in {LATENCY_BUCKETS_SECONDS, TTFT_BUCKETS_SECONDS}
}


def tally_of(statistics: RunStatistics) -> Tally:
    """Statistics as sums."""
    tally: Tally = {}
    for key, target in statistics.targets.items():
        for name, part, amount in _sums(target):
            if amount:
                measure = Measure(key.provider, key.model, name, part)
                tally[measure] = tally.get(measure, 0.0) + amount
    return tally


def _sums(target: TargetStatistics) -> Iterable[tuple[str, str | int, float]]:
    counters = target.counters
    yield "status", "ok", counters.ok
    yield "status", "error", counters.failed
    for error_type, count in counters.by_error_type.items():
        yield "error", error_type, count
    yield "tokens", "input", counters.input_tokens
    yield "tokens", "output", counters.output_tokens
    yield "tokens", "reasoning", counters.reasoning_tokens
    yield "cost", "", counters.cost_usd
    for name, metric, buckets in _HISTOGRAMS:
        distribution = target.metrics[metric]
        if distribution.n:
            yield f"{name}_sum", "", distribution.moments.mean * distribution.n / 1e9
            for bucket, count in enumerate(bucket_counts(distribution, buckets)):
                yield name, bucket, count


def bucket_counts(distribution: Distribution, buckets: tuple[float, ...]) -> list[int]:
    """Samples in each bucket up to an edge in seconds, and above the last one; exact to the histogram's 0.1 %."""
    histogram = distribution.histogram
    sums = np.concatenate(([0], np.cumsum(histogram.counts))) + histogram.below
    up_to = sums[np.minimum(_EDGES[buckets], len(sums) - 1)]
    return [int(count) for count in np.diff(up_to, prepend=0, append=histogram.total)]


class Ledger:
    """What has been counted of every shard of the runs that go on."""

    def __init__(self) -> None:
        self._counted: dict[ShardKey, Tally] = {}
        self._told: dict[ShardKey, dict[Hashable, Tally]] = {}

    def tick(self, shard: ShardKey, attempt: int, tally: Tally) -> Tally:
        """What is new in a tick of one try of a shard."""
        told = self._told.setdefault(shard, {}).setdefault(attempt, {})
        for measure, amount in tally.items():
            told[measure] = told.get(measure, 0.0) + amount
        return self._excess(shard, {measure: told[measure] for measure in tally})

    def outcome(self, shard: ShardKey, tally: Tally) -> Tally:
        """What is new in the whole of a shard; late ticks of it will count no more."""
        self._told.pop(shard, None)
        return self._excess(shard, tally)

    def forget(self, session_id: UUID) -> None:
        """A run has ended."""
        for by_shard in (self._counted, self._told):
            for shard in [shard for shard in by_shard if shard.session_id == session_id]:
                del by_shard[shard]

    def _excess(self, shard: ShardKey, tally: Tally) -> Tally:
        counted = self._counted.setdefault(shard, {})
        excess = {}
        for measure, amount in tally.items():
            if (more := amount - counted.get(measure, 0.0)) > 0:
                excess[measure] = more
                counted[measure] = amount
        return excess
