"""Measured results as the columns that statistics take in. Pure."""

from typing import Any

import numpy as np

from app.benchmarks import gaps
from app.benchmarks.measures import MeasuredResult
from app.stats.batch import REQUEST_METRICS, Batch

_NO_INTEGERS = np.zeros(0, dtype=np.int64)


def columns(results: list[MeasuredResult]) -> Batch:
    """Results of one target as the columns that statistics take in."""
    gaps_ns, gap_counts = gaps.joined([result.gaps for result in results]) if results else (_NO_INTEGERS, _NO_INTEGERS)
    starts = _instants([result.started_ns or result.intended_ns for result in results])
    return Batch(
        ok=np.array([result.status == "ok" for result in results], dtype=bool),
        start_ns=starts,
        first_token_ns=_instants([result.first_token_ns for result in results]),
        last_token_ns=_instants([result.last_token_ns for result in results]),
        end_ns=np.maximum(_instants([result.end_ns for result in results]), starts),
        metrics={
            name: np.array([getattr(result, name) for result in results], dtype=np.float64) for name in REQUEST_METRICS
        },
        gaps_ns=gaps_ns,
        gap_counts=gap_counts,
        chunks=_instants([result.chunks for result in results]),
        coalesced_chunks=_instants([result.coalesced_chunks for result in results]),
        input_tokens=_instants([result.input_tokens for result in results]),
        output_tokens=_instants([result.output_tokens for result in results]),
        reasoning_tokens=_instants([result.reasoning_tokens for result in results]),
        cost_usd=np.array([result.cost_usd for result in results], dtype=np.float64),
        new_connection=np.array([not result.connection_reused for result in results], dtype=bool),
        intended_ns=_instants([result.intended_ns for result in results]),
        attempts=_instants([result.attempts for result in results]),
        clock_stepped=np.array([bool(result.metadata.get("clock_stepped")) for result in results], dtype=bool),
        error_classes=tuple(result.error_type or "unknown" for result in results if result.status != "ok"),
        token_sources=_counted(
            result.token_count_source for result in results if result.status == "ok" and result.token_count_source
        ),
        server_timings=tuple(
            timings for result in results if result.status == "ok" and (timings := result.server_timings_ms)
        ),
        finish_kinds=_counted(kind for result in results if result.status == "ok" and (kind := result.finish_kind)),
        rate_limits=tuple(
            (result.end_ns or 0, limits) for result in results if (limits := result.metadata.get("rate_limits"))
        ),
    )


def _instants(values: list[int | None] | list[int]) -> np.typing.NDArray[np.int64]:
    return np.array([value or 0 for value in values], dtype=np.int64)


def _counted(names: Any) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return counts
