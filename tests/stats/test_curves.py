"""Curves against the samples themselves, their bands against many runs, heatmaps against a plain count."""

import math

import numpy as np
import pytest

from app.stats import curves, heatmap
from app.stats.curves import band_half_width
from app.stats.distribution import Distribution
from app.stats.error_classes import ErrorClasses
from app.stats.histogram import DURATIONS
from app.stats.intervals import ranks
from app.stats.timeline import COARSE


def _distribution(values_ms: np.ndarray) -> Distribution:
    distribution = Distribution()
    distribution.record_ms(values_ms)
    return distribution


def _lognormal(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).lognormal(5.0, 0.7, n)


def test_the_cumulative_distribution_is_that_of_the_samples() -> None:
    samples = _lognormal(5_000, 1)
    found = curves.cdf(_distribution(samples))
    assert 100 < len(found.value_ms) <= curves.MAX_CDF_POINTS + 1
    assert found.value_ms == sorted(found.value_ms)
    assert found.share[-1] == 1.0
    assert found.value_ms[-1] == pytest.approx(samples.max(), rel=1e-3)
    exact = [(samples <= value * (1 + 1e-9)).mean() for value in found.value_ms]
    assert found.share == pytest.approx(exact, abs=2e-3)
    assert all(low <= share <= high for low, share, high in zip(found.low, found.share, found.high, strict=True))


def test_the_band_holds_the_whole_true_curve_in_95_of_100_runs() -> None:
    n, missed = 200, 0
    for seed in range(400):
        uniform = np.sort(np.random.default_rng(seed).random(n))
        steps = np.arange(1, n + 1) / n
        missed += max((steps - uniform).max(), (uniform - steps + 1 / n).max()) > band_half_width(n)
    assert missed / 400 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 400)
    assert missed > 0, "a band that nothing ever leaves says nothing"


def test_the_spectrum_is_the_tables_percentiles_with_their_intervals() -> None:
    samples = np.sort(_lognormal(2_000, 2))
    distribution = _distribution(samples)
    found = curves.spectrum(distribution)
    summary = distribution.summary()
    assert summary is not None
    for percentile in (50.0, 75.0, 90.0, 95.0, 99.0, 99.9):
        at = found.percentile.index(percentile)
        assert found.value_ms[at] == summary[f"p{percentile:g}"]
        expected = summary["ci"][f"p{percentile:g}"]
        assert [found.low_ms[at], found.high_ms[at]] == (expected or [None, None])
    assert found.percentile[0] == 0.0
    assert found.percentile[-1] <= 100 * (1 - 1 / 2_000) + 1e-9
    assert len(set(found.percentile)) == len(found.percentile)
    assert found.value_ms == sorted(found.value_ms)
    low, high = ranks(2_000, 95.0) or (0, 0)
    at = found.percentile.index(95.0)
    assert found.low_ms[at] == pytest.approx(samples[low - 1], rel=1e-3)
    assert found.high_ms[at] == pytest.approx(samples[high - 1], rel=1e-3)


@pytest.mark.parametrize("samples", [[], [7.0], [7.0, 7.0, 7.0]])
def test_few_samples_have_curves_without_inventions(samples: list[float]) -> None:
    distribution = _distribution(np.array(samples))
    cdf, spectrum = curves.cdf(distribution), curves.spectrum(distribution)
    if not samples:
        assert (cdf.value_ms, spectrum.percentile) == ([], [])
        return
    assert (cdf.value_ms, cdf.share, cdf.high) == ([7.0], [1.0], [1.0])
    assert set(spectrum.value_ms) == {7.0}
    assert set(spectrum.low_ms) == {None}


def test_midpoints_lie_in_their_buckets() -> None:
    for layout in (DURATIONS, COARSE):
        indices = np.unique(np.geomspace(1, layout.length - 1, 200).astype(np.int64))
        for index, middle in zip(indices.tolist(), heatmap.midpoints(layout, indices).tolist(), strict=True):
            assert layout.lower_edge(index) <= middle <= layout.upper_edge(index) + 1


def test_a_heatmap_counts_every_sample_where_it_belongs_and_stays_bounded() -> None:
    rng = np.random.default_rng(3)
    slices = rng.integers(100, 1_400, 20_000)
    values = rng.lognormal(18.0, 1.5, 20_000)  # nanoseconds
    one = heatmap.Samples(10**9, slices, values, np.ones(20_000, dtype=np.int64))
    found = heatmap.grid([one])
    assert found.columns <= heatmap.MAX_COLUMNS
    assert len(found.edges_ms) <= heatmap.MAX_ROWS + 1
    assert sum(found.count) == 20_000
    for column, row, count in list(zip(found.column, found.row, found.count, strict=True))[::97]:
        begin = found.from_s + column * found.width_s
        inside = (slices >= begin) & (slices < begin + found.width_s)
        inside &= (values / 1e6 >= found.edges_ms[row]) & (values / 1e6 < found.edges_ms[row + 1])
        assert count == inside.sum()


def test_parts_of_other_widths_share_a_grid() -> None:
    fine = heatmap.Samples(10**9, np.array([0, 1, 2]), np.full(3, 1e6), np.array([1, 1, 1]))
    wide = heatmap.Samples(4 * 10**9, np.array([1]), np.full(1, 1e6), np.array([5]))
    found = heatmap.grid([fine, wide])
    assert (found.width_s, found.columns, found.column, found.count) == (4.0, 2, [0, 1], [3, 5])
    assert heatmap.grid([]).columns == 0


def test_error_classes_keep_every_failure_when_points_merge() -> None:
    errors = ErrorClasses(max_points=4)
    for at in range(10):
        errors.add(at + 0.5, {"http_429": 1} if at % 2 else {"connect": 2, "http_429": 1})
    at_s, series = errors.columns()
    assert errors.width_s == 4
    assert at_s == [0.0, 4.0, 8.0]
    assert {name: sum(values) * errors.width_s for name, values in series.items()} == {"connect": 10, "http_429": 10}
