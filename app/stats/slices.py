"""What happened in each slice of time, so that any window can be summarised later without the requests themselves.

A slice is `WIDTH_NS * 2**level` long and aligned to the run's origin; its number counts from there. The level is the
least with which one target's run fits into `MAX_SLICES`, so it depends on the first and last instant only: merging is
exact in any order (sums of floats up to their rounding).

Two kinds of numbers:

- `STARTED` columns, histograms and moments belong to the requests that *started* in a slice (intended, where one never
  started), whenever they ended. Histograms have the layout of the whole run's, so percentiles of a window are exactly
  those of its requests.
- `HAPPENED` columns belong to what came about in the time of a slice: requests where they ended, input tokens where the
  first token came, output tokens and chunks spread evenly from a request's first to its last chunk, and the requests in
  flight that engines reported four times a second (in request-seconds).
"""

import zlib
from typing import Any, Self

import numpy as np

from app.stats import slice_moments
from app.stats.batch import CHUNK_METRIC, METRICS, Batch, Flags, Floats
from app.stats.distribution import Distribution
from app.stats.histogram import Histogram, Integers
from app.stats.slice_buckets import CODES, SliceBuckets
from app.stats.slice_columns import COLUMNS, HAPPENED, STARTED, started

WIDTH_NS = 31_250_000  # 1/32 s: every edge in seconds is exact in binary floating point
MAX_SLICES = 128
_NS_PER_S = 10**9
_PACKED_BUCKETS = 5  # values of `SliceBuckets.pack`
_METRIC = {name: position for position, name in enumerate(METRICS)}


