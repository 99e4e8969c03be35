"""As `vllm bench serve` reports it.

Written from vLLM's `vllm/benchmarks/serve.py` (commit 009e6d4, 2026) and
`vllm/benchmarks/lib/endpoint_request_func.py` (commit 02cfb53).

Formulas there, of successful requests only, percentiles by `numpy.percentile`, deviations of the population:
ttft = first streamed event with `choices` - start; latency (e2el) = last such event - start;
itl = every gap between such events, pooled over all requests; tpot = (latency - ttft) / (output tokens - 1), left out
below two tokens; throughputs = counts / duration of the whole run; goodput counts a tpot of 0 below two tokens.
`max_output_tokens_per_s` counts events (not tokens) in seconds since the first start.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from app.benchmarks.measures import MeasuredResult
from app.reports.compat import NO_GAPS, Spans, gaps_as_read_ms, has_all_gaps, rate
from app.stats.samples import Samples

PERCENTILES = (50.0, 90.0, 95.0, 99.0)
_SLOT_NS = 10_000_000
_WAITING = 16_384  # events
_MOST_SLOTS = 24 * 3600 * 100  # a day: 35 MB
NOTES = (
    (
        "vLLM counts a role-only first event as the first token, and the event with the finish reason as one more; "
        "here only events with output count, so its ttft can be lower, and its e2el and itl hold one more event"
    ),
    (
        "vLLM stamps the start before its client queues the request, and events when Python reads them; these figures "
        "use the instants of this instrument"
    ),
    "the duration is from the first start to the last end; vLLM's also holds what its client does before and after",
)


class VllmView:
    """Collects what the figures need. `slo` has any of `ttft_ms`, `tpot_ms`, `e2e_ms`."""

    def __init__(self, slo: Mapping[str, float]) -> None:
        self._slo = slo
        self.series = {name: Samples() for name in ("ttft", "tpot", "itl", "e2el")}
        self._spans = Spans()
        self._good_spans = Spans()
        self._events = _EventRate()
        self._completed = self._failed = self._good = 0
        self._input = self._output = 0
        self._with_all_gaps = True

    def add(self, result: MeasuredResult) -> None:
        """Take in one request."""
        start_ns = result.started_ns or result.intended_ns
        self._spans.add(start_ns, result.end_ns or start_ns)
        if result.status != "ok" or result.e2e_ms is None or result.ttft_ms is None:
            self._failed += 1
            return
        self._completed += 1
        output = output_length(result)
        self._input += result.input_tokens or 0
        self._output += output
        tpot_ms = (result.e2e_ms - result.ttft_ms) / (output - 1) if output > 1 else 0.0
        self.series["ttft"].put(result.ttft_ms)
        self.series["e2el"].put(result.e2e_ms)
        if output > 1:
            self.series["tpot"].put(tpot_ms)
        self._good += self._is_good(result.ttft_ms, tpot_ms, result.e2e_ms)
        self._good_spans.add(start_ns, start_ns + round(result.e2e_ms * 1e6))
        if has_all_gaps(result):
            gaps_ms = gaps_as_read_ms(result.gaps)
            self.series["itl"].add(gaps_ms)
            self._events.add(start_ns, result.ttft_ms, gaps_ms)
        else:
            self._with_all_gaps = False

    def figures(self) -> dict[str, Any]:
        """VLLM's own names; None where it cannot be told."""
        seconds = self._spans.seconds
        found: dict[str, Any] = {
            "duration": seconds,
            "completed": self._completed,
            "failed": self._failed,
            "total_input_tokens": self._input,
            "total_output_tokens": self._output,
            "request_throughput": rate(self._completed, seconds),
            "request_goodput": rate(self._good, seconds) if self._slo else None,
            "output_throughput": rate(self._output, seconds),
            "total_token_throughput": rate(self._input + self._output, seconds),
            "max_output_tokens_per_s": self._events.peak(self._good_spans.first_ns) if self._with_all_gaps else None,
            "max_concurrent_requests": self._good_spans.most_at_once(),
        }
        for name, samples in self.series.items():
            found |= _distribution(name, samples, known=name != "itl" or self._with_all_gaps)
        return found

    def document(self) -> dict[str, Any]:
        """See `CompatView`."""
        figures = self.figures()
        missing = {} if self._slo else {"request_goodput": "the run has no service levels"}
        if not self._with_all_gaps:
            missing |= {name: NO_GAPS for name in figures if "_itl_" in name or name == "max_output_tokens_per_s"}
        return {
            "tool": "vllm",
            "version": "main of 2026, commit 009e6d4",
            "source": "vllm/benchmarks/serve.py, vllm/benchmarks/lib/endpoint_request_func.py",
            "notes": list(NOTES),
            "missing": missing,
            "figures": figures,
        }

    def _is_good(self, ttft_ms: float, tpot_ms: float, e2e_ms: float) -> bool:
        values = {"ttft_ms": ttft_ms, "tpot_ms": tpot_ms, "e2e_ms": e2e_ms}
        return all(values[name] <= limit for name, limit in self._slo.items())


