"""As NVIDIA AIPerf reports it.

Written from `aiperf/metrics/types/*.py` of AIPerf 0.1.1 (commit db4f639), checked
against `docs/metrics-reference.md` of its main branch (commit 0176f59, 2026).

Formulas there, of successful requests: request_latency = last content response - start; time_to_first_token = first
content response - start; time_to_second_token = second - first; inter_token_latency = (request_latency - TTFT) /
(output_sequence_length - 1), one value a request (others call it TPOT); inter_chunk_latency = every gap, pooled;
output_token_throughput_per_user = 1 / inter_token_latency; throughputs = totals / benchmark_duration, which is the last
response of a successful request - the first start. Percentiles by `numpy.percentile`, std of the population.
"""

from collections.abc import Mapping
from typing import Any

from app.benchmarks.measures import MeasuredResult
from app.reports.compat import NO_GAPS, gaps_as_read_ms, has_all_gaps, rate
from app.stats.samples import Samples

PERCENTILES = (1.0, 5.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0)
UNITS = {
    "time_to_first_token": "ms",
    "time_to_second_token": "ms",
    "time_to_first_output_token": "ms",
    "request_latency": "ms",
    "inter_token_latency": "ms",
    "inter_chunk_latency": "ms",
    "output_token_throughput_per_user": "tokens/sec/user",
    "output_sequence_length": "tokens",
    "input_sequence_length": "tokens",
    "output_token_count": "tokens",
    "reasoning_token_count": "tokens",
}
NOTES = (
    "AIPerf counts tokens with its own tokenizer unless told otherwise; here they are those of the server's usage",
    "AIPerf stamps a response when its worker has read it; these figures use the instants of this instrument",
)
_OF_GAPS = ("time_to_second_token", "inter_chunk_latency")


class AiperfView:
    """Collects what the figures need. `slo` has any of `ttft_ms`, `tpot_ms`, `e2e_ms`."""

    def __init__(self, slo: Mapping[str, float]) -> None:
        self._slo = slo
        self._series = {name: Samples() for name in UNITS}
        self._requests = self._errors = self._good = 0
        self._first_ns = self._last_ns = 0
        self._with_all_gaps = True

    def add(self, result: MeasuredResult) -> None:
        """Take in one request."""
        if result.status != "ok" or result.e2e_ms is None or result.started_ns is None:
            self._errors += 1
            return
        self._requests += 1
        self._first_ns = min(self._first_ns or result.started_ns, result.started_ns)
        self._last_ns = max(self._last_ns, result.started_ns + round(result.e2e_ms * 1e6))
        values: dict[str, float | None] = {
            "request_latency": result.e2e_ms,
            "time_to_first_token": result.ttft_ms,
            "time_to_first_output_token": result.ttfo_ms,
            "output_sequence_length": result.output_tokens,
            "input_sequence_length": result.input_tokens,
            "output_token_count": result.visible_output_tokens or None,
            "reasoning_token_count": result.reasoning_tokens,
            "inter_token_latency": _inter_token_ms(result),
        }
        if itl_ms := values["inter_token_latency"]:
            values["output_token_throughput_per_user"] = 1000 / itl_ms
        if has_all_gaps(result):
            gaps_ms = gaps_as_read_ms(result.gaps)
            self._series["inter_chunk_latency"].add(gaps_ms)
            if len(gaps_ms):
                values["time_to_second_token"] = float(gaps_ms[0])
        else:
            self._with_all_gaps = False
        for name, value in values.items():
            if value is not None:
                self._series[name].put(value)
        self._good += self._is_good(values)

    def document(self) -> dict[str, Any]:
        """See `CompatView`."""
        seconds = (self._last_ns - self._first_ns) / 1e9
        output, inputs = (self._series[f"{which}_sequence_length"].sum for which in ("output", "input"))
        figures: dict[str, Any] = {
            name: _distribution(samples, UNITS[name]) if self._with_all_gaps or name not in _OF_GAPS else None
            for name, samples in self._series.items()
        }
        single = {
            "request_throughput": ("requests/sec", rate(self._requests, seconds)),
            "output_token_throughput": ("tokens/sec", rate(output, seconds)),
            "total_token_throughput": ("tokens/sec", rate(inputs + output, seconds)),
            "goodput": ("requests/sec", rate(self._good, seconds) if self._slo else None),
            "good_request_count": ("requests", self._good if self._slo else None),
            "request_count": ("requests", self._requests),
            "error_request_count": ("requests", self._errors),
            "total_isl": ("tokens", inputs),
            "total_osl": ("tokens", output),
            "benchmark_duration": ("sec", seconds),
            "min_request_timestamp": ("ns", self._first_ns or None),
            "max_response_timestamp": ("ns", self._last_ns or None),
        }
        figures |= {
            name: {"unit": unit, "avg": value} if value is not None else None for name, (unit, value) in single.items()
        }
        missing = {} if self._slo else dict.fromkeys(("goodput", "good_request_count"), "the run has no service levels")
        if not self._with_all_gaps:
            missing |= dict.fromkeys(_OF_GAPS, NO_GAPS)
        return {
            "tool": "aiperf",
            "version": "0.1.1, commit db4f639; checked against main of 2026, commit 0176f59",
            "source": "aiperf/metrics/types/*.py, docs/metrics-reference.md",
            "notes": list(NOTES),
            "missing": missing,
            "figures": figures,
        }

    def _is_good(self, values: Mapping[str, float | None]) -> bool:
        names = {"ttft_ms": "time_to_first_token", "tpot_ms": "inter_token_latency", "e2e_ms": "request_latency"}
        found = ((values.get(names[slo]), limit) for slo, limit in self._slo.items())
        return all(value is not None and value <= limit for value, limit in found)


def _inter_token_ms(result: MeasuredResult) -> float | None:
    if result.e2e_ms is None or result.ttft_ms is None or (result.output_tokens or 0) < 2:
        return None
    return (result.e2e_ms - result.ttft_ms) / ((result.output_tokens or 0) - 1)


def _distribution(samples: Samples, unit: str) -> dict[str, Any] | None:
    percentiles = samples.linear(*PERCENTILES)
    if percentiles is None:
        return None
    return {
        "unit": unit,
        "avg": samples.mean,
        **{f"p{percent:g}": value for percent, value in zip(PERCENTILES, percentiles, strict=True)},
        "min": samples.minimum,
        "max": samples.maximum,
        "std": samples.stdev,
        "count": round(samples.weight),
        "sum": samples.sum,
    }
