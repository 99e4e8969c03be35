"""Results partitioned by time on PostgreSQL: made ahead, filled from the default one, dropped when all is old."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, text

from app.accounts.audit_check import verify
from app.benchmarks import partitions
from app.benchmarks.models import BenchmarkSession, Result
from app.benchmarks.partitions import Partition, created_at, first_id, make_ahead, missing
from app.benchmarks.retention import Retention
from app.core.clock import SystemClock
from app.core.database import Database
from app.core.ids import new_id
from app.core.settings import StorageSettings
from tests.factories import Rows

NOW = datetime(2031, 5, 17, 13, 5, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
async def postgres(postgres_settings: StorageSettings) -> AsyncIterator[Database]:
    database = Database(postgres_settings)
    yield database
    await database.close()


def id_at(at: datetime) -> UUID:
    return UUID(int=first_id(at).int | 0x7 << 76 | new_id().int & (1 << 62) - 1)


def test_an_id_tells_when_it_was_made() -> None:
    before = datetime.now(UTC)
    made = created_at(new_id())
    assert timedelta() <= made - before + timedelta(milliseconds=1) < timedelta(minutes=1)
    assert first_id(NOW) <= id_at(NOW) < first_id(NOW + timedelta(milliseconds=1))


@pytest.mark.parametrize("days", [1, 7, 30])
def test_partitions_follow_each_other_without_a_gap(days: int) -> None:
    made = missing([], NOW, timedelta(days=days))
    assert made[0].begins == datetime(2031, 5, 17, tzinfo=UTC)
    assert made[-1].ends > NOW + partitions.AHEAD
    assert all(one.high == following.low for one, following in pairwise(made))
    assert missing(made, NOW, timedelta(days=1)) == [], "another width changes nothing that there is"
    later = missing(made, NOW + timedelta(days=days), timedelta(days=1))
    assert all(one.low >= made[-1].high for one in later)


def test_a_gap_between_partitions_is_filled_up_to_the_next_one() -> None:
    tomorrow = NOW.replace(hour=0, minute=0) + DAY
    known = [Partition("results_p", first_id(tomorrow), first_id(tomorrow + 30 * DAY))]
    assert [(one.begins, one.ends) for one in missing(known, NOW, 30 * DAY)] == [(tomorrow - DAY, tomorrow)]


async def names_of_rows(database: Database) -> dict[str, int]:
    async with database.read() as session:
        found = await session.execute(text("SELECT tableoid::regclass::text, count(*) FROM results GROUP BY 1"))
        return {str(name): int(count) for name, count in found.tuples()}


async def test_servers_make_partitions_at_once_and_rows_move_into_them(postgres: Database) -> None:
    rows = Rows(postgres)
    early, strange = await rows.session(id=id_at(NOW)), await rows.session(id=uuid4())
    await rows.results(early, 3)
    await rows.results(strange, 2)
    assert await names_of_rows(postgres) == {"results_default": 5}
    made = await asyncio.gather(*(make_ahead(postgres, NOW, 30) for _ in range(3)))
    assert sorted(name for names in made for name in names) == [f"results_p203105{day}" for day in (17, 18, 19, 20)]
    assert await make_ahead(postgres, NOW, 30) == []
    assert await names_of_rows(postgres) == {"results_default": 2, "results_p20310517": 3}
    late = await rows.session(id=id_at(NOW + DAY))
    await rows.results(late, 1)
    assert (await names_of_rows(postgres))["results_p20310518"] == 1


class At(SystemClock):
    def now(self) -> datetime:
        return NOW


async def left(database: Database) -> tuple[set[UUID], int]:
    async with database.read() as session:
        sessions = set((await session.scalars(select(BenchmarkSession.id))).all())
        return sessions, (await session.execute(select(func.count()).select_from(Result))).scalar_one()


async def test_a_partition_is_dropped_when_everything_in_it_is_old(postgres: Database) -> None:
    rows = Rows(postgres)
    retention = Retention(postgres, At())
    retention.keep_days(30)
    days = {age: NOW - timedelta(days=age) for age in (40, 36, 31)}
    for day in days.values():
        await make_ahead(postgres, day, 30)
    old = [await rows.session(id=id_at(days[40]), status="completed", finished_at=days[40]) for _ in range(2)]
    mixed = [
        await rows.session(id=id_at(days[36]), status="completed", finished_at=days[36]),
        await rows.session(id=id_at(days[36]), status="running"),
    ]
    today = NOW - timedelta(days=30, hours=5)  # old enough, unlike others that were created on this day
    waits = await rows.session(id=id_at(today), status="failed", finished_at=today)
    for benchmark in (*old, *mixed, waits):
        await rows.results(benchmark, 4)
    assert await retention.delete_old() == 3
    assert await left(postgres) == ({mixed[1].id, waits.id}, 8)
    async with postgres.read() as session:
        names = {one.name for one in await partitions.existing(session)}
    assert f"results_p{days[40]:%Y%m%d}" not in names
    assert f"results_p{days[36]:%Y%m%d}" in names, "a benchmark in it still runs"
    assert not (await verify(postgres, None)).findings


async def test_a_query_for_a_session_reads_one_partition(postgres: Database) -> None:
    await make_ahead(postgres, NOW, 30)
    query = f"EXPLAIN SELECT id FROM results WHERE session_id = '{id_at(NOW)}' ORDER BY \"index\" LIMIT 50"
    async with postgres.read() as session:
        plan = "\n".join(row[0] for row in await session.execute(text(query)))
    assert "results_p20310517" in plan
    assert "results_p20310518" not in plan
    assert "results_default" not in plan
