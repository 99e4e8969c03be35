"""Counts of values by time and by size, in a bounded number of cells: what a latency heatmap shows. Pure.

Rows are logarithmic: each is the same factor high, 2**(1/32) (2.2 %) unless that takes more than `MAX_ROWS`; then the
factor is squared until it fits. Row edges are powers of that factor of one microsecond, so that heatmaps of two runs
have the same ones. A sample is put by the middle of its histogram bucket (three digits, in timelines two).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.stats.histogram import DURATIONS, Integers, Layout
from app.stats.slices import Slices
from app.stats.timeline import COARSE, Sparse

MAX_COLUMNS = 256
MAX_ROWS = 64
_FINEST_ROWS_PER_OCTAVE = 32
_NS_PER_S = 10**9
_NS_PER_MS = 1e6
_NS_PER_US = 1e3

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Samples:
    """`counts` samples of `values_ns` each in slices of time; slice k covers k*width_ns … (k+1)*width_ns."""

    width_ns: int
    slices: Integers
    values_ns: Floats
    counts: Integers


@dataclass(frozen=True)
class Grid:
    """Cell (`column[i]`, `row[i]`) holds `count[i]` samples; cells that are not named hold none.

    Column c lasts from `from_s` + c*`width_s`; row r reaches from `edges_ms[r]` to `edges_ms[r + 1]`.
    """

    from_s: float
    width_s: float
    columns: int
    edges_ms: list[float]
    column: list[int]
    row: list[int]
    count: list[int]


def of_slices(slices: Slices, metric: str) -> Samples:
    """A metric of requests by when they started."""
    numbers, codes, counts = slices.samples(metric, slices.first, slices.first + slices.length)
    return Samples(slices.width_ns, numbers, midpoints(DURATIONS, np.clip(codes - 1, 0, DURATIONS.length - 1)), counts)


def of_points(width_s: int, points: dict[int, Sparse]) -> Samples:
    """A series of a timeline, by when things happened."""
    nothing = np.zeros(0, dtype=np.int64)
    slices = np.concatenate([nothing, *(np.full(len(of[0]), point) for point, of in points.items())])
    indices = np.concatenate([nothing, *(of[0] for of in points.values())])
    counts = np.concatenate([nothing, *(of[1] for of in points.values())])
    return Samples(width_s * _NS_PER_S, slices, midpoints(COARSE, indices), counts)


def grid(parts: list[Samples]) -> Grid:
    """All samples in one grid. Widths of parts must be powers of two of each other; the widest decides."""
    parts = [part for part in parts if len(part.counts)]
    if not parts:
        return Grid(0.0, 1.0, 0, [], [], [], [])
    width_ns = max(part.width_ns for part in parts)
    slices = np.concatenate([part.slices * part.width_ns // width_ns for part in parts])
    values = np.concatenate([part.values_ns for part in parts])
    counts = np.concatenate([part.counts for part in parts])
    while (first := int(slices.min())) + MAX_COLUMNS <= int(slices.max()):
        slices //= 2
        width_ns *= 2
    columns = slices - first
    per_octave, rows, lowest = _rows(values)
    length = int(rows.max()) + 1
    cells = np.bincount(columns * length + rows, weights=counts)
    used = np.flatnonzero(cells)
    edges = 2.0 ** ((np.arange(length + 1) + lowest) / per_octave) * _NS_PER_US / _NS_PER_MS
    return Grid(
        first * width_ns / _NS_PER_S,
        width_ns / _NS_PER_S,
        int(columns.max()) + 1,
        edges.tolist(),
        (used // length).tolist(),
        (used % length).tolist(),
        np.rint(cells[used]).astype(np.int64).tolist(),
    )


def midpoints(layout: Layout, indices: Integers) -> Floats:
    """The middle of each bucket in nanoseconds; `Layout.lower_edge` for arrays."""
    buckets = (indices >> layout.half_magnitude) - 1
    subs = (indices & (layout.half_count - 1)) + np.where(buckets < 0, 0, layout.half_count)
    shifts = np.maximum(buckets, 0) + layout.unit_magnitude
    middles: Floats = (subs << shifts) + (np.int64(1) << shifts) / 2
    return middles


def _rows(values_ns: Floats) -> tuple[float, Integers, int]:
    """Rows per octave, the row of each value from 0, and which row of the common grid that is."""
    octaves = np.log2(np.maximum(values_ns, _NS_PER_US) / _NS_PER_US)
    per_octave = float(_FINEST_ROWS_PER_OCTAVE)
    while True:
        rows = np.floor(octaves * per_octave).astype(np.int64)
        lowest = int(rows.min())
        if int(rows.max()) - lowest < MAX_ROWS:
            return per_octave, rows - lowest, lowest
        per_octave /= 2
