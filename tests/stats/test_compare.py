"""Differences: coverage of intervals on dependent data, symmetry, and what is said of identical runs."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from app.stats.compare import Verdict, difference_of, holm, largest_change, verdict_of
from app.stats.dependence import autocorrelation_time
from app.stats.estimates import Estimate, Quantile, Ratio, Sample, Share, mean_of
from app.stats.pairing import pair_up, paired


def lognormal(rng: np.random.Generator, n: int, phi: float) -> NDArray[np.float64]:
    """Latencies around 100 ms whose logarithms are an autoregressive process of the first order."""
    noise = rng.standard_normal(n) * math.sqrt(1 - phi * phi)
    values = np.empty(n)
    values[0] = rng.standard_normal()
    for index in range(1, n):
        values[index] = phi * values[index - 1] + noise[index]
    return 100 * np.exp(0.5 * values)


def sample(values: NDArray[np.float64]) -> Sample:
    return Sample(values, np.arange(len(values)))


@pytest.mark.parametrize("phi", [0.0, 0.7])
def test_intervals_of_differences_cover_the_truth_also_when_requests_are_alike(phi: float) -> None:
    rng, runs, hits = np.random.default_rng(20260801), 120, {"p50": 0, "p95": 0, "mean": 0}
    z95 = 1.6448536
    truths = {"p50": 10.0, "p95": 10 * math.exp(0.5 * z95), "mean": 10 * math.exp(0.125)}
    for _ in range(runs):
        a, b = sample(lognormal(rng, 400, phi)), sample(1.1 * lognormal(rng, 400, phi))
        pairs: dict[str, tuple[Estimate, Estimate]] = {
            "p50": (Quantile(a, 50.0), Quantile(b, 50.0)),
            "p95": (Quantile(a, 95.0), Quantile(b, 95.0)),
            "mean": (mean_of(a), mean_of(b)),
        }
        for name, (one, other) in pairs.items():
            found = difference_of(one, other)
            assert found is not None
            low, high = found.interval
            hits[name] += (low is None or low <= truths[name]) and (high is None or truths[name] <= high)
    assert min(hits.values()) / runs >= 0.9, hits


def test_independent_intervals_are_too_narrow_for_dependent_data_and_ours_are_not() -> None:
    rng = np.random.default_rng(3)
    dependent, independent = lognormal(rng, 4_000, 0.8), lognormal(rng, 4_000, 0.0)
    assert autocorrelation_time(np.log(dependent)) == pytest.approx(9.0, rel=0.3)  # (1 + phi) / (1 - phi)
    assert autocorrelation_time(np.log(independent)) == pytest.approx(1.0, abs=0.35)
    assert Quantile(sample(dependent), 50.0).effective_n < 1_500
    assert Quantile(sample(independent), 50.0).effective_n > 2_500


@settings(max_examples=20)
@given(st.integers(0, 2**32), st.sampled_from([30, 200]), st.floats(0.5, 2.0))
def test_swapping_the_runs_mirrors_everything(seed: int, n: int, factor: float) -> None:
    rng = np.random.default_rng(seed)
    a, b = sample(lognormal(rng, n, 0.3)), sample(factor * lognormal(rng, n, 0.3))
    for one, other in ((Quantile(a, 90.0), Quantile(b, 90.0)), (mean_of(a), mean_of(b))):
        there, back = difference_of(one, other), difference_of(other, one)
        assert there is not None
        assert back is not None
        assert there.difference == -back.difference
        assert there.p == back.p
        ends = [None if end is None else -end for end in reversed(back.interval)]
        assert list(there.interval) == ends
        assert largest_change(there) == pytest.approx(largest_change(back)) or largest_change(there) is None


def test_identical_runs_never_differ() -> None:
    values = lognormal(np.random.default_rng(1), 300, 0.5)
    for estimate in (Quantile(sample(values), 95.0), mean_of(sample(values)), Share(np.zeros(300), np.ones(300))):
        found = difference_of(estimate, estimate)
        assert found is not None
        assert (found.difference, found.p) == (0.0, 1.0)
        assert verdict_of(found, found.p, margin=0.05) in {Verdict.SAME, Verdict.UNDECIDED}


def test_shares_have_newcombes_interval() -> None:
    # Newcombe (1998), table II, example (a): 56/70 and 48/80, method 10: 0.0524 to 0.3339.
    exact = [Share(np.array([k]), np.array([n])) for k, n in ((48.0, 80.0), (56.0, 70.0))]  # one cluster: as given
    found = difference_of(exact[0], exact[1], with_ratio=False)
    assert found is not None
    assert found.interval == pytest.approx((0.0524, 0.3339), abs=1e-4)


def test_too_few_samples_are_told_and_open_ends_are_none() -> None:
    few = sample(lognormal(np.random.default_rng(2), 60, 0.0))
    assert Quantile(few, 99.0).needs_n == 100
    assert Quantile(few, 99.0).value is None
    p95 = difference_of(Quantile(few, 95.0), Quantile(few, 95.0))
    assert p95 is not None
    assert p95.interval == (None, None)  # no sample of 60 is surely above the p95, and each end needs one
    assert verdict_of(None, 1.0, margin=0.05) is Verdict.TOO_FEW


def test_verdicts_follow_from_interval_margin_and_instrument() -> None:
    rng = np.random.default_rng(4)
    a, b = Quantile(sample(lognormal(rng, 2_000, 0)), 50.0), Quantile(sample(0.8 * lognormal(rng, 2_000, 0)), 50.0)
    found = difference_of(a, b)
    assert found is not None
    assert found.ratio == pytest.approx(0.8, abs=0.05)
    assert verdict_of(found, found.p, margin=0.05) is Verdict.LOWER
    assert verdict_of(found, found.p, margin=0.05, instrument_error=30.0) is Verdict.WITHIN_ERROR
    assert verdict_of(found, 0.2, margin=0.05) is Verdict.UNDECIDED
    assert verdict_of(found, 0.2, margin=0.5) is Verdict.SAME


def test_constant_values_are_known_exactly() -> None:
    one, other = (Ratio(np.full(50, cost), np.ones(50), 50) for cost in (0.001, 0.002))
    found = difference_of(one, other)
    assert found is not None
    assert found.interval == pytest.approx((0.001, 0.001))
    assert found.p < 1e-6


def test_holm_is_the_published_procedure() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


def test_pairs_leave_out_how_prompts_differ() -> None:
    rng = np.random.default_rng(6)
    prompts = 100 * np.exp(rng.standard_normal(200))
    a, b = prompts + rng.standard_normal(200), prompts - 2 + rng.standard_normal(200)
    alone = difference_of(mean_of(sample(a)), mean_of(sample(b)))
    ones, others = pair_up(list(enumerate(a.tolist())), list(enumerate(b.tolist())))
    together = paired(ones, others)
    assert alone is not None
    assert together is not None
    assert together.mean_interval is not None
    assert together.mean_interval[0] < -2 < together.mean_interval[1] < -1.5
    assert alone.interval[0] is not None
    assert alone.interval[0] < -10, "unpaired, the prompts' own spread hides it"
    assert pair_up([("x", 1.0), ("x", 3.0), ("y", 5.0)], [("x", 4.0), ("z", 1.0)])[0].tolist() == [2.0]
