"""The runner: claims waiting benchmarks while there is room, sees to those that a dead server left behind, drains.

In a cluster a benchmark that lost its server goes on at another; where everything was in the one process, it is closed
with what it has measured. Each of these is done under the benchmark's lease, by one server.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Collection, Mapping
from datetime import timedelta
from uuid import UUID

from app.benchmarks import closing, repository
from app.benchmarks.announcements import announce
from app.benchmarks.attending import HEARTBEAT_SECONDS, RUN_LEASE_SECONDS
from app.benchmarks.audience import Audience, audience_query
from app.benchmarks.executor import Executor
from app.benchmarks.fair_share import fair_order
from app.benchmarks.models import BenchmarkSession
from app.benchmarks.shard_watch import run_lease_name
from app.benchmarks.states import Status, transition
from app.benchmarks.wishes import Wishes
from app.cluster.placement import impossible, lost_patience
from app.core import leases
from app.core.clock import Clock
from app.core.database import Database
from app.core.errors import TestBenchError
from app.core.leases import Lease
from app.events.types import Topic

log = logging.getLogger(__name__)

POLL_SECONDS = 2.0
DEAD_AFTER = timedelta(seconds=8 * HEARTBEAT_SECONDS)
DRAIN_SECONDS = 15.0


class BenchmarkRunner:
    """Start it with the server and stop it with the server; `wake` it when something was submitted.

    `is_alone` says that no other server uses this database (SQLite): then whatever runs at start is dead for sure.
    Otherwise a run is dead when its lease has run out. `goes_on` says that such a run can be taken up again. What the
    workers that are there could not run even when idle stays in the queue, and fails after `worker_patience_seconds`.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        executor: Executor,
        *,
        max_running: int,
        is_alone: bool,
        max_per_user: int = 0,
        replica: str | None = None,
        goes_on: bool = False,
        worker_patience_seconds: float = 60.0,
    ) -> None:
        self._database = database
        self._clock = clock
        self._executor = executor
        self._max_running = max_running
        self._max_per_user = max_per_user
        self._is_alone = is_alone
        self._replica = replica or secrets.token_hex(8)
        self._goes_on = goes_on
        self._worker_patience_seconds = worker_patience_seconds
        self._wishes = Wishes()
        self._homeless: dict[UUID, float] = {}  # since when no workers could run them
        self._running: dict[UUID, asyncio.Task[None]] = {}
        self._bell = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None
        self._seen_at = time.monotonic()  # when the database last answered
        self._blind_until = 0.0

    @property
    def limits(self) -> tuple[int, int]:
        """Benchmarks that run at once, and how many of these may be of one user (0: no limit)."""
        return self._max_running, self._max_per_user

    async def start(self) -> None:
        """Close what died with an earlier server, then begin to claim."""
        if self._is_alone:
            await self.close_dead(everything=True)
        self._loop = asyncio.create_task(self._claim_forever(), name="benchmark runner")

    def run_at_once(self, number: int) -> None:
        """Run so many at once from now on; what runs goes on."""
        self._max_running = number
        self.wake()

    def wake(self) -> None:
        """Look for work now."""
        self._bell.set()

    async def stop(self) -> None:
        """Claim nothing more, end what runs (as failed, with what was measured), and wait for that."""
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)
        now = self._clock.now().strftime("%Y-%m-%d %H:%M:%S UTC")
        for session_id in list(self._running):
            if await self._executor.let_go(session_id):
                continue
            await self._executor.interrupt(session_id, f"the server was stopped during the run at {now}")
        if tasks := list(self._running.values()):
            _, pending = await asyncio.wait(tasks, timeout=DRAIN_SECONDS)
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)

    async def close_dead(self, *, everything: bool = False) -> None:
        """See to runs whose server is gone: go on with them, or end them, with their results kept and summarised."""
        is_blind = not everything and self._is_blind()
        before = None if everything else self._clock.now() - DEAD_AFTER
        async with self._database.read() as session:
            dead = [row for row in await repository.left_behind(session, before) if row.id not in self._running]
        self._seen_at = time.monotonic()
        if is_blind:
            return
        for row in dead:
            async with self._database.write() as session:
                lease = await leases.take(session, run_lease_name(row.id), self._replica, RUN_LEASE_SECONDS)
            if lease is None:  # another server was faster
                continue
            if self._goes_on and row.status == Status.RUNNING:
                log.warning("going on with benchmark %s, which lost its server", row.id)
                self._begin(row.id, lease)
            else:
                await closing.close(row, self._database, self._clock, self._executor.observer, self._executor.spans)
                async with self._database.write() as session:
                    await leases.release(session, lease, forget=True)

    def _is_blind(self) -> bool:
        """Whether the database was away a moment ago: then nobody could renew a lease, and no run is dead for that."""
        now = time.monotonic()
        if now - self._seen_at > 3 * POLL_SECONDS:
            self._blind_until = now + DEAD_AFTER.total_seconds()
        return now < self._blind_until and not self._is_alone

    async def _claim_forever(self) -> None:
        while True:
            try:
                await self.close_dead()
                await self._claim_all()
            except TestBenchError as error:  # such as a scheduler that is away
                log.warning("looking for benchmarks to run failed, trying again: %s", error.message)
            except Exception:
                log.exception("looking for benchmarks to run failed; trying again")
            self._bell.clear()
            try:
                async with asyncio.timeout(POLL_SECONDS):
                    await self._bell.wait()
            except TimeoutError:
                pass

    async def _claim_all(self) -> None:
        async with self._database.read() as session:
            waiting = [one.id for one in await repository.waiting(session)]
            wishes = await self._wishes.of(session, waiting)
        if not waiting:
            self._homeless.clear()
            return
        try:
            await self._executor.ready()
            workers = await self._executor.workers()
        except TestBenchError:
            self._homeless.clear()  # nobody knows who is there
            raise
        homeless = impossible(workers, wishes)
        await self._lose_patience(homeless)
        while await self._claim_next(homeless):
            pass

    async def _lose_patience(self, homeless: Mapping[UUID, str]) -> None:
        now = time.monotonic()
        self._homeless = {one: self._homeless.get(one, now) for one in homeless}
        for session_id, since in list(self._homeless.items()):
            if now - since >= self._worker_patience_seconds:
                await self._refuse(session_id, lost_patience(homeless[session_id], self._worker_patience_seconds))

    async def _refuse(self, session_id: UUID, error: str) -> None:
        """End a benchmark that waits as failed."""
        status, now = transition(Status.PENDING, Status.FAILED), self._clock.now()
        async with self._database.write() as session:
            if not await repository.change(
                session, session_id, [Status.PENDING], status=status, error=error, finished_at=now
            ):
                return
            query = audience_query(session_id).add_columns(BenchmarkSession.name)
            row = (await session.execute(query)).one()
            announce(
                session,
                Topic.BENCHMARK_FAILED,
                session_id=session_id,
                audience=Audience.of(row),
                name=row.name,
                status=status,
                at=now,
                error=error,
                headline=None,
            )
        self._executor.observer.ended(session_id, status, None)

    async def _claim_next(self, homeless: Collection[UUID]) -> bool:
        """Claim whoever is next of those that have a home, if there is room; says whether there may be more."""
        running = transition(Status.PENDING, Status.RUNNING)
        async with self._database.write() as session:
            await repository.one_claims(session)
            by_owner = await repository.running_by_owner(session)
            if sum(by_owner.values()) >= self._max_running:
                return False
            waiting = [one for one in await repository.waiting(session) if one.id not in homeless]
            order = fair_order(waiting, by_owner, per_user=self._max_per_user, only_startable=True)
            if not order:
                return False
            session_id, now = order[0], self._clock.now()
            claimed = await repository.change(
                session, session_id, [Status.PENDING], status=running, started_at=now, heartbeat_at=now
            )
            if not claimed:
                return True
            lease = await leases.take(session, run_lease_name(session_id), self._replica, RUN_LEASE_SECONDS)
            query = audience_query(session_id).add_columns(BenchmarkSession.name)
            row = (await session.execute(query)).one()
            announce(
                session,
                Topic.BENCHMARK_STARTED,
                session_id=session_id,
                audience=Audience.of(row),
                name=row.name,
                status=running,
                at=now,
            )
        self._begin(session_id, lease)
        return True

    def _begin(self, session_id: UUID, lease: Lease | None) -> None:
        task = asyncio.create_task(self._executor.run(session_id, lease), name=f"benchmark {session_id}")
        self._running[session_id] = task
        task.add_done_callback(lambda ended: self._ended(session_id, ended))

    def _ended(self, session_id: UUID, task: asyncio.Task[None]) -> None:
        self._running.pop(session_id, None)
        self._bell.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("benchmark %s ended badly", session_id, exc_info=error)
