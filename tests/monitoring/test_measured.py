"""What was measured, as Prometheus reads it: nothing twice, nothing lost, names bounded."""

import time
from uuid import uuid4

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.benchmarks.observing import ShardKey
from app.benchmarks.states import Status
from app.monitoring.measured import MODELS_LIMIT, MeasuredRuns
from app.monitoring.metrics import Metrics
from app.monitoring.tallies import LATENCY_BUCKETS_SECONDS, TTFT_BUCKETS_SECONDS
from app.stats.run_statistics import RunStatistics, TargetKey
from tests.stats.batches import batch


def measured(
    ok: int = 0,
    failed: int = 0,
    *,
    seconds: float = 1.0,
    provider: str = "p",
    model: str = "m",
    error: str = "http_429",
) -> RunStatistics:
    """Statistics of requests that took `seconds` and failed with `error`."""
    n = ok + failed
    millis = [seconds * 1000.0] * ok + [np.nan] * failed
    names = ("ttft_ms", "stream_end_ms", "stream_end_from_intended_ms")
    statistics = RunStatistics(0)
    measures = batch(
        [1.0] * n,
        ok=[position < ok for position in range(n)],
        **dict.fromkeys(names, millis),
        input_tokens=[10] * n,
        output_tokens=[5] * n,
        cost_usd=[0.25] * n,
        error_classes=[error] * failed,
    )
    statistics.add(TargetKey(provider, model), measures)
    return statistics


class Scrape:
    """A collector, and what a scrape of it says."""

    def __init__(self) -> None:
        self.runs = MeasuredRuns()
        self.shard = ShardKey(uuid4(), 0, 0, 0)

    def __call__(self, name: str, **labels: str) -> float | None:
        families = text_string_to_metric_families(self.runs.text())
        samples = [sample for family in families for sample in family.samples if sample.name == name]
        return next((sample.value for sample in samples if sample.labels == labels), None)


@pytest.fixture
def scrape() -> Scrape:
    return Scrape()


def test_ticks_add_up_and_the_outcome_adds_what_they_missed(scrape: Scrape) -> None:
    scrape.runs.take_tick(scrape.shard, 1, measured(3, 1))
    scrape.runs.take_tick(scrape.shard, 1, measured(2))
    assert scrape("llm_test_total", status="ok") == 5
    scrape.runs.take_outcome(scrape.shard, measured(7, 2))  # a tick of 2 + 1 was lost
    scrape.runs.take_tick(scrape.shard, 1, measured(2))  # or late
    assert scrape("llm_test_total", status="ok") == 7
    assert scrape("llm_test_total", status="error") == 2
    assert scrape("llm_provider_requests_total", provider="p") == 9
    assert scrape("llm_provider_errors_total", provider="p", error_type="http_429") == 2
    assert scrape("llm_provider_tokens_total", provider="p", model="m", type="input") == 70
    assert scrape("llm_provider_tokens_total", provider="p", model="m", type="output") == 35
    assert scrape("llm_provider_cost_total", provider="p", model="m") == pytest.approx(1.75)
    assert scrape("llm_provider_latency_seconds_count", provider="p", model="m") == 7
    assert scrape("llm_provider_latency_seconds_sum", provider="p", model="m") == pytest.approx(7)


def test_a_shard_that_runs_again_counts_once(scrape: Scrape) -> None:
    scrape.runs.take_tick(scrape.shard, 1, measured(10))  # its worker dies; 8 of them are stored
    scrape.runs.take_tick(scrape.shard, 2, measured(8))
    scrape.runs.take_tick(scrape.shard, 2, measured(1))
    assert scrape("llm_test_total", status="ok") == 10
    scrape.runs.take_tick(scrape.shard, 2, measured(5))
    assert scrape("llm_test_total", status="ok") == 14
    scrape.runs.take_tick(scrape.shard._replace(shard=1), 3, measured(1))  # another shard is another
    assert scrape("llm_test_total", status="ok") == 15


