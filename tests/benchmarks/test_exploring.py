"""Which point comes next and what is said in the end, from statistics that are made up."""

from typing import Any

import numpy as np
import pytest

from app.benchmarks.budget import BudgetWatch
from app.benchmarks.exploring import Exploration, completed
from app.benchmarks.planner import Point
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.summary_views import Summary
from app.stats.instrument import InstrumentFacts
from app.stats.pace import Pace
from app.stats.run_statistics import RunStatistics, TargetKey
from app.stats.summary import summarise
from tests.factories import make_spec
from tests.stats.batches import ORIGIN, SECOND, batch

FACTS = InstrumentFacts(clocks={"kernel"}, send_lag_ns={"p50": 1000, "p99": 2000}, seconds=5)
SEARCH: dict[str, Any] = {
    "kind": "search",
    "parameter": "concurrency",
    "minimum": 1,
    "maximum": 64,
    "criteria": [{"metric": "ttft_ms", "percentile": 95, "limit_ms": 500}],
}


class Run:
    """A run whose server has `capacity` slots and answers everything beyond them late."""

    def __init__(self, capacity: float, **fields: Any) -> None:
        values = {"stop": {"requests": 200}, "explore": SEARCH} | fields
        self.spec = BenchmarkSpec.model_validate(make_spec(**values))
        self.statistics = RunStatistics(ORIGIN)
        self.exploration = Exploration(self.spec)
        self.capacity = capacity
        self.points: list[Point] = []

    def measure(self, point: Point, facts: InstrumentFacts = FACTS, **more: Any) -> None:
        self.points.append(point)
        target = self.spec.targets[point.target_index]
        level = point.level or 0
        ttft = 100.0 if level <= self.capacity else 900.0
        began = 100.0 * len(self.points)
        ended = np.linspace(began + 1, began + 50, 200)
        found = batch(ended.tolist(), started_s=(ended - 1).tolist(), ttft_ms=[ttft] * 200, stream_end_ms=[1e3] * 200)
        self.statistics.add(TargetKey(target.provider, target.model, point.point, point.level), found)
        first = ORIGIN + round(began * SECOND)
        pace = more.pop("pace", Pace(first, first + 50 * SECOND, first + 50 * SECOND, 200))
        self.exploration.take(point, self.statistics, facts, pace, **more)

    def all(self) -> None:
        while (point := self.exploration.next()) is not None:
            self.measure(point)

    def summary(self) -> Summary:
        found = completed(
            summarise(self.statistics, FACTS), self.statistics, self.exploration, BudgetWatch(self.spec, None)
        )
        return Summary.model_validate(found)


def two_targets() -> list[dict[str, str]]:
    return [{"provider": "local", "model": model} for model in ("small", "large")]


def test_a_plain_run_is_one_point_per_target() -> None:
    run = Run(9, explore=None, targets=two_targets())
    run.all()
    assert run.points == [Point(0), Point(1)]
    summary = run.summary()
    assert (summary.points, summary.exploration, summary.budget, summary.warnings) == (None, None, None, [])
    assert [one.requests.ok for one in summary.by_target] == [200, 200]


def test_a_sweep_measures_each_target_at_every_level() -> None:
    run = Run(9, targets=two_targets(), explore={"kind": "sweep", "parameter": "concurrency", "values": [4, 1, 16]})
    run.all()
    assert [(point.target_index, point.point, point.level) for point in run.points] == [
        *[(0, 0, 4), (0, 1, 1), (0, 2, 16)],
        *[(1, 0, 4), (1, 1, 1), (1, 2, 16)],
    ]
    summary = run.summary()
    assert summary.points is not None
    assert [(one.model, one.point, one.value) for one in summary.points] == [
        *[("small", 0, 4), ("small", 1, 1), ("small", 2, 16)],
        *[("large", 0, 4), ("large", 1, 1), ("large", 2, 16)],
    ]
    ttft = [one.metrics["ttft_ms"] for one in summary.points]
    assert [round(one.p50 or 0) for one in ttft if one] == [100, 100, 900] * 2
    assert [one.requests.ok for one in summary.by_target] == [600, 600]
    assert summary.requests.ok == 1_200
    assert summary.exploration is not None
    assert summary.exploration.by_target[0].statement == "concurrency 4, 1, 16 measured"
    assert {one.verdict for one in summary.points} == {None}


def test_a_search_follows_what_it_finds() -> None:
    run = Run(9)
    run.all()
    assert [point.level for point in run.points] == [1, 2, 4, 8, 16, 12, 10, 9]
    summary = run.summary()
    assert summary.exploration is not None
    assert summary.points is not None
    (found,) = summary.exploration.by_target
    assert found.answer == 9
    assert found.statement.startswith(
        "concurrency 9 meets p95 ttft_ms ≤ 500 ms (95 % confidence, 200 requests); "
        "10 does not: p95 ttft_ms is above 500 ms (lower bound 900"
    )
    verdicts = {one.value: one.verdict for one in summary.points}
    assert verdicts == {level: "met" if level <= 9 else "not_met" for level in verdicts}
    assert all(one.reason and one.instrument for one in summary.points)


def test_each_target_has_a_search_of_its_own() -> None:
    run = Run(3, targets=two_targets(), explore=SEARCH | {"max_points": 3})
    run.all()
    assert [(point.target_index, point.point, point.level) for point in run.points] == [
        *[(0, 0, 1), (0, 1, 2), (0, 2, 4)],
        *[(1, 0, 1), (1, 1, 2), (1, 2, 4)],
    ]