class Slices:
    """Slices of one target; row i of each array is slice `first + i`."""

    def __init__(self, origin_ns: int) -> None:
        self.origin_ns = origin_ns
        self.level = 0
        self.first = 0
        self.length = 0
        self.errors: dict[int, dict[str, int]] = {}
        self.interruptions: list[tuple[int, int]] = []  # from, to in Unix nanoseconds; see `interruptions`
        self._sums: Floats = np.zeros((0, len(COLUMNS)))
        self._moments: Floats = slice_moments.none(0)
        self._buckets = SliceBuckets()

    @property
    def width_ns(self) -> int:
        """Length of a slice."""
        return WIDTH_NS << self.level

    @property
    def width_s(self) -> float:
        """Length of a slice in seconds; exact."""
        return self.width_ns / _NS_PER_S

    def number(self, instant_ns: int) -> int:
        """The slice that an instant falls into."""
        return (instant_ns - self.origin_ns) // self.width_ns

    # ---------------------------------------------------------------- taking in

    def add(self, batch: Batch, good: Flags) -> None:
        """Take in a batch; `good` says which of its requests met the SLO."""
        if not len(batch):
            return
        starts = np.where(batch.start_ns > 0, batch.start_ns, batch.end_ns)
        first = np.where(batch.first_token_ns > 0, batch.first_token_ns, batch.end_ns)
        last = np.maximum(batch.last_token_ns, first)
        self._reach(int(min(starts.min(), first.min())), int(max(batch.end_ns.max(), last.max())))
        self._add_started(batch, good, self._rows(starts))
        self._add_happened(batch, good, first, last)

    def add_in_flight(self, from_ns: int, to_ns: int, in_flight: float) -> None:
        """Say that `in_flight` requests were open on average between two instants; nothing counts before the origin."""
        from_ns = max(from_ns, self.origin_ns)
        if to_ns <= from_ns:
            return
        self._reach(from_ns, to_ns - 1)
        low, high = self.number(from_ns), self.number(to_ns - 1) + 1
        edges = self.origin_ns + np.arange(low, high + 1) * self.width_ns
        inside: Integers = np.clip(edges, from_ns, to_ns)
        overlaps = (inside[1:] - inside[:-1]) / _NS_PER_S
        self._sums[low - self.first : high - self.first, COLUMNS["in_flight_s"]] += in_flight * overlaps

    def add_open(self, starts_ns: Integers, ends_ns: Integers) -> None:
        """Say when each of many requests was in flight, instead of samples of how many were."""
        starts_ns = np.maximum(starts_ns, self.origin_ns)
        known = ends_ns > starts_ns
        if not known.any():
            return
        starts_ns, ends_ns = starts_ns[known], ends_ns[known]
        self._reach(int(starts_ns.min()), int(ends_ns.max()))
        edges = self.origin_ns + np.arange(self.first, self.first + self.length + 1) * self.width_ns
        passed = (np.clip(edges[:, None], starts_ns, ends_ns) - starts_ns).sum(axis=1)
        self._sums[:, COLUMNS["in_flight_s"]] += np.diff(passed) / _NS_PER_S

    def merge(self, other: "Slices") -> None:
        """Take in what another has seen; `other` may be coarsened by this.

        Raises:
            ValueError: when its origin is another one.
        """
        self.interruptions += other.interruptions
        if not other.length:
            return
        if other.origin_ns != self.origin_ns:
            raise ValueError("slices of different origins do not merge")
        while other.level < self.level:
            other.coarsen()
        while self.level < other.level:
            self.coarsen()
        edge = other.origin_ns + other.first * other.width_ns
        self._reach(edge, edge + other.length * other.width_ns - 1)
        while other.level < self.level:
            other.coarsen()
        offset = other.first - self.first
        rows = slice(offset, offset + other.length)
        self._sums[rows] += other._sums  # noqa: SLF001
        self._moments[rows] = slice_moments.merged(self._moments[rows], other._moments)  # noqa: SLF001
        self._buckets.merge(other._buckets)  # noqa: SLF001
        for number, counts in other.errors.items():
            _add_counts(self.errors.setdefault(number, {}), counts)

    def coarsen(self) -> None:
        """Merge slices in pairs."""
        self.level += 1
        if not self.length:
            return
        pad = self.first % 2
        first, half = self.first // 2, (pad + self.length + 1) // 2
        sums = np.zeros((2 * half, len(COLUMNS)))
        sums[pad : pad + self.length] = self._sums
        moments = slice_moments.none(2 * half)
        moments[pad : pad + self.length] = self._moments
        self._sums = sums.reshape(half, 2, -1).sum(axis=1)
        self._moments = slice_moments.merged(moments[0::2], moments[1::2])
        self.first, self.length = first, half
        halved: dict[int, dict[str, int]] = {}
        for number, counts in self.errors.items():
            _add_counts(halved.setdefault(number // 2, {}), counts)
        self.errors = halved
        self._buckets.halve()

    # ---------------------------------------------------------------- reading

    def column(self, name: str) -> Floats:
        """One of `STARTED` or `HAPPENED`, a value a slice."""
        return self._sums[:, COLUMNS[name]]

    def total(self, name: str, low: int, high: int) -> float:
        """The sum of a column over the slices `low` … `high` - 1."""
        return float(self.column(name)[self._range(low, high)].sum())

    def means_ms(self, metric: str) -> tuple[Floats, Floats]:
        """Samples and mean of a metric in each slice; NaN without samples."""
        moments = self._moments[:, _METRIC[metric]]
        n = moments[:, slice_moments.N]
        return n, np.where(n > 0, moments[:, slice_moments.MEAN] / 1e6, np.nan)

    def errors_in(self, low: int, high: int) -> dict[str, int]:
        """Failed requests by class that started in the slices `low` … `high` - 1."""
        total: dict[str, int] = {}
        for number, counts in self.errors.items():
            if low <= number < high:
                _add_counts(total, counts)
        return total

    def distributions(self, low: int, high: int) -> dict[str, Distribution]:
        """Every metric over the requests that started in the slices `low` … `high` - 1."""
        moments = slice_moments.together(self._moments[self._range(low, high)])
        found = {}
        for name, position in _METRIC.items():
            _, codes, counts = self.samples(name, low, high)
            below, *_, above = counted = np.rint(np.bincount(codes, weights=counts, minlength=CODES)).astype(np.int64)
            histogram = Histogram.of(counted[1:-1], below=int(below), above=int(above))
            found[name] = Distribution(histogram, slice_moments.as_moments(moments[position]))
        return found

    def samples(self, metric: str, low: int, high: int) -> tuple[Integers, Integers, Integers]:
        """Slice number, bucket (0 is below the layout, 1 its first) and count of every non-empty bucket of a metric."""
        numbers = np.arange(max(low, self.first), min(high, self.first + self.length))
        return self._buckets.samples(_METRIC[metric], numbers)

    # ---------------------------------------------------------------- storing

    def pack(self) -> list[Any]:
        """Plain values for msgpack; about two bytes for each non-empty bucket."""
        used = self._moments[:, :, slice_moments.N] > 0
        return [
            self.origin_ns,
            self.level,
            self.first,
            self.length,
            [*STARTED, *HAPPENED],
            [*METRICS],
            [zlib.compress(blob, 1) for blob in (self._sums.tobytes(), used.tobytes(), self._moments[used].tobytes())],
            [[number, counts] for number, counts in self.errors.items()],
            *self._buckets.pack(),
            [list(span) for span in self.interruptions],
        ]

    @classmethod
    def unpack(cls, packed: list[Any]) -> Self:
        """The slices behind `pack`'s values.

        Raises:
            ValueError: when they have other columns.
        """
        origin_ns, level, first, length, columns, metrics, arrays, errors, *others = packed
        if (columns, metrics) != ([*STARTED, *HAPPENED], [*METRICS]):
            raise ValueError("slices have other columns than this program's")
        slices = cls(origin_ns)
        slices.level, slices.first, slices.length = level, first, length
        sums, used, moments = (zlib.decompress(blob) for blob in arrays)
        slices._sums = np.frombuffer(sums).reshape(length, len(COLUMNS)).copy()
        slices._moments = slice_moments.none(length)
        flags = np.frombuffer(used, dtype=bool).reshape(length, len(METRICS))
        slices._moments[flags] = np.frombuffer(moments).reshape(-1, 5)
        slices.errors = {number: dict(of) for number, of in errors}
        *buckets, interruptions = others if len(others) > _PACKED_BUCKETS else [*others, []]  # not kept at first
        slices._buckets = SliceBuckets.unpack(buckets)
        slices.interruptions = [(from_ns, to_ns) for from_ns, to_ns in interruptions]
        return slices

    # ---------------------------------------------------------------- inside

    def _rows(self, instants_ns: Integers) -> Integers:
        rows: Integers = (instants_ns - self.origin_ns) // self.width_ns - self.first
        return rows

    def _range(self, low: int, high: int) -> slice:
        return slice(max(low - self.first, 0), max(high - self.first, 0))

    def _reach(self, low_ns: int, high_ns: int) -> None:
        """Make room for two instants and what lies between them."""
        while True:
            low, high = self.number(low_ns), self.number(high_ns) + 1
            if self.length:
                low, high = min(low, self.first), max(high, self.first + self.length)
            if high - low <= MAX_SLICES:
                break
            self.coarsen()
        if not self.length:
            self.first = low
        if high - low > self.length:
            sums, moments = np.zeros((high - low, len(COLUMNS))), slice_moments.none(high - low)
            rows = slice(self.first - low, self.first - low + self.length)
            sums[rows], moments[rows] = self._sums, self._moments
            self._sums, self._moments, self.first, self.length = sums, moments, low, high - low

    def _add_started(self, batch: Batch, good: Flags, rows: Integers) -> None:
        for name, weights in started(batch, good):
            self._sums[:, COLUMNS[name]] += np.bincount(rows, weights=weights, minlength=self.length)
        for row, error_type in zip(rows[~batch.ok].tolist(), batch.error_classes, strict=False):
            _add_counts(self.errors.setdefault(row + self.first, {}), {error_type: 1})
        cells: list[Integers] = []
        values: list[Integers] = []
        for name, (mine, measured) in batch.samples.items():
            owners = np.repeat(rows, batch.gap_counts) if name == CHUNK_METRIC else rows
            cells.append(owners[mine] * len(METRICS) + _METRIC[name])
            values.append(measured)
        self._record(np.concatenate(cells), np.concatenate(values))

    def _record(self, cells: Integers, values: Integers) -> None:
        """`cells` are row * metrics + metric."""
        if not len(values):
            return
        fresh = slice_moments.of(cells, values, self.length)
        self._moments = slice_moments.merged(self._moments, fresh)
        self._buckets.add(cells + self.first * len(METRICS), values)

    def _add_happened(self, batch: Batch, good: Flags, first: Integers, last: Integers) -> None:
        ended = self._rows(batch.end_ns)
        for name, flags in (("ended_ok", batch.ok), ("ended_failed", ~batch.ok), ("ended_good", good)):
            self._sums[:, COLUMNS[name]] += np.bincount(ended[flags], minlength=self.length)
        inputs = np.where(batch.ok, batch.input_tokens, 0)
        self._sums[:, COLUMNS["input_tokens_then"]] += np.bincount(
            self._rows(first), weights=inputs, minlength=self.length
        )
        outputs = np.where(batch.ok, batch.output_tokens, 0)
        weights = np.stack((outputs, np.where(good, outputs, 0), batch.chunks), axis=1).astype(np.float64)
        low, high = self.number(int(first.min())), self.number(int(last.max())) + 1
        edges = (np.arange(low, high + 1) * self.width_ns)[:, None]
        begins, spans = first - self.origin_ns, last - first
        passed = np.where(spans > 0, (edges - begins) / np.maximum(spans, 1), edges > begins)
        columns = slice(COLUMNS["output_tokens_then"], COLUMNS["chunks_then"] + 1)
        spread = np.diff(np.clip(passed, 0.0, 1.0) @ weights, axis=0)
        self._sums[low - self.first : high - self.first, columns] += spread


def _add_counts(total: dict[str, int], counts: dict[str, int]) -> None:
    for name, count in counts.items():
        total[name] = total.get(name, 0) + count
