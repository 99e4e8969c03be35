"""Batches for statistics tests: lists in, defaults for what a test does not care about."""

from typing import Any

import numpy as np

from app.stats.batch import REQUEST_METRICS, Batch

SECOND = 10**9
ORIGIN = 1_800_000_000 * SECOND


def batch(ended_s: list[float], **fields: Any) -> Batch:
    """Successful requests that ended at these seconds after `ORIGIN`, started and got a first token at those given."""
    n = len(ended_s)
    ended = ORIGIN + np.rint(np.array(ended_s) * SECOND).astype(np.int64)
    gaps: list[list[int]] = fields.pop("gaps", [[]] * n)

    def instants(name: str) -> Any:
        given = fields.pop(name, None)
        return ended.copy() if given is None else ORIGIN + np.rint(np.array(given) * SECOND).astype(np.int64)

    def integers(name: str, default: int) -> Any:
        return np.array(fields.pop(name, [default] * n), dtype=np.int64)

    starts = instants("started_s")
    metrics = {name: np.full(n, np.nan) for name in REQUEST_METRICS}
    metrics |= {name: np.array(fields.pop(name), dtype=float) for name in REQUEST_METRICS if name in fields}
    built = Batch(
        ok=np.array(fields.pop("ok", [True] * n), dtype=bool),
        start_ns=starts,
        first_token_ns=instants("first_s"),
        last_token_ns=instants("last_s"),
        end_ns=ended,
        metrics=metrics,
        gaps_ns=np.array([gap for request in gaps for gap in request], dtype=np.int64),
        gap_counts=np.array([len(request) for request in gaps], dtype=np.int64),
        chunks=integers("chunks", 1),
        coalesced_chunks=integers("coalesced_chunks", 0),
        input_tokens=integers("input_tokens", 0),
        output_tokens=integers("output_tokens", 0),
        reasoning_tokens=integers("reasoning_tokens", 0),
        cost_usd=np.array(fields.pop("cost_usd", [np.nan] * n), dtype=float),
        new_connection=np.array(fields.pop("new_connection", [False] * n), dtype=bool),
        intended_ns=instants("intended_s") if "intended_s" in fields else starts,
        attempts=integers("attempts", 1),
        clock_stepped=np.array(fields.pop("clock_stepped", [False] * n), dtype=bool),
        error_classes=tuple(fields.pop("error_classes", ())),
        token_sources=fields.pop("token_sources", {}),
    )
    assert not fields, f"unknown fields {sorted(fields)}"
    return built
