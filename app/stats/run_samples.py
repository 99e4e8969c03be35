"""What a comparison needs of one run and one window of time: samples by metric, events and rates over time. Pure.

From rows, every request is a cluster of its own, in the order of starts; from stored slices a slice is one, and values
are upper edges of histogram buckets (0.05 % wide), as in the summary. Requests belong to the window in which they
started, rates to what happened in its time, as in the summary.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.stats.batch import CHUNK_METRIC, METRICS, Batch
from app.stats.estimates import Ratio, Sample, Share
from app.stats.histogram import DURATIONS
from app.stats.slices import Slices

Floats = NDArray[np.float64]

_BINS = (8, 32)  # batches of time for rates: long enough that their edges do not matter (batch means)
_PER_BIN = 8
_LEAST_ENDS = 20


@dataclass(frozen=True)
class RunSamples:
    """One run in one window. `seconds` is its length; `cost` counts successful requests, if all have a price."""

    source: str  # rows or slices
    seconds: float
    requests: int
    metrics: dict[str, Sample]
    errors: Share
    rates: dict[str, Ratio]
    cost_per_request: Ratio | None
    cost_per_1k_tokens: Ratio | None


def from_rows(batch: Batch, window_ns: tuple[int, int] | None) -> RunSamples:
    """Of stored requests; the window holds starts with `low <= start < high`, None is the whole run."""
    starts = np.where(batch.start_ns > 0, batch.start_ns, batch.intended_ns)
    low, high = window_ns or (int(starts.min()), int(batch.end_ns.max()) + 1)
    inside = (starts >= low) & (starts < high)
    order = np.argsort(starts, kind="stable")
    mine = order[inside[order]]
    place = np.full(len(starts), -1, dtype=np.int64)
    place[mine] = np.arange(len(mine))
    metrics: dict[str, Sample] = {}
    for name, (flags, values_ns) in batch.samples.items():
        clusters = np.repeat(place, batch.gap_counts)[flags] if name == CHUNK_METRIC else place[flags]
        kept = clusters >= 0
        if kept.any():
            metrics[name] = Sample(values_ns[kept] / 1e6, clusters[kept])
    ok = batch.ok[mine]
    return RunSamples(
        source="rows",
        seconds=(high - low) / 1e9,
        requests=len(mine),
        metrics=metrics,
        errors=Share((~ok).astype(np.float64), np.ones(len(mine))),
        rates=_rates(batch, low, high),
        **_costs(batch.cost_usd[mine][ok], (batch.input_tokens + batch.output_tokens)[mine][ok].astype(np.float64)),
    )


def from_slices(slices: Slices, window_ns: tuple[int, int] | None) -> RunSamples:
    """Of what is kept beside the summary when requests are not."""
    first, last = slices.first, slices.first + slices.length
    if window_ns is not None:
        first, last = (round((edge - slices.origin_ns) / slices.width_ns) for edge in window_ns)
    rows = slice(max(first - slices.first, 0), max(last - slices.first, 0))

    def column(name: str) -> Floats:
        return slices.column(name)[rows]

    width = np.full(len(column("ok")), slices.width_s)
    metrics = {}
    for name in METRICS:
        numbers, codes, counts = slices.samples(name, first, last)
        if len(numbers):
            known, places = np.unique(codes, return_inverse=True)
            edges = np.array([_upper_edge_ms(int(code)) for code in known])
            metrics[name] = Sample(edges[places], numbers, counts)
    ended = column("ended_ok")
    n = round(float(ended.sum()))
    total = column("ok") + column("failed")
    priced = float(column("priced").sum()) == float(column("ok").sum()) > 0
    tokens = column("input_tokens") + column("output_tokens")
    used = column("ok") > 0
    return RunSamples(
        source="slices",
        seconds=float(width.sum()),
        requests=round(float(total.sum())),
        metrics=metrics,
        errors=Share(column("failed")[total > 0], total[total > 0]),
        rates={
            "requests_per_s": Ratio(ended, width, n, needs_n=_needs(n)),
            "output_tokens_per_s": Ratio(column("output_tokens_then"), width, n, needs_n=_needs(n)),
        },
        cost_per_request=Ratio(column("cost_usd")[used], column("ok")[used], n) if priced else None,
        cost_per_1k_tokens=(
            Ratio(column("cost_usd")[used], tokens[used], n, 1e3) if priced and tokens.sum() > 0 else None
        ),
    )


def _upper_edge_ms(code: int) -> float:
    if code <= 1:  # below the layout, or its first bucket, which counts as 0
        return 0.0
    return (DURATIONS.limit if code > DURATIONS.length else DURATIONS.upper_edge(code - 1)) / 1e6


def _needs(n: int) -> int | None:
    return _LEAST_ENDS if n < _LEAST_ENDS else None


def _rates(batch: Batch, low: int, high: int) -> dict[str, Ratio]:
    ok = batch.ok
    ends = batch.end_ns[ok]
    n = int(((ends >= low) & (ends < high)).sum())
    bins = int(np.clip(n // _PER_BIN, *_BINS))
    edges = np.linspace(low, high, bins + 1)
    width = np.diff(edges) / 1e9
    first, last = (column[ok].astype(np.float64) for column in (batch.first_token_ns, batch.last_token_ns))
    first = np.where(first > 0, first, ends)
    last = np.maximum(last, first)
    tokens = batch.output_tokens[ok].astype(np.float64)
    return {
        "requests_per_s": Ratio(np.histogram(ends, edges)[0].astype(np.float64), width, n, needs_n=_needs(n)),
        "output_tokens_per_s": Ratio(np.diff(_come_until(edges, first, last, tokens)), width, n, needs_n=_needs(n)),
    }


def _come_until(edges: Floats, first: Floats, last: Floats, amounts: Floats) -> Floats:
    """How much had come by each edge, where each amount comes evenly from its first to its last instant."""
    found = np.zeros(len(edges))
    for position, edge in enumerate(edges):
        share = np.where(last > first, (edge - first) / np.maximum(last - first, 1.0), edge >= first)
        found[position] = (np.clip(share, 0.0, 1.0) * amounts).sum()
    return found


def _costs(costs: Floats, tokens: Floats) -> dict[str, Ratio | None]:
    if not len(costs) or np.isnan(costs).any():
        return {"cost_per_request": None, "cost_per_1k_tokens": None}
    ones = np.ones(len(costs))
    return {
        "cost_per_request": Ratio(costs, ones, len(costs)),
        "cost_per_1k_tokens": Ratio(costs, tokens, len(costs), 1e3) if math.fsum(tokens) > 0 else None,
    }
