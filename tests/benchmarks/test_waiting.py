"""Why a benchmark waits, as the cluster page tells it."""

import asyncio
from uuid import UUID

import pytest

from app.accounts.permissions import Role
from app.benchmarks import cluster_service
from app.benchmarks.cluster_service import WaitReason, why_it_waits
from app.cluster.placement import WorkerInfo
from app.core.clock import SystemClock
from app.core.errors import ServiceUnavailableError
from tests.factories import Rows, make_caller, make_session
from tests.service import Running, running

__all__ = ["running"]


@pytest.mark.parametrize(
    ("position", "running_now", "startable", "reason"),
    [
        (1, 0, True, "starting"),
        (2, 0, True, "starting"),
        (3, 0, True, "behind_others"),
        (1, 2, True, "all_running"),
        (1, 3, True, "all_running"),
        (1, 0, False, "owner_running"),
    ],
)
def test_why(position: int, running_now: int, startable: bool, reason: WaitReason) -> None:
    room = max(2 - running_now, 0)
    found = why_it_waits(position, room, running=running_now, max_running=2, startable=startable)
    assert found == reason


async def test_the_cluster_says_who_waits_why_and_who_may_cancel(running: Running) -> None:
    client = await running.user("uma", Role.USER)
    me = (await client.get("/api/v1/auth/me")).json()
    rows = Rows(running.app.state.database)
    owner = await rows.user()
    now = SystemClock().now()
    # One that runs elsewhere keeps the others waiting: its coordinator is alive, so nobody takes it over.
    live = make_session(status="running", owner_id=owner.id, heartbeat_at=now, created_at=now)
    theirs = make_session(owner_id=owner.id, visibility="all", created_at=now)
    mine = make_session(owner_id=UUID(me["id"]), created_at=now)
    await rows.add([live, theirs, mine])
    found = (await client.get("/api/v1/cluster")).json()
    assert (found["mode"], found["running"], found["waiting"]) == ("embedded", 1, 2)
    assert found["clock_offset_limit_ms"] == 100
    queue = {item["id"]: item for item in found["queue"]}
    # Mine comes first: they have one running, I have none.
    assert (queue[str(mine.id)]["position"], queue[str(mine.id)]["may_cancel"]) == (1, True)
    assert (queue[str(theirs.id)]["name"], queue[str(theirs.id)]["may_cancel"]) == (theirs.name, False)
    assert {item["reason"] for item in found["queue"]} == {"all_running"}
    viewer = await running.user("vera", Role.VIEWER)
    seen = (await viewer.get("/api/v1/cluster")).json()["queue"]
    assert [(item["id"], item["may_cancel"]) for item in seen] == [(None, False), (str(theirs.id), False)]


async def test_a_silent_scheduler_holds_nobody_up(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent:
        is_remote = True
        asked = 0

        def __init__(self) -> None:
            self.gives_up = asyncio.Event()

        async def workers(self) -> list[WorkerInfo]:
            self.asked += 1
            await self.gives_up.wait()
            raise ServiceUnavailableError("the scheduler does not answer")

    monkeypatch.setattr(cluster_service, "PATIENCE_SECONDS", 0.05)
    silent = Silent()
    service = running.app.state.benchmarks.cluster
    service._cluster = silent
    caller = make_caller(role=Role.ADMIN)
    found = await asyncio.gather(*(service.get(caller) for _ in range(3)))
    assert [view.problem for view in found] == ["the scheduler has not answered for 0.05 s"] * 3
    assert silent.asked == 1
    monkeypatch.setattr(cluster_service, "PATIENCE_SECONDS", 30)
    silent.gives_up.set()
    assert (await service.get(caller)).problem == "the scheduler does not answer"
