"""More than a hundred benchmarks at once, of two users, on PostgreSQL: who runs when, and all rows.

Engines are the fake ones: a hundred real ones need a minute of two cores, and what they measure is not asked here.
"""

import asyncio
from collections import Counter
from itertools import accumulate
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from app.accounts.caller import Caller
from app.accounts.permissions import Role
from app.benchmarks.cluster_service import ClusterService, ClusterView
from app.benchmarks.models import BenchmarkSession, Result
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.states import FINAL
from app.core.database import Database
from app.core.settings import StorageSettings
from tests.benchmarks.conftest import Bench, Hosting, fake
from tests.factories import Rows, make_caller, make_spec

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

OF_UMA, OF_OTTO = 90, 15
REQUESTS = 4
AT_ONCE, OF_ONE = 8, 6


@pytest.fixture
def storage_settings(postgres_settings: StorageSettings) -> StorageSettings:
    return postgres_settings


async def submit(bench: Bench, caller: Caller, number: int) -> set[UUID]:
    async def one() -> UUID:
        spec = make_spec(workload=fake(), stop={"requests": REQUESTS}, workers=1)
        return (await bench.service.submit(caller, BenchmarkSpec.model_validate(spec))).id

    return set(await asyncio.gather(*(one() for _ in range(number))))


async def all_ended(bench: Bench) -> None:
    async with bench.bus.subscribe(["benchmark.completed", "benchmark.failed"]) as events:
        while True:
            async with bench.database.read() as session:
                query = select(BenchmarkSession.id).where(BenchmarkSession.status.not_in(FINAL)).limit(1)
                if (await session.execute(query)).first() is None:
                    return
            await anext(events)


async def test_a_hundred_benchmarks_of_two_users(hosting: Hosting, rows: Rows, database: Database) -> None:
    uma, otto = [make_caller(await rows.user(role=Role.USER)) for _ in range(2)]
    limits = {"worker_count": AT_ONCE, "max_running_benchmarks": AT_ONCE, "max_running_per_user": OF_ONE}
    async with hosting(**limits) as bench:
        of_uma, of_otto = await submit(bench, uma, OF_UMA), await submit(bench, otto, OF_OTTO)
        assert isinstance(bench.service.cluster, ClusterService)
        cluster = await bench.service.cluster.get(make_caller(role=Role.ADMIN))
        await all_ended(bench)
    check_queue(cluster, of_uma, of_otto)
    await check_runs(database, of_uma, of_otto)
    await check_rows(database, of_uma | of_otto)


def check_queue(cluster: ClusterView, of_uma: set[UUID], of_otto: set[UUID]) -> None:
    """Positions count from 1; Otto, who came last, waits for no more of Uma's than there are of his own before him."""
    assert [one.position for one in cluster.queue] == list(range(1, len(cluster.queue) + 1))
    assert cluster.waiting == len(cluster.queue) > 50
    assert cluster.running <= AT_ONCE
    ids = [one.id for one in cluster.queue]
    assert len(set(ids)) == len(ids)
    last_of_otto = max((position for position, one in enumerate(ids) if one in of_otto), default=0)
    assert last_of_otto < 2 * OF_OTTO + AT_ONCE
    for owned in (of_uma, of_otto):  # of one user, the oldest first
        created = [one.created_at for one in cluster.queue if one.id in owned]
        assert created == sorted(created)


async def check_runs(database: Database, of_uma: set[UUID], of_otto: set[UUID]) -> None:
    """All ended well, never more at once than may, of nobody more than may, and both in turn."""
    async with database.read() as session:
        columns = (BenchmarkSession.status, BenchmarkSession.error, BenchmarkSession.started_at)
        found = (await session.execute(select(BenchmarkSession.id, BenchmarkSession.finished_at, *columns))).all()
    assert Counter((row.status, row.error) for row in found) == {("completed", None): OF_UMA + OF_OTTO}
    for owned, limit in ((of_uma | of_otto, AT_ONCE), (of_uma, OF_ONE), (of_otto, OF_ONE)):
        mine = [row for row in found if row.id in owned]
        changes: list[Any] = sorted([(row.started_at, 1) for row in mine] + [(row.finished_at, -1) for row in mine])
        assert max(accumulate(change for _, change in changes)) <= limit
    order = [row.id in of_otto for row in sorted(found, key=lambda row: row.started_at)]
    first, last = order.index(True), len(order) - order[::-1].index(True)
    # While Otto had something waiting, at most as many of Uma's began as of his, but for those that ran already.
    assert last - first <= 2 * OF_OTTO + AT_ONCE, order


async def check_rows(database: Database, benchmarks: set[UUID]) -> None:
    """Every planned index of every benchmark has exactly one row, which went well."""
    async with database.read() as session:
        found = (await session.execute(select(Result.session_id, Result.index, Result.status))).tuples().all()
    assert Counter((benchmark, index) for benchmark, index, _ in found) == Counter(
        (benchmark, index) for benchmark in benchmarks for index in range(REQUESTS)
    )
    assert {status for _, _, status in found} == {"ok"}