def output_length(result: MeasuredResult) -> int:
    """Output tokens; 1 where nobody counted them, as vLLM has it without a tokenizer."""
    return result.output_tokens or 1


def _distribution(name: str, samples: Samples, *, known: bool) -> dict[str, float | None]:
    percentiles = samples.linear(50.0, *PERCENTILES) if known else None
    nothing: list[float | None] = [None] * (1 + len(PERCENTILES))
    median, *others = percentiles or nothing
    return {
        f"mean_{name}_ms": samples.mean if percentiles else None,
        f"median_{name}_ms": median,
        f"std_{name}_ms": samples.stdev if percentiles else None,
        **{f"p{percent:g}_{name}_ms": value for percent, value in zip(PERCENTILES, others, strict=True)},
    }


class _EventRate:
    """Events in slots of 10 ms, because the instant from which vLLM counts seconds is known only at the end."""

    def __init__(self) -> None:
        self._slots: np.typing.NDArray[np.int64] = np.zeros(1024, dtype=np.int64)
        self._first = 0  # the slot that `_slots` begins with
        self._is_whole = True
        self._firsts_ns: list[int] = []
        self._gaps_ms: list[np.typing.NDArray[np.float64]] = []
        self._waiting = 0

    def add(self, start_ns: int, ttft_ms: float, gaps_ms: np.typing.NDArray[np.float64]) -> None:
        """The events of one request: the first, and one after each gap."""
        self._firsts_ns.append(start_ns + round(ttft_ms * 1e6))
        self._gaps_ms.append(gaps_ms)
        self._waiting += 1 + len(gaps_ms)
        if self._waiting >= _WAITING:
            self._count()

    def peak(self, origin_ns: int) -> float | None:
        """The most events in one second counted from `origin_ns`; None for a run longer than a day."""
        self._count()
        if not self._is_whole:
            return None
        if not self._first:
            return 0.0
        skip = max(origin_ns // _SLOT_NS - self._first, 0)
        counted = self._slots[skip:]
        seconds = np.add.reduceat(counted, np.arange(0, len(counted), 100)) if len(counted) else counted
        return float(seconds.max(initial=0))

    def _count(self) -> None:
        """Many requests at once, because numpy's calls cost more than their work on the events of one."""
        if not self._firsts_ns:
            return
        lengths = np.array([1 + len(gaps_ms) for gaps_ms in self._gaps_ms])
        begins = np.cumsum(lengths) - lengths
        later = np.ones(int(lengths.sum()), dtype=bool)
        later[begins] = False
        after_ns = np.zeros(len(later), dtype=np.int64)
        after_ns[later] = np.rint(np.concatenate(self._gaps_ms) * 1e6)
        after_ns = np.cumsum(after_ns)
        after_ns -= np.repeat(after_ns[begins], lengths)
        slots = (np.repeat(np.array(self._firsts_ns), lengths) + after_ns) // _SLOT_NS
        self._firsts_ns, self._gaps_ms, self._waiting = [], [], 0
        low, high = int(slots.min()), int(slots.max()) + 1
        if not self._first:
            self._first = low - 100
        self._reach(low, high)
        if self._is_whole:
            np.add.at(self._slots, slots - self._first, 1)

    def _reach(self, low: int, high: int) -> None:
        front = max(self._first - low, 0)
        length = max(high - self._first, 0) + front
        if length > _MOST_SLOTS:
            self._is_whole = False
        elif front or length > len(self._slots):
            size = max(len(self._slots) + front, 2 ** math.ceil(math.log2(length)))
            grown = np.zeros(size, dtype=np.int64)
            grown[front : front + len(self._slots)] = self._slots
            self._slots, self._first = grown, self._first - front
