"""How many samples of each metric fell into each bucket of the histograms' layout, slice by slice: sparse, sorted."""

import zlib
from typing import Any, Self

import numpy as np

from app.stats.batch import METRICS
from app.stats.histogram import DURATIONS, Integers

CODES = DURATIONS.length + 2
"""0 is below the layout, then come its buckets, the last is above it."""
# Of buckets and counts: a seventh smaller than level 1 for 70 ms more at 330,000 buckets; level 9 takes a second.
_LEVEL = 6


class SliceBuckets:
    """Counts by slice, metric and bucket; these three are one integer, the key, that sorts by slice first."""

    def __init__(self) -> None:
        self._parts: list[tuple[Integers, Integers]] = []  # (sorted keys, counts)

    def add(self, cells: Integers, values: Integers) -> None:
        """Take in samples; `cells` are slice number * metrics + metric."""
        keys = cells * CODES
        if int(values.min()) < 0 or int(values.max()) > DURATIONS.limit:
            codes = DURATIONS.indices(np.clip(values, 0, DURATIONS.limit)) + 1
            codes[values < 0] = 0
            codes[values > DURATIONS.limit] = CODES - 1
            keys += codes
        else:
            keys += DURATIONS.indices(values)
            keys += 1
        keys, counts = np.unique(keys, return_counts=True)
        self._parts.append((keys, counts.astype(np.int64)))
        self._compact_when_worth_it()

    def merge(self, other: "SliceBuckets") -> None:
        """Take in what another has counted, of slices of the same width."""
        self._parts += other._parts  # noqa: SLF001
        self._compact_when_worth_it()

    def halve(self) -> None:
        """Merge slices in pairs: number n becomes n // 2."""
        keys, counts = self._compacted()
        cells, codes = np.divmod(keys, CODES)
        numbers, metrics = np.divmod(cells, len(METRICS))
        self._parts = [_unique(((numbers // 2) * len(METRICS) + metrics) * CODES + codes, counts)]

    def samples(self, metric: int, numbers: Integers) -> tuple[Integers, Integers, Integers]:
        """Slice number, bucket and count of every non-empty bucket of a metric in these slices."""
        keys, counts = self._compacted()
        cells = numbers * len(METRICS) + metric
        begins, ends = np.searchsorted(keys, cells * CODES), np.searchsorted(keys, (cells + 1) * CODES)
        mine = np.arange(int((ends - begins).sum()))
        mine += np.repeat(begins - (np.cumsum(ends - begins) - (ends - begins)), ends - begins)
        return np.repeat(numbers, ends - begins), keys[mine] % CODES, counts[mine]

    def pack(self) -> list[Any]:
        """Plain values for msgpack; about two bytes for each non-empty bucket."""
        keys, counts = self._compacted()
        cells, codes = np.divmod(keys, CODES)
        cells, sizes = np.unique(cells, return_counts=True)
        wide = np.min_scalar_type(int(counts.max())) if len(counts) else np.dtype(np.uint8)
        return [
            zlib.compress(cells.astype("<i8").tobytes(), 1),
            zlib.compress(sizes.astype("<i4").tobytes(), 1),
            zlib.compress(np.diff(codes.astype("<u2"), prepend=np.uint16(0)).tobytes(), _LEVEL),
            wide.newbyteorder("<").str,
            zlib.compress(counts.astype(wide.newbyteorder("<")).tobytes(), _LEVEL),
        ]

    @classmethod
    def unpack(cls, packed: list[Any]) -> Self:
        """The counts behind `pack`'s values."""
        cells, sizes, codes, wide, counts = packed
        buckets = cls()
        deltas = np.frombuffer(zlib.decompress(codes), dtype="<u2")
        owners = np.repeat(
            np.frombuffer(zlib.decompress(cells), dtype="<i8"), np.frombuffer(zlib.decompress(sizes), dtype="<i4")
        )
        keys = owners * CODES + np.cumsum(deltas, dtype=np.uint16)
        buckets._parts = [(keys, np.frombuffer(zlib.decompress(counts), dtype=wide).astype(np.int64))]
        return buckets

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


def _unique(keys: Integers, counts: Integers) -> tuple[Integers, Integers]:
    order = np.argsort(keys, kind="stable")
    keys, counts = keys[order], counts[order]
    begins = np.flatnonzero(np.diff(keys, prepend=keys[:1] - 1))
    return (keys[begins], np.add.reduceat(counts, begins)) if len(keys) else (keys, counts)
