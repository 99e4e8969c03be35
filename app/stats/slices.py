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
from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from app.stats.batch import CHUNK_METRIC, METRICS, Batch, Flags
from app.stats.distribution import Distribution
from app.stats.histogram import DURATIONS, Histogram, Integers
from app.stats.moments import Moments

WIDTH_NS = 31_250_000  # 1/32 s: every edge in seconds is exact in binary floating point
MAX_SLICES = 128
# Of buckets and counts: a seventh smaller than level 1 for 70 ms more at 330,000 buckets; level 9 takes a second.
_LEVEL = 6
_NS_PER_S = 10**9

STARTED = (
    "ok",
    "failed",
    "good",
    "retried_requests",
    "retried_attempts",
    "clock_stepped",
    "chunks",
    "coalesced_chunks",
    "input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "good_output_tokens",
    "priced",
    "cost_usd",
    "speeds",
    "speed_sum",
    "time_in_system_s",
)
HAPPENED = (
    "ended_ok",
    "ended_failed",
    "ended_good",
    "input_tokens_then",
    "output_tokens_then",
    "good_output_tokens_then",
    "chunks_then",
    "in_flight_s",
)
_COLUMNS = {name: position for position, name in enumerate((*STARTED, *HAPPENED))}
_METRIC = {name: position for position, name in enumerate(METRICS)}
_CODES = DURATIONS.length + 2  # 0: below the layout, then its buckets, last: above it
_MIN, _MAX, _MEAN, _SQUARES, _N = range(5)

Floats = NDArray[np.float64]


