"""Least, most, mean, squared distances from it and number of many samples at once: the last axis of an array."""

import numpy as np

from app.stats.batch import METRICS, Floats
from app.stats.histogram import Integers
from app.stats.moments import Moments

MIN, MAX, MEAN, SQUARES, N = range(5)
"""What stands where on the last axis."""


def none(rows: int) -> Floats:
    """Of no samples: a row a slice, a cell a metric."""
    moments = np.zeros((rows, len(METRICS), 5))
    moments[..., MIN], moments[..., MAX] = np.inf, -np.inf
    return moments


def of(cells: Integers, values: Integers, rows: int) -> Floats:
    """Of samples; `cells` are row * metrics + metric."""
    size = rows * len(METRICS)
    floats = values.astype(np.float64)
    n = np.bincount(cells, minlength=size)
    means = np.bincount(cells, weights=floats, minlength=size) / np.maximum(n, 1)
    distances = floats - means[cells]
    distances *= distances
    squares = np.bincount(cells, weights=distances, minlength=size)
    low, high = np.full(size, np.inf), np.full(size, -np.inf)
    np.minimum.at(low, cells, floats)
    np.maximum.at(high, cells, floats)
    return np.stack((low, high, means, squares, n), axis=1).reshape(rows, len(METRICS), 5)  # in the order of MIN … N


def merged(one: Floats, other: Floats) -> Floats:
    """As `Moments.merge`, cell by cell."""
    n = one[..., N] + other[..., N]
    share = other[..., N] / np.maximum(n, 1)
    distance = other[..., MEAN] - one[..., MEAN]
    both = np.empty_like(one)
    both[..., N] = n
    both[..., MIN] = np.minimum(one[..., MIN], other[..., MIN])
    both[..., MAX] = np.maximum(one[..., MAX], other[..., MAX])
    both[..., MEAN] = one[..., MEAN] + distance * share
    both[..., SQUARES] = one[..., SQUARES] + other[..., SQUARES] + distance * distance * one[..., N] * share
    return both


def together(rows: Floats) -> Floats:
    """All rows merged, pair by pair, into one: a cell a metric."""
    while len(rows) > 1:
        rows = np.concatenate((rows, none(len(rows) % 2)))
        rows = merged(rows[0::2], rows[1::2])
    one: Floats = rows[0] if len(rows) else none(1)[0]
    return one


def as_moments(cell: Floats) -> Moments:
    """One cell as a value object."""
    return Moments(int(cell[N]), float(cell[MIN]), float(cell[MAX]), float(cell[MEAN]), float(cell[SQUARES]))
