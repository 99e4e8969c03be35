"""What the benchmarks that this process coordinates have measured, for Prometheus.

Each replica tells its own share: a run is counted by the replica that coordinates it, and `sum` over replicas is the
whole. The names that come from users (providers, models) are bounded, see `monitoring.labels`.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from uuid import UUID

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from app.benchmarks.observing import ShardKey
from app.benchmarks.states import Status
from app.loadgen.frames import ERROR_TYPES
from app.monitoring.labels import OTHER, Bounded
from app.monitoring.tallies import LATENCY_BUCKETS_SECONDS, TTFT_BUCKETS_SECONDS, Ledger, Tally, tally_of
from app.stats.run_statistics import RunStatistics

MODELS_LIMIT = 40  # a pair costs 45 lines of each scrape; all of them together take 4 ms
PROVIDERS_LIMIT = 40
_DURATION_BUCKETS_SECONDS = (
    *(1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0),
    *(1200.0, 1800.0, 3600.0, 7200.0, 14400.0, 43200.0, 86400.0),
)
_Labels = tuple[str, ...]


class _Sums:
    """A family of counters."""

    def __init__(self) -> None:
        self._sums: dict[_Labels, float] = {}

    def add(self, amount: float, *labels: str) -> None:
        self._sums[labels] = self._sums.get(labels, 0.0) + amount

    def family(self, name: str, documentation: str, labels: Sequence[str]) -> Metric:
        family = CounterMetricFamily(name, documentation, labels=labels)
        for values, amount in list(self._sums.items()):  # at once: scrapes are written in a thread
            family.add_metric(values, amount)
        return family


class _Histograms:
    """A family of histograms."""

    def __init__(self, buckets: tuple[float, ...]) -> None:
        self._edges = [*map(repr, buckets), "+Inf"]
        self._counts: dict[_Labels, list[float]] = {}
        self._sums: dict[_Labels, float] = {}

    def count(self, bucket: int, amount: float, *labels: str) -> None:
        self._of(labels)[bucket] += amount

    def add(self, seconds: float, *labels: str) -> None:
        self._of(labels)
        self._sums[labels] += seconds

    def _of(self, labels: _Labels) -> list[float]:
        if labels not in self._counts:
            self._counts[labels] = [0.0] * len(self._edges)
            self._sums[labels] = 0.0
        return self._counts[labels]

    def family(self, name: str, documentation: str, labels: Sequence[str]) -> Metric:
        family = HistogramMetricFamily(name, documentation, labels=labels)
        for values, counts in list(self._counts.items()):
            up_to = list(accumulate(counts))
            family.add_metric(values, list(zip(self._edges, up_to, strict=True)), self._sums[values])
        return family


class MeasuredRuns(Collector):
    """A `benchmarks.observing.RunObserver` that is also a Prometheus collector."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._ledger = Ledger()
        self._provider = Bounded(PROVIDERS_LIMIT)
        self._pair = Bounded(MODELS_LIMIT)
        self._tests, self._test_seconds = _Sums(), _Histograms(LATENCY_BUCKETS_SECONDS)
        for status in ("ok", "error"):  # a counter that is there from the start shows its first increase
            self._tests.add(0, status)
        self._requests, self._errors = _Sums(), _Sums()
        self._latency, self._ttft = _Histograms(LATENCY_BUCKETS_SECONDS), _Histograms(TTFT_BUCKETS_SECONDS)
        self._tokens, self._cost = _Sums(), _Sums()
        self._histograms = {
            "duration": (self._test_seconds, False),
            "latency": (self._latency, True),
            "ttft": (self._ttft, True),
        }
        self._benchmarks = Counter(
            "llm_benchmark", "Benchmarks that ended, however they did.", registry=registry
        )  # exposed as llm_benchmark_total
        self._outcomes = Counter(
            "llm_benchmark_outcomes", "Benchmarks that ended, by how they did.", ("status",), registry=registry
        )
        for ended in (Status.COMPLETED, Status.FAILED, Status.CANCELLED):
            self._outcomes.labels(ended.value)
        self._benchmark_seconds = Histogram(
            "llm_benchmark_duration_seconds",
            "Time from the start of a benchmark to its end.",
            buckets=_DURATION_BUCKETS_SECONDS,
            registry=registry,
        )
        registry.register(self)

    def take_tick(self, shard: ShardKey, attempt: int, delta: RunStatistics) -> None:
        """See `RunObserver`."""
        self._count(self._ledger.tick(shard, attempt, tally_of(delta)))

    def take_outcome(self, shard: ShardKey, statistics: RunStatistics) -> None:
        """See `RunObserver`."""
        self._count(self._ledger.outcome(shard, tally_of(statistics)))

    def ended(self, session_id: UUID, status: Status, duration_seconds: float | None) -> None:
        """See `RunObserver`."""
        self._benchmarks.inc()
        self._outcomes.labels(status.value).inc()
        if duration_seconds is not None:
            self._benchmark_seconds.observe(duration_seconds)

    def forget(self, session_id: UUID) -> None:
        """See `RunObserver`."""
        self._ledger.forget(session_id)

    def _count(self, tally: Tally) -> None:
        for measure, amount in tally.items():
            (provider,) = self._provider(measure.provider)
            pair = self._pair(measure.provider, measure.model)
            part = str(measure.part)
            name, _, is_sum = measure.name.partition("_")
            if name in self._histograms:
                histograms, has_labels = self._histograms[name]
                labels = pair if has_labels else ()
                if is_sum:
                    histograms.add(amount, *labels)
                else:
                    histograms.count(int(measure.part), amount, *labels)
            elif name == "status":
                self._tests.add(amount, part)
                self._requests.add(amount, provider)
            elif name == "error":
                self._errors.add(amount, provider, part if part in ERROR_TYPES else OTHER)
            elif name == "tokens":
                self._tokens.add(amount, *pair, part)
            elif name == "cost":
                self._cost.add(amount, *pair)

    def describe(self) -> Iterator[Metric]:
        """Nothing: the registry need not collect in order to know the names."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """The families, as they are now."""
        pair = ("provider", "model")
        yield self._tests.family("llm_test", "Requests that were measured, by how they ended.", ("status",))
        yield self._test_seconds.family(
            "llm_test_duration_seconds",
            "Successful first tries: from when the schedule wanted the request to start to the end of the answer.",
            (),
        )
        yield self._requests.family("llm_provider_requests", "Requests that were measured.", ("provider",))
        yield self._errors.family(
            "llm_provider_errors", "Requests that failed, by class of error.", ("provider", "error_type")
        )
        yield self._latency.family(
            "llm_provider_latency_seconds", "Successful first tries: from the start to the end of the answer.", pair
        )
        yield self._ttft.family(
            "llm_provider_ttft_seconds", "Successful first tries: from the start to the first token.", pair
        )
        yield self._tokens.family(
            "llm_provider_tokens", "Tokens of successful requests; reasoning is a part of output.", (*pair, "type")
        )
        yield self._cost.family(
            "llm_provider_cost", "US dollars of successful requests, as far as prices are known.", pair
        )
