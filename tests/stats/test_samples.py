import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.stats.samples import Samples

values = st.lists(st.floats(0, 1e7, allow_subnormal=False), min_size=1, max_size=200)
percents = st.floats(0, 100)


def filled(of: list[float], **options: int) -> Samples:
    samples = Samples(**options)
    half = len(of) // 2
    samples.add(np.array(of[:half]))
    for value in of[half:]:
        samples.put(value)
    return samples


@settings(deadline=None)
@given(values, percents)
def test_percentiles_are_those_of_numpy(of: list[float], percent: float) -> None:
    samples = filled(of)
    assert samples.is_exact
    assert samples.weight == len(of)
    assert samples.linear(percent) == pytest.approx([np.percentile(of, percent)], rel=1e-9, abs=1e-9)
    assert samples.mean == pytest.approx(np.mean(of), rel=1e-9)
    assert samples.stdev == pytest.approx(np.std(of), rel=1e-6, abs=1e-6)
    assert (samples.minimum, samples.maximum) == (min(of), max(of))
    assert samples.sum == pytest.approx(sum(of), rel=1e-9)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 9)), min_size=1, max_size=60),
    st.sampled_from([1, 25, 50, 99]),
)
def test_weights_count_as_repetition(pairs: list[tuple[int, int]], percent: int) -> None:
    samples = Samples()
    for value, weight in pairs:
        samples.put(value, weight)
    repeated = [value for value, weight in pairs for _ in range(weight)]
    if not repeated:
        assert samples.nearest(percent) is None
        return
    assert samples.linear(percent) == pytest.approx([np.percentile(repeated, percent)])
    assert samples.nearest(percent) == [np.percentile(repeated, percent, method="inverted_cdf")]
    assert samples.mean == pytest.approx(np.mean(repeated))


@settings(deadline=None)
@given(st.lists(st.floats(1e-3, 1e6), min_size=60, max_size=300), st.sampled_from([0.0, 10.0, 50.0, 99.0, 100.0]))
def test_past_the_limit_percentiles_are_good_to_a_thousandth(of: list[float], percent: float) -> None:
    samples = filled(of, exact_limit=20)
    assert not samples.is_exact
    found = samples.nearest(percent)
    assert found == pytest.approx([np.percentile(of, percent, method="inverted_cdf")], rel=1e-3)
    assert samples.mean == pytest.approx(np.mean(of), rel=1e-9)


def test_memory_stays_bounded() -> None:
    samples = Samples(exact_limit=1_000)
    rng = np.random.default_rng(1)
    for _ in range(100):
        samples.add(rng.uniform(10, 100, 1_000))
    assert samples.weight == 100_000
    assert sum(len(part) for part, _ in samples._parts) <= 19_000


def test_nothing_has_no_percentiles() -> None:
    samples = Samples()
    samples.add(np.zeros(0))
    samples.put(3.0, 0.0)
    assert samples.linear(50) is samples.nearest(50) is None
    assert (samples.weight, samples.mean, samples.stdev) == (0, 0, 0)
