"""The alerts that there are: what lasts, what is over, and who sees which."""

from typing import Any
from uuid import UUID

import pytest

from app.accounts.permissions import Role
from app.core.clock import SystemClock
from app.core.ids import new_id
from app.events.memory import MemoryBus
from app.events.types import Event, Topic
from app.monitoring.alert_board import MAX_OPEN, MAX_PAST, AlertBoard, Told
from tests.factories import NOON, make_caller
from tests.service import Running, running

__all__ = ["running"]

OWNER = make_caller()
OTHER = make_caller()
ADMIN = make_caller(role=Role.ADMIN)


def alert(key: str, *, is_lasting: bool = True, topic: Topic = Topic.ALERT_RAISED, **about: Any) -> Event:
    payload = {
        "key": key,
        "kind": "error_share" if is_lasting else "budget_reached",
        "severity": "critical",
        "message": f"about {key}",
        "is_lasting": is_lasting,
    }
    return Event(topic, payload, NOON, **about)


def keys(found: list[Told]) -> list[str]:
    return [told.payload["key"] for told in found]


@pytest.fixture
async def bus() -> MemoryBus:
    return MemoryBus()


async def test_what_lasts_is_open_until_it_is_resolved(bus: MemoryBus) -> None:
    board = AlertBoard(bus, SystemClock())
    bus.post(alert("before"))
    board.start()
    bus.post(alert("one"))
    bus.post(alert("two"))
    bus.post(alert("fact", is_lasting=False))
    bus.post(alert("one"))
    assert keys(board.open(ADMIN)) == ["one", "two"]
    assert keys(board.past(ADMIN)) == ["fact"]
    bus.post(alert("two", topic=Topic.ALERT_RESOLVED))
    bus.post(alert("before", topic=Topic.ALERT_RESOLVED))
    assert keys(board.open(ADMIN)) == ["one"]
    assert [(told.payload["key"], told.resolved_at) for told in board.past(ADMIN)] == [
        ("before", NOON),
        ("two", NOON),
        ("fact", None),
    ]
    board.close()
    bus.post(alert("after"))
    assert keys(board.open(ADMIN)) == ["one"]


async def test_an_alert_is_as_visible_as_its_benchmark_is_now(bus: MemoryBus) -> None:
    board = AlertBoard(bus, SystemClock())
    board.start()
    mine: dict[str, Any] = {"session_id": new_id(), "owner_id": OWNER.user_id}
    bus.post(alert("shared", **mine, visibility="all"))
    bus.post(alert("fact", **mine, visibility="all", is_lasting=False))
    bus.post(alert("disk"))
    assert keys(board.open(OTHER)) == ["disk", "shared"]
    assert keys(board.past(OTHER)) == ["fact"]

    bus.post(_state(Topic.BENCHMARK_UPDATED, mine["session_id"], OWNER.user_id))
    assert keys(board.open(OTHER)) == ["disk"]
    assert keys(board.past(OTHER)) == []
    assert keys(board.open(OWNER)) == ["disk", "shared"]

    bus.post(_state(Topic.BENCHMARK_DELETED, mine["session_id"], OWNER.user_id))
    assert keys(board.open(OWNER)) == ["disk"]
    assert keys(board.past(OWNER)) == []
    nobody = make_caller(permissions=frozenset())
    assert keys(board.open(nobody)) == []


async def test_the_board_is_bounded_and_says_what_it_may_have_missed(bus: MemoryBus) -> None:
    board = AlertBoard(bus, SystemClock())
    board.start()
    for number in range(MAX_OPEN + 1):
        bus.post(alert(f"lasting {number}"))
    for number in range(MAX_PAST + 1):
        bus.post(alert(f"fact {number}", is_lasting=False))
    assert len(board.open(ADMIN)) == MAX_OPEN
    assert keys(board.open(ADMIN))[-1] == "lasting 1"
    assert len(board.past(ADMIN)) == MAX_PAST
    assert not board.has_gap
    bus.interrupt()
    assert board.has_gap


async def test_the_route_tells_both_lists(running: Running) -> None:
    viewer = await running.user("vera", Role.VIEWER)
    running.app.state.bus.post(alert("disk_low:here"))
    running.app.state.bus.post(alert("done", is_lasting=False, session_id=new_id(), owner_id=new_id()))
    found = (await viewer.get("/api/v1/alerts")).json()
    assert [(one["key"], one["resolved_at"]) for one in found["open"]] == [("disk_low:here", None)]
    assert found["past"] == []
    admin = await running.admin()
    assert [one["key"] for one in (await admin.get("/api/v1/alerts")).json()["past"]] == ["done"]


def _state(topic: Topic, session_id: UUID, owner_id: UUID) -> Event:
    payload: dict[str, Any] = {"id": str(session_id), "name": "n", "status": "completed"}
    if topic is Topic.BENCHMARK_UPDATED:
        payload["changed"] = ["visibility"]
    return Event(topic, payload, NOON, session_id=session_id, owner_id=owner_id)
