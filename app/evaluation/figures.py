"""What is compared, under which name, and which way is better."""

from collections.abc import Iterator
from typing import NamedTuple

from app.stats.estimates import Estimate, Quantile, mean_of
from app.stats.run_samples import RunSamples

STATISTICS = ("mean", "p50", "p90", "p95", "p99")
LATENCIES = {
    "ttft_ms": "TTFT",
    "ttfo_ms": "TTFO",
    "tpot_ms": "TPOT",
    "icl_ms": "chunk gap",
    "e2e_ms": "end-to-end time",
}
FROM_INTENDED = {"ttft_from_intended_ms": "TTFT from intended", "e2e_from_intended_ms": "end-to-end time from intended"}
NAMES = LATENCIES | FROM_INTENDED
HEADLINES = frozenset(
    {
        *("p50_ttft_ms", "p95_ttft_ms", "p50_tpot_ms", "p95_e2e_ms", "output_tokens_per_s", "error_share"),
        "cost_per_1k_tokens_usd",
    }
)
ABSOLUTE_MARGIN = 0.01  # of error shares: one percentage point


class Figure(NamedTuple):
    """One number that every run has; `name` is what gates and programs call it."""

    name: str
    metric: str
    statistic: str
    words: str
    unit: str
    lower_is_better: bool


def figures(*, open_loop: bool) -> Iterator[Figure]:
    """All of them in the order in which they are shown."""
    latencies = LATENCIES | (FROM_INTENDED if open_loop else {})
    for metric, words in latencies.items():
        for statistic in STATISTICS:
            yield Figure(f"{statistic}_{metric}", metric, statistic, f"{statistic} {words}", "ms", True)
    yield Figure("requests_per_s", "requests_per_s", "rate", "request throughput", "req/s", False)
    yield Figure("output_tokens_per_s", "output_tokens_per_s", "rate", "output throughput", "tok/s", False)
    yield Figure("error_share", "error_share", "share", "error share", "", True)
    yield Figure("cost_per_request_usd", "cost_per_request", "ratio", "cost per request", "$", True)
    yield Figure("cost_per_1k_tokens_usd", "cost_per_1k_tokens", "ratio", "cost per 1,000 tokens", "$", True)


def names() -> tuple[str, ...]:
    """Every name that a gate may use."""
    return tuple(figure.name for figure in figures(open_loop=True))


def estimate(figure: Figure, run: RunSamples) -> Estimate | None:
    """The number of one run; None when it was not measured."""
    if figure.metric in NAMES:
        sample = run.metrics.get(figure.metric)
        if sample is None or not sample.n:
            return None
        return mean_of(sample) if figure.statistic == "mean" else Quantile(sample, float(figure.statistic[1:]))
    if figure.metric in run.rates:
        return run.rates[figure.metric]
    if figure.metric == "error_share":
        return run.errors if run.errors.n else None
    return run.cost_per_request if figure.metric == "cost_per_request" else run.cost_per_1k_tokens
