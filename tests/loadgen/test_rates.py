"""The cumulative rate and its inverse."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.loadgen.plan import Segment
from app.loadgen.rates import CumulativeRate

SECOND = 10**9
rates = st.floats(1e-5, 1e5)
curves = st.sampled_from(["linear", "exponential"])
ended = st.builds(Segment, rates, rates, st.floats(0.01, 1e5), curves)


@st.composite
def loads(draw: st.DrawFn) -> tuple[Segment, ...]:
    pieces = draw(st.lists(ended, max_size=6))
    if not pieces or draw(st.booleans()):
        rate = draw(rates)
        pieces.append(Segment(rate, rate))
    return tuple(pieces)


@given(segments=loads(), shares=st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=20))
def test_there_and_back(segments: tuple[Segment, ...], shares: list[float]) -> None:
    rate = CumulativeRate(segments)
    most = rate.total if math.isfinite(rate.total) else rate.arrivals_by(10**15)
    before = 0
    fastest = max(max(segment.rate_from, segment.rate_to) for segment in segments)
    for position in sorted(share * most for share in shares):
        offset = rate.offset_ns(int(position), position - int(position))
        if position >= rate.total:
            assert offset is None
            continue
        assert offset is not None
        assert offset >= before
        before = offset
        # Offsets are whole nanoseconds, in which up to `fastest` / 10^9 arrivals come.
        assert rate.arrivals_by(offset) == pytest.approx(position, rel=1e-9, abs=1e-9 + 2e-9 * fastest)


@given(segments=loads(), instants=st.lists(st.integers(0, 10**15), min_size=2, max_size=20))
def test_arrivals_only_ever_grow(segments: tuple[Segment, ...], instants: list[int]) -> None:
    rate = CumulativeRate(segments)
    found = [rate.arrivals_by(instant) for instant in sorted(instants)]
    assert all(later >= earlier * (1 - 1e-12) for earlier, later in pairwise(found))
    assert found[-1] <= rate.total


@pytest.mark.parametrize(
    ("segment", "total", "half"),
    [
        (Segment(10, 30, 10), 200, 10 * 5 + 2 * 25 / 2),
        (Segment(30, 10, 10), 200, 30 * 5 - 2 * 25 / 2),
        (Segment(0, 10, 10), 50, 12.5),
        (Segment(10, 0, 10), 50, 37.5),
        (Segment(1, 100, 10, "exponential"), 99 * 10 / math.log(100), 9 * 10 / math.log(100)),
        (Segment(100, 1, 10, "exponential"), 99 * 10 / math.log(100), 90 * 10 / math.log(100)),
        (Segment(10, 10 + 1e-12, 10, "exponential"), 100, 50),
        (Segment(10, 10, 10, "exponential"), 100, 50),
    ],
)
def test_areas_under_the_curve(segment: Segment, total: float, half: float) -> None:
    rate = CumulativeRate([segment])
    assert rate.total == pytest.approx(total, rel=1e-12)
    assert rate.arrivals_by(5 * SECOND) == pytest.approx(half, rel=1e-12)
    assert rate.arrivals_by(11 * SECOND) == rate.total
    assert rate.arrivals_by(-1) == 0
    back = rate.offset_ns(int(half), half - int(half))
    assert back is not None
    assert abs(back - 5 * SECOND) <= 1
    assert rate.offset_ns(math.ceil(total) + 1) is None


def test_boundaries_are_exact_though_no_float_is_a_tenth() -> None:
    rate = CumulativeRate([Segment(33.3, 33.3, 30), Segment(0.1, 0.1, 30), Segment(0.7, 0.7)])
    assert [rate.offset_ns(number) for number in (999, 1002)] == [30 * SECOND, 60 * SECOND]


def test_a_long_fast_beginning_costs_the_slow_rest_no_precision() -> None:
    rate = CumulativeRate([Segment(100_000, 100_000, 500_000), Segment(0.001, 0.001)])
    begins = 100_000 * 500_000
    assert rate.offset_ns(begins, 0.5) == 500_500 * SECOND


@pytest.mark.parametrize(
    ("segments", "says"),
    [
        ([], "needs a rate"),
        ([Segment(-1, 1, 1)], "not -1"),
        ([Segment(1, math.nan, 1)], "requests per second"),
        ([Segment(1, 2)], "needs a length"),
        ([Segment(1, 1), Segment(1, 1)], "only the last"),
        ([Segment(1, 1, 0)], "longer than 0"),
        ([Segment(0, 2, 1, "exponential")], "rate 0"),
    ],
)
def test_what_cannot_be_is_refused(segments: list[Segment], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        CumulativeRate(segments)
