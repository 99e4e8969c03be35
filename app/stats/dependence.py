"""How much less n successive samples say than n independent ones: the variance inflation of a mean. Pure.

Requests under load are alike when they follow each other, and the chunk gaps of one request are alike. For a series of
means y over clusters (a request, or a slice of time), Var(mean y) = Var(y) tau / J, with tau = 1 + 2 sum of
autocorrelations. Tau is Geyer's initial monotone sequence estimator ("Practical Markov Chain Monte Carlo", Statistical
Science 7, 1992, section 3.3), kept at 1 or above: what looks like negative dependence never narrows an interval.
Clusters of unequal size enter by the linearised ratio (Cochran, "Sampling Techniques", 3rd edition, section 6.3).
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_LEAST_CLUSTERS = 8  # below it, autocorrelations are noise


def autocorrelation_time(series: Floats) -> float:
    """Tau of a series in the order of time, 1 for independent values and never below."""
    n = len(series)
    if n < _LEAST_CLUSTERS:
        return 1.0
    centred = series - series.mean()
    size = 1 << (2 * n - 1).bit_length()
    spectrum = np.fft.rfft(centred, size)
    covariances = np.fft.irfft(spectrum * np.conj(spectrum), size)[: n // 2 * 2 if n % 2 == 0 else n - 1]
    if covariances[0] <= 1e-12 * max(float(np.square(series).sum()), 1e-300):
        return 1.0
    pairs = covariances.reshape(-1, 2).sum(axis=1) / covariances[0]
    ends = np.flatnonzero(pairs <= 0)
    pairs = np.minimum.accumulate(pairs[: int(ends[0])] if len(ends) else pairs)
    return max(1.0, float(2 * pairs.sum() - 1))


def variance_of_mean(sums: Floats, weights: Floats) -> float:
    """Variance of `sums.sum() / weights.sum()`: clusters in the order of time, each with a sum over its weight.

    0 for constant values; not known, and NaN, with a single cluster.
    """
    count = len(sums)
    if count < 2:
        return float("nan")
    mean = sums.sum() / weights.sum()
    residuals = (sums - mean * weights) * count / weights.sum()
    return float(np.square(residuals).sum()) / (count - 1) / count * autocorrelation_time(residuals)
