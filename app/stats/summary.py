"""Turns run statistics into the summary that is stored, served and written to `summary.json`."""

from typing import Any

from app.stats.instrument import InstrumentFacts
from app.stats.run_statistics import Counters, RunStatistics, Slo, TargetStatistics


def summarise(statistics: RunStatistics, instrument: InstrumentFacts | None) -> dict[str, Any]:
    """The whole run and each target; plain JSON values, None where nothing was measured."""
    overall = statistics.overall()
    facts = instrument or InstrumentFacts()
    counters = overall.counters
    round_ms = overall.metrics["stream_end_ms"].percentiles_ms(50.0)
    return {
        **_one(overall, statistics.slo),
        "instrument": facts.certificate(counters.chunks, counters.coalesced_chunks, round_ms[0] if round_ms else None),
        "by_target": [
            {"provider": provider, "model": model, **_one(target, statistics.slo)}
            for (provider, model), target in statistics.by_target().items()
        ],
    }


def figures(statistics: TargetStatistics, slo: Slo) -> dict[str, Any]:
    """The numbers of one part of a run, such as a point."""
    return _one(statistics, slo)


def token_source(counters: Counters) -> str | None:
    """Where token counts came from; `mixed` when not all from one source."""
    sources = [source for source, count in counters.token_sources.items() if count]
    return sources[0] if len(sources) == 1 else "mixed" if sources else None


def _one(statistics: TargetStatistics, slo: Slo) -> dict[str, Any]:
    counters = statistics.counters
    seconds = counters.duration_seconds
    return {
        "duration_seconds": seconds,
        "requests": {
            "total": counters.total,
            "ok": counters.ok,
            "failed": counters.failed,
            "by_error_type": dict(sorted(counters.by_error_type.items())),
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
            "good_share": counters.good / counters.total if slo.is_set and counters.total else None,
        },
        "cost_usd": counters.known_cost_usd,
        "metrics": {name: metric.summary() for name, metric in statistics.metrics.items()},
    }


def _rate(count: float, seconds: float) -> float | None:
    return count / seconds if seconds else None
