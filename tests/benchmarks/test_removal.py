"""A benchmark with many results is gone for readers at once, and its rows go in bounded transactions."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from app.accounts.models import AuditEntry
from app.accounts.permissions import Role
from app.benchmarks import partitions, recorder
from app.benchmarks.curve_service import Chosen, Stretch
from app.benchmarks.listing import NEWEST_FIRST, Filters
from app.benchmarks.models import BenchmarkSession, Result
from app.benchmarks.results_removal import AIM_SECONDS, AT_ONCE, Removal, next_size
from app.benchmarks.results_service import STREAM_BATCH, ResultFilters
from app.benchmarks.retention import Retention
from app.benchmarks.service import BenchmarkService
from app.benchmarks.spool import Spool
from app.benchmarks.spooling import deliver_left_behind
from app.core import leases
from app.core.clock import SystemClock
from app.core.database import Database
from app.core.errors import ConflictError, NotFoundError
from app.core.leases import LeaseRow
from app.core.settings import StorageSettings
from app.events.memory import MemoryBus
from tests.benchmarks.conftest import Bench, FakeProviders
from tests.benchmarks.records import make_measured
from tests.factories import Rows, make_caller

MANY = 2 * AT_ONCE + 100
ADMIN = make_caller(role=Role.ADMIN)


@pytest.fixture
def service(database: Database) -> BenchmarkService:
    return BenchmarkService(database, SystemClock(), MemoryBus(), FakeProviders())


async def with_results(rows: Rows, database: Database, number: int = MANY, **fields: object) -> BenchmarkSession:
    session = await rows.session(**{"status": "completed", "requests_ok": number, "tags": ["big"]} | fields)
    await recorder.store(database, session.id, make_measured(*range(number)))
    return session


async def left(database: Database, session_id: UUID) -> tuple[int, int]:
    """How many sessions and results of that id there are."""
    async with database.read() as session:
        sessions = select(func.count()).where(BenchmarkSession.id == session_id)
        results = select(func.count()).where(Result.session_id == session_id)
        return await session.scalar(sessions) or 0, await session.scalar(results) or 0


class KilledError(Exception):
    """What stands for the end of the process."""


def die(_taken: float) -> float:
    raise KilledError


async def test_it_is_gone_for_every_reader_at_once(service: BenchmarkService, rows: Rows, database: Database) -> None:
    big = await with_results(rows, database)
    small = await with_results(rows, database, 2)
    async with database.read() as session:
        result_id = await session.scalar(select(Result.id).where(Result.session_id == big.id).limit(1))
    assert result_id is not None
    rung = []
    service.changes.on_marked = lambda: rung.append(True)
    await service.delete(ADMIN, big.id)
    assert rung == [True]
    assert await left(database, big.id) == (1, MANY)

    listed = await service.list(ADMIN, Filters(), NEWEST_FIRST, limit=10)
    assert [item.id for item in listed.items] == [small.id]
    assert await service.many.count(ADMIN, Filters(tag=("big",))) == 1
    assert await service.many.heads(ADMIN, [big.id]) == {}
    assert await service.many.summaries(ADMIN, [big.id]) == {}
    newest = await service.results.list(ADMIN, ResultFilters(), limit=10)
    assert {item.session_id for item in newest.items} == {small.id}
    assert await service.results.first_pages(ADMIN, [big.id], limit=3) == {}
    assert await service.result_counts.count(ADMIN, ResultFilters()) == 2
    assert await service.result_counts.count(ADMIN, ResultFilters(big.id, model="small")) == 0
    asked: list[Callable[[], object]] = [
        lambda: service.get(ADMIN, big.id),
        lambda: service.read(ADMIN, big.id),
        lambda: service.timeline(ADMIN, big.id),
        lambda: service.cancel(ADMIN, big.id),
        lambda: service.delete(ADMIN, big.id),
        lambda: service.results.list(ADMIN, ResultFilters(big.id), limit=10),
        lambda: service.results.get(ADMIN, result_id),
        lambda: service.results.request(ADMIN, big.id, 0),
        lambda: service.results.stream(ADMIN, big.id),
        lambda: service.results.points(ADMIN, ResultFilters(big.id), "ttft_ms", "e2e_ms", limit=10),
        lambda: service.curves.distributions(ADMIN, big.id, "ttft_ms", Stretch(), Chosen()),
    ]
    for ask in asked:
        with pytest.raises(NotFoundError):
            await ask()  # type: ignore[misc]

    await service.delete(ADMIN, small.id)
    assert await left(database, small.id) == (0, 0)
    assert rung == [True], "what is small goes at once"
    assert await Removal(database).remove_marked() == 1
    assert await left(database, big.id) == (0, 0)
    async with database.read() as session:
        told = await session.scalars(select(AuditEntry.resource_id).order_by(AuditEntry.sequence))
        assert [*told] == [str(big.id), str(small.id)]


async def test_it_goes_on_where_a_killed_server_was(rows: Rows, database: Database, service: BenchmarkService) -> None:
    big, kept = await with_results(rows, database), await with_results(rows, database)
    await service.delete(ADMIN, big.id)
    with pytest.raises(KilledError):
        await Removal(database, wait_seconds=die).remove_marked()
    assert await left(database, big.id) == (1, MANY - 1000), "one transaction is done, and not more"
    with pytest.raises(NotFoundError):
        await service.get(ADMIN, big.id)

    heir = Removal(database)
    assert await heir.remove_marked() == 0, "the lease of the dead one is still good"
    async with database.write() as session:
        await session.execute(update(LeaseRow).values(expires_at=0.0))
    assert await heir.remove_marked() == 1
    assert await left(database, big.id) == (0, 0)
    assert await left(database, kept.id) == (1, MANY)


async def test_one_server_does_it(rows: Rows, database: Database, service: BenchmarkService) -> None:
    big = await with_results(rows, database)
    await service.delete(ADMIN, big.id)
    async with database.write() as session:
        lease = await leases.take(session, "duty/removal", "another server", 30)
    assert lease is not None
    assert await Removal(database).remove_marked() == 0
    assert await left(database, big.id) == (1, MANY)
    async with database.write() as session:
        await leases.release(session, lease)
    assert sum(await asyncio.gather(Removal(database).remove_marked(), Removal(database).remove_marked())) == 1
    assert await left(database, big.id) == (0, 0)


def test_a_transaction_takes_about_as_long_as_it_should() -> None:
    assert next_size(1_000, AIM_SECONDS) == 1_000
    assert next_size(1_000, AIM_SECONDS * 1.25) == 800
    assert next_size(1_000, AIM_SECONDS * 100) == 500
    assert next_size(1_000, 0) == 2_000
    assert next_size(20_000, 0) == 20_000
    assert next_size(100, 60) == 100


async def test_a_server_does_it_beside_its_work(bench: Bench, rows: Rows) -> None:
    big = await with_results(rows, bench.database, owner_id=bench.caller.user_id)
    await bench.service.delete(bench.caller, big.id)
    async with asyncio.timeout(60):
        while await left(bench.database, big.id) != (0, 0):  # noqa: ASYNC110  (nobody is told of it)
            await asyncio.sleep(0.02)


async def test_retention_leaves_it_to_that_duty(rows: Rows, database: Database) -> None:
    now = SystemClock().now()
    old = await with_results(rows, database, finished_at=now - timedelta(days=40))
    await rows.session(status="completed", finished_at=now)
    retention = Retention(database, SystemClock())
    retention.keep_days(30)
    rung = []
    retention.on_marked = lambda: rung.append(True)
    assert await retention.delete_old() == 1
    assert await retention.delete_old() == 0, "it is deleted once, and told once"
    assert (rung, await left(database, old.id)) == ([True], (1, MANY))
    assert await Removal(database).remove_marked() == 1
    assert await left(database, old.id) == (0, 0)


async def test_a_file_of_half_a_benchmark_is_no_file(rows: Rows, database: Database, service: BenchmarkService) -> None:
    big = await with_results(rows, database, STREAM_BATCH + AT_ONCE)
    results = await service.results.stream(ADMIN, big.id)
    assert (await anext(results)).index == 0
    await service.delete(ADMIN, big.id)
    with pytest.raises(ConflictError, match="deleted while its results were read"):
        assert [result async for result in results]


async def test_what_waited_on_disk_is_not_stored_for_it(
    rows: Rows, database: Database, service: BenchmarkService, tmp_path: Path
) -> None:
    big = await with_results(rows, database)
    spool = Spool(tmp_path, big.id, keep_gaps=True)
    with spool:
        spool.put(make_measured(MANY))
    await service.delete(ADMIN, big.id)
    assert await deliver_left_behind(database, tmp_path) == 0
    assert not spool.path.exists()


async def test_a_partition_of_deleted_benchmarks_is_dropped(rows: Rows, postgres_settings: StorageSettings) -> None:
    database = Database(postgres_settings)
    now = SystemClock().now()
    before = now - timedelta(days=40)
    await partitions.make_ahead(database, before, 30)
    rows = Rows(database)
    big = await with_results(
        rows, database, id=UUID(int=partitions.first_id(before).int | 7 << 76), finished_at=before, created_at=before
    )
    await BenchmarkService(database, SystemClock(), MemoryBus(), FakeProviders()).delete(ADMIN, big.id)
    retention = Retention(database, SystemClock())
    retention.keep_days(30)
    assert await retention.delete_old() == 0
    assert await left(database, big.id) == (0, 0)
    async with database.read() as session:
        assert not [one for one in await partitions.existing(session) if one.low <= big.id < one.high]
    await database.close()
