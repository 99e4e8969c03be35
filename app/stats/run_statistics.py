"""All numbers of a run in bounded memory: one accumulator per target, exact to merge over batches, shards and runs.

Only successful requests enter the latency metrics; failed ones are counted by class. A request is good when it
succeeded and met every limit of the run's SLO.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

import msgspec
import numpy as np

from app.stats.batch import CHUNK_METRIC, CONNECTION_METRICS, METRICS, REQUEST_METRICS, Batch, Flags
from app.stats.distribution import Distribution
from app.stats.timeline import Timeline

VERSION = 1


class TargetKey(NamedTuple):
    """What was measured: a target, at one point where several levels of load are explored."""

    provider: str
    model: str
    point: int = 0
    level: float | None = None  # of load; None: nothing is explored


@dataclass(frozen=True)
class Slo:
    """Limits in milliseconds; None is no limit."""

    ttft_ms: float | None = None
    tpot_ms: float | None = None
    e2e_ms: float | None = None

    @property
    def is_set(self) -> bool:
        """Whether there is any limit."""
        return (self.ttft_ms, self.tpot_ms, self.e2e_ms) != (None, None, None)

    def good(self, batch: Batch) -> Flags:
        """Which requests of a batch are good. A TPOT that is undefined (under two tokens) breaks no limit."""
        good = batch.ok.copy()
        for limit, name in ((self.ttft_ms, "ttft_ms"), (self.e2e_ms, "e2e_ms")):
            if limit is not None:
                good &= batch.metrics[name] <= limit
        if self.tpot_ms is not None:
            good &= ~(batch.metrics["tpot_ms"] > self.tpot_ms)
        return good


@dataclass
class Counters:
    """Sums over requests; tokens and cost are of successful requests, chunks of all."""

    ok: int = 0
    failed: int = 0
    good: int = 0
    chunks: int = 0
    coalesced_chunks: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    priced: int = 0
    cost_usd: float = 0.0
    first_start_ns: int = 0
    last_end_ns: int = 0
    by_error_type: dict[str, int] = field(default_factory=dict)
    token_sources: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Requests that ended."""
        return self.ok + self.failed

    @property
    def known_cost_usd(self) -> float | None:
        """What the successful requests cost; None as soon as the price of one of them is unknown."""
        return self.cost_usd if self.ok and self.priced == self.ok else None

    @property
    def duration_seconds(self) -> float:
        """From the first start to the last end."""
        return max(self.last_end_ns - self.first_start_ns, 0) / 1e9 if self.first_start_ns else 0.0

    def merge(self, other: "Counters", *, one_after_another: bool = False) -> None:
        """Add another's sums; the span covers both, or is as long as both when they ran one after another."""
        for name in (
            *("ok", "failed", "good", "chunks", "coalesced_chunks"),
            *("input_tokens", "output_tokens", "reasoning_tokens", "priced", "cost_usd"),
        ):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for mine, theirs in ((self.by_error_type, other.by_error_type), (self.token_sources, other.token_sources)):
            for name, count in theirs.items():
                mine[name] = mine.get(name, 0) + count
        if not other.first_start_ns:
            return
        if one_after_another:
            self.first_start_ns = self.first_start_ns or other.first_start_ns
            self.last_end_ns = max(self.last_end_ns, self.first_start_ns) + other.last_end_ns - other.first_start_ns
        else:
            self.first_start_ns = min(self.first_start_ns or other.first_start_ns, other.first_start_ns)
            self.last_end_ns = max(self.last_end_ns, other.last_end_ns)


