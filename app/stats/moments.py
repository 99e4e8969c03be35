"""Exact count, extremes, mean and standard deviation of a stream of numbers, mergeable.

Source: Chan, Golub, LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances" (1979).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(slots=True)
class Moments:
    """Running moments; `squares` is the sum of squared distances from the mean."""

    n: int = 0
    minimum: float = math.inf
    maximum: float = -math.inf
    mean: float = 0.0
    squares: float = 0.0

    def add(self, values: NDArray[np.float64]) -> None:
        """Take in every value of an array."""
        if len(values):
            mean = float(values.mean())
            distances = values - mean
            self.merge(
                Moments(len(values), float(values.min()), float(values.max()), mean, float(distances @ distances))
            )

    def merge(self, other: "Moments") -> None:
        """Take in what another has seen."""
        if not other.n:
            return
        n = self.n + other.n
        distance = other.mean - self.mean
        self.squares += other.squares + distance * distance * self.n * other.n / n
        self.mean += distance * other.n / n
        self.minimum = min(self.minimum, other.minimum)
        self.maximum = max(self.maximum, other.maximum)
        self.n = n

    @property
    def stdev(self) -> float:
        """Sample standard deviation (n - 1); 0 for fewer than two values."""
        return math.sqrt(self.squares / (self.n - 1)) if self.n > 1 else 0.0
