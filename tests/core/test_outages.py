"""A database that is full or away: told in a line when it begins and in one when it is over, without tracebacks."""

import asyncio
import io
import logging
from collections.abc import Iterator

import pytest
import structlog
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from app.core.database import Database
from app.core.outages import REPEAT_SECONDS, STEADY_SECONDS, OneLine, Outages, outage_in
from app.core.settings import StorageSettings
from tests.servers import PostgresServer


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lines(clock: Clock) -> Iterator[io.StringIO]:
    """What a handler behind the filter writes."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(OneLine(clock))
    logger = logging.getLogger("app.test_outages")
    logger.propagate = False
    logger.addHandler(handler)
    yield stream
    logger.removeHandler(handler)


log = logging.getLogger("app.test_outages")


async def full_disk(settings: StorageSettings) -> Database:
    """One into which nothing more fits."""
    database = Database(settings)

    @event.listens_for(database.engine.sync_engine, "connect")
    def _small(connection: object, _record: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # type: ignore[attr-defined]

    return database


async def overfill(database: Database) -> None:
    async with database.write() as session:
        await session.execute(text("CREATE TABLE filler (bytes BLOB)"))
        await session.execute(text("INSERT INTO filler VALUES (zeroblob(10000000))"))


async def test_a_full_disk_is_told_once(
    sqlite_settings: StorageSettings, lines: io.StringIO, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    database = await full_disk(sqlite_settings)
    with caplog.at_level(logging.WARNING, "app.core.outages"):
        for _ in range(3):
            with pytest.raises(OperationalError) as raised:
                await overfill(database)
    await database.close()
    full = raised.value
    assert outage_in(full) == "database or disk is full"
    (told,) = [record.getMessage() for record in caplog.records]
    assert told.endswith("database or disk is full")

    for _ in range(5):
        for name in ("one", "two"):
            try:
                raise full
            except OperationalError as error:
                log.exception("the end of %s cannot be written", name)
                log.warning("%s cannot be read: %s", name, error)
    clock.now += REPEAT_SECONDS
    log.warning("%s cannot be read: %s", "two", full)
    assert lines.getvalue().splitlines() == [
        "the end of one cannot be written: database or disk is full",
        "one cannot be read: database or disk is full",
        "the end of two cannot be written: database or disk is full",
        "two cannot be read: database or disk is full",
        "two cannot be read: database or disk is full (and 4 times before)",
    ]


async def test_a_server_that_is_away(lines: io.StringIO) -> None:
    database = Database(StorageSettings(database_url="postgresql+asyncpg://nobody@127.0.0.1:9/none"))
    with pytest.raises(OperationalError) as error:
        async with database.read() as session:
            await session.execute(text("SELECT 1"))
    await database.close()
    assert "9" in str(outage_in(error.value))


@pytest.mark.slow
async def test_a_server_that_is_stopped_under_a_connection() -> None:
    with PostgresServer() as server:
        database = Database(StorageSettings(database_url=server.url("postgres")))
        async with database.read() as session:
            await session.execute(text("SELECT 1"))
            await asyncio.to_thread(server.halt)
            with pytest.raises(Exception) as error:  # noqa: PT011  (whichever the driver has for it)
                await session.execute(text("SELECT 1"))
            assert outage_in(error.value)
        await database.close()


async def test_other_faults_keep_their_tracebacks(sqlite_settings: StorageSettings, lines: io.StringIO) -> None:
    database = Database(sqlite_settings)
    async with database.read() as session:
        with pytest.raises(OperationalError) as raised:
            await session.execute(text("SELECT * FROM nowhere"))
    await database.close()
    assert outage_in(raised.value) is None
    log.error("a mistake of ours", exc_info=raised.value)
    log.warning("once more: %s", raised.value)
    log.warning("once more: %s", raised.value)
    assert "Traceback" in lines.getvalue()
    assert lines.getvalue().count("once more") == 2


def test_it_is_over_when_nothing_has_failed_for_a_while(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    outages = Outages(clock)
    away = OperationalError("insert", {}, ConnectionRefusedError("refused"))
    with caplog.at_level(logging.WARNING, "app.core.outages"):
        outages.worked()
        for _ in range(4):
            outages.failed(away)
            clock.now += STEADY_SECONDS / 2
            outages.worked()  # a small change that still fits
        clock.now += STEADY_SECONDS
        outages.worked()
        outages.worked()
        outages.failed(ValueError("not of the database"))
    told = [record.getMessage() for record in caplog.records]
    assert [line.split(",")[0] for line in told] == ["the database does not work", "the database works again"]
    assert told[0].endswith("refused")
    assert told[1].endswith("after 10.0 s")


def test_structlog_says_it_in_a_line_too(clock: Clock) -> None:
    one_line = OneLine(clock)
    away = OperationalError("insert", {}, ConnectionRefusedError("refused"))
    told = one_line.event(log, "error", {"event": "request failed", "path": "/x", "exc_info": away})
    assert told == {"event": "request failed", "path": "/x", "error": "refused"}
    with pytest.raises(structlog.DropEvent):
        one_line.event(log, "error", {"event": "request failed", "path": "/x", "exc_info": (type(away), away, None)})
    clock.now += REPEAT_SECONDS
    try:
        raise away
    except OperationalError:
        again = one_line.event(log, "error", {"event": "request failed", "path": "/x", "exc_info": True})
    assert again == {"event": "request failed", "path": "/x", "error": "refused", "times_before": 1}
    other = {"event": "request failed", "exc_info": ValueError()}
    assert one_line.event(log, "error", other) is other
