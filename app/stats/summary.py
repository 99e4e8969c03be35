"""Turns run statistics into the summary that is stored, served and written to `summary.json`."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from app.stats.batch import CHUNK_METRIC
from app.stats.distribution import Distribution
from app.stats.instrument import InstrumentFacts
from app.stats.intervals import least_samples, narrowness
from app.stats.queueing import queueing
from app.stats.run_statistics import Counters, RunStatistics, Slo, TargetStatistics
from app.stats.slices import Slices
from app.stats.steady import GivenWindow, Window, find_window

NARROW = 1.5  # intervals that are too narrow by more than this factor are worth a warning
_NARROW_METRICS = ("ttft_ms", "tpot_ms", CHUNK_METRIC, "e2e_ms")
_NARROW_PERCENTILES = (50.0, 95.0, 99.0)


@dataclass(frozen=True)
class Conditions:
    """What figures do not know by themselves: the kind of load, and what the user leaves out of the window."""

    open_loop: bool = False
    held_by_rate_limit: int = 0
    window: GivenWindow | None = None


def summarise(
    statistics: RunStatistics,
    instrument: InstrumentFacts | None,
    window: GivenWindow | None = None,
) -> dict[str, Any]:
    """The whole run and each target; plain JSON values, None where nothing was measured.

    `window` is what the user leaves out of the run. The instrument's `calibration` is for others to fill in.
    """
    overall = statistics.overall()
    facts = instrument or InstrumentFacts()
    conditions = Conditions(facts.open_loop, facts.held_by_rate_limit, window)
    counters = overall.counters
    round_ms = overall.metrics["stream_end_ms"].percentiles_ms(50.0)
    targets = {key: figures(target, statistics.slo, conditions) for key, target in statistics.by_target().items()}
    whole = next(iter(targets.values())) if len(targets) == 1 else figures(overall, statistics.slo, conditions)
    if len(statistics.targets) != 1:
        measured = "targets" if len(targets) > 1 else "levels"
        several = f"{measured} were measured one after another: each has a window of its own"
        nothing = Window("none", several if targets else "nothing was measured").view(
            Slices(statistics.timeline.origin_ns)
        )
        whole = whole | {"window": nothing, "steady": None, "queueing": None}
    return {
        **whole,
        "warnings": _warnings(statistics, targets, facts),
        "instrument": {
            **facts.certificate(
                counters.chunks,
                counters.coalesced_chunks,
                round_ms[0] if round_ms else None,
                dropped_samples=_dropped(overall),
                requests=counters.total,
            ),
            "calibration": None,
        },
        "by_target": [{"provider": provider, "model": model, **one} for (provider, model), one in targets.items()],
    }


def figures(statistics: TargetStatistics, slo: Slo, conditions: Conditions | None = None) -> dict[str, Any]:
    """The numbers of one part of a run, such as a point: of all of it, and of its steady window."""
    conditions = conditions or Conditions()
    window = find_window(statistics, conditions.window)
    counters = statistics.counters
    return {
        **_whole(statistics, slo),
        "window": window.view(statistics.slices),
        "steady": _steady(statistics, window, slo) if window.exists else None,
        "queueing": queueing(
            statistics, window, open_loop=conditions.open_loop, held_by_rate_limit=conditions.held_by_rate_limit
        ),
        "retried": {
            "requests": counters.retried_requests,
            "attempts": counters.retried_attempts,
            "e2e_from_intended_ms": statistics.retried.summary(),
        },
    }


def token_source(counters: Counters) -> str | None:
    """Where token counts came from; `mixed` when not all from one source."""
    sources = [source for source, count in counters.token_sources.items() if count]
    return sources[0] if len(sources) == 1 else "mixed" if sources else None


def _whole(statistics: TargetStatistics, slo: Slo) -> dict[str, Any]:
    counters = statistics.counters
    seconds = counters.duration_seconds
    return {
        "duration_seconds": seconds,
        "requests": {
            "total": counters.total,
            "ok": counters.ok,
            "failed": counters.failed,
            "by_error_type": dict(sorted(counters.by_error_type.items())),
            "by_finish": dict(sorted(counters.finish_kinds.items())),
        },
        "error_rate": counters.failed / counters.total if counters.total else None,
        "tokens": {
            "input": counters.input_tokens,
            "output": counters.output_tokens,
            "reasoning": counters.reasoning_tokens,
            "source": token_source(counters),
        },
        "chunks": counters.chunks,
        "rates": {
            "requests_per_s": _rate(counters.ok, seconds),
            "output_tokens_per_s": _rate(counters.output_tokens, seconds),
            "total_tokens_per_s": _rate(counters.input_tokens + counters.output_tokens, seconds),
            "chunks_per_s": _rate(counters.chunks, seconds),
            "goodput_requests_per_s": _rate(counters.good, seconds) if slo.is_set else None,
            "goodput_output_tokens_per_s": _rate(counters.good_output_tokens, seconds) if slo.is_set else None,
            "good_share": counters.good / counters.total if slo.is_set and counters.total else None,
            "user_output_tokens_per_s": _speed(statistics.metrics["tpot_ms"], counters.speeds, counters.speed_sum),
        },
        "cost_usd": counters.known_cost_usd,
        "metrics": {name: metric.summary() for name, metric in statistics.metrics.items()},
        "server_timings": statistics.server_timings.summary(),
        "rate_limits": statistics.rate_limits.summary(),
    }


def _steady(statistics: TargetStatistics, window: Window, slo: Slo) -> dict[str, Any]:
    """The same figures of a window: requests that started in it, but rates of what happened in its time."""
    slices, low, high = statistics.slices, window.low, window.high
    seconds = (high - low) * slices.width_s
    metrics = slices.distributions(low, high)

    def total(name: str) -> float:
        return slices.total(name, low, high)

    def count(name: str) -> int:
        return round(total(name))

    ok, failed = count("ok"), count("failed")
    outputs = total("output_tokens_then")
    return {
        "duration_seconds": seconds,
        "requests": {
            "total": ok + failed,
            "ok": ok,
            "failed": failed,
            "by_error_type": dict(sorted(slices.errors_in(low, high).items())),
        },
        "error_rate": failed / (ok + failed) if ok + failed else None,
        "tokens": {
            "input": count("input_tokens"),
            "output": count("output_tokens"),
            "reasoning": count("reasoning_tokens"),
            "source": token_source(statistics.counters),
        },
        "chunks": count("chunks"),
        "rates": {
            "requests_per_s": total("ended_ok") / seconds,
            "output_tokens_per_s": outputs / seconds,
            "total_tokens_per_s": (total("input_tokens_then") + outputs) / seconds,
            "chunks_per_s": total("chunks_then") / seconds,
            "goodput_requests_per_s": total("ended_good") / seconds if slo.is_set else None,
            "goodput_output_tokens_per_s": total("good_output_tokens_then") / seconds if slo.is_set else None,
            "good_share": count("good") / (ok + failed) if slo.is_set and ok + failed else None,
            "user_output_tokens_per_s": _speed(metrics["tpot_ms"], count("speeds"), total("speed_sum")),
        },
        "cost_usd": total("cost_usd") if ok and count("priced") == ok else None,
        "metrics": {name: metric.summary() for name, metric in metrics.items()},
    }


def _rate(count: float, seconds: float) -> float | None:
    return count / seconds if seconds else None


def _speed(tpot: Distribution, n: int, total: float) -> dict[str, float | None] | None:
    """Output tokens per second that one user gets: p5 is 1000 / p95 of `tpot_ms`, p50 is 1000 / p50 of it.

    The mean is that of 1000 / `tpot_ms` over requests; those without a TPOT above 0 have no speed.
    """
    if not n:
        return None
    slow, median = tpot.percentiles_ms(95.0, 50.0) or (0.0, 0.0)
    return {
        "p5": 1e3 / slow if slow and tpot.n >= least_samples(95.0) else None,
        "p50": 1e3 / median if median and tpot.n >= least_samples(50.0) else None,
        "mean": total / n,
    }


def _dropped(statistics: TargetStatistics) -> int:
    """Samples that are not in the statistics as they were: out of the histograms' range, or lost to a clock step."""
    histograms = [metric.histogram for metric in statistics.metrics.values()]
    return statistics.counters.clock_stepped + sum(histogram.below + histogram.above for histogram in histograms)


