import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from app.stats.bounds import bound_ranks, percentile_bounds_ms, samples_needed, share_bounds
from app.stats.distribution import Distribution


def distribution(values_ms: list[float]) -> Distribution:
    found = Distribution()
    found.record_ms(np.array(values_ms))
    return found


@given(st.integers(1, 3_000), st.floats(0.01, 0.999), st.floats(0.51, 0.999))
def test_ranks_are_those_of_the_binomial_distribution(n: int, share: float, confidence: float) -> None:
    lower, upper = bound_ranks(n, share, confidence)
    counts = stats.binom(n, share)
    slack = 1e-9
    if upper <= n:
        assert counts.cdf(upper - 1) >= confidence - slack
    assert upper == 1 or counts.cdf(upper - 2) < confidence + slack
    if lower:
        assert counts.sf(lower - 1) >= confidence - slack
    assert lower == n or counts.sf(lower) < confidence + slack
    assert lower <= upper


@pytest.mark.parametrize(
    ("share", "confidence", "needed"), [(0.95, 0.95, 59), (0.99, 0.95, 299), (0.5, 0.95, 5), (0.999, 0.99, 4603)]
)
def test_the_least_n_that_has_an_upper_bound(share: float, confidence: float, needed: int) -> None:
    assert samples_needed(share, confidence) == needed
    assert bound_ranks(needed, share, confidence)[1] == needed
    assert bound_ranks(needed - 1, share, confidence)[1] == needed  # one more than there are


def test_bounds_enclose_the_sample_percentile_to_the_resolution_of_the_histogram() -> None:
    values = [float(value) for value in range(1, 1_001)]
    lower, upper = percentile_bounds_ms(distribution(values), 95, 0.95)
    assert (lower, upper) == pytest.approx((939, 962), abs=2)


def test_without_enough_samples_there_is_no_bound() -> None:
    assert percentile_bounds_ms(distribution([5.0] * 58), 95, 0.95).upper == math.inf
    assert percentile_bounds_ms(distribution([5.0] * 59), 95, 0.95).upper == pytest.approx(5, rel=1e-3)
    assert percentile_bounds_ms(distribution([]), 95, 0.95) == (0, math.inf)


def test_samples_beyond_every_limit_count() -> None:
    found = distribution([5.0] * 900)
    assert percentile_bounds_ms(found, 95, 0.95, beyond=10).upper == pytest.approx(5, rel=1e-3)
    assert percentile_bounds_ms(found, 95, 0.95, beyond=100) == (math.inf, math.inf)


def test_a_bound_holds_as_often_as_it_says() -> None:
    """Coverage: of 2,000 runs of 200 exponential requests, at most 5 % (plus chance) have a bound on the wrong side."""
    draw = np.random.default_rng(3)
    truth = -math.log(0.05) * 100
    wrong = np.zeros(2)
    for _ in range(2_000):
        lower, upper = percentile_bounds_ms(distribution(draw.exponential(100, 200).tolist()), 95, 0.95)
        wrong += (lower > truth, upper < truth)
    assert (wrong <= 0.065 * 2_000).all()
    assert (wrong >= 0.015 * 2_000).all()  # and it is not just very wide


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (10, 10), (3, 200), (1, 1)])
def test_share_bounds_are_clopper_and_pearsons(hits: int, n: int) -> None:
    interval = stats.binomtest(hits, n).proportion_ci(0.90, method="exact")  # two-sided 90 %: 95 % on each side
    assert share_bounds(hits, n, 0.95) == pytest.approx((interval.low, interval.high), abs=1e-9)
