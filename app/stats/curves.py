"""A distribution as curves with 95 % bands: the cumulative distribution, and the spectrum of its percentiles. Pure.

The two curves are read in two ways, and so have two kinds of bands:

- The *cumulative distribution* is looked at as a whole ("where do the two runs part?"), so its band holds the whole
  true curve at once with 95 %: F(x) ± sqrt(ln(2 / 0.05) / 2n), the inequality of Dvoretzky, Kiefer and Wolfowitz
  (1956) with Massart's constant (Annals of Probability 18, 1990). It assumes nothing about the distribution.
- The *spectrum* is looked at point by point, mostly far out, where that band says nothing: at n = 10,000 it is ± 1.4 %
  wide, and so has no end above p98.6. Its band is the order-statistic interval of each percentile by itself, the very
  one that the tables of percentiles have (`stats.intervals`).

Both take samples as independent. Where neighbouring requests are alike the summary warns by how much intervals are too
narrow. Values are known to a bucket of the histogram (three digits); bands are rounded outwards to its edges.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from app.stats.distribution import Distribution
from app.stats.histogram import percentile_rank
from app.stats.intervals import CONFIDENCE, ranks

MAX_CDF_POINTS = 400
TICKS_PER_NINE = 20
_NAMED = (50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 99.99, 99.999)
_NS_PER_MS = 1e6


@dataclass(frozen=True)
class Cdf:
    """`share` of the samples are at most `value_ms`; the true share lies in `low` … `high`. A step at each value."""

    value_ms: list[float]
    share: list[float]
    low: list[float]
    high: list[float]


@dataclass(frozen=True)
class Spectrum:
    """The value at each percentile, ascending, and its interval; None where n is too small for that end."""

    percentile: list[float]
    value_ms: list[float]
    low_ms: list[float | None]
    high_ms: list[float | None]


def band_half_width(n: int) -> float:
    """By how much the true distribution function may differ anywhere from that of n samples, with 95 %."""
    return math.sqrt(math.log(2 / (1 - CONFIDENCE)) / (2 * n))


def cdf(distribution: Distribution, most: int = MAX_CDF_POINTS) -> Cdf:
    """The curve; empty without samples. Of more than `most` steps those are kept that cross another 1/`most` share."""
    histogram, moments = distribution.histogram, distribution.moments
    n = histogram.total
    if not n:
        return Cdf([], [], [], [])
    used = np.flatnonzero(histogram.counts)
    reached = histogram.below + np.cumsum(histogram.counts[used])
    values = [(0.0, histogram.below)] if histogram.below else []
    keep = np.ones(len(used), dtype=bool)
    if len(used) > most:
        keep = np.diff(reached * most // n, prepend=-1) > 0
        keep[-1] = True
    values += [
        (histogram.layout.upper_edge(index) if index else 0, count)
        for index, count in zip(used[keep].tolist(), reached[keep].tolist(), strict=True)
    ]
    if histogram.above:
        values.append((moments.maximum, n))
    limits = (moments.minimum, moments.maximum)
    shares = [count / n for _, count in values]
    half = band_half_width(n)
    return Cdf(
        [_milliseconds(value, limits) for value, _ in values],
        shares,
        [max(share - half, 0.0) for share in shares],
        [min(share + half, 1.0) for share in shares],
    )


def spectrum(distribution: Distribution) -> Spectrum:
    """The curve from p0 on, `TICKS_PER_NINE` steps to each further nine; empty without samples.

    It ends where one sample lies beyond: n samples say nothing about percentiles above 1 - 1/n.
    """
    histogram, moments = distribution.histogram, distribution.moments
    n = histogram.total
    if not n:
        return Spectrum([], [], [], [])
    wanted = _percentiles(n)
    limits = (moments.minimum, moments.maximum)
    values = histogram.at_ranks([percentile_rank(percentile, n) for percentile in wanted])
    lows: list[float | None] = []
    highs: list[float | None] = []
    for percentile in wanted:
        low, high = _ends(n, percentile)
        lows.append(None if low is None else _milliseconds(histogram.at_ranks([low])[0][0], limits))
        highs.append(None if high is None else _milliseconds(histogram.at_ranks([high])[0][1], limits))
    return Spectrum(wanted, [_milliseconds(value, limits) for _, value in values], lows, highs)


def _ends(n: int, percentile: float) -> tuple[int | None, int | None]:
    """Ranks of the interval's ends; both None where the interval has no two ends among n samples."""
    found = ranks(n, percentile) if percentile > 0 else None
    return found or (None, None)


def _percentiles(n: int) -> list[float]:
    most = 100 * (1 - 1 / n) if n > 1 else 0.0
    steps = math.floor(math.log10(n) * TICKS_PER_NINE + 1e-9)
    even = [100 * (1 - 10 ** (-step / TICKS_PER_NINE)) for step in range(steps + 1)]
    ordered = sorted({round(percentile, 9) for percentile in (*even, *_NAMED) if percentile <= most + 1e-9})
    # Named percentiles fall beside steps of their own: nearly equal neighbours are one point.
    kept = [later for earlier, later in pairwise(ordered) if later - earlier > (100 - later) * 1e-3 or later in _NAMED]
    return [ordered[0], *kept]


def _milliseconds(value_ns: float, limits: tuple[float, float]) -> float:
    """Never outside the exact extremes."""
    return min(max(value_ns, limits[0]), limits[1]) / _NS_PER_MS
