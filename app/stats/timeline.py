"""What happened in each second of a run, in bounded memory.

Everything is put where it happened: a first token into the second in which it came, a chunk likewise, a request into
the second in which it ended. Past `MAX_POINTS` neighbouring points are merged in pairs: an hour has one-second points,
a day thirty-two-second ones. Percentiles come from two-digit histograms kept sparse: about 1 KiB a point.
"""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from app.stats.batch import Batch
from app.stats.histogram import DURATIONS, Integers, Layout, percentile_rank

MAX_POINTS = 3_600
COARSE = Layout(DURATIONS.lowest, DURATIONS.highest, digits=2)
PERCENTILES = (50.0, 95.0, 99.0)
_NS_PER_S = 10**9
_SUMS = ("output_tokens", "requests", "chunks", "errors", "in_flight_s")
_SERIES = ("ttft", "gap")

Sparse = tuple[Integers, Integers]  # sorted bucket indices, their counts


class Timeline:
    """Sums and sparse histograms per point; point i covers seconds i*width … (i+1)*width after `origin_ns`."""

    def __init__(self, origin_ns: int, max_points: int = MAX_POINTS) -> None:
        self.origin_ns = origin_ns
        self.width_s = 1
        self._max_points = max_points
        self.sums: NDArray[np.float64] = np.zeros((64, len(_SUMS)))
        self.length = 0
        self.histograms: dict[str, dict[int, Sparse]] = {name: {} for name in _SERIES}

    def __len__(self) -> int:
        return self.length

    def add(self, batch: Batch) -> None:
        """Put the requests of a batch where they happened."""
        with_gaps, arrivals = _chunk_arrivals(batch)
        instants = (batch.end_ns, batch.first_token_ns, arrivals)
        self._reach(max((int(column.max()) for column in instants if len(column)), default=self.origin_ns))
        ended = self._points(batch.end_ns)
        self._count("requests", ended[batch.ok])
        self._count("errors", ended[~batch.ok])
        started = (batch.first_token_ns > 0) & (batch.chunks > 0)
        firsts = self._points(batch.first_token_ns[started])
        chunk_points = self._points(arrivals)
        self._count("chunks", firsts)
        self._count("chunks", chunk_points)
        tokens_per_chunk = np.where(batch.ok, batch.output_tokens, 0) / np.maximum(batch.gap_counts + 1, 1)
        self._count("output_tokens", firsts, tokens_per_chunk[started])
        self._count("output_tokens", chunk_points, np.repeat(tokens_per_chunk, batch.gap_counts)[with_gaps])
        ttft = batch.metrics["ttft_ms"]
        measured = batch.ok & started & ~np.isnan(ttft)
        self._histogram(
            "ttft", self._points(batch.first_token_ns[measured]), np.rint(ttft[measured] * 1e6).astype(np.int64)
        )
        alone = (batch.single_gaps & batch.ok_gaps)[with_gaps]
        self._histogram("gap", chunk_points[alone], batch.gaps_ns[with_gaps][alone])

    def add_in_flight(self, from_ns: int, to_ns: int, in_flight: int) -> None:
        """Say that `in_flight` requests were open between two instants."""
        from_ns = max(from_ns, self.origin_ns)
        if to_ns <= from_ns:
            return
        self._reach(to_ns - 1)
        width_ns = self.width_s * _NS_PER_S
        while from_ns < to_ns:
            point = (from_ns - self.origin_ns) // width_ns
            edge = min(to_ns, self.origin_ns + (point + 1) * width_ns)
            self.sums[point, _SUMS.index("in_flight_s")] += in_flight * (edge - from_ns) / _NS_PER_S
            from_ns = edge

    def merge(self, other: "Timeline") -> None:
        """Add what another timeline of the same origin has seen; `other` may be coarsened by this."""
        if other.origin_ns != self.origin_ns:
            raise ValueError("timelines of different origins do not merge")
        while self.width_s < other.width_s:
            self.coarsen()
        while other.width_s < self.width_s:
            other.coarsen()
        self._extend(other.length)
        self.sums[: other.length] += other.sums[: other.length]
        for name in _SERIES:
            mine = self.histograms[name]
            for point, counts in other.histograms[name].items():
                mine[point] = _merged(mine[point], counts) if point in mine else counts

    def columns(self, points: range | None = None) -> dict[str, list[float | None]]:
        """One list per series, all of one length; percentiles are None where nothing was measured.

        `points` are those that are wanted, one after another; by default all.
        """
        points = range(self.length)[points.start : points.stop] if points is not None else range(self.length)
        columns: dict[str, list[float | None]] = {"t_s": [float(point * self.width_s) for point in points]}
        for name in _SERIES:
            rows = [self._percentiles(name, point) for point in points]
            for position, percentile in enumerate(PERCENTILES):
                columns[f"{name}_p{percentile:g}_ms"] = [row[position] if row else None for row in rows]
        rates = self.sums[points.start : points.stop] / self.width_s
        for position, name in enumerate(("output_tokens_per_s", "requests_per_s", "chunks_per_s", "errors_per_s")):
            columns[name] = rates[:, position].tolist()
        columns["in_flight"] = rates[:, _SUMS.index("in_flight_s")].tolist()
        return columns

    def pack(self) -> list[Any]:
        """Plain values for msgpack."""
        return [
            self.origin_ns,
            self.width_s,
            self.length,
            self.sums[: self.length].tobytes(),
            {
                name: [[point, counts[0].tobytes(), counts[1].tobytes()] for point, counts in series.items()]
                for name, series in self.histograms.items()
            },
        ]

    @classmethod
    def unpack(cls, packed: list[Any], max_points: int = MAX_POINTS) -> Self:
        """The timeline behind `pack`'s values."""
        origin_ns, width_s, length, sums, histograms = packed
        timeline = cls(origin_ns, max_points)
        timeline.width_s = width_s
        timeline._extend(length)
        timeline.sums[:length] = np.frombuffer(sums).reshape(length, len(_SUMS))
        for name in _SERIES:
            timeline.histograms[name] = {
                point: (np.frombuffer(indices, dtype=np.int64), np.frombuffer(counts, dtype=np.int64))
                for point, indices, counts in histograms[name]
            }
        return timeline

    def _points(self, instants_ns: Integers) -> Integers:
        points: Integers = (instants_ns - self.origin_ns) // (self.width_s * _NS_PER_S)
        return np.maximum(points, 0)

    def _count(self, name: str, points: Integers, weights: NDArray[np.float64] | None = None) -> None:
        if len(points):
            counted = np.bincount(points, weights=weights)
            self.sums[: len(counted), _SUMS.index(name)] += counted

    def _histogram(self, name: str, points: Integers, values_ns: Integers) -> None:
        if not len(points):
            return
        keys = points * COARSE.length + COARSE.indices(np.clip(values_ns, 0, COARSE.limit))
        keys, counts = np.unique(keys, return_counts=True)
        owners = keys // COARSE.length
        series = self.histograms[name]
        starts = np.flatnonzero(np.diff(owners, prepend=-1))
        for start, end in zip(starts, [*starts[1:], len(keys)], strict=True):
            point = int(owners[start])
            fresh = (keys[start:end] - point * COARSE.length, counts[start:end].astype(np.int64))
            series[point] = _merged(series[point], fresh) if point in series else fresh

    def _percentiles(self, name: str, point: int) -> list[float] | None:
        if (sparse := self.histograms[name].get(point)) is None:
            return None
        ranks = np.cumsum(sparse[1])
        wanted = [percentile_rank(percentile, int(ranks[-1])) for percentile in PERCENTILES]
        return [COARSE.upper_edge(int(index)) / 1e6 for index in sparse[0][np.searchsorted(ranks, wanted)]]

    def _reach(self, instant_ns: int) -> None:
        """Make room for an instant, in the array and under the cap; the first point takes what came before it."""
        while (points := (instant_ns - self.origin_ns) // (self.width_s * _NS_PER_S) + 1) > self._max_points:
            self.coarsen()
        self._extend(max(points, 1))

    def _extend(self, length: int) -> None:
        if length > len(self.sums):
            grown = np.zeros((max(length, 2 * len(self.sums)), len(_SUMS)))
            grown[: self.length] = self.sums[: self.length]
            self.sums = grown
        self.length = max(self.length, length)

    def coarsen(self) -> None:
        """Merge points in pairs."""
        self.width_s *= 2
        half = (self.length + 1) // 2
        paired = np.zeros((2 * half, len(_SUMS)))
        paired[: self.length] = self.sums[: self.length]
        self.sums = np.zeros((max(half, 64), len(_SUMS)))
        self.sums[:half] = paired.reshape(half, 2, len(_SUMS)).sum(axis=1)
        self.length = half
        for name, series in self.histograms.items():
            halved: dict[int, Sparse] = {}
            for point, counts in series.items():
                halved[point // 2] = _merged(halved[point // 2], counts) if point // 2 in halved else counts
            self.histograms[name] = halved


def _chunk_arrivals(batch: Batch) -> tuple[NDArray[np.bool_], Integers]:
    """Which gaps belong to a request with a first token, and when the chunk behind each of those came."""
    usable = np.repeat(batch.first_token_ns > 0, batch.gap_counts)
    passed = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(np.maximum(batch.gaps_ns, 0))))
    before = passed[np.cumsum(batch.gap_counts) - batch.gap_counts]
    arrivals = passed[1:] + np.repeat(batch.first_token_ns - before, batch.gap_counts)
    return usable, arrivals[usable]


def _merged(one: Sparse, other: Sparse) -> Sparse:
    indices, inverse = np.unique(np.concatenate((one[0], other[0])), return_inverse=True)
    weights = np.concatenate((one[1], other[1]))
    return indices, np.rint(np.bincount(inverse, weights=weights)).astype(np.int64)
