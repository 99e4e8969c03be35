"""Intervals equal scipy's binomial, and hold what they promise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from app.stats.distribution import PERCENTILES, Distribution
from app.stats.intervals import least_samples, narrowness, ranks


@settings(deadline=None)
@given(st.integers(1, 200_000), st.sampled_from(PERCENTILES))
def test_ranks_equal_scipys_binomial(n: int, percentile: float) -> None:
    p = percentile / 100
    low, high = int(binom.ppf(0.025, n, p)), int(binom.ppf(0.975, n, p)) + 1
    expected = (low, high) if low >= 1 and high <= n else None
    assert ranks(n, percentile) == expected
    if expected is not None:
        assert binom.cdf(low - 1, n, p) <= 0.025 + 1e-12
        assert binom.sf(high - 1, n, p) <= 0.025 + 1e-12


@pytest.mark.parametrize(("percentile", "n"), [(50.0, 2), (75.0, 4), (90.0, 10), (95.0, 20), (99.0, 100), (99.9, 1000)])
def test_a_percentile_needs_one_sample_above_it(percentile: float, n: int) -> None:
    assert least_samples(percentile) == n
    name = f"p{percentile:g}"
    for size, refused in ((n - 1, True), (n, False)):
        distribution = Distribution()
        distribution.record_ms(np.linspace(1, 2, size))
        summary = distribution.summary()
        assert summary is not None
        assert (summary[name] is None) == refused
        assert summary["needs_n"].get(name) == (n if refused else None)
        if refused:
            assert summary["ci"][name] is None


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 2_000), st.integers(0, 2**32 - 1))
def test_the_ends_of_an_interval_are_order_statistics(n: int, seed: int) -> None:
    values = np.sort(np.random.default_rng(seed).lognormal(3, 1, n))
    distribution = Distribution()
    distribution.record_ms(values)
    summary = distribution.summary()
    assert summary is not None
    for percentile in PERCENTILES:
        found, within = summary["ci"][f"p{percentile:g}"], ranks(n, percentile)
        if summary[f"p{percentile:g}"] is None or within is None:
            assert found is None
            continue
        low, high = values[within[0] - 1], values[within[1] - 1]
        assert low * (1 - 1.1e-3) - 1e-3 <= found[0] <= low + 1e-6
        assert high - 1e-6 <= found[1] <= high * (1 + 1.1e-3) + 1e-3


@pytest.mark.parametrize(("n", "percentile"), [(40, 50.0), (300, 95.0), (1_000, 99.0)])
def test_intervals_hold_the_true_percentile_in_95_of_100_cases(n: int, percentile: float) -> None:
    rng, held, tries = np.random.default_rng(7), 0, 2_000
    true = float(np.quantile(rng.exponential(size=4_000_000), percentile / 100))
    within = ranks(n, percentile)
    assert within is not None
    for _ in range(tries):
        values = np.sort(rng.exponential(size=n))
        held += values[within[0] - 1] <= true <= values[within[1] - 1]
    assert 0.94 <= held / tries <= 0.985  # never below what is promised, but for the noise of 2,000 tries


def exceedances(values: np.ndarray, slices: int, percentile: float) -> tuple[np.ndarray, np.ndarray]:
    limit = np.percentile(values, percentile, method="inverted_cdf")
    parts = np.array_split(values, slices)
    above = np.array([(part > limit).sum() for part in parts], dtype=float)
    return above, np.array([len(part) for part in parts], dtype=float)


def test_independent_samples_are_not_called_alike() -> None:
    rng = np.random.default_rng(3)
    for percentile in (50.0, 95.0):
        found = [narrowness(*exceedances(rng.exponential(size=4_000), 100, percentile)) for _ in range(200)]
        assert sum(factor is not None and factor > 1.5 for factor in found) == 0


def test_how_alike_successive_samples_are_is_told_as_a_factor() -> None:
    """Every value comes nine times in a row: a ninth of the samples, so intervals a third of the width they need."""
    rng = np.random.default_rng(4)
    found = [narrowness(*exceedances(np.repeat(rng.exponential(size=1_000), 9), 90, 50.0)) for _ in range(50)]
    known = [factor for factor in found if factor is not None]
    assert len(known) == 50
    assert np.mean(known) == pytest.approx(3, abs=0.3)


def test_nothing_is_said_about_few_batches_or_samples() -> None:
    one = np.ones(5)
    assert narrowness(np.array([0.0, 10, 0, 10, 0]), one * 10) is None
    assert narrowness(np.zeros(0), np.zeros(0)) is None
    assert narrowness(np.tile([0.0, 2.0], 10), np.full(20, 2.0)) is None
    assert narrowness(np.zeros(20), np.full(20, 50.0)) is None
