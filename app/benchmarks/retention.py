"""Deletes benchmarks that ended long ago, when the settings say after how many days, and makes partitions ahead.

Any number of servers may do so at once: partitions are made and dropped by one at a time, and a benchmark that another
server has just deleted is not there any more.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlalchemy.exc import DBAPIError

from app.accounts import audit
from app.accounts.users import system_caller
from app.benchmarks import partitions, repository, results_removal
from app.benchmarks.announcements import announce
from app.benchmarks.audience import Audience
from app.benchmarks.models import BenchmarkSession
from app.benchmarks.states import FINAL, REMOVED, Status
from app.core import leases
from app.core.clock import Clock
from app.core.database import Database, WriteSession
from app.events.types import Topic

log = logging.getLogger(__name__)

PERIOD_SECONDS = 600.0
BATCH = 50
ONE_DAY = timedelta(days=1)


class Retention:
    """Looks every ten minutes, and at once when `keep_days` has been changed; 0 days keeps everything."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._days = 0
        self.on_marked: Callable[[], None] = lambda: None  # the bell of what takes results away
        self._holder = secrets.token_hex(8)
        self._bell = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def keep_days(self, days: int) -> None:
        """Delete what ended more than so many days ago."""
        self._days = days
        self._bell.set()

    async def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._look_for_ever(), name="retention")

    async def close(self) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def delete_old(self) -> int:
        """Delete what is too old; how many benchmarks there were.

        On PostgreSQL whole partitions at once, where everything in them is too old, which also gives their space back.
        What else is too old is deleted benchmark by benchmark, at the latest a day later: until then it waits for the
        rest of its day.
        """
        if self._days <= 0:
            return 0
        before = self._clock.now() - timedelta(days=self._days)
        days: list[partitions.Partition] = []
        deleted = 0
        if self._database.dialect == "postgresql":
            async with self._database.read() as session:
                found = await partitions.existing(session)
            for partition in found:
                if partition.ends <= before:
                    deleted += await self._drop(partition, before)
            days = [one for one in found if one.ends - one.begins <= ONE_DAY]
        return deleted + await self._delete_each(before, days)

    async def _delete_each(self, before: datetime, days: Sequence[partitions.Partition]) -> int:
        deleted = 0
        query = select(BenchmarkSession.id, BenchmarkSession.finished_at).where(
            BenchmarkSession.status.in_([*FINAL]), BenchmarkSession.finished_at < before
        )
        while True:
            async with self._database.read() as session:
                rows = await session.execute(query.order_by(BenchmarkSession.finished_at).limit(BATCH))
                found = rows.tuples().all()
            due = [
                session_id
                for session_id, finished_at in found
                if finished_at is None
                or finished_at < before - ONE_DAY
                or not any(day.low <= session_id < day.high for day in days)
            ]
            removed = [session_id for session_id in due if await self._delete(session_id)]
            deleted += len(removed)
            if len(found) < BATCH or not removed:
                return deleted

    async def _is_mine(self) -> bool:
        """Whether this server is the one of all that does it now; the next one may be another."""
        if not self._days:
            return False
        async with self._database.write() as session:
            return await leases.take(session, "duty/retention", self._holder, PERIOD_SECONDS) is not None

    async def _delete(self, session_id: UUID) -> bool:
        async with self._database.write() as session:
            row = await session.get(BenchmarkSession, session_id)
            if row is None or row.status not in FINAL:
                return False
            gone = await results_removal.remove(session, row.id, row.status)
            if gone is None:
                return False
            await self._tell(session, row)
        if not gone:
            self.on_marked()
        return True

    async def _drop(self, partition: partitions.Partition, before: datetime) -> int:
        """Drop a partition with its benchmarks if all of them are too old; how many there were."""
        within = (BenchmarkSession.id >= partition.low, BenchmarkSession.id < partition.high)
        has_ended = and_(BenchmarkSession.status.in_([*FINAL]), BenchmarkSession.finished_at < before)
        is_old = or_(BenchmarkSession.status == REMOVED, has_ended)
        try:
            async with self._database.write() as session:
                young = select(BenchmarkSession.id).where(*within, is_old.is_not(True)).limit(1)
                if (await session.execute(young)).first() is not None:
                    return 0
                await partitions.take_turn(session)
                if partition not in await partitions.existing(session):  # another server was faster
                    return 0
                rows = (await session.scalars(select(BenchmarkSession).where(*within).with_for_update())).all()
                there = [row for row in rows if row.status != REMOVED]  # the others have been told of
                if not all(row.status in FINAL and row.finished_at and row.finished_at < before for row in there):
                    return 0
                await partitions.drop(session, partition)
                for row in rows:
                    if not await repository.remove(session, row.id, row.status):
                        raise RuntimeError(f"benchmark {row.id} changed while it was locked")
                for row in there:
                    await self._tell(session, row)
        except DBAPIError as error:  # somebody reads for long; the next round is soon enough
            log.warning("partition %s cannot be dropped now, will try again: %s", partition.name, error.orig)
            return 0
        log.info("partition %s was dropped with %d benchmarks", partition.name, len(there))
        return len(there)

    async def _tell(self, session: WriteSession, row: BenchmarkSession) -> None:
        now = self._clock.now()
        announce(
            session,
            Topic.BENCHMARK_DELETED,
            session_id=row.id,
            audience=Audience.of(row),
            name=row.name,
            status=Status(row.status),
            at=now,
        )
        changes = {"name": row.name, "retention_days": self._days}
        await audit.record(session, system_caller("retention"), "benchmark.delete", "benchmark", row.id, changes)

    async def make_room(self) -> None:
        """Make the partitions of the next days."""
        await partitions.make_ahead(self._database, self._clock.now(), self._days)

    async def _look_for_ever(self) -> None:
        while True:
            self._bell.clear()
            try:
                await self.make_room()
                await self._database.optimise()
                if await self._is_mine() and (deleted := await self.delete_old()):
                    log.info("%d benchmarks were older than %d days and are deleted", deleted, self._days)
            except Exception as error:  # noqa: BLE001  (the database is away: the next round is soon enough)
                log.warning("old benchmarks cannot be deleted now, will try again: %s", error)
            try:
                async with asyncio.timeout(PERIOD_SECONDS):
                    await self._bell.wait()
            except TimeoutError:
                pass
