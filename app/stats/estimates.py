"""One number of one run with an interval at any confidence: quantiles, means, shares and rates. Pure.

- A *quantile* has an order-statistic interval (David and Nagaraja 2003, section 7.1) whose binomial counts as many
  samples as n dependent ones are worth: the interval of Woodruff (1952) with a design effect.
- A *mean*, a *ratio* of sums and a *rate* over bins of time have Student's t intervals with the variance of
  `stats.dependence`.
- A *share* has Wilson's interval (1927) at the same effective number of samples.

Bounds that the samples do not allow are infinite, so that nothing can be concluded from them.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from app.stats.dependence import variance_of_mean
from app.stats.intervals import least_samples, rank_bounds

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Interval = tuple[float, float]

MAX_CLUSTERS = 16_384
_LEAST_FOR_DEPENDENCE = 20  # samples on each side of a quantile; with fewer, clusters of them say nothing


class Estimate(Protocol):
    """A number of one run and how well it is known."""

    @property
    def value(self) -> float | None:
        """None when the samples do not allow one."""
        ...

    @property
    def n(self) -> int:
        """Samples."""
        ...

    @property
    def effective_n(self) -> float:
        """Independent samples that say as much."""
        ...

    @property
    def needs_n(self) -> int | None:
        """Least samples for a value, where there are fewer."""
        ...

    def interval(self, confidence: float) -> Interval:
        """Two-sided; infinite where the samples do not allow a bound."""
        ...


class Sample:
    """Values in clusters that are numbered in the order of time; weights are how often each value occurred."""

    def __init__(self, values: Floats, clusters: Integers, weights: Integers | None = None) -> None:
        weights = np.ones(len(values), dtype=np.int64) if weights is None else weights
        _, dense = np.unique(clusters, return_inverse=True)
        count = int(dense.max()) + 1 if len(dense) else 0
        joined = -(-count // MAX_CLUSTERS) if count else 1
        self.values, self.weights, self.clusters = values, weights, dense // joined
        self.cluster_count = int(self.clusters.max()) + 1 if len(dense) else 0
        self.n = int(weights.sum())

    @cached_property
    def _order(self) -> Integers:
        return np.argsort(self.values, kind="stable")

    @cached_property
    def _ordered(self) -> tuple[Floats, Integers]:
        return self.values[self._order], np.cumsum(self.weights[self._order])

    @cached_property
    def sizes(self) -> Floats:
        """Samples in each cluster."""
        return np.bincount(self.clusters, weights=self.weights, minlength=self.cluster_count).astype(np.float64)

    def at_rank(self, rank: int) -> float:
        """The sample of this rank, 1 … n ascending."""
        values, reached = self._ordered
        return float(values[min(int(np.searchsorted(reached, rank)), len(values) - 1)])

    def quantiles(self, shares: Floats) -> Floats:
        """Nearest ranks, as the summary's percentiles."""
        values, reached = self._ordered
        ranks = np.clip(np.ceil(shares * self.n - 1e-9 * self.n), 1, self.n)
        return values[np.minimum(np.searchsorted(reached, ranks), len(values) - 1)]

    def sums(self, values: Floats) -> Floats:
        """Of one value a sample, over each cluster."""
        return np.bincount(self.clusters, weights=values * self.weights, minlength=self.cluster_count).astype(
            np.float64
        )