def _warnings(
    statistics: RunStatistics, targets: dict[tuple[str, str], dict[str, Any]], facts: InstrumentFacts
) -> list[str]:
    found: list[str] = []
    parts = statistics.by_target()
    for (provider, model), one in targets.items():
        said: list[str] = []
        if one["queueing"] and one["queueing"]["warning"]:
            said.append(one["queueing"]["warning"])
        said += _narrow(parts[provider, model], one["window"])
        found += [f"{provider} {model}: {text}" for text in said] if len(targets) > 1 else said
    if facts.held_by_rate_limit:
        found.append(
            f"{facts.held_by_rate_limit:,} requests waited for this client's own rate limit: the load was lighter than "
            "the schedule wanted, and the wait is in schedule_delay_ms and the latencies from intended"
        )
    return found


def _narrow(statistics: TargetStatistics, window: dict[str, Any]) -> list[str]:
    """A sentence when successive requests were so alike that intervals are too narrow; of the window, if any."""
    slices = statistics.slices
    low, high = slices.first, slices.first + slices.length
    if window["from_s"] is not None:
        low, high = round(window["from_s"] / slices.width_s), round(window["to_s"] / slices.width_s)
    factors = {}
    for name in _NARROW_METRICS:
        numbers, codes, counts = slices.samples(name, low, high)
        if not len(numbers):
            continue
        order = np.argsort(codes, kind="stable")
        reached = np.cumsum(counts[order])
        worst = 0.0
        for percentile in _NARROW_PERCENTILES:
            rank = np.searchsorted(reached, percentile / 100 * reached[-1])
            above = codes > codes[order][min(int(rank), len(order) - 1)]
            rows = numbers - low
            k = np.bincount(rows, weights=np.where(above, counts, 0.0), minlength=high - low)
            m = np.bincount(rows, weights=counts.astype(np.float64), minlength=high - low)
            worst = max(worst, narrowness(k.astype(np.float64), m.astype(np.float64)) or 0.0)
        if worst > NARROW:
            factors[name] = worst
    if not factors:
        return []
    listed = ", ".join(f"{name} about {factor:.1f} times" for name, factor in factors.items())
    return [f"successive samples are alike, so 95 % intervals are too narrow: {listed}"]
