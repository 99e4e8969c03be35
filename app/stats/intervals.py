"""How well a percentile is known: distribution-free 95 % intervals, and the least number of samples to name it at all.

Of n independent samples, the number that do not exceed the true p-quantile is binomial (n, p). So X(l) … X(u), the
samples of these ranks in ascending order, hold the quantile with a probability of at least 95 % when

    l = the largest rank with P(B <= l - 1) <= 2.5 %,  u = the smallest rank with P(B >= u) <= 2.5 %;

with scipy: `l = binom.ppf(0.025, n, p)` and `u = binom.ppf(0.975, n, p) + 1`. No interval exists at this n when l would
be 0 or u above n. Source: David and Nagaraja, "Order Statistics", 3rd edition (2003), section 7.1.

Requests that follow each other under load are alike, so n of them say less than n independent ones. `narrowness` tells
by how much, from the same binomial counts: over batches of time, the counts of samples above a percentile scatter more
than binomial ones would. The ratio of variances is the dispersion index of Cochran (1954); its root is the factor by
which an interval is too narrow. This is the method of batch means (Conway 1963), applied to the quantile's indicator.
"""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
MIN_BATCHES = 10
MAX_BATCHES = 32
_MIN_EXPECTED = 5.0  # samples above the percentile in a typical batch, as for any chi-square test


def least_samples(percentile: float) -> int:
    """Least n at which a percentile says anything: one sample in n lies above it, n = 1 / (1 - p)."""
    return math.ceil(100 / (100 - percentile) - 1e-9)


@lru_cache(maxsize=4_096)
def ranks(n: int, percentile: float, confidence: float = CONFIDENCE) -> tuple[int, int] | None:
    """The ranks (1 … n, ascending) between which the percentile lies with this confidence; None when none do."""
    low, high = rank_bounds(n, percentile, confidence)
    return (low, high) if low >= 1 and high <= n else None


@lru_cache(maxsize=16_384)
def rank_bounds(n: int, percentile: float, confidence: float = CONFIDENCE) -> tuple[int, int]:
    """As `ranks`, each bound for itself: 0 when no sample is low enough, n + 1 when none is high enough."""
    tail, p = (1 - confidence) / 2, percentile / 100
    return _quantile(tail, n, p), _quantile(1 - tail, n, p) + 1


def _quantile(probability: float, n: int, p: float) -> int:
    """The least k with P(B <= k) >= `probability`, B binomial (n, p)."""
    from scipy.special import bdtr  # noqa: PLC0415 - loading it takes half a second, which summaries alone need

    low, high = -1, n
    while high - low > 1:
        middle = (low + high) // 2
        if bdtr(middle, n, p) >= probability:
            high = middle
        else:
            low = middle
    return high


def narrowness(above: NDArray[np.float64], counts: NDArray[np.float64]) -> float | None:
    """By which factor intervals are too narrow: `above` of `counts` samples exceed the percentile in each time slice.

    Neighbouring slices are joined to at most `MAX_BATCHES` batches of equal length. None when that cannot be told: too
    few batches or samples, or a scatter that independent samples show in one case of two hundred.
    """
    from scipy.special import chdtri  # noqa: PLC0415 - as above

    joined = -(-len(counts) // MAX_BATCHES)
    length = len(counts) // joined * joined if joined else 0
    k = above[:length].reshape(-1, joined or 1).sum(axis=1)
    m = counts[:length].reshape(-1, joined or 1).sum(axis=1)
    k, m = k[m > 0], m[m > 0]
    if len(m) < MIN_BATCHES:
        return None
    share = float(k.sum() / m.sum())
    if min(share, 1 - share) * float(np.median(m)) < _MIN_EXPECTED:
        return None
    chi_square = float((((k - m * share) ** 2) / (m * share * (1 - share))).sum())
    if chi_square < chdtri(len(m) - 1, 0.005):
        return None
    return math.sqrt(chi_square / (len(m) - 1))
