"""Alerts of runs: a share of errors while they run, facts at their end, and the order of the last events."""

from typing import Any

from app.benchmarks.alerts import RunAlerts
from app.benchmarks.audience import Audience
from app.benchmarks.schemas import BenchmarkSpec
from app.core.ids import new_id
from app.events.catalogue import check
from app.events.types import Event, Topic
from tests.benchmarks.conftest import Bench, fake
from tests.factories import NOON, make_spec

ENDS = {Topic.BENCHMARK_COMPLETED, Topic.BENCHMARK_FAILED, Topic.BENCHMARK_CANCELLED}


def watch(*seen: tuple[float, int, int]) -> list[list[str]]:
    alerts = RunAlerts(new_id(), "x", Audience)
    told = []
    for elapsed, completed, failed in seen:
        events = alerts.watch({"elapsed_s": elapsed, "completed": completed, "failed": failed}, NOON)
        for event in events:
            check(event)
        told.append([event.topic.value for event in events])
    return told


def test_more_than_half_of_ten_seconds_failed() -> None:
    assert watch((0, 0, 0), (1, 8, 8), (2, 20, 12), (3, 40, 30)) == [[], [], ["alert.raised"], []]
    assert watch((0, 0, 0), (1, 100, 50)) == [[], []], "half is not above half"


def test_it_is_resolved_when_requests_succeed_again_and_told_once() -> None:
    told = watch((0, 0, 0), (1, 20, 20), (2, 40, 40), (12, 80, 50), (14, 120, 52), (25, 160, 52))
    assert told == [[], ["alert.raised"], [], [], ["alert.resolved"], []]


async def _until_end(bench: Bench, **fields: Any) -> list[Event]:
    heard = []
    async with bench.bus.subscribe(["benchmark.*", "alert.*"]) as events:
        await bench.service.submit(bench.caller, BenchmarkSpec.model_validate(make_spec(**fields)))
        async for event in events:
            heard.append(event)
            if event.topic in ENDS:
                return heard + [waiting async for waiting in _rest(bench, events)]
    return heard


async def _rest(bench: Bench, events: Any) -> Any:
    """What came after the end, up to a mark."""
    mark = Event(Topic.BENCHMARK_DELETED, {"id": str(new_id()), "name": "mark", "status": "completed"}, NOON)
    await bench.bus.publish(mark)
    async for event in events:
        if event.payload.get("name") == "mark":
            return
        yield event


async def test_nothing_of_a_benchmark_follows_its_end_but_what_it_means(bench: Bench) -> None:
    heard = await _until_end(bench, workload=fake("good"))
    topics = [event.topic for event in heard]
    assert Topic.BENCHMARK_PROGRESS not in topics[topics.index(Topic.BENCHMARK_COMPLETED) :]
    last = [event for event in heard if event.topic == Topic.BENCHMARK_PROGRESS][-1]
    assert last.payload["status"] == "completed"
