import numpy as np
import pytest

from app.stats.pace import Pace, falls_behind, starts_late

SECOND = 10**9
START = 1_800_000_000 * SECOND


def pace(seconds: float = 60.0, late_s: float = 0.0, requests: int = 600) -> Pace:
    end = START + round(seconds * SECOND)
    return Pace(START, end, end + round(late_s * SECOND), requests)


@pytest.mark.parametrize(("late_s", "late"), [(0.0, False), (3.0, False), (3.3, True), (60.0, True)])
def test_starts_are_late_below_95_percent_of_the_rate(late_s: float, late: bool) -> None:
    found = starts_late(pace(late_s=late_s), 10)
    assert (found is not None) is late
    if late_s == 60:
        assert found == "requests started at 5/s instead of 10/s"


def test_a_handful_of_requests_says_nothing() -> None:
    assert starts_late(pace(late_s=60, requests=5), 10) is None


def seconds(counts: list[float]) -> tuple[list[float], list[float]]:
    return [START + (number + 1) * SECOND for number in range(len(counts))], counts


def test_a_queue_that_grows_is_noticed() -> None:
    counts = [2 * float(second) for second in range(60)]
    found = falls_behind(pace(), 10, *seconds(counts), SECOND)
    assert found is not None
    assert found.startswith("requests in flight kept growing, by 2 a second at 10/s")


def test_steady_traffic_that_varies_by_chance_is_not() -> None:
    draw = np.random.default_rng(1)
    for _ in range(200):
        counts = draw.poisson(30, 60).astype(float).tolist()
        assert falls_behind(pace(), 10, *seconds(counts), SECOND) is None


def test_filling_up_at_the_start_is_not_growth() -> None:
    counts = [min(float(second), 20.0) for second in range(60)]
    assert falls_behind(pace(), 10, *seconds(counts), 20 * SECOND) is None


def test_short_runs_say_nothing() -> None:
    assert falls_behind(pace(4), 10, *seconds([0, 100, 200, 300]), SECOND) is None


def test_shards_add_up() -> None:
    one, other = Pace(), pace()
    one.merge(other)
    one.merge(Pace())
    one.add(START - SECOND, START + 90 * SECOND)
    assert one == Pace(START - SECOND, other.last_intended_ns, START + 90 * SECOND, 601)
    assert Pace.unpack(one.pack()) == one
