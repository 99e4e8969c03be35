"""Weighted values in bounded memory, with the percentile definitions that other tools use.

Up to `EXACT_LIMIT` values percentiles are exact. Past it values are rounded to four significant digits and equal ones
become one with the sum of their weights: the error is at most 0.05 %, and memory 9,000 pairs a decade of values. Mean,
deviation, sum and extremes stay exact (the update of Chan, Golub and LeVeque, 1979, with weights).
"""

import math
from array import array

import numpy as np
from numpy.typing import NDArray

EXACT_LIMIT = 1_000_000
_DIGITS = 4
_SINGLES = 4096
_WAITING = 32_768

Floats = NDArray[np.float64]


class Samples:
    """Values and their weights, 1 unless given."""

    def __init__(self, exact_limit: int = EXACT_LIMIT) -> None:
        self._is_exact = True
        self._weight = 0.0
        self._mean = 0.0
        self._minimum = math.inf
        self._maximum = -math.inf
        self._squares = 0.0
        self._limit = exact_limit
        self._parts: list[tuple[Floats, Floats]] = []
        self._held = 0
        self._sorted: tuple[Floats, Floats] | None = None
        self._single_values = array("d")
        self._single_weights = array("d")
        self._waiting: list[Floats] = []
        self._waiting_size = 0

    @property
    def is_exact(self) -> bool:
        """Whether no value has been rounded."""
        self._take_singles()
        return self._is_exact

    @property
    def weight(self) -> float:
        """The sum of all weights: how many values there are, where each has weight 1."""
        self._take_singles()
        return self._weight

    @property
    def mean(self) -> float:
        """The weighted mean, 0 without values."""
        self._take_singles()
        return self._mean

    @property
    def minimum(self) -> float:
        """The least value."""
        self._take_singles()
        return self._minimum

    @property
    def maximum(self) -> float:
        """The greatest value."""
        self._take_singles()
        return self._maximum

    def add(self, values: Floats, weights: Floats | None = None) -> None:
        """Take in values; those without weight do not count."""
        values = np.asarray(values, dtype=np.float64)
        if weights is None and len(values) < _SINGLES:  # many small arrays together, as numpy's calls cost more
            self._waiting.append(values)
            self._waiting_size += len(values)
            if self._waiting_size >= _WAITING:
                self._take_singles()
            return
        self._add(values, np.ones(len(values)) if weights is None else np.asarray(weights, dtype=np.float64))

    def _add(self, values: Floats, weights: Floats) -> None:
        if not (weights > 0).all():
            values, weights = values[weights > 0], weights[weights > 0]
        if not len(values):
            return
        weight = float(weights.sum())
        mean = float((values * weights).sum()) / weight
        squares = float(((values - mean) ** 2 * weights).sum())
        total = self._weight + weight
        distance = mean - self._mean
        self._squares += squares + distance * distance * self._weight * weight / total
        self._mean += distance * weight / total
        self._weight = total
        self._minimum = min(self._minimum, float(values.min()))
        self._maximum = max(self._maximum, float(values.max()))
        self._parts.append((values, weights))
        self._held += len(values)
        self._sorted = None
        if self._held > self._limit:
            self._compact()

    def put(self, value: float, weight: float = 1.0) -> None:
        """Take in one value."""
        self._single_values.append(value)
        self._single_weights.append(weight)
        if len(self._single_values) >= _SINGLES:
            self._take_singles()

    @property
    def sum(self) -> float:
        """The weighted sum."""
        return self.mean * self.weight

    @property
    def stdev(self) -> float:
        """Of the population (divided by n), 0 without values."""
        return math.sqrt(max(self._squares, 0.0) / weight) if (weight := self.weight) else 0.0

    def linear(self, *percents: float) -> list[float] | None:
        """Percentiles as `numpy.percentile` defines them (linear interpolation); weights must be whole numbers."""
        if not self.weight:
            return None
        values, weights = self._ordered()
        ends = np.cumsum(weights)
        found = []
        for percent in percents:
            position = (ends[-1] - 1) * percent / 100
            below = math.floor(position)
            low, high = (
                values[min(int(np.searchsorted(ends, rank, side="right")), len(values) - 1)]
                for rank in (below, below + 1)
            )
            found.append(float(low + (high - low) * (position - below)))
        return found

    def nearest(self, *percents: float) -> list[float] | None:
        """The least value whose cumulative share of the weight reaches each percentage (inverse of the CDF)."""
        if not self.weight:
            return None
        values, weights = self._ordered()
        shares = np.cumsum(weights) / weights.sum()
        ranks = np.searchsorted(shares, np.asarray(percents) / 100, side="left")
        return [float(value) for value in values[np.minimum(ranks, len(values) - 1)]]

    def _take_singles(self) -> None:
        if self._single_values:
            values, weights = (
                np.array(column, dtype=np.float64) for column in (self._single_values, self._single_weights)
            )
            self._single_values, self._single_weights = array("d"), array("d")
            self._add(values, weights)
        if self._waiting:
            values = np.concatenate(self._waiting)
            self._waiting, self._waiting_size = [], 0
            self._add(values, np.ones(len(values)))

    def _ordered(self) -> tuple[Floats, Floats]:
        if self._sorted is None:
            values = np.concatenate([values for values, _ in self._parts])
            weights = np.concatenate([weights for _, weights in self._parts])
            order = np.argsort(values, kind="stable")
            self._sorted = values[order], weights[order]
            self._parts = [self._sorted]
        return self._sorted

    def _compact(self) -> None:
        """Round and join. Doubling the limit when that does not help keeps it from being tried for every value."""
        values, weights = self._ordered()
        with np.errstate(divide="ignore"):
            exponents = np.floor(np.log10(np.abs(values)))
        scale = 10.0 ** (_DIGITS - 1 - np.where(np.isfinite(exponents), exponents, 0.0))
        rounded, places = np.unique(np.round(values * scale) / scale, return_inverse=True)
        joined = np.zeros(len(rounded))
        np.add.at(joined, places, weights)
        self._is_exact = False
        self._parts, self._held, self._sorted = [(rounded, joined)], len(rounded), None
        self._limit = max(self._limit, 2 * len(rounded))
