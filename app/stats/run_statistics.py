"""All numbers of a run in bounded memory: one accumulator per target, exact to merge over batches, shards and runs.

Only requests that succeeded at their first try enter the latency metrics; failed and retried ones are counted. A
request is good when it succeeded and met every limit of the run's SLO; a retried one is judged from its intended start,
because its user waited for the tries before as well.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

import msgspec
import numpy as np

from app.stats.batch import METRICS, Batch, Flags
from app.stats.distribution import Distribution
from app.stats.histogram import Integers
from app.stats.rate_limits import RateLimits
from app.stats.server_timings import ServerTimings
from app.stats.slices import Slices
from app.stats.timeline import Timeline

VERSION = 2  # 1 had no slices and no retried requests
_READABLE = (1, VERSION)
_RETRIED_METRIC = "e2e_from_intended_ms"


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
        again = batch.attempts > 1
        for limit, name in ((self.ttft_ms, "ttft"), (self.e2e_ms, "e2e")):
            if limit is not None:
                intended, started = batch.metrics[f"{name}_from_intended_ms"], batch.metrics[f"{name}_ms"]
                good &= np.where(again, intended, started) <= limit
        if self.tpot_ms is not None:
            good &= ~(batch.metrics["tpot_ms"] > self.tpot_ms)
        return good


@dataclass
class Counters:
    """Sums over requests; tokens and cost are of successful requests, chunks of all.

    `speed_sum` adds up output tokens per second over the `speeds` first tries for which they are defined.
    """

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
    good_output_tokens: int = 0
    retried_requests: int = 0
    retried_attempts: int = 0
    clock_stepped: int = 0
    speeds: int = 0
    speed_sum: float = 0.0
    by_error_type: dict[str, int] = field(default_factory=dict)
    token_sources: dict[str, int] = field(default_factory=dict)
    finish_kinds: dict[str, int] = field(default_factory=dict)

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
            *("input_tokens", "output_tokens", "reasoning_tokens", "good_output_tokens", "priced", "cost_usd"),
            *("retried_requests", "retried_attempts", "clock_stepped", "speeds", "speed_sum"),
        ):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for by_name in ("by_error_type", "token_sources", "finish_kinds"):
            mine = getattr(self, by_name)
            for name, count in getattr(other, by_name).items():
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
    """Counters, distributions and slices of one target. `retried` is `e2e_from_intended_ms` of retried requests."""

    def __init__(self, origin_ns: int = 0) -> None:
        self.counters = Counters()
        self.metrics = {name: Distribution() for name in METRICS}
        self.retried = Distribution()
        self.slices = Slices(origin_ns)
        self.server_timings = ServerTimings()
        self.rate_limits = RateLimits()

    def add(self, batch: Batch, slo: Slo) -> None:
        """Take in a batch."""
        ok = batch.ok
        costs = batch.cost_usd[ok]
        priced = ~np.isnan(costs)
        started = batch.start_ns[batch.start_ns > 0]
        succeeded = int(ok.sum())
        good = slo.good(batch)
        again = batch.attempts > 1
        self.counters.merge(
            Counters(
                ok=succeeded,
                failed=len(batch) - succeeded,
                good=int(good.sum()),
                chunks=int(batch.chunks.sum()),
                coalesced_chunks=int(batch.coalesced_chunks.sum()),
                input_tokens=int(batch.input_tokens[ok].sum()),
                output_tokens=int(batch.output_tokens[ok].sum()),
                reasoning_tokens=int(batch.reasoning_tokens[ok].sum()),
                priced=int(priced.sum()),
                cost_usd=float(costs[priced].sum()),
                first_start_ns=int(started.min()) if len(started) else 0,
                last_end_ns=int(batch.end_ns.max()) if len(batch) else 0,
                good_output_tokens=int(batch.output_tokens[good].sum()),
                retried_requests=int(again.sum()),
                retried_attempts=int(batch.attempts[again].sum()),
                clock_stepped=int(batch.clock_stepped.sum()),
                speeds=int((batch.speeds > 0).sum()),
                speed_sum=float(batch.speeds.sum()),
                by_error_type=batch.error_types,
                token_sources=batch.token_sources,
                finish_kinds=batch.finish_kinds,
            )
        )
        for name, (_, values) in batch.samples.items():
            self.metrics[name].record_ns(values)
        self.retried.record_ms(batch.metrics[_RETRIED_METRIC][ok & again])
        self.server_timings.add(batch.server_timings)
        self.rate_limits.add(batch.rate_limits)
        self.slices.add(batch, good)

    def merge(self, other: "TargetStatistics", *, one_after_another: bool = False) -> None:
        """Take in what another has seen."""
        self.counters.merge(other.counters, one_after_another=one_after_another)
        for name, distribution in other.metrics.items():
            self.metrics[name].merge(distribution)
        self.retried.merge(other.retried)
        self.server_timings.merge(other.server_timings)
        self.rate_limits.merge(other.rate_limits)
        if not one_after_another:
            self.slices.merge(other.slices)


class RunStatistics:
    """Statistics of a run: per target, and over time."""

    def __init__(self, origin_ns: int, slo: Slo | None = None) -> None:
        self.slo = slo or Slo()
        self.targets: dict[TargetKey, TargetStatistics] = {}
        self.timeline = Timeline(origin_ns)

    def add(self, target: TargetKey, batch: Batch) -> None:
        """Take in a batch of requests of one target."""
        if len(batch):
            self._of(target).add(batch, self.slo)
            self.timeline.add(batch)

    def add_in_flight(self, target: TargetKey, from_ns: int, to_ns: int, in_flight: int) -> None:
        """Say that `in_flight` requests to one target were open between two instants."""
        self.timeline.add_in_flight(from_ns, to_ns, in_flight)
        self._of(target).slices.add_in_flight(from_ns, to_ns, in_flight)

    def add_open(self, target: TargetKey, starts_ns: Integers, ends_ns: Integers) -> None:
        """The same from requests whose start and end are known."""
        for start_ns, end_ns in zip(starts_ns.tolist(), ends_ns.tolist(), strict=True):
            self.timeline.add_in_flight(start_ns, end_ns, 1)
        self._of(target).slices.add_open(starts_ns, ends_ns)

    def add_interruption(self, target: TargetKey, from_ns: int, to_ns: int) -> None:
        """Say that what was due to one target from then on could not be sent, and was overdue until then."""
        self._of(target).slices.interruptions.append((from_ns, to_ns))

    def _of(self, target: TargetKey) -> TargetStatistics:
        return self.targets.setdefault(target, TargetStatistics(self.timeline.origin_ns))

    def merge(self, other: "RunStatistics") -> None:
        """Take in what another shard, or another interval of this one, has seen; origin and SLO must be the same."""
        for key, statistics in other.targets.items():
            self._of(key).merge(statistics)
        self.timeline.merge(other.timeline)

    def overall(self) -> TargetStatistics:
        """All targets and points together; they ran one after another, so their durations add up."""
        return _one_after_another([*self.targets.values()])

    def by_target(self) -> dict[tuple[str, str], TargetStatistics]:
        """Each target over all its points; one that has a single point keeps its slices."""
        points: dict[tuple[str, str], list[TargetStatistics]] = {}
        for key, statistics in self.targets.items():
            points.setdefault((key.provider, key.model), []).append(statistics)
        return {target: _one_after_another(found) for target, found in points.items()}

    def encode(self, *, with_timeline: bool = True, with_slices: bool = True) -> bytes:
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
                        statistics.retried.pack() if statistics.retried.n else None,
                        statistics.slices.pack() if with_slices else None,
                        statistics.server_timings.pack(),
                        statistics.rate_limits.pack(),
                    ]
                    for key, statistics in self.targets.items()
                    if with_slices or statistics.counters.total
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
        if packed["version"] not in _READABLE:
            raise ValueError(f"statistics of version {packed['version']}, this program reads {_READABLE}")
        run = cls(0, Slo(*packed["slo"]))
        run.timeline = Timeline.unpack(packed["timeline"])
        for provider, model, counters, metrics, *later in packed["targets"]:
            point, level, retried, slices, timings, limits = later + [None] * (
                6 - len(later)
            )  # version 1 has no slices, maybe no point
            statistics = TargetStatistics(run.timeline.origin_ns)
            statistics.counters = Counters(**counters)
            statistics.metrics.update({name: Distribution.unpack(metric) for name, metric in metrics.items()})
            if retried is not None:
                statistics.retried = Distribution.unpack(retried)
            if slices is not None:
                statistics.slices = Slices.unpack(slices)
            if timings is not None:
                statistics.server_timings = ServerTimings.unpack(timings)
            if limits is not None:
                statistics.rate_limits = RateLimits.unpack(limits)
            run.targets[TargetKey(provider, model, point or 0, level)] = statistics
        return run


def _one_after_another(parts: list[TargetStatistics]) -> TargetStatistics:
    """The sum of parts; without slices, whose windows would mix different loads, unless there is only one part."""
    if len(parts) == 1:
        return parts[0]
    together = TargetStatistics()
    for part in parts:
        together.merge(part, one_after_another=True)
    return together
