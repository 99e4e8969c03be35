"""What the benchmarks that this process coordinates have measured, for Prometheus.

Each replica tells its own share: a run is counted by the replica that coordinates it, and `sum` over replicas is the
whole. The names that come from users (providers, models) are bounded, see `monitoring.labels`.
"""

from uuid import UUID

from app.benchmarks.observing import ShardKey
from app.benchmarks.states import Status
from app.loadgen.frames import ERROR_TYPES
from app.monitoring.families import CounterFamily, HistogramFamily
from app.monitoring.labels import OTHER, Bounded
from app.monitoring.tallies import LATENCY_BUCKETS_SECONDS, TTFT_BUCKETS_SECONDS, Ledger, Tally, tally_of
from app.stats.run_statistics import RunStatistics

MODELS_LIMIT = 100  # a pair of provider and model is 49 lines of each scrape
PROVIDERS_LIMIT = 50
_DURATION_BUCKETS_SECONDS = (
    *(1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0),
    *(1200.0, 1800.0, 3600.0, 7200.0, 14400.0, 43200.0, 86400.0),
)
_PAIR = ("provider", "model")


class MeasuredRuns:
    """A `benchmarks.observing.RunObserver` that counts."""

    def __init__(self) -> None:
        self._ledger = Ledger()
        self._provider = Bounded(PROVIDERS_LIMIT)
        self._pair = Bounded(MODELS_LIMIT)
        self._benchmarks = CounterFamily("llm_benchmark_total", "Benchmarks that ended, however they did.")
        self._outcomes = CounterFamily(
            "llm_benchmark_outcomes_total", "Benchmarks that ended, by how they did.", ("status",)
        )
        self._benchmark_seconds = HistogramFamily(
            "llm_benchmark_duration_seconds",
            "Time from the start of a benchmark to its end.",
            buckets=_DURATION_BUCKETS_SECONDS,
        )
        self._tests = CounterFamily("llm_test_total", "Requests that were measured, by how they ended.", ("status",))
        self._test_seconds = HistogramFamily(
            "llm_test_duration_seconds",
            "Successful first tries: from when the schedule wanted the request to start to the end of the answer.",
            buckets=LATENCY_BUCKETS_SECONDS,
        )
        self._requests = CounterFamily(
            "llm_provider_requests_total", "Requests that were measured, by provider.", ("provider",)
        )
        self._errors = CounterFamily(
            "llm_provider_errors_total", "Requests that failed, by class of error.", ("provider", "error_type")
        )
        self._latency = HistogramFamily(
            "llm_provider_latency_seconds",
            "Successful first tries: from the start to the end of the answer.",
            _PAIR,
            buckets=LATENCY_BUCKETS_SECONDS,
        )
        self._ttft = HistogramFamily(
            "llm_provider_ttft_seconds",
            "Successful first tries: from the start to the first token.",
            _PAIR,
            buckets=TTFT_BUCKETS_SECONDS,
        )
        self._tokens = CounterFamily(
            "llm_provider_tokens_total",
            "Tokens of successful requests; those of type reasoning are among the output.",
            (*_PAIR, "type"),
        )
        self._cost = CounterFamily(
            "llm_provider_cost_total", "US dollars of successful requests, as far as prices are known.", _PAIR
        )
        self._histograms = {
            "duration": (self._test_seconds, False),
            "latency": (self._latency, True),
            "ttft": (self._ttft, True),
        }
        self._begin_at_zero()

    def _begin_at_zero(self) -> None:
        # A counter that appears with its first event hides it from `rate`.
        self._benchmarks.add(0)
        self._benchmark_seconds.begin()
        self._test_seconds.begin()
        for ended in (Status.COMPLETED, Status.FAILED, Status.CANCELLED):
            self._outcomes.add(0, ended.value)
        for status in ("ok", "error"):
            self._tests.add(0, status)

    def take_tick(self, shard: ShardKey, attempt: int, delta: RunStatistics) -> None:
        """See `RunObserver`."""
        self._count(self._ledger.tick(shard, attempt, tally_of(delta)))

    def take_outcome(self, shard: ShardKey, statistics: RunStatistics) -> None:
        """See `RunObserver`."""
        self._count(self._ledger.outcome(shard, tally_of(statistics)))

    def ended(self, session_id: UUID, status: Status, duration_seconds: float | None) -> None:
        """See `RunObserver`."""
        self._benchmarks.add(1)
        self._outcomes.add(1, status.value)
        if duration_seconds is not None:
            self._benchmark_seconds.observe(duration_seconds)

    def forget(self, session_id: UUID) -> None:
        """See `RunObserver`."""
        self._ledger.forget(session_id)

    def families(self) -> tuple[CounterFamily | HistogramFamily, ...]:
        """Everything that is counted."""
        return (
            *(self._benchmarks, self._outcomes, self._benchmark_seconds, self._tests, self._test_seconds),
            *(self._requests, self._errors, self._latency, self._ttft, self._tokens, self._cost),
        )

    def text(self) -> str:
        """Everything, as Prometheus text."""
        return "".join(family.text() for family in self.families())

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
                    histograms.add_to_sum(amount, *labels)
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
