import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.stats.criteria import Criteria, Judgement, LatencyLimit, Verdict
from app.stats.search import Probe, SearchPlan, answer, next_level, statement, warnings

CRITERIA = Criteria((LatencyLimit("ttft_ms", 95, 500),))
Server = Callable[[float, int], Verdict]


def plan(minimum: float = 1, maximum: float = 256, parameter: str = "concurrency", **more: float) -> SearchPlan:
    return SearchPlan(parameter, minimum, maximum, CRITERIA, **more)  # type: ignore[arg-type]


def probe(level: float, verdict: Verdict, *, improvable: bool = True) -> Probe:
    reasons = {"met": "fast", "not_met": "p95 ttft_ms is above 500 ms (lower bound 512 ms)", "undecided": "close"}
    return Probe(level, Judgement(verdict, reasons[verdict], 1_200, improvable and verdict == "undecided"))


def searched(search: SearchPlan, server: Server) -> list[Probe]:
    probes: list[Probe] = []
    while (level := next_level(search, probes)) is not None:
        assert search.minimum <= level <= search.maximum
        times = sum(one.level == level for one in probes)
        assert times <= 1
        probes.append(probe(level, server(level, times)))
        assert len(probes) <= search.max_points
    return probes


def knee_at(knee: float) -> Server:
    return lambda level, _: "met" if level <= knee else "not_met"


@given(st.integers(0, 5_000), st.integers(1, 50), st.integers(51, 4_000), st.floats(0.001, 0.5))
def test_a_knee_is_found_to_the_tolerance_and_never_overstated(
    knee: int, minimum: int, maximum: int, tolerance: float
) -> None:
    search = plan(minimum, maximum, tolerance=tolerance, max_points=64)
    found = answer(searched(search, knee_at(knee)))
    if knee < minimum:
        assert found is None
        return
    assert found is not None
    assert found <= knee
    best = min(knee, maximum)
    assert best <= max(found * (1 + tolerance), found + 1)
    assert found == int(found)


@given(st.floats(0.01, 2_000), st.floats(0.02, 0.3))
def test_rates_are_found_likewise(knee: float, tolerance: float) -> None:
    search = plan(0.5, 1_000, "rate", tolerance=tolerance, max_points=64)
    found = answer(searched(search, knee_at(knee)))
    if knee < 0.5:
        assert found is None
    else:
        assert found is not None
        assert found <= min(knee, 1_000) < found * (1 + tolerance) * 1.001


@given(st.floats(1, 300), st.floats(0, 0.4), st.integers(2, 20), st.integers(0, 10**6))
def test_a_noisy_server_ends_within_its_points_and_every_probe_is_kept(
    knee: float, noise: float, max_points: int, seed: int
) -> None:
    draw = random.Random(seed)

    def server(level: float, times: int) -> Verdict:
        if abs(level - knee) < noise * knee and not times:
            return draw.choice(["met", "not_met", "undecided"])
        return knee_at(knee)(level, times)

    search = plan(max_points=max_points)
    probes = searched(search, server)
    assert 1 <= len(probes) <= max_points
    found = answer(probes)
    assert found is None or any(one.level == found and one.judgement.verdict == "met" for one in probes)
    assert statement(search, probes)
    assert next_level(search, probes) is None


def test_levels_double_and_then_halve_the_interval() -> None:
    levels = [one.level for one in searched(plan(maximum=100), knee_at(41))]
    assert levels == [1, 2, 4, 8, 16, 32, 64, 48, 40, 44, 42]  # 40 to 42 is 5 %
    exact = [one.level for one in searched(plan(maximum=100, tolerance=0.01), knee_at(41))]
    assert exact == [*levels, 41]


def test_the_maximum_is_tried_and_is_then_the_answer() -> None:
    probes = searched(plan(maximum=100), knee_at(500))
    assert [one.level for one in probes] == [1, 2, 4, 8, 16, 32, 64, 100]
    assert statement(plan(maximum=100), probes).endswith("it is the highest level asked for")


def test_an_undecided_level_is_measured_once_more_when_all_else_is_done() -> None:
    def server(level: float, times: int) -> Verdict:
        if level == 11:
            return "met" if times else "undecided"
        return knee_at(11)(level, times)

    probes = searched(plan(), server)
    assert [one.level for one in probes] == [1, 2, 4, 8, 16, 12, 10, 11, 11]
    assert answer(probes) == 11


def test_an_undecided_minimum_is_measured_once_more_too() -> None:
    probes = searched(plan(4), lambda _, times: "met" if times else "undecided")
    assert [one.level for one in probes[:3]] == [4, 4, 8]


def test_what_more_samples_cannot_decide_is_not_repeated() -> None:
    assert next_level(plan(), [probe(1, "undecided", improvable=False)]) is None


def test_statements() -> None:
    assert statement(plan(), [probe(96, "met"), probe(104, "not_met")], cut_short="cancelled") == (
        "concurrency 96 meets p95 ttft_ms ≤ 500 ms (95 % confidence, 1,200 requests); 104 does not: "
        "p95 ttft_ms is above 500 ms (lower bound 512 ms); the search is not finished: cancelled"
    )
    assert statement(plan(parameter="rate"), [probe(1, "not_met")]).startswith(
        "no rate is known to meet p95 ttft_ms ≤ 500 ms: already 1/s does not: p95 ttft_ms is above"
    )
    wide = [probe(1, "met"), probe(2, "met"), probe(4, "not_met")]
    assert "the search ended after 3 points" in statement(plan(max_points=3), wide)
    assert statement(plan(), [], cut_short="it failed") == "nothing was found out about concurrency: it failed"


def test_a_server_that_is_not_monotone_is_told_of() -> None:
    probes = [probe(1, "met"), probe(8, "met"), probe(4, "not_met")]
    assert answer(probes) == 1
    (warning,) = warnings(plan(), probes)
    assert warning.startswith("concurrency 8 meets the criteria although 4 does not")
    assert warnings(plan(), probes[:2]) == []


@pytest.mark.parametrize("knee", [0.5, 1.0, 37.2, 255.9])
def test_points_run_out_without_an_overstatement(knee: float) -> None:
    probes = searched(plan(max_points=4), knee_at(knee))
    assert len(probes) <= 4
    found = answer(probes)
    assert found is None or found <= knee
    assert not math.isinf(found or 0)