class Slices:
    """Slices of one target; row i of each array is slice `first + i`."""

    def __init__(self, origin_ns: int) -> None:
        self.origin_ns = origin_ns
        self.level = 0
        self.first = 0
        self.length = 0
        self.errors: dict[int, dict[str, int]] = {}
        self._sums: Floats = np.zeros((0, len(_COLUMNS)))
        self._moments: Floats = np.zeros((0, len(METRICS), 5))
        self._parts: list[tuple[Integers, Integers]] = []  # (sorted keys, counts); see `_key`

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
        self._sums[low - self.first : high - self.first, _COLUMNS["in_flight_s"]] += in_flight * overlaps

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
        self._sums[:, _COLUMNS["in_flight_s"]] += np.diff(passed) / _NS_PER_S

    def merge(self, other: "Slices") -> None:
        """Take in what another has seen; `other` may be coarsened by this.

        Raises:
            ValueError: when its origin is another one.
        """
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
        self._moments[rows] = _merged_moments(self._moments[rows], other._moments)  # noqa: SLF001
        self._parts += other._parts  # noqa: SLF001
        self._compact_when_worth_it()
        for number, counts in other.errors.items():
            _add_counts(self.errors.setdefault(number, {}), counts)

    def coarsen(self) -> None:
        """Merge slices in pairs."""
        self.level += 1
        if not self.length:
            return
        pad = self.first % 2
        first, half = self.first // 2, (pad + self.length + 1) // 2
        sums = np.zeros((2 * half, len(_COLUMNS)))
        sums[pad : pad + self.length] = self._sums
        moments = _no_moments(2 * half)
        moments[pad : pad + self.length] = self._moments
        self._sums = sums.reshape(half, 2, -1).sum(axis=1)
        self._moments = _merged_moments(moments[0::2], moments[1::2])
        self.first, self.length = first, half
        halved: dict[int, dict[str, int]] = {}
        for number, counts in self.errors.items():
            _add_counts(halved.setdefault(number // 2, {}), counts)
        self.errors = halved
        keys, counts_ = self._compacted()
        cells, codes = np.divmod(keys, _CODES)
        numbers, metrics = np.divmod(cells, len(METRICS))
        self._parts = [_unique(_key(numbers // 2, metrics, codes), counts_)]

    # ---------------------------------------------------------------- reading

    def column(self, name: str) -> Floats:
        """One of `STARTED` or `HAPPENED`, a value a slice."""
        return self._sums[:, _COLUMNS[name]]

    def total(self, name: str, low: int, high: int) -> float:
        """The sum of a column over the slices `low` … `high` - 1."""
        return float(self.column(name)[self._range(low, high)].sum())

    def means_ms(self, metric: str) -> tuple[Floats, Floats]:
        """Samples and mean of a metric in each slice; NaN without samples."""
        moments = self._moments[:, _METRIC[metric]]
        return moments[:, _N], np.where(moments[:, _N] > 0, moments[:, _MEAN] / 1e6, np.nan)

    def errors_in(self, low: int, high: int) -> dict[str, int]:
        """Failed requests by class that started in the slices `low` … `high` - 1."""
        total: dict[str, int] = {}
        for number, counts in self.errors.items():
            if low <= number < high:
                _add_counts(total, counts)
        return total

    def distributions(self, low: int, high: int) -> dict[str, Distribution]:
        """Every metric over the requests that started in the slices `low` … `high` - 1."""
        rows = self._moments[self._range(low, high)]
        while len(rows) > 1:
            rows = np.concatenate((rows, _no_moments(len(rows) % 2)))
            rows = _merged_moments(rows[0::2], rows[1::2])
        found = {}
        for name, position in _METRIC.items():
            moments = rows[0, position] if len(rows) else _no_moments(1)[0, 0]
            _, codes, counts = self.samples(name, low, high)
            below, *_, above = counted = np.rint(np.bincount(codes, weights=counts, minlength=_CODES)).astype(np.int64)
            histogram = Histogram.of(counted[1:-1], below=int(below), above=int(above))
            found[name] = Distribution(
                histogram,
                Moments(
                    int(moments[_N]),
                    float(moments[_MIN]),
                    float(moments[_MAX]),
                    float(moments[_MEAN]),
                    float(moments[_SQUARES]),
                ),
            )
        return found

    def samples(self, metric: str, low: int, high: int) -> tuple[Integers, Integers, Integers]:
        """Slice number, bucket (0 is below the layout, 1 its first) and count of every non-empty bucket of a metric."""
        keys, counts = self._compacted()
        numbers = np.arange(max(low, self.first), min(high, self.first + self.length))
        cells = numbers * len(METRICS) + _METRIC[metric]
        begins, ends = np.searchsorted(keys, cells * _CODES), np.searchsorted(keys, (cells + 1) * _CODES)
        mine = np.arange(int((ends - begins).sum()))
        mine += np.repeat(begins - (np.cumsum(ends - begins) - (ends - begins)), ends - begins)
        return np.repeat(numbers, ends - begins), keys[mine] % _CODES, counts[mine]

    # ---------------------------------------------------------------- storing

    def pack(self) -> list[Any]:
        """Plain values for msgpack; about two bytes for each non-empty bucket."""
        keys, counts = self._compacted()
        cells, codes = np.divmod(keys, _CODES)
        cells, sizes = np.unique(cells, return_counts=True)
        used = self._moments[:, :, _N] > 0
        wide = np.min_scalar_type(int(counts.max())) if len(counts) else np.dtype(np.uint8)
        return [
            self.origin_ns,
            self.level,
            self.first,
            self.length,
            [*STARTED, *HAPPENED],
            [*METRICS],
            [zlib.compress(blob, 1) for blob in (self._sums.tobytes(), used.tobytes(), self._moments[used].tobytes())],
            [[number, counts] for number, counts in self.errors.items()],
            zlib.compress(cells.astype("<i8").tobytes(), 1),
            zlib.compress(sizes.astype("<i4").tobytes(), 1),
            zlib.compress(np.diff(codes.astype("<u2"), prepend=np.uint16(0)).tobytes(), _LEVEL),
            wide.newbyteorder("<").str,
            zlib.compress(counts.astype(wide.newbyteorder("<")).tobytes(), _LEVEL),
        ]

    @classmethod
    def unpack(cls, packed: list[Any]) -> Self:
        """The slices behind `pack`'s values.

        Raises:
            ValueError: when they have other columns.
        """
        origin_ns, level, first, length, columns, metrics, arrays, errors, cells, sizes, codes, wide, counts = packed
        if (columns, metrics) != ([*STARTED, *HAPPENED], [*METRICS]):
            raise ValueError("slices have other columns than this program's")
        slices = cls(origin_ns)
        slices.level, slices.first, slices.length = level, first, length
        sums, used, moments = (zlib.decompress(blob) for blob in arrays)
        slices._sums = np.frombuffer(sums).reshape(length, len(_COLUMNS)).copy()
        slices._moments = _no_moments(length)
        flags = np.frombuffer(used, dtype=bool).reshape(length, len(METRICS))
        slices._moments[flags] = np.frombuffer(moments).reshape(-1, 5)
        slices.errors = {number: dict(of) for number, of in errors}
        deltas = np.frombuffer(zlib.decompress(codes), dtype="<u2")
        owners = np.repeat(
            np.frombuffer(zlib.decompress(cells), dtype="<i8"), np.frombuffer(zlib.decompress(sizes), dtype="<i4")
        )
        keys = owners * _CODES + np.cumsum(deltas, dtype=np.uint16)
        slices._parts = [(keys, np.frombuffer(zlib.decompress(counts), dtype=wide).astype(np.int64))]
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
            sums, moments = np.zeros((high - low, len(_COLUMNS))), _no_moments(high - low)
            rows = slice(self.first - low, self.first - low + self.length)
            sums[rows], moments[rows] = self._sums, self._moments
            self._sums, self._moments, self.first, self.length = sums, moments, low, high - low

    def _add_started(self, batch: Batch, good: Flags, rows: Integers) -> None:
        for name, weights in _started(batch, good):
            self._sums[:, _COLUMNS[name]] += np.bincount(rows, weights=weights, minlength=self.length)
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
        size = self.length * len(METRICS)
        floats = values.astype(np.float64)
        n = np.bincount(cells, minlength=size)
        means = np.bincount(cells, weights=floats, minlength=size) / np.maximum(n, 1)
        distances = floats - means[cells]
        distances *= distances
        squares = np.bincount(cells, weights=distances, minlength=size)
        low, high = np.full(size, np.inf), np.full(size, -np.inf)
        np.minimum.at(low, cells, floats)
        np.maximum.at(high, cells, floats)
        fresh = np.stack((low, high, means, squares, n), axis=1)  # in the order of _MIN … _N
        self._moments = _merged_moments(self._moments, fresh.reshape(self._moments.shape))
        keys = (cells + self.first * len(METRICS)) * _CODES
        if int(values.min()) < 0 or int(values.max()) > DURATIONS.limit:
            codes = DURATIONS.indices(np.clip(values, 0, DURATIONS.limit)) + 1
            codes[values < 0] = 0
            codes[values > DURATIONS.limit] = _CODES - 1
            keys += codes
        else:
            keys += DURATIONS.indices(values)
            keys += 1
        keys, counts = np.unique(keys, return_counts=True)
        self._parts.append((keys, counts.astype(np.int64)))
        self._compact_when_worth_it()

    def _add_happened(self, batch: Batch, good: Flags, first: Integers, last: Integers) -> None:
        ended = self._rows(batch.end_ns)
        for name, flags in (("ended_ok", batch.ok), ("ended_failed", ~batch.ok), ("ended_good", good)):
            self._sums[:, _COLUMNS[name]] += np.bincount(ended[flags], minlength=self.length)
        inputs = np.where(batch.ok, batch.input_tokens, 0)
        self._sums[:, _COLUMNS["input_tokens_then"]] += np.bincount(
            self._rows(first), weights=inputs, minlength=self.length
        )
        outputs = np.where(batch.ok, batch.output_tokens, 0)
        weights = np.stack((outputs, np.where(good, outputs, 0), batch.chunks), axis=1).astype(np.float64)
        low, high = self.number(int(first.min())), self.number(int(last.max())) + 1
        edges = (np.arange(low, high + 1) * self.width_ns)[:, None]
        begins, spans = first - self.origin_ns, last - first
        passed = np.where(spans > 0, (edges - begins) / np.maximum(spans, 1), edges > begins)
        columns = slice(_COLUMNS["output_tokens_then"], _COLUMNS["chunks_then"] + 1)
        spread = np.diff(np.clip(passed, 0.0, 1.0) @ weights, axis=0)
        self._sums[low - self.first : high - self.first, columns] += spread

    def _compact_when_worth_it(self) -> None:
        """Keep parts few: one is merged with those before it that are not twice as long, so samples move rarely."""
        parts = self._parts
        while len(parts) > 1 and len(parts[-2][0]) < 2 * len(parts[-1][0]):
            (one, counts), (other, more) = parts.pop(), parts.pop()
            parts.append(_unique(np.concatenate((one, other)), np.concatenate((counts, more))))

    def _compacted(self) -> tuple[Integers, Integers]:
        if len(self._parts) != 1:
            nothing = np.zeros(0, dtype=np.int64)
            keys = np.concatenate([nothing, *(keys for keys, _ in self._parts)])
            counts = np.concatenate([nothing, *(counts for _, counts in self._parts)])
            self._parts = [_unique(keys, counts)]
        return self._parts[0]


def _started(batch: Batch, good: Flags) -> Iterator[tuple[str, NDArray[Any]]]:
    ok, again = batch.ok, batch.attempts > 1
    priced = ok & ~np.isnan(batch.cost_usd)
    began = np.where(again & (batch.intended_ns > 0), batch.intended_ns, batch.start_ns)
    speeds = batch.speeds
    outputs = np.where(ok, batch.output_tokens, 0)
    yield "ok", ok
    yield "failed", ~ok
    yield "good", good
    yield "retried_requests", again
    yield "retried_attempts", np.where(again, batch.attempts, 0)
    yield "clock_stepped", batch.clock_stepped
    yield "chunks", batch.chunks
    yield "coalesced_chunks", batch.coalesced_chunks
    yield "input_tokens", np.where(ok, batch.input_tokens, 0)
    yield "output_tokens", outputs
    yield "reasoning_tokens", np.where(ok, batch.reasoning_tokens, 0)
    yield "good_output_tokens", np.where(good, outputs, 0)
    yield "priced", priced
    yield "cost_usd", np.where(priced, batch.cost_usd, 0.0)
    yield "speeds", speeds > 0
    yield "speed_sum", speeds
    yield "time_in_system_s", np.maximum(batch.end_ns - began, 0) / _NS_PER_S


def _key(numbers: Integers, metrics: Integers, codes: Integers) -> Integers:
    """Slice, metric and bucket in one integer that sorts by slice first."""
    return (numbers * len(METRICS) + metrics) * _CODES + codes


def _unique(keys: Integers, counts: Integers) -> tuple[Integers, Integers]:
    order = np.argsort(keys, kind="stable")
    keys, counts = keys[order], counts[order]
    begins = np.flatnonzero(np.diff(keys, prepend=keys[:1] - 1))
    return (keys[begins], np.add.reduceat(counts, begins)) if len(keys) else (keys, counts)


def _no_moments(rows: int) -> Floats:
    moments = np.zeros((rows, len(METRICS), 5))
    moments[..., _MIN], moments[..., _MAX] = np.inf, -np.inf
    return moments


def _merged_moments(one: Floats, other: Floats) -> Floats:
    """As `Moments.merge`, cell by cell."""
    n = one[..., _N] + other[..., _N]
    share = other[..., _N] / np.maximum(n, 1)
    distance = other[..., _MEAN] - one[..., _MEAN]
    merged = np.empty_like(one)
    merged[..., _N] = n
    merged[..., _MIN] = np.minimum(one[..., _MIN], other[..., _MIN])
    merged[..., _MAX] = np.maximum(one[..., _MAX], other[..., _MAX])
    merged[..., _MEAN] = one[..., _MEAN] + distance * share
    merged[..., _SQUARES] = one[..., _SQUARES] + other[..., _SQUARES] + distance * distance * one[..., _N] * share
    return merged


def _add_counts(total: dict[str, int], counts: dict[str, int]) -> None:
    for name, count in counts.items():
        total[name] = total.get(name, 0) + count
