import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.stats.distribution import Distribution
from app.stats.moments import Moments

NUMBERS = st.lists(st.integers(-(10**12), 10**13).map(float), max_size=50)


def of(values: list[float]) -> Moments:
    moments = Moments()
    moments.add(np.array(values))
    return moments


@given(NUMBERS, NUMBERS, NUMBERS)
def test_merged_moments_are_those_of_all_values(first: list[float], second: list[float], third: list[float]) -> None:
    merged = of(first)
    merged.merge(of(second))
    merged.add(np.array(third))
    values = first + second + third
    assert merged.n == len(values)
    if values:
        assert (merged.minimum, merged.maximum) == (min(values), max(values))
        assert merged.mean == pytest.approx(statistics.fmean(values), rel=1e-9, abs=1e-3)
    if len(values) > 1:
        spread = max(map(abs, values))
        assert merged.stdev == pytest.approx(statistics.stdev(values), rel=1e-6, abs=max(spread * 1e-7, 1e-6))


@given(st.lists(st.floats(0.001, 3_600_000), min_size=1, max_size=100))
def test_a_distribution_keeps_percentiles_inside_exact_extremes(milliseconds: list[float]) -> None:
    distribution = Distribution()
    distribution.record_ms(np.array([*milliseconds, np.nan]))
    summary = distribution.summary()
    assert summary is not None
    assert summary["n"] == len(milliseconds)
    assert summary["min"] == pytest.approx(min(milliseconds), abs=1e-6)
    assert summary["max"] == pytest.approx(max(milliseconds), abs=1e-6)
    low, high = distribution.percentiles_ms(50, 99.9) or (0, 0)
    assert summary["min"] <= low <= high <= summary["max"]
    assert summary["p50"] == (low if len(milliseconds) >= 2 else None)
    for interval in filter(None, summary["ci"].values()):
        assert summary["min"] <= interval[0] <= interval[1] <= summary["max"]
    assert Distribution.unpack(distribution.pack()).summary() == summary


def test_without_samples_there_is_no_summary() -> None:
    assert Distribution().summary() is None
    assert Distribution.unpack(Distribution().pack()).n == 0