def test_an_end_before_its_time_keeps_what_was_measured() -> None:
    run = Run(9)
    for _ in range(3):
        point = run.exploration.next()
        assert point is not None
        run.measure(point)
    point = run.exploration.next()
    assert point is not None
    run.measure(point, cut_short="cancelled")
    assert run.exploration.next() is None
    summary = run.summary()
    assert summary.points is not None
    assert summary.exploration is not None
    assert [one.verdict for one in summary.points] == ["met", "met", "met", None]
    assert summary.points[3].reason == "cancelled"
    assert summary.exploration.by_target[0].answer == 4
    assert summary.exploration.by_target[0].statement.endswith("the search is not finished: cancelled")


def test_a_level_that_was_interrupted_is_named() -> None:
    run = Run(9, explore={"kind": "sweep", "parameter": "concurrency", "values": [1, 2, 4]})
    run.all()
    key = next(key for key in run.statistics.targets if key.level == 2)
    run.statistics.add_interruption(key, ORIGIN + 205 * SECOND, ORIGIN + 210 * SECOND)
    summary = run.summary()
    (told,) = (text for text in summary.warnings if "interrupted" in text)
    assert told.startswith("at concurrency 2 a part of the run was interrupted, from 205.0 s to 210.0 s")
    assert summary.points is not None
    assert ["interrupted" in point.window.reason for point in summary.points if point.window] == [False, True, False]


def test_a_run_that_never_measured_says_so() -> None:
    run = Run(9)
    run.exploration.end("an engine failed")
    summary = run.summary()
    assert summary.exploration is not None
    assert summary.exploration.by_target[0].answer is None
    assert summary.exploration.by_target[0].statement.endswith("an engine failed")


def test_a_sweep_whose_server_died_tells_what_its_rows_say() -> None:
    sweep = {"kind": "sweep", "parameter": "concurrency", "values": [1, 2, 4]}
    run = Run(9, explore=sweep)
    for _ in range(2):
        point = run.exploration.next()
        assert point is not None
        run.measure(point)
    run.exploration = Exploration(run.spec)  # what the next server knows
    run.exploration.end("the server stopped during the run")
    summary = run.summary()
    assert summary.points is not None
    assert summary.exploration is not None
    assert [(one.value, one.reason) for one in summary.points] == [(1, None), (2, "the server stopped during the run")]
    assert summary.exploration.by_target[0].statement == (
        "concurrency 1, 2 measured; the sweep is not finished: the server stopped during the run"
    )


def test_a_sweep_that_never_measured_says_so() -> None:
    run = Run(9, explore={"kind": "sweep", "parameter": "rate", "values": [1]}, load={"kind": "poisson", "rate": 1})
    run.exploration.end("cancelled")
    summary = run.summary()
    assert summary.exploration is not None
    assert summary.exploration.by_target[0].statement == "nothing measured; the sweep is not finished: cancelled"


def test_a_probe_of_a_busy_client_does_not_count_and_is_measured_again() -> None:
    run = Run(9, explore=SEARCH | {"minimum": 4})
    busy = InstrumentFacts(clocks={"kernel"}, cpu_share=0.99, seconds=5)
    for facts in (busy, FACTS):
        point = run.exploration.next()
        assert point is not None
        assert point.level == 4
        run.measure(point, facts)
    assert run.exploration.next() == Point(0, 2, 8)
    points = run.summary().points
    assert points is not None
    assert [one.verdict for one in points] == ["undecided", "met"]
    assert (points[0].reason or "").startswith("the client was the limit: an engine used 99% of its core")


RATES: dict[str, Any] = {
    "load": {"kind": "poisson", "rate": 1},
    "explore": SEARCH | {"parameter": "rate", "minimum": 4},
}


@pytest.mark.parametrize("held", [False, True])
def test_a_rate_that_was_not_reached_is_not_met(held: bool) -> None:
    run = Run(100, **RATES | ({"limits": {"requests_per_minute": 60}} if held else {}))
    pace = Pace(ORIGIN, ORIGIN + 50 * SECOND, ORIGIN + 100 * SECOND, 200)
    point = run.exploration.next()
    assert point is not None
    run.measure(point, pace=pace)
    points = run.summary().points
    assert points is not None
    if held:
        assert points[0].verdict == "undecided"
        assert "limits.requests_per_minute" in (points[0].reason or "")
    else:
        assert points[0].verdict == "not_met"
        assert "requests started at 2/s instead of 4/s: the server does not keep up" in (points[0].reason or "")


@pytest.mark.parametrize("grows", [False, True])
def test_a_server_that_does_not_keep_up_with_a_rate_meets_nothing(grows: bool) -> None:
    run = Run(100, **RATES)
    for second in range(100, 150):
        in_flight = 2 * (second - 100) if grows else 4
        run.statistics.timeline.add_in_flight(ORIGIN + second * SECOND, ORIGIN + (second + 1) * SECOND, in_flight)
    point = run.exploration.next()
    assert point is not None
    run.measure(point)
    points = run.summary().points
    assert points is not None
    assert points[0].verdict == ("not_met" if grows else "met")
    assert ("kept growing" in (points[0].reason or "")) is grows


def test_statistics_keep_their_points_and_older_ones_have_none() -> None:
    run = Run(9, explore={"kind": "sweep", "parameter": "concurrency", "values": [4, 16]})
    run.all()
    again = RunStatistics.decode(run.statistics.encode())
    assert list(again.targets) == [TargetKey("local", "small", 0, 4), TargetKey("local", "small", 1, 16)]
    assert again.by_target()["local", "small"].counters.ok == 400
