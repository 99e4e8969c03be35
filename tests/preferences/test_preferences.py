"""Settings that change at run time, and preferences of users: over REST, on both dialects, on two servers."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.accounts.audit_check import verify
from app.accounts.models import AuditEntry
from app.accounts.permissions import Role
from app.accounts.users import system_caller
from app.benchmarks.models import BenchmarkSession
from app.benchmarks.retention import Retention
from app.core.clock import SystemClock
from app.core.database import Database
from app.core.errors import ForbiddenError, InvalidRequestError
from app.core.settings import StorageSettings
from app.events.memory import MemoryBus
from app.events.outbox import publish_on_commit
from app.events.types import Topic
from app.preferences.schemas import RuntimeValues
from app.preferences.service import PreferenceService, VersionConflictError
from tests.factories import Rows, make_caller
from tests.service import Running, running, running_service, service_settings

__all__ = ["running"]

CONFIGURED = RuntimeValues(
    rate_limit_requests_per_minute=600, max_running_benchmarks=1, default_visibility="private", retention_days=0
)
ADMIN = system_caller("boss")


async def test_a_change_holds_is_told_and_audited(database: Database) -> None:
    bus = MemoryBus()
    unhook = publish_on_commit(database, bus)
    service = PreferenceService(database, SystemClock(), bus, CONFIGURED)
    used: list[RuntimeValues] = []
    service.apply(used.append)
    async with bus.subscribe(["settings.*"]) as events:
        first = await service.get(ADMIN)
        assert (first.version, first.changed, first.retention_days) == (0, [], 0)
        after = await service.update(ADMIN, {"max_running_benchmarks": 3, "retention_days": 30}, if_version=0)
        assert (after.version, after.changed, after.updated_by) == (
            1,
            ["max_running_benchmarks", "retention_days"],
            "boss",
        )
        event = await anext(events)
        assert event.payload["values"]["max_running_benchmarks"] == 3
        back = await service.update(ADMIN, {"retention_days": None})
        assert (back.version, back.changed, back.retention_days) == (2, ["max_running_benchmarks"], 0)
    assert [values.max_running_benchmarks for values in used] == [1, 3, 3]
    async with database.read() as session:
        rows = (await session.scalars(select(AuditEntry).where(AuditEntry.action == "settings.update"))).all()
    assert rows[0].changes["after"] == {"max_running_benchmarks": 3, "retention_days": 30}
    assert rows[0].changes["before"] == {"max_running_benchmarks": 1, "retention_days": 0}
    unhook()


@pytest.mark.parametrize(
    "changes",
    [{}, {"port": 1}, {"max_running_benchmarks": 0}, {"max_running_benchmarks": "x"}, {"default_visibility": "public"}],
)
async def test_what_may_not_be_changed_is_refused(database: Database, changes: dict[str, Any]) -> None:
    service = PreferenceService(database, SystemClock(), MemoryBus(), CONFIGURED)
    with pytest.raises(InvalidRequestError):
        await service.update(ADMIN, changes)
    with pytest.raises(ForbiddenError):
        await service.update(make_caller(role=Role.USER), {"retention_days": 1})
    assert (await service.get(ADMIN)).version == 0


async def test_of_two_changes_of_one_version_one_wins(database: Database) -> None:
    services = [PreferenceService(database, SystemClock(), MemoryBus(), CONFIGURED) for _ in range(2)]
    results = await asyncio.gather(
        *(
            service.update(ADMIN, {"retention_days": days}, if_version=0)
            for days, service in enumerate(services, start=1)
        ),
        return_exceptions=True,
    )
    assert sorted(isinstance(result, VersionConflictError) for result in results) == [False, True]


async def test_another_server_follows(storage_settings: StorageSettings, redis_url: str) -> None:
    if storage_settings.backend == "sqlite":
        pytest.skip("an SQLite file has one server")
    settings = service_settings(storage_settings, distributed={"redis_url": redis_url})
    async with running_service(settings) as one, running_service(settings) as other:
        async with other.app.state.bus.subscribe(["settings.*"]) as events:
            await events.ready()
            client = await one.admin()
            answer = await client.patch("/api/v1/settings", json={"rate_limit_requests_per_minute": 5})
            assert answer.status_code == 200
            async with asyncio.timeout(10):
                await anext(events)
                while other.app.state.preferences.current.rate_limit_requests_per_minute != 5:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        stranger = await other.user("somebody", Role.USER)
        statuses = [(await stranger.get("/api/v1/auth/me")).status_code for _ in range(7)]
        assert statuses[-1] == 429, "and obeys"


async def test_settings_over_rest(running: Running) -> None:
    admin, user = await running.admin(), await running.user("someone", Role.USER)
    first = await admin.get("/api/v1/settings")
    assert (first.status_code, first.headers["ETag"]) == (200, '"0"')
    changed = await admin.patch("/api/v1/settings", json={"default_visibility": "all"}, headers={"If-Match": '"0"'})
    assert (changed.status_code, changed.headers["ETag"], changed.json()["default_visibility"]) == (200, '"1"', "all")
    stale = await admin.patch("/api/v1/settings", json={"default_visibility": "team"}, headers={"If-Match": '"0"'})
    assert stale.status_code == 412
    odd = await admin.patch("/api/v1/settings", json={"default_visibility": "team"}, headers={"If-Match": "x"})
    assert odd.status_code == 422
    assert (await user.get("/api/v1/settings")).status_code == 403
    assert (await user.patch("/api/v1/settings", json={"retention_days": 1})).status_code == 403
    assert running.app.state.benchmarks.default_visibility == "all"


async def test_preferences_are_ones_own(running: Running) -> None:
    one, other = await running.user("one", Role.VIEWER), await running.user("other", Role.USER)
    assert (await one.get("/api/v1/me/preferences")).json() == {"document": {}, "version": 0}
    document = {"theme": "dark", "views": [{"name": "mine", "filters": {"tag": "ü"}}]}
    saved = await one.put("/api/v1/me/preferences", json={"document": document}, headers={"If-Match": '"0"'})
    assert (saved.status_code, saved.headers["ETag"]) == (200, '"1"')
    assert (await one.get("/api/v1/me/preferences")).json() == {"document": document, "version": 1}
    assert (await other.get("/api/v1/me/preferences")).json()["document"] == {}
    stale = await one.put("/api/v1/me/preferences", json={"document": {}}, headers={"If-Match": '"0"'})
    assert stale.status_code == 412
    for bad, status in (
        ({"x": "y" * 20_000}, 413),
        ({"x": "a\0b"}, 422),
        ([], 422),
        ({"a": _nested(20)}, 422),
    ):
        answer = await one.put("/api/v1/me/preferences", json={"document": bad})
        assert answer.status_code == status, bad


def _nested(depth: int) -> dict[str, Any]:
    return {"a": _nested(depth - 1)} if depth else {}


async def test_what_ended_long_ago_is_deleted_and_nothing_else(database: Database, rows: Rows) -> None:
    now = SystemClock().now()
    old = await rows.session(status="completed", finished_at=now - timedelta(days=31))
    await rows.results(old, 3)
    young = await rows.session(status="failed", finished_at=now - timedelta(days=29))
    waiting = await rows.session()
    bus = MemoryBus()
    unhook = publish_on_commit(database, bus)
    retention = Retention(database, SystemClock())
    assert await retention.delete_old() == 0, "0 days keeps everything"
    retention.keep_days(30)
    async with bus.subscribe(["benchmark.*"]) as events:
        assert await retention.delete_old() == 1
        event = await anext(events)
    assert (event.topic, event.session_id) == (Topic.BENCHMARK_DELETED, old.id)
    async with database.read() as session:
        left = set((await session.scalars(select(BenchmarkSession.id))).all())
    assert not (await verify(database, None)).findings
    assert left == {young.id, waiting.id}
    unhook()
