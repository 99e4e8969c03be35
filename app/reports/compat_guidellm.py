"""As GuideLLM reports it.

Written from `guidellm/schemas/request_stats.py`, `guidellm/schemas/statistics.py` and
`guidellm/benchmark/schemas/metrics.py` of GuideLLM's main branch (after 0.7.3, commit ee7a774, 2026).

Formulas there, of successful requests: request_latency = end of the request - start, in seconds;
time_per_output_token_ms = (last token - start) / output tokens, so it holds the first token's wait, weighted by output
tokens; inter_token_latency_ms = (last - first token) / (output tokens - 1), weighted by output tokens - 1; a value that
a request does not have counts as 0. Percentiles are the inverse of the weighted CDF. The mean of a rate is events
divided by the window, the mean concurrency the sum of latencies divided by the window.
"""

from typing import Any

from app.benchmarks.measures import MeasuredResult
from app.reports.compat import Spans, rate
from app.stats.samples import Samples

PERCENTILES = {
    "p001": 0.1,
    "p01": 1.0,
    "p05": 5.0,
    "p10": 10.0,
    "p25": 25.0,
    "p50": 50.0,
    "p75": 75.0,
    "p90": 90.0,
    "p95": 95.0,
    "p99": 99.0,
    "p999": 99.9,
}
_DISTRIBUTIONS = (
    "request_latency",
    "prompt_token_count",
    "output_token_count",
    "total_token_count",
    "time_to_first_token_ms",
    "time_to_first_output_token_ms",
    "time_per_output_token_ms",
    "inter_token_latency_ms",
)
_RATES = (
    "requests_per_second",
    "request_concurrency",
    "prompt_tokens_per_second",
    "output_tokens_per_second",
    "tokens_per_second",
)
NOTES = (
    "GuideLLM stamps in Python when an event is read; these figures use the instants of this instrument",
    "its measured window without warm-up and cool-down is from the first start to the last end, as here",
    "figures are of its status `successful`; a request that was cancelled is `incomplete`",
)


class GuidellmView:
    """Collects what the figures need."""

    def __init__(self) -> None:
        self._series = {name: Samples() for name in _DISTRIBUTIONS}
        self._totals = {"successful": 0, "incomplete": 0, "errored": 0}
        self._spans = Spans()

    def add(self, result: MeasuredResult) -> None:
        """Take in one request."""
        start_ns = result.started_ns or result.intended_ns
        self._spans.add(start_ns, result.end_ns or start_ns)
        if result.status != "ok":
            self._totals["incomplete" if result.error_type == "cancelled" else "errored"] += 1
            return
        self._totals["successful"] += 1
        prompt, output = result.input_tokens or 0, result.output_tokens or result.chunks
        from_start_ms = result.e2e_ms if result.e2e_ms is not None else result.stream_end_ms
        between_ms = (result.e2e_ms or 0.0) - (result.ttft_ms or 0.0)
        weighted: dict[str, tuple[float, float]] = {
            "request_latency": ((result.stream_end_ms or 0.0) / 1000, 1),
            "prompt_token_count": (prompt, 1),
            "output_token_count": (output, 1),
            "total_token_count": (prompt + output, 1),
            "time_to_first_token_ms": (result.ttft_ms or 0.0, 1),
            "time_to_first_output_token_ms": (result.ttfo_ms or 0.0, 1),
            "time_per_output_token_ms": ((from_start_ms or 0.0) / output if output else 0.0, output),
            "inter_token_latency_ms": (between_ms / (output - 1) if output > 1 else 0.0, max(output - 1, 0)),
        }
        for name, (value, weight) in weighted.items():
            self._series[name].put(value, weight)

    def document(self) -> dict[str, Any]:
        """See `CompatView`."""
        seconds = self._spans.seconds
        sums = {name: samples.sum for name, samples in self._series.items()}
        means = {
            "requests_per_second": rate(self._totals["successful"], seconds),
            "request_concurrency": rate(sums["request_latency"], seconds),
            "prompt_tokens_per_second": rate(sums["prompt_token_count"], seconds),
            "output_tokens_per_second": rate(sums["output_token_count"], seconds),
            "tokens_per_second": rate(sums["total_token_count"], seconds),
        }
        figures: dict[str, Any] = {
            "request_totals": {**self._totals, "total": sum(self._totals.values())},
            "duration": seconds,
            **{name: {"mean": means[name]} for name in _RATES},
            **{name: _distribution(samples) for name, samples in self._series.items()},
        }
        reason = "GuideLLM takes percentiles of rates over the spaces between neighbouring events; only means are given"
        return {
            "tool": "guidellm",
            "version": "main of 2026 after 0.7.3, commit ee7a774",
            "source": "guidellm/schemas/request_stats.py, guidellm/schemas/statistics.py, "
            "guidellm/benchmark/schemas/metrics.py",
            "notes": list(NOTES),
            "missing": {f"{name}.percentiles": reason for name in _RATES},
            "figures": figures,
        }


def _distribution(samples: Samples) -> dict[str, Any] | None:
    percentiles = samples.nearest(*PERCENTILES.values())
    if percentiles is None:
        return None
    by_name = dict(zip(PERCENTILES, percentiles, strict=True))
    return {
        "mean": samples.mean,
        "median": by_name["p50"],
        "std_dev": samples.stdev,
        "min": samples.minimum,
        "max": samples.maximum,
        "count": round(samples.weight),
        "total_sum": samples.sum,
        "percentiles": by_name,
    }
