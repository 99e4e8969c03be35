import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.stats.timeline import MAX_POINTS, Timeline
from tests.stats.batches import ORIGIN, SECOND, batch


def total(column: list[float | None], width: float = 1.0) -> float:
    return math.fsum(value or 0 for value in column) * width


def test_each_thing_is_put_into_the_second_in_which_it_happened() -> None:
    timeline = Timeline(ORIGIN)
    gaps = [[SECOND, SECOND, SECOND // 2]]
    timeline.add(batch([3.9], first_s=[1.2], ttft_ms=[200], gaps=gaps, chunks=[4], output_tokens=[8]))
    columns = timeline.columns()
    assert columns["t_s"] == [0, 1, 2, 3]
    assert columns["chunks_per_s"] == [0, 1, 1, 2]
    assert columns["output_tokens_per_s"] == [0, 2, 2, 4]
    assert columns["requests_per_s"] == [0, 0, 0, 1]
    assert columns["ttft_p50_ms"] == [None, pytest.approx(200, rel=0.01), None, None]
    assert columns["gap_p50_ms"][:3] == [None, None, pytest.approx(1000, rel=0.01)]


def test_censored_gaps_move_time_on_but_are_no_gaps() -> None:
    timeline = Timeline(ORIGIN)
    timeline.add(batch([2.0], first_s=[0.5], gaps=[[-1, SECOND, 10_000_000]], chunks=[4]))
    columns = timeline.columns()
    assert columns["chunks_per_s"] == [2, 2, 0]  # the censored chunk's own second is not known: it keeps the last one
    assert columns["gap_p99_ms"] == [None, pytest.approx(10, rel=0.01), None]


def test_failed_requests_are_errors_and_give_no_latencies_or_tokens() -> None:
    timeline = Timeline(ORIGIN)
    timeline.add(batch([0.5, 1.5], ok=[False, True], ttft_ms=[1, 2], output_tokens=[10, 10]))
    columns = timeline.columns()
    assert columns["errors_per_s"] == [1, 0]
    assert columns["ttft_p50_ms"][0] is None
    assert columns["output_tokens_per_s"] == [0, 10]


def test_in_flight_is_the_mean_over_each_second_and_adds_up_over_shards() -> None:
    first, second = Timeline(ORIGIN), Timeline(ORIGIN)
    first.add_in_flight(ORIGIN, ORIGIN + 3 * SECOND // 2, 8)
    second.add_in_flight(ORIGIN - SECOND, ORIGIN + 2 * SECOND, 3)
    first.merge(second)
    assert first.columns()["in_flight"] == [11, 7]


ENDS = st.lists(st.integers(0, 40_000).map(lambda milliseconds: milliseconds / 1000), max_size=30)


@given(ENDS, ENDS, st.integers(1, 50))
def test_merging_and_coarsening_lose_nothing(first: list[float], second: list[float], max_points: int) -> None:
    timeline, other = Timeline(ORIGIN, max_points), Timeline(ORIGIN, max_points)
    for target, ends in ((timeline, first), (other, second)):
        target.add(batch(ends, ttft_ms=[100.0] * len(ends), output_tokens=[7] * len(ends)))
        assert len(target) <= max_points
    timeline.merge(Timeline.unpack(other.pack(), max_points))
    columns = timeline.columns()
    ended = len(first) + len(second)
    assert len({len(column) for column in columns.values()}) == 1
    assert len(timeline) <= max_points
    assert total(columns["requests_per_s"], timeline.width_s) == pytest.approx(ended)
    assert total(columns["output_tokens_per_s"], timeline.width_s) == pytest.approx(7 * ended)
    measured = sum(int(counts[1].sum()) for counts in timeline.histograms["ttft"].values())
    assert measured == ended
    happened = {int(end // timeline.width_s) for end in first + second}
    assert {row for row, value in enumerate(columns["ttft_p50_ms"]) if value is not None} == happened


def test_a_day_fits() -> None:
    timeline = Timeline(ORIGIN)
    for hour in range(24):
        timeline.add(batch((np.arange(0, 3600, 10) + hour * 3600.0).tolist()))
    assert len(timeline) <= MAX_POINTS
    assert timeline.width_s == 32
    assert total(timeline.columns()["requests_per_s"], 32) == pytest.approx(24 * 360)


def test_timelines_of_different_origins_do_not_merge() -> None:
    with pytest.raises(ValueError, match="origins"):
        Timeline(0).merge(Timeline(1))