class TargetStatistics:
    """Counters and distributions of one target."""

    def __init__(self) -> None:
        self.counters = Counters()
        self.metrics = {name: Distribution() for name in METRICS}

    def add(self, batch: Batch, slo: Slo) -> None:
        """Take in a batch."""
        ok = batch.ok
        costs = batch.cost_usd[ok]
        priced = ~np.isnan(costs)
        started = batch.start_ns[batch.start_ns > 0]
        succeeded = int(ok.sum())
        self.counters.merge(
            Counters(
                ok=succeeded,
                failed=len(batch) - succeeded,
                good=int(slo.good(batch).sum()),
                chunks=int(batch.chunks.sum()),
                coalesced_chunks=int(batch.coalesced_chunks.sum()),
                input_tokens=int(batch.input_tokens[ok].sum()),
                output_tokens=int(batch.output_tokens[ok].sum()),
                reasoning_tokens=int(batch.reasoning_tokens[ok].sum()),
                priced=int(priced.sum()),
                cost_usd=float(costs[priced].sum()),
                first_start_ns=int(started.min()) if len(started) else 0,
                last_end_ns=int(batch.end_ns.max()) if len(batch) else 0,
                by_error_type=batch.error_types,
                token_sources=batch.token_sources,
            )
        )
        for name in REQUEST_METRICS:
            measured = ok & batch.new_connection if name in CONNECTION_METRICS else ok
            self.metrics[name].record_ms(batch.metrics[name][measured])
        self.metrics[CHUNK_METRIC].record_ns(batch.gaps_ns[batch.single_gaps & batch.ok_gaps])

    def merge(self, other: "TargetStatistics", *, one_after_another: bool = False) -> None:
        """Take in what another has seen."""
        self.counters.merge(other.counters, one_after_another=one_after_another)
        for name, distribution in other.metrics.items():
            self.metrics[name].merge(distribution)


class RunStatistics:
    """Statistics of a run: per target, and over time."""

    def __init__(self, origin_ns: int, slo: Slo | None = None) -> None:
        self.slo = slo or Slo()
        self.targets: dict[TargetKey, TargetStatistics] = {}
        self.timeline = Timeline(origin_ns)

    def add(self, target: TargetKey, batch: Batch) -> None:
        """Take in a batch of requests of one target."""
        if len(batch):
            self.targets.setdefault(target, TargetStatistics()).add(batch, self.slo)
            self.timeline.add(batch)

    def merge(self, other: "RunStatistics") -> None:
        """Take in what another shard, or another interval of this one, has seen; origin and SLO must be the same."""
        for key, statistics in other.targets.items():
            self.targets.setdefault(key, TargetStatistics()).merge(statistics)
        self.timeline.merge(other.timeline)

    def overall(self) -> TargetStatistics:
        """All targets and points together; they ran one after another, so their durations add up."""
        overall = TargetStatistics()
        for statistics in self.targets.values():
            overall.merge(statistics, one_after_another=True)
        return overall

    def by_target(self) -> dict[tuple[str, str], TargetStatistics]:
        """Each target over all its points."""
        merged: dict[tuple[str, str], TargetStatistics] = {}
        for key, statistics in self.targets.items():
            target = merged.setdefault((key.provider, key.model), TargetStatistics())
            target.merge(statistics, one_after_another=True)
        return merged

    def encode(self, *, with_timeline: bool = True) -> bytes:
        """Everything, as msgpack; histograms inside are HdrHistogram V2."""
        slo = self.slo
        timeline = self.timeline if with_timeline else Timeline(self.timeline.origin_ns)
        return msgspec.msgpack.encode(
            {
                "version": VERSION,
                "slo": [slo.ttft_ms, slo.tpot_ms, slo.e2e_ms],
                "targets": [
                    [
                        key.provider,
                        key.model,
                        vars(statistics.counters),
                        {name: metric.pack() for name, metric in statistics.metrics.items() if metric.n},
                        key.point,
                        key.level,
                    ]
                    for key, statistics in self.targets.items()
                ],
                "timeline": timeline.pack(),
            }
        )

    @classmethod
    def decode(cls, encoded: bytes) -> Self:
        """The statistics behind `encode`'s bytes.

        Raises:
            ValueError: when they are of another version.
        """
        packed: dict[str, Any] = msgspec.msgpack.decode(encoded)
        if packed["version"] != VERSION:
            raise ValueError(f"statistics of version {packed['version']}, this program reads {VERSION}")
        run = cls(0, Slo(*packed["slo"]))
        run.timeline = Timeline.unpack(packed["timeline"])
        for provider, model, counters, metrics, *point in packed["targets"]:  # stored ones may have no point
            statistics = TargetStatistics()
            statistics.counters = Counters(**counters)
            statistics.metrics.update({name: Distribution.unpack(metric) for name, metric in metrics.items()})
            run.targets[TargetKey(provider, model, *point)] = statistics
        return run
