"""One-sided confidence bounds that assume nothing about the distribution: of a percentile, and of a share.

A percentile's bounds are order statistics: with n independent samples, the number of them at or below the true
q-quantile is binomial(n, q), so X_(k) is an upper bound at confidence c when P(Bin(n, q) <= k - 1) >= c, and a lower
bound when P(Bin(n, q) >= k) >= c. Source: H. A. David, H. N. Nagaraja, Order Statistics, 3rd ed., 7.1.
A share's bounds are those of C. J. Clopper and E. S. Pearson, Biometrika 26 (1934).
"""

import math
from bisect import bisect_left
from typing import NamedTuple

import numpy as np

from app.stats.distribution import Distribution

_NS_PER_MS = 1e6


class Bounds(NamedTuple):
    """A lower and an upper bound, each at the confidence asked for by itself (not both at once)."""

    lower: float
    upper: float


def percentile_bounds_ms(
    distribution: Distribution, percentile: float, confidence: float, *, beyond: int = 0
) -> Bounds:
    """Bounds of the true percentile in milliseconds; 0 and infinity where n is too small for one.

    `beyond` samples more count as infinitely large. Samples are known to a bucket of their histogram (three digits):
    the lower bound is the lower edge of its bucket, the upper bound the upper edge.
    """
    n = distribution.histogram.total
    lower_rank, upper_rank = bound_ranks(n + beyond, percentile / 100, confidence)
    lower = 0.0 if lower_rank < 1 else math.inf if lower_rank > n else _edges_ms(distribution, lower_rank)[0]
    return Bounds(lower, math.inf if upper_rank > n else _edges_ms(distribution, upper_rank)[1])


def bound_ranks(n: int, share: float, confidence: float) -> tuple[int, int]:
    """Ranks (from 1) of the order statistics that bound the quantile; 0 and n + 1 where there is none."""
    from scipy.special import bdtr  # noqa: PLC0415  (0.1 s, and only searches need it)

    if not n:
        return 0, 1
    upper = bisect_left(range(n), confidence, key=lambda below: float(bdtr(below, n, share))) + 1
    # P(Bin >= k) = 1 - P(Bin <= k - 1): the greatest k for which the second is at most 1 - confidence
    first_too_likely = bisect_left(range(n), True, key=lambda below: float(bdtr(below, n, share)) > 1 - confidence)
    return first_too_likely, upper


def share_bounds(hits: int, n: int, confidence: float) -> Bounds:
    """Bounds of the probability behind `hits` in `n` independent tries."""
    from scipy.special import betaincinv  # noqa: PLC0415  (as above)

    lower = float(betaincinv(hits, n - hits + 1, 1 - confidence)) if hits else 0.0
    upper = float(betaincinv(hits + 1, n - hits, confidence)) if hits < n else 1.0
    return Bounds(lower, upper)


def samples_needed(share: float, confidence: float) -> int:
    """The least n that has an upper bound of the `share`-quantile: from there on, `share ** n` <= 1 - `confidence`.

    It is also the least n at which no failure at all shows a failure rate of at most 1 - `share`.
    """
    return math.ceil(math.log1p(-confidence) / math.log(share) - 1e-9)


def _edges_ms(distribution: Distribution, rank: int) -> tuple[float, float]:
    """Between which values the sample of this rank lies, never outside the exact extremes."""
    histogram, moments = distribution.histogram, distribution.moments
    ranks = np.cumsum(histogram.counts)
    in_range = int(ranks[-1]) if len(ranks) else 0
    if rank <= histogram.below:
        return moments.minimum / _NS_PER_MS, 0.0
    if rank > histogram.below + in_range:
        return histogram.layout.limit / _NS_PER_MS, moments.maximum / _NS_PER_MS
    index = int(np.searchsorted(ranks, rank - histogram.below))
    low, high = histogram.layout.lower_edge(index), histogram.layout.upper_edge(index)
    return max(low, moments.minimum) / _NS_PER_MS, min(high, moments.maximum) / _NS_PER_MS
