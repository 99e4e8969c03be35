"""Little's law, and servers that do not keep up."""

from typing import Any

import pytest

from app.stats.instrument import InstrumentFacts
from app.stats.summary import summarise
from tests.stats.batches import ORIGIN, SECOND
from tests.stats.simulated import KEY, Requests, closed, queue
from tests.stats.test_steady import usual

OPEN = InstrumentFacts(clocks={"kernel"}, open_loop=True)
SEEDS = range(3)


def summary_of(requests: Requests, **facts: Any) -> dict[str, Any]:
    return summarise(requests.statistics(), InstrumentFacts(clocks={"kernel"}, open_loop=True, **facts))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_server_with_room_is_stable(seed: int) -> None:
    found = summary_of(queue(14, 100, seed, servers=20, mean_s=1.0))["queueing"]
    assert found["is_stable"]
    assert found["warning"] is None
    assert found["little_ratio"] == pytest.approx(1, abs=0.05)
    assert found["in_flight_mean"] == pytest.approx(14, rel=0.25)


@pytest.mark.parametrize("seed", SEEDS)
def test_an_overloaded_server_does_not_keep_up(seed: int) -> None:
    summary = summary_of(queue(30, 60, seed, servers=20, mean_s=1.0))
    assert summary["steady"] is None
    assert not summary["queueing"]["is_stable"]
    warning = summary["queueing"]["warning"]
    assert warning.startswith("the server does not keep up with the arrival rate: in-flight grew from ")
    assert warning in summary["warnings"]


@pytest.mark.parametrize("seed", SEEDS)
def test_behind_a_cap_it_is_the_wait_that_grows(seed: int) -> None:
    requests = queue(30, 60, seed, servers=20, mean_s=1.0, cap=60)
    warning = summary_of(requests)["queueing"]["warning"]
    assert warning.startswith("the server does not keep up with the arrival rate: requests waited longer and longer")
    limited = summary_of(requests, held_by_rate_limit=5)
    assert limited["queueing"]["warning"].startswith("the client's own rate limit holds them back")
    assert any("5 requests waited for this client's own rate limit" in text for text in limited["warnings"])


def test_a_closed_loop_never_outruns_its_server() -> None:
    run = closed(32, 3_000, 1, service_s=usual).statistics()
    assert summarise(run, InstrumentFacts(clocks={"kernel"}))["queueing"]["warning"] is None


@pytest.mark.parametrize("seed", SEEDS)
def test_short_requests_seen_by_few_samples_raise_no_alarm(seed: int) -> None:
    assert summary_of(queue(100, 20, seed, servers=50, mean_s=0.005))["warnings"] == []


def test_in_flight_requests_that_nobody_reported_break_littles_law() -> None:
    run = closed(32, 3_000, 1, service_s=usual).statistics()
    run.add_in_flight(KEY, ORIGIN, ORIGIN + 200 * SECOND, 16)
    found = summarise(run, InstrumentFacts(clocks={"kernel"}))["queueing"]
    assert not found["is_stable"]
    assert found["little_ratio"] == pytest.approx(1.5, abs=0.05)
    assert found["warning"].startswith("Little's law fails: 48")