def test_samples_fall_into_the_buckets_of_their_seconds(scrape: Scrape) -> None:
    for seconds in (0.04, 0.2, 0.5, 700.0):
        scrape.runs.take_tick(scrape.shard, 1, measured(1, seconds=seconds))

    def up_to(name: str, edge: str) -> float | None:
        return scrape(f"{name}_bucket", provider="p", model="m", le=edge)

    latency, ttft = "llm_provider_latency_seconds", "llm_provider_ttft_seconds"
    assert [up_to(latency, edge) for edge in ("0.05", "0.1", "0.25", "0.5", "600.0", "+Inf")] == [1, 1, 2, 3, 3, 4]
    assert [up_to(ttft, edge) for edge in ("0.025", "0.05", "0.2", "0.5", "60.0", "+Inf")] == [0, 1, 2, 3, 3, 4]
    assert scrape("llm_test_duration_seconds_bucket", le="0.25") == 2
    assert [*LATENCY_BUCKETS_SECONDS] == sorted(set(LATENCY_BUCKETS_SECONDS))
    assert [*TTFT_BUCKETS_SECONDS] == sorted(set(TTFT_BUCKETS_SECONDS))


def test_benchmarks_are_counted_by_how_they_ended(scrape: Scrape) -> None:
    scrape.runs.ended(scrape.shard.session_id, Status.COMPLETED, 12.0)
    scrape.runs.ended(scrape.shard.session_id, Status.FAILED, None)
    assert scrape("llm_benchmark_total") == 2
    assert scrape("llm_benchmark_outcomes_total", status="failed") == 1
    assert scrape("llm_benchmark_duration_seconds_count") == 1


def test_a_run_that_is_over_costs_no_memory(scrape: Scrape) -> None:
    scrape.runs.take_tick(scrape.shard, 1, measured(1))
    scrape.runs.forget(scrape.shard.session_id)
    assert not scrape.runs._ledger._counted
    assert not scrape.runs._ledger._told


def test_names_are_bounded_and_nothing_is_lost_by_it(scrape: Scrape) -> None:
    for number in range(MODELS_LIMIT + 10):
        key = scrape.shard._replace(shard=number)
        scrape.runs.take_outcome(key, measured(1, 1, provider=f"p{number}", model="m" * 500, error="made-up"))
    assert scrape("llm_provider_latency_seconds_count", provider="other", model="other") == 10
    assert scrape("llm_provider_errors_total", provider="p0", error_type="other") == 1
    lines = scrape.runs.text().splitlines()
    assert max(map(len, lines)) < 400
    counts = [line for line in lines if line.startswith("llm_provider_latency_seconds_count")]
    assert len(counts) == MODELS_LIMIT + 1
    assert sum(float(line.rsplit(" ", 1)[1]) for line in counts) == MODELS_LIMIT + 10


def test_a_full_scrape_is_quick() -> None:
    metrics = Metrics("1")
    for number in range(MODELS_LIMIT + 1):
        metrics.measured.take_outcome(ShardKey(uuid4(), 0, 0, 0), measured(9, 1, model=f"m{number}"))
    for number in range(60):
        metrics.requests.add(1, "GET", f"/api/v1/things/{number}", "200")
        metrics.duration.observe(0.1, "GET", f"/api/v1/things/{number}")
    times = []
    for _ in range(20):
        metrics.measured.take_outcome(ShardKey(uuid4(), 0, 0, 0), measured(9, 1, model="m1"))
        started = time.process_time()
        text = metrics.exposition()
        times.append(time.process_time() - started)
    assert len(text.splitlines()) > 5_000
    assert min(times) < 0.01, times  # CPU time of the best; 2 ms on an idle core


def test_what_users_call_things_cannot_break_the_format(scrape: Scrape) -> None:
    name = 'a"b\\c\nd} 5'
    scrape.runs.take_tick(scrape.shard, 1, measured(1, model=name))
    assert scrape("llm_provider_latency_seconds_count", provider="p", model=name) == 1