@dataclass(frozen=True)
class Quantile:
    """A percentile of a sample."""

    sample: Sample
    percentile: float

    @property
    def n(self) -> int:
        """Samples."""
        return self.sample.n

    @property
    def needs_n(self) -> int | None:
        """As `intervals.least_samples`."""
        needed = least_samples(self.percentile)
        return needed if self.n < needed else None

    @cached_property
    def value(self) -> float | None:
        """Nearest rank."""
        if self.n == 0 or self.needs_n:
            return None
        return self.sample.at_rank(max(math.ceil(self.percentile * self.n / 100 * (1 - 1e-12)), 1))

    @cached_property
    def effective_n(self) -> float:
        """Smaller than n when successive samples lie on the same side of the quantile."""
        p = self.percentile / 100
        if self.value is None or min(p, 1 - p) * self.n < _LEAST_FOR_DEPENDENCE / 4:
            return float(self.n)
        above = (self.sample.values > self.value).astype(np.float64)
        share = float((above * self.sample.weights).sum()) / self.n
        if not 0 < share < 1:
            return float(self.n)
        variance = variance_of_mean(self.sample.sums(above), self.sample.sizes)
        if not variance > 0:
            return float(self.n)
        return min(float(self.n), share * (1 - share) / variance)

    def interval(self, confidence: float) -> Interval:
        """Between two samples of the run."""
        if self.value is None:
            return -math.inf, math.inf
        counted = max(math.floor(self.effective_n + 1e-9), 1)
        low, high = rank_bounds(counted, self.percentile, confidence)
        scale = (self.n + 1) / (counted + 1)
        lower = self.sample.at_rank(max(math.floor(low * scale + 1e-9), 1)) if low >= 1 else -math.inf
        upper = self.sample.at_rank(min(math.ceil(high * scale - 1e-9), self.n)) if high <= counted else math.inf
        return min(lower, self.value), max(upper, self.value)


@dataclass(frozen=True)
class Ratio:
    """A sum over a sum of weights, by clusters in the order of time: a mean, a cost per token, a rate over bins.

    `n` is how many samples it is made of; `factor` scales it.
    """

    sums: Floats
    weights: Floats
    n: int
    factor: float = 1.0
    needs_n: int | None = None

    @cached_property
    def value(self) -> float | None:
        """None without weight."""
        total = float(self.weights.sum())
        return float(self.sums.sum()) / total * self.factor if total > 0 else None

    @cached_property
    def _variance(self) -> float:
        return variance_of_mean(self.sums, self.weights) * self.factor**2

    @cached_property
    def _independent(self) -> float:
        """Clusters that say as much, for the degrees of freedom."""
        if not self._variance > 0:
            return float(len(self.sums))
        mean = self.sums.sum() / self.weights.sum()
        residuals = (self.sums - mean * self.weights) * len(self.sums) / self.weights.sum()
        plain = float(np.square(residuals).sum()) / (len(self.sums) - 1) / len(self.sums) * self.factor**2
        return len(self.sums) * min(plain / self._variance, 1.0)

    @property
    def effective_n(self) -> float:
        """As many of the n as clusters are independent."""
        return self.n * self._independent / max(len(self.sums), 1)

    def interval(self, confidence: float) -> Interval:
        """Student's t."""
        from scipy.special import stdtrit  # noqa: PLC0415 - takes half a second to load

        if self.value is None or math.isnan(self._variance):
            return -math.inf, math.inf
        reach = float(stdtrit(max(self._independent - 1, 1.0), (1 + confidence) / 2)) * math.sqrt(self._variance)
        return self.value - reach, self.value + reach


@dataclass(frozen=True)
class Share:
    """A share of events: how many there were in each cluster of trials, in the order of time."""

    events: Floats
    trials: Floats
    needs_n: int | None = None

    @property
    def n(self) -> int:
        """Trials."""
        return round(float(self.trials.sum()))

    @property
    def value(self) -> float | None:
        """None without trials."""
        return float(self.events.sum() / self.trials.sum()) if self.n else None

    @cached_property
    def effective_n(self) -> float:
        """Fewer than trials when events come in bursts."""
        share = self.value
        if share is None or not 0 < share < 1:
            return float(self.n)
        variance = variance_of_mean(self.events, self.trials)
        return min(float(self.n), share * (1 - share) / variance) if variance > 0 else float(self.n)

    def interval(self, confidence: float) -> Interval:
        """Wilson's."""
        from scipy.special import ndtri  # noqa: PLC0415 - as above

        if self.value is None:
            return 0.0, 1.0
        z2 = float(ndtri((1 + confidence) / 2)) ** 2
        n, p = max(self.effective_n, 1.0), self.value
        centre = (p + z2 / (2 * n)) / (1 + z2 / n)
        reach = math.sqrt(z2 * (p * (1 - p) / n + z2 / (4 * n * n))) / (1 + z2 / n)
        return max(0.0, min(centre - reach, p)), min(1.0, max(centre + reach, p))


def mean_of(sample: Sample) -> Ratio:
    """The mean of a sample."""
    return Ratio(sample.sums(sample.values), sample.sizes, sample.n)
