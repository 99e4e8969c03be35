"""A full queue refuses clearly, loses nothing, and takes the next one as soon as there is room."""

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import func, select

from app.accounts.models import AuditEntry
from app.accounts.permissions import Role
from app.benchmarks.models import BenchmarkSession
from app.benchmarks.queue_limits import QueueFullError, QueueLimits
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.service import BenchmarkService
from app.core.clock import SystemClock
from app.core.database import Database
from app.core.errors import RateLimitedError
from app.core.settings import StorageSettings
from app.events.memory import MemoryBus
from tests.benchmarks.conftest import FakeProviders
from tests.factories import Rows, make_caller, make_session, make_spec
from tests.service import running_service, service_settings

SPEC = BenchmarkSpec.model_validate(make_spec())


def limited(database: Database, limits: QueueLimits) -> BenchmarkService:
    return BenchmarkService(database, SystemClock(), MemoryBus(), FakeProviders(), queue=limits)


async def stored(database: Database) -> tuple[int, int]:
    """Benchmarks that wait, and entries of the audit trail."""
    async with database.read() as session:
        waiting = await session.scalar(select(func.count()).where(BenchmarkSession.status == "pending"))
        return waiting or 0, await session.scalar(select(func.count()).select_from(AuditEntry)) or 0


async def test_a_full_queue_takes_no_more_than_it_holds(database: Database, rows: Rows) -> None:
    one, other = make_caller(await rows.user()), make_caller(await rows.user())
    service = limited(database, QueueLimits(all=5, of_one_user=3))
    outcomes = await asyncio.gather(*(service.submit(one, SPEC) for _ in range(6)), return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert len(refused) == 3
    for error in refused:
        assert isinstance(error, RateLimitedError)
        assert (error.code, error.http_status, error.retryable) == ("RATE_LIMITED", 429, True)
        assert (error.details["waiting"], error.details["limit"]) == (3, 3)
        assert "3 of your benchmarks wait" in error.message
        assert int(error.headers()["Retry-After"]) > 0
    accepted = [outcome.id for outcome in outcomes if not isinstance(outcome, BaseException)]

    await service.submit(other, SPEC)
    await service.submit(other, SPEC)
    with pytest.raises(QueueFullError, match="5 benchmarks wait to be run, and no more than 5 may") as full:
        await service.submit(other, SPEC)
    assert (full.value.code, full.value.http_status, full.value.retryable) == ("SERVICE_UNAVAILABLE", 503, True)
    assert await stored(database) == (5, 5), "of what was refused nothing is left"

    await service.cancel(one, accepted[0])
    assert (await service.submit(other, SPEC)).status == "pending"


async def test_without_limits_everybody_waits(database: Database, rows: Rows) -> None:
    service = limited(database, QueueLimits())
    caller = make_caller(await rows.user())
    for _ in range(3):
        await service.submit(caller, SPEC)
    assert (await stored(database))[0] == 3


async def test_a_client_is_told_when_to_come_back(sqlite_settings: StorageSettings) -> None:
    settings = service_settings(sqlite_settings, distributed={"max_waiting_benchmarks": 1})
    async with running_service(settings) as running:
        client = await running.user("uma", Role.USER)
        admin = await running.admin()
        provider = {"name": "local", "kind": "openai-compatible", "base_url": "http://127.0.0.1:9/v1"}
        assert (await admin.post("/api/v1/providers", json=provider)).status_code == 201
        rows = Rows(running.app.state.database)
        # One that runs elsewhere keeps the one slot, and another waits for it.
        now = SystemClock().now()
        await rows.add([make_session(status="running", heartbeat_at=now, created_at=now), waits := make_session()])
        headers = {"Idempotency-Key": "the same"}
        answer = await client.post("/api/v1/benchmarks", json=make_spec(name="n"), headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "SERVICE_UNAVAILABLE")
        assert answer.json()["error"]["retryable"] is True
        assert int(answer.headers["Retry-After"]) == answer.json()["error"]["details"]["retry_after_seconds"]
        assert (await admin.post(f"/api/v1/benchmarks/{waits.id}/cancel")).status_code == 200
        again = await client.post("/api/v1/benchmarks", json=make_spec(name="n"), headers=headers)
        assert again.status_code == 202
        assert UUID(again.json()["id"])
