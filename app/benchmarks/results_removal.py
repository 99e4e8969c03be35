"""Takes benchmarks away that have many results, a bounded number of rows at a time.

Deleting a session takes its results along in one statement, which for millions of them is a long transaction: on SQLite
everybody else waits for it, on PostgreSQL the statement limit may end it. So one with more than `AT_ONCE` results is
only marked (`states.REMOVED`) when it is deleted, and is gone for whoever reads. A background duty deletes its rows in
short transactions with pauses between them, and last the session.

The mark and the rows that are left are all there is to know, so that a restart goes on where it was. Of several servers
one does it, under a lease that every transaction holds.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy import delete, select

from app.benchmarks import repository
from app.benchmarks.models import BenchmarkSession, Result
from app.benchmarks.states import FINAL, REMOVED
from app.core import leases
from app.core.database import Database, WriteSession
from app.core.leases import Lease

log = logging.getLogger(__name__)

AT_ONCE = 500
"""Results that go with their session in one statement: some 10 ms."""
AIM_SECONDS = 0.1
"""How long a transaction should take; the number of rows follows."""
_FEWEST, _MOST = 100, 20_000
_FIRST = 1_000
_LEAST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.005, 1.0
_LEASE = "duty/removal"
_LEASE_SECONDS = 30.0
_PERIOD_SECONDS = 30.0
_TELL_SECONDS = 30.0


async def remove(session: WriteSession, session_id: UUID, status: str) -> bool | None:
    """Delete a benchmark while its status is `status`: wholly if it has few results, else mark it.

    True: it is gone. False: it is marked, `Removal` has to be woken after the commit. None: its status has changed.
    """
    many = select(Result.index).where(Result.session_id == session_id).order_by(Result.index).offset(AT_ONCE).limit(1)
    if status in FINAL and await session.scalar(many) is not None:
        return False if await repository.change(session, session_id, [status], status=REMOVED) else None
    return True if await repository.remove(session, session_id, status) else None


class Removal:
    """Takes away what is marked: at start, when it is woken, and every half minute what others have left."""

    def __init__(self, database: Database, *, wait_seconds: Callable[[float], float] = lambda taken: taken) -> None:
        """`wait_seconds` is how long others have the database to themselves after a transaction that took so long."""
        self._database = database
        self._wait_seconds = wait_seconds
        self._holder = secrets.token_hex(8)
        self._bell = asyncio.Event()
        self._rows = _FIRST

    def wake(self) -> None:
        """Look now."""
        self._bell.set()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self._bell.clear()
            try:
                await self.remove_marked()
            except Exception as error:  # noqa: BLE001  (the database is away: the next round is soon enough)
                log.warning("deleted benchmarks cannot be taken away now, will try again: %s", error)
            try:
                async with asyncio.timeout(_PERIOD_SECONDS):
                    await self._bell.wait()
            except TimeoutError:
                pass

    async def remove_marked(self) -> int:
        """Take away all that is marked, unless another server does it; how many benchmarks there were."""
        removed = 0
        query = select(BenchmarkSession.id).where(BenchmarkSession.status == REMOVED).order_by(BenchmarkSession.id)
        while True:
            async with self._database.read() as session:
                session_id = await session.scalar(query.limit(1))
            if session_id is None:
                return removed
            async with self._database.write() as session:
                lease = await leases.take(session, _LEASE, self._holder, _LEASE_SECONDS)
            if lease is None or not await self._remove(session_id, lease):
                return removed
            removed += 1

    async def _remove(self, session_id: UUID, lease: Lease) -> bool:
        """Take one away; False when another server has taken over."""
        log.info("taking the results of the deleted benchmark %s away", session_id)
        mine = Result.session_id == session_id
        last, number, told_at = -1, 0, time.monotonic()
        while True:
            async with self._database.write() as session:
                begun = time.monotonic()  # now that it is this writer's turn
                if not await leases.keep(session, lease, _LEASE_SECONDS):
                    return False
                rest = select(Result.index).where(mine, Result.index > last).order_by(Result.index)
                bound = await session.scalar(rest.offset(self._rows - 1).limit(1))
                if bound is None:
                    await repository.remove(session, session_id, REMOVED)
                    await leases.release(session, lease)
                else:
                    chosen = delete(Result).where(mine, Result.index > last, Result.index <= bound)
                    await session.execute(chosen.execution_options(synchronize_session=False))
                    number += self._rows
            if bound is None:
                log.info("the deleted benchmark %s is gone, with its last results behind %d others", session_id, number)
                return True
            last, now = bound, time.monotonic()
            taken = now - begun
            self._rows = next_size(self._rows, taken)
            if now - told_at > _TELL_SECONDS:
                told_at = now
                log.info("%d results of the deleted benchmark %s are gone", number, session_id)
            await asyncio.sleep(min(max(self._wait_seconds(taken), _LEAST_PAUSE_SECONDS), _LONGEST_PAUSE_SECONDS))


def next_size(rows: int, taken_seconds: float) -> int:
    """How many rows the next transaction deletes, after `rows` took so long: at most twice as many, or half."""
    factor = AIM_SECONDS / max(taken_seconds, 1e-6)
    return min(max(round(rows * min(max(factor, 0.5), 2.0)), _FEWEST), _MOST)


@asynccontextmanager
async def removing(database: Database) -> AsyncIterator[Removal]:
    """Take away what is marked while the block runs."""
    removal = Removal(database)
    task = asyncio.create_task(removal.run(), name="removal of results")
    try:
        yield removal
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
