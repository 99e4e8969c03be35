"""What a shard watches beside its engine: a stop from its coordinator, whether that still lives, and its own lease.

In a cluster a shard holds the lease `shard/…` while it runs, so that a try that was believed dead and the one that
replaces it never send at the same time, and it stops when another server has taken its benchmark over.
"""

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

from app.benchmarks.announcements import control_channel
from app.benchmarks.audience import Audience, audience_query
from app.benchmarks.models import BenchmarkSession
from app.benchmarks.recorder import is_transient
from app.benchmarks.states import Status
from app.benchmarks.stop_signal import HANDED_BACK, StopSignal
from app.core import leases
from app.core.database import Database
from app.core.errors import ConflictError
from app.core.leases import Lease
from app.events.bus import Bus

log = logging.getLogger(__name__)

CONTROL_POLL_SECONDS = 2.0
COORDINATOR_SILENCE_SECONDS = 60.0
_LEASE_SECONDS = 12.0
_LEASE_PATIENCE_SECONDS = 660.0  # requests in flight of an earlier try end by themselves
_LEASE_LOOK_SECONDS = 0.5

_running: set[StopSignal] = set()


def running_count() -> int:
    """Shards that run in this process."""
    return len(_running)


def hand_back() -> None:
    """Ask every shard of this process to start nothing more, so that the rest can run elsewhere."""
    for stop in list(_running):
        stop.set(HANDED_BACK)


async def all_ended(seconds: float) -> None:
    """Return once no shard runs in this process any more, or after so long."""
    give_up_at = time.monotonic() + seconds
    while running_count() and time.monotonic() < give_up_at:  # noqa: ASYNC110  (shards come from several tasks)
        await asyncio.sleep(0.1)


@asynccontextmanager
async def counted(stop: StopSignal) -> AsyncIterator[None]:
    """Let `hand_back` know of a shard while the block runs."""
    _running.add(stop)
    try:
        yield
    finally:
        _running.discard(stop)


def run_lease_name(session_id: UUID) -> str:
    """The lease of whoever coordinates a benchmark."""
    return f"run/{session_id.hex}"


class Watch:
    """Watches for one shard. `lease_name` is None where nobody else could run the same shard."""

    def __init__(
        self, database: Database, bus: Bus, session_id: UUID, stop: StopSignal, *, epoch: int, lease_name: str | None
    ) -> None:
        self.audience: Audience | None = None
        self._database = database
        self._bus = bus
        self._session_id = session_id
        self._stop = stop
        self._epoch = epoch
        self._lease_name = lease_name
        self._lease: Lease | None = None
        self._heartbeat: datetime | None = None
        self._heard_at = time.monotonic()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Hold the shard's lease while the block runs; waits for an earlier try to end.

        Raises:
            ConflictError: when that goes on for very long.
        """
        if self._lease_name is None:
            yield
            return
        holder = secrets.token_hex(8)
        give_up_at = time.monotonic() + _LEASE_PATIENCE_SECONDS
        while self._lease is None:
            try:
                async with self._database.write() as session:
                    self._lease = await leases.take(session, self._lease_name, holder, _LEASE_SECONDS)
            except Exception as error:
                if not is_transient(error):
                    raise
            if self._lease is None:
                if time.monotonic() > give_up_at:
                    raise ConflictError("an earlier try of this shard does not end")
                await asyncio.sleep(_LEASE_LOOK_SECONDS)
        try:
            yield
        finally:
            with contextlib.suppress(Exception):  # else it runs out by itself
                async with self._database.write() as session:
                    await leases.release(session, self._lease, forget=True)

    async def watch(self) -> None:
        """Pass on a stop from the control channel; the database says the same to whoever missed it."""
        async with self._bus.subscribe_raw(control_channel(self._session_id)) as messages:
            listener = asyncio.create_task(self._listen(messages))
            try:
                while True:
                    await self._look()
                    await asyncio.sleep(CONTROL_POLL_SECONDS)
            finally:
                listener.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await listener

    async def _listen(self, messages: AsyncIterator[bytes]) -> None:
        async for message in messages:
            self._stop.set(message.decode(errors="replace") or "cancelled")

    async def _look(self) -> None:
        try:
            kept, epoch = await self._keep_lease()
            async with self._database.read() as session:
                query = audience_query(self._session_id)
                query = query.add_columns(BenchmarkSession.status, BenchmarkSession.heartbeat_at)
                row = (await session.execute(query)).one_or_none()
        except Exception as error:  # noqa: BLE001  (the recorder notices a database that stays away)
            log.warning("the state of benchmark %s cannot be read: %s", self._session_id, error)
            self._heard_at = time.monotonic()  # nor could the coordinator be heard meanwhile
            return
        if row is None:
            self._stop.set("the benchmark was deleted")
            return
        self.audience = Audience.of(row)
        if not kept:
            self._stop.set(HANDED_BACK)  # the shard runs elsewhere
        elif epoch is not None and epoch != self._epoch:
            self._stop.set(HANDED_BACK)  # another server has taken the benchmark over
        elif row.status != Status.RUNNING:
            self._stop.set("cancelled" if row.status == Status.CANCELLING else f"the benchmark is {row.status}")
        elif self._is_silent(row.heartbeat_at):
            self._stop.set(HANDED_BACK)  # the server that coordinates it is gone; another may go on

    async def _keep_lease(self) -> tuple[bool, int | None]:
        """Whether this try is still the one, and the epoch of the coordinator that is in charge now."""
        if self._lease is None:
            return True, None
        async with self._database.write() as session:
            kept = await leases.keep(session, self._lease, _LEASE_SECONDS)
            run = await leases.find(session, run_lease_name(self._session_id))
        return kept, None if run is None else run.epoch

    def _is_silent(self, heartbeat: datetime | None) -> bool:
        """Whether the same heartbeat has been seen for long: no clock is compared with another machine's."""
        if heartbeat != self._heartbeat:
            self._heartbeat = heartbeat
            self._heard_at = time.monotonic()
        return time.monotonic() - self._heard_at > COORDINATOR_SILENCE_SECONDS
