"""Deletes benchmarks that ended long ago, when the settings say after how many days."""

import asyncio
import logging
import secrets
from datetime import timedelta

from sqlalchemy import select

from app.accounts import audit
from app.accounts.users import system_caller
from app.benchmarks import repository
from app.benchmarks.announcements import announce
from app.benchmarks.audience import Audience
from app.benchmarks.models import BenchmarkSession
from app.benchmarks.states import FINAL, Status
from app.core import leases
from app.core.clock import Clock
from app.core.database import Database
from app.events.types import Topic

log = logging.getLogger(__name__)

PERIOD_SECONDS = 600.0
BATCH = 50


class Retention:
    """Looks every ten minutes, and at once when `keep_days` has been changed; 0 days keeps everything."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._days = 0
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
        """Delete what is too old, each in a transaction of its own; how many there were."""
        deleted = 0
        while self._days > 0:
            before = self._clock.now() - timedelta(days=self._days)
            query = select(BenchmarkSession.id).where(
                BenchmarkSession.status.in_([*FINAL]), BenchmarkSession.finished_at < before
            )
            async with self._database.read() as session:
                found = (await session.scalars(query.order_by(BenchmarkSession.finished_at).limit(BATCH))).all()
            removed = [session_id for session_id in found if await self._delete(session_id)]
            deleted += len(removed)
            if len(found) < BATCH or not removed:
                break
        return deleted

    async def _is_mine(self) -> bool:
        """Whether this server is the one of all that does it now; the next one may be another."""
        if not self._days:
            return False
        async with self._database.write() as session:
            return await leases.take(session, "duty/retention", self._holder, PERIOD_SECONDS) is not None

    async def _delete(self, session_id: object) -> bool:
        async with self._database.write() as session:
            row = await session.get(BenchmarkSession, session_id)
            if row is None or not await repository.remove(session, row.id, row.status):
                return False
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
            return True

    async def _look_for_ever(self) -> None:
        while True:
            self._bell.clear()
            try:
                if await self._is_mine() and (deleted := await self.delete_old()):
                    log.info("%d benchmarks were older than %d days and are deleted", deleted, self._days)
            except Exception as error:  # noqa: BLE001  (the database is away: the next round is soon enough)
                log.warning("old benchmarks cannot be deleted now, will try again: %s", error)
            try:
                async with asyncio.timeout(PERIOD_SECONDS):
                    await self._bell.wait()
            except TimeoutError:
                pass
