"""Everything that is reported about one metric: a histogram for percentiles, exact moments beside it."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from app.stats.histogram import DURATIONS, Histogram, Integers, percentile_rank
from app.stats.intervals import least_samples, ranks
from app.stats.moments import Moments

PERCENTILES = (50.0, 75.0, 90.0, 95.0, 99.0, 99.9)
_NAMES = tuple(f"p{percentile:g}" for percentile in PERCENTILES)
_NS_PER_MS = 1e6


class Distribution:
    """Durations in nanoseconds, reported in milliseconds."""

    __slots__ = ("histogram", "moments")

    def __init__(self, histogram: Histogram | None = None, moments: Moments | None = None) -> None:
        self.histogram = histogram or Histogram(DURATIONS)
        self.moments = moments or Moments()

    @property
    def n(self) -> int:
        """Samples."""
        return self.moments.n

    def record_ns(self, values: Integers) -> None:
        """Take in an array of nanoseconds."""
        self.histogram.record(values)
        self.moments.add(values.astype(np.float64))

    def record_ms(self, values: NDArray[np.float64]) -> None:
        """Take in an array of milliseconds, NaN where nothing was measured."""
        self.record_ns(np.rint(values[~np.isnan(values)] * _NS_PER_MS).astype(np.int64))

    def merge(self, other: "Distribution") -> None:
        """Take in what another has seen."""
        self.histogram.merge(other.histogram)
        self.moments.merge(other.moments)

    def percentiles_ms(self, *wanted: float) -> list[float] | None:
        """Percentiles, never outside the exact extremes; None without samples."""
        values = self.histogram.percentiles(*wanted)
        return None if values is None else [self._milliseconds(value) for value in values]

    def summary(self) -> dict[str, Any] | None:
        """`n min max mean stdev p50 … p99.9 ci needs_n`, in milliseconds; None without samples.

        A percentile is None while n is below `intervals.least_samples`, which `needs_n` then names. `ci` has the two
        ends of its 95 % interval, rounded outwards to the edges of the histogram's buckets; None when there is none.
        """
        if not self.n:
            return None
        moments = self.moments
        points: dict[str, float | None] = {}
        intervals: dict[str, list[float] | None] = {}
        needs: dict[str, int] = {}
        for name, percentile in zip(_NAMES, PERCENTILES, strict=True):
            points[name], intervals[name] = None, None
            if self.n < least_samples(percentile):
                needs[name] = least_samples(percentile)
                continue
            within = ranks(self.n, percentile)
            low, high = within or (1, self.n)
            edges = self.histogram.at_ranks([low, percentile_rank(percentile, self.n), high])
            points[name] = self._milliseconds(edges[1][1])
            if within is not None:
                intervals[name] = [self._milliseconds(edges[0][0]), self._milliseconds(edges[2][1])]
        return {
            "n": moments.n,
            "min": moments.minimum / _NS_PER_MS,
            "max": moments.maximum / _NS_PER_MS,
            "mean": moments.mean / _NS_PER_MS,
            "stdev": moments.stdev / _NS_PER_MS,
            **points,
            "ci": intervals,
            "needs_n": needs,
        }

    def _milliseconds(self, value_ns: int) -> float:
        """Never outside the exact extremes."""
        return min(max(value_ns, self.moments.minimum), self.moments.maximum) / _NS_PER_MS

    def pack(self) -> list[Any]:
        """Plain values for msgpack: the V2 histogram, what lies outside it, and the moments."""
        moments = self.moments
        return [
            self.histogram.encode(),
            self.histogram.below,
            self.histogram.above,
            moments.n,
            moments.minimum,
            moments.maximum,
            moments.mean,
            moments.squares,
        ]

    @classmethod
    def unpack(cls, packed: list[Any]) -> Self:
        """The distribution behind `pack`'s values."""
        encoded, below, above, *moments = packed
        histogram = Histogram.decode(encoded)
        histogram.below, histogram.above = below, above
        return cls(histogram, Moments(*moments))
