"""Events leave after the commit, on both databases."""

from collections.abc import Iterator

import pytest
from sqlalchemy import func, select

from app.accounts.models import User
from app.core.database import Database, WriteSession
from app.core.settings import StorageSettings
from app.events.memory import MemoryBus
from app.events.outbox import publish_on_commit, record
from app.events.types import Event, Topic
from tests.events.conftest import anything
from tests.factories import make_event, make_user


class Listener(MemoryBus):
    """Notes what is posted."""

    def __init__(self) -> None:
        super().__init__()
        self.posted: list[Topic] = []

    def post(self, event: Event) -> None:
        self.posted.append(event.topic)
        if event.payload.get("poison"):
            raise RuntimeError("no good")


@pytest.fixture
def bus(database: Database) -> Iterator[Listener]:
    bus = Listener()
    stop = publish_on_commit(database, bus)
    yield bus
    stop()


async def test_events_leave_after_the_commit_in_order(database: Database, bus: Listener) -> None:
    async with database.write() as session:
        session.add(make_user())
        record(session, make_event(Topic.BENCHMARK_CREATED))
        await session.flush()
        record(session, make_event(Topic.BENCHMARK_STARTED))
        assert bus.posted == []
    assert bus.posted == [Topic.BENCHMARK_CREATED, Topic.BENCHMARK_STARTED]


async def test_at_that_moment_others_can_see_the_rows(storage_settings: StorageSettings, database: Database) -> None:
    seen: list[int] = []
    bus = MemoryBus(check=anything)
    stop = publish_on_commit(database, bus)
    async with bus.subscribe(["benchmark.*"]) as subscription:
        async with database.write() as session:
            session.add(make_user())
            record(session, make_event(Topic.BENCHMARK_CREATED))
        await anext(subscription)
        other = Database(storage_settings)
        async with other.read() as reader:
            seen.append(await reader.scalar(select(func.count()).select_from(User)) or 0)
        await other.close()
    stop()
    assert seen == [1]


async def test_a_rollback_tells_nobody(database: Database, bus: Listener) -> None:
    with pytest.raises(ZeroDivisionError):
        await record_and_fail(database)
    async with database.write() as session:
        session.add(make_user())
    assert bus.posted == []


async def record_and_fail(database: Database) -> None:
    async with database.write() as session:
        session.add(make_user())
        record(session, make_event(Topic.BENCHMARK_CREATED))
        await session.flush()
        raise ZeroDivisionError


async def test_a_commit_that_fails_tells_nobody(database: Database, bus: Listener) -> None:
    async def twice_the_same_name() -> None:
        async with database.write() as session:
            session.add_all([make_user(username="same"), make_user(username="same")])
            record(session, make_event(Topic.BENCHMARK_CREATED))

    with pytest.raises(Exception, match=r"(?i)unique"):
        await twice_the_same_name()
    assert bus.posted == []


async def in_savepoint(session: WriteSession, topic: Topic, *, fail: bool) -> None:
    async with session.begin_nested():
        record(session, make_event(topic))
        if fail:
            raise ZeroDivisionError


async def test_a_savepoint_takes_back_only_its_own(database: Database, bus: Listener) -> None:
    async with database.write() as session:
        record(session, make_event(Topic.BENCHMARK_CREATED))
        with pytest.raises(ZeroDivisionError):
            await in_savepoint(session, Topic.BENCHMARK_FAILED, fail=True)
        await in_savepoint(session, Topic.BENCHMARK_STARTED, fail=False)
        assert bus.posted == []
        record(session, make_event(Topic.BENCHMARK_COMPLETED))
    assert bus.posted == [Topic.BENCHMARK_CREATED, Topic.BENCHMARK_STARTED, Topic.BENCHMARK_COMPLETED]


async def test_a_bus_that_fails_does_not_look_like_a_failed_commit(
    database: Database, bus: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    async with database.write() as session:
        record(session, make_event(Topic.BENCHMARK_CREATED, payload={"poison": True}))
        record(session, make_event(Topic.BENCHMARK_STARTED))
    assert bus.posted == [Topic.BENCHMARK_CREATED, Topic.BENCHMARK_STARTED]
    assert "could not be published" in caplog.text


async def test_other_databases_have_their_own_wiring(
    database: Database, bus: Listener, sqlite_settings: StorageSettings
) -> None:
    other = Database(sqlite_settings)
    async with other.write() as session:
        record(session, make_event(Topic.BENCHMARK_CREATED))
    await other.close()
    assert bus.posted == []
