import base64

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st

from app.stats.histogram import DURATIONS, Histogram, Layout, percentile_rank
from app.stats.timeline import COARSE

VALUES = st.lists(st.one_of(st.integers(0, DURATIONS.limit), st.integers(0, 5_000_000)), max_size=200)
LAYOUTS = st.sampled_from([DURATIONS, COARSE, Layout(1, 3_600_000_000, 3), Layout(1, 10_000, 1)])
PERCENTILES = (0, 1, 25, 50, 75, 90, 95, 99, 99.9, 100)


def library_histogram(values: list[int], layout: Layout = DURATIONS) -> HdrHistogram:
    histogram = HdrHistogram(layout.lowest, layout.highest, layout.digits)
    for value in values:
        assert histogram.record_value(value)
    return histogram


def of(values: list[int], layout: Layout = DURATIONS) -> Histogram:
    histogram = Histogram(layout)
    histogram.record(np.array(values, dtype=np.int64))
    return histogram


@given(LAYOUTS, st.data())
def test_buckets_are_those_of_the_library(layout: Layout, data: st.DataObject) -> None:
    values = data.draw(st.lists(st.integers(0, layout.limit), min_size=1, max_size=50))
    library = HdrHistogram(layout.lowest, layout.highest, layout.digits)
    assert layout.length == library.counts_len
    for value, index in zip(values, layout.indices(np.array(values, dtype=np.int64)), strict=True):
        assert index == library.get_counts_array_index(value)
        assert layout.lower_edge(int(index)) == library.get_lowest_equivalent_value(value)
        assert layout.upper_edge(int(index)) == library.get_highest_equivalent_value(value)


@given(VALUES.filter(bool))
def test_percentiles_are_the_bucket_edges_of_the_nearest_rank(values: list[int]) -> None:
    library = library_histogram(values)
    exact = np.percentile(values, PERCENTILES[1:], method="inverted_cdf")
    expected = [library.get_highest_equivalent_value(int(value)) for value in exact]
    # The first bucket, half of the resolution wide, counts as 0.
    assert of(values).percentiles(*PERCENTILES[1:]) == [0 if value < 512 else value for value in expected]
    assert of(values).percentiles(0) == [library.get_lowest_equivalent_value(min(values))]


def test_no_more_samples_lie_above_a_percentile_than_it_says() -> None:
    values = [number * 1_000_000 for number in range(1, 61)]
    (p75, p99) = of(values[:35]).percentiles(75, 99) or (0, 0)
    assert sum(value > p75 for value in values[:35]) <= 35 * 0.25
    assert p99 >= values[34]
    assert (of(values).percentiles(99) or [0])[0] >= values[59]


def test_percentages_that_floating_point_misses_keep_their_rank() -> None:
    assert [percentile_rank(99.9, 10**power) for power in (3, 4, 5)] == [999, 9_990, 99_900]


@given(VALUES)
def test_encoding_round_trips_through_the_library_both_ways(values: list[int]) -> None:
    mine = of(values)
    encoded = mine.encode()
    decoded = Histogram.decode(encoded)
    assert np.array_equal(np.trim_zeros(decoded.counts, "b"), np.trim_zeros(mine.counts, "b"))
    theirs = library_histogram(values)
    assert Histogram.decode(base64.b64decode(theirs.encode())).total == len(values)
    assert decoded.percentiles(*PERCENTILES) == mine.percentiles(*PERCENTILES)


@given(VALUES, VALUES)
def test_merging_equals_recording_everything_in_one(first: list[int], second: list[int]) -> None:
    merged = of(first)
    merged.merge(of(second))
    everything = of(first + second)
    assert merged.total == everything.total
    assert merged.percentiles(*PERCENTILES) == everything.percentiles(*PERCENTILES)


@given(VALUES.filter(bool), st.integers(0, 3), st.integers(0, 3))
def test_values_out_of_range_are_counted_and_rank_at_the_ends(values: list[int], below: int, above: int) -> None:
    histogram = of([*values, *[-1] * below, *[DURATIONS.limit + 1] * above])
    assert (histogram.below, histogram.above) == (below, above)
    assert histogram.total == len(values) + below + above
    low, high = histogram.percentiles(0.0001, 100) or (None, None)
    assert low == 0 or not below
    assert (high == DURATIONS.limit) or not above


@given(st.lists(st.integers(1_000_000, 3_600 * 10**9), min_size=1, max_size=100))
def test_three_digits_hold_over_the_range(values: list[int]) -> None:
    median = (of(values).percentiles(50) or [0])[0]
    exact = sorted(values)[-(-len(values) // 2) - 1]
    assert exact <= median <= exact * 1.001


def test_an_empty_histogram_has_no_percentiles_and_survives_encoding() -> None:
    assert Histogram().percentiles(50) is None
    assert Histogram.decode(Histogram().encode()).total == 0


def test_layouts_do_not_mix() -> None:
    with pytest.raises(ValueError, match="cannot merge"):
        Histogram(DURATIONS).merge(Histogram(COARSE))
    with pytest.raises(ValueError, match="expected"):
        Histogram.decode(Histogram(COARSE).encode())
