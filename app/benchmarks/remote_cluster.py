"""Shards on an external cluster: which worker gets which, over all servers, and what happens when parts go away.

A shard goes to exactly the worker that was chosen; when that worker is lost (or the scheduler, which keeps nothing),
`run` says so and the coordinator asks for another.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

from app.benchmarks.cluster import OnWait, Places, WorkerLostError, unheard
from app.benchmarks.probing import ProbeTask
from app.benchmarks.recorder import is_transient
from app.benchmarks.scheduler_link import SchedulerLink, first_line
from app.benchmarks.shard_task import ShardTask
from app.benchmarks.slot_book import SlotBook
from app.cluster import calls, placement
from app.cluster.placement import WorkerInfo
from app.core.database import Database
from app.core.errors import ConstraintViolationError, ServiceUnavailableError
from app.core.settings import DistributedSettings

log = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0
_GONE_LOOKS = 2


class RemoteCluster:
    """Implements what `cluster.Cluster` does, with workers elsewhere."""

    is_remote = True

    def __init__(self, settings: DistributedSettings, database: Database, replica: str) -> None:
        self._patience_seconds = settings.worker_patience_seconds
        self._link = SchedulerLink(settings)
        self._book = SlotBook(database, replica)

    async def start(self) -> None:
        """Connect if the scheduler is there; raises `ConfigError` as `SchedulerLink.start`."""
        await self._link.start()

    async def ready(self) -> None:
        """Return once the scheduler answers; raises `ServiceUnavailableError` when it does not."""
        await self._link.connected()

    async def workers(self) -> list[WorkerInfo]:
        """Every worker that the scheduler knows, by name; raises `ServiceUnavailableError`."""
        return await self._link.workers()

    async def check_possible(self, number: int, tags: Sequence[str]) -> None:
        """Refuse what could not be placed even when all is idle; says nothing while the scheduler is away.

        Raises:
            ConstraintViolationError: naming what there is.
        """
        with contextlib.suppress(ServiceUnavailableError):
            placement.check_possible(await self.workers(), number, tags)

    @asynccontextmanager
    async def slots(
        self, number: int, session_id: UUID, tags: Sequence[str] = (), on_wait: OnWait = unheard
    ) -> AsyncIterator[Places]:
        """Hold a slot for each of `number` shards; who came first over all servers is served first.

        Raises:
            ConstraintViolationError: when the cluster could not have run it for `worker_patience_seconds`.
        """
        places = Places([], list(tags), session_id)
        try:
            await self._take(places, range(number), on_wait)
            renewing = asyncio.create_task(self._book.renew(session_id), name=f"slots of {session_id}")
            try:
                yield places
            finally:
                renewing.cancel()
                await asyncio.gather(renewing, return_exceptions=True)
        finally:
            await self._book.free(session_id)

    async def move(self, places: Places, shard: int, on_wait: OnWait = unheard) -> None:
        """Find another worker for a shard whose own is lost; raises as `slots`."""
        assert places.session_id is not None
        await self._book.free(places.session_id, shard)
        await self._take(places, [shard], on_wait)

    async def run(self, task: ShardTask, places: Places) -> bytes:
        """Run a shard on its worker; its encoded outcome. Cancelling this cancels it there.

        Raises:
            WorkerLostError: the worker or the scheduler went away.
        """
        return await self._submit("shard", task, places.workers[task.shard])

    async def probe(self, task: ProbeTask, places: Places) -> bytes:
        """Probe a target from where the load will come from; raises as `run`."""
        return await self._submit("probe", task, places.workers[0])

    async def close(self) -> None:
        """Leave the cluster."""
        await self._link.close()

    async def _take(self, places: Places, shards: Sequence[int], on_wait: OnWait) -> None:
        """Wait for room for these shards of a stage, and take it."""
        assert places.session_id is not None
        since = time.time()
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + self._patience_seconds
        has_waited = False
        try:
            while True:
                try:
                    workers = await self.workers()
                    placement.check_possible(workers, len(shards), places.tags)
                    give_up_at = loop.time() + self._patience_seconds
                    found = await self._book.place(places.session_id, since, workers, shards, places.tags)
                except (ConstraintViolationError, ServiceUnavailableError) as error:
                    if loop.time() >= give_up_at:
                        message = placement.lost_patience(error.message, self._patience_seconds)
                        raise ConstraintViolationError(message, **error.details) from None
                    found = error.message
                except Exception as error:
                    if not is_transient(error) or loop.time() >= give_up_at:
                        raise
                    found = "the database"
                if not isinstance(found, str):
                    break
                has_waited = True
                on_wait(found)
                await asyncio.sleep(_LOOK_SECONDS)
        finally:
            if has_waited:
                await self._book.waits_no_more(places.session_id)
        offsets = {worker.address: worker.offset_ns for worker in workers}
        if not places.workers:
            places.workers = [""] * len(shards)
            places.offsets_ns = [None] * len(shards)
        for shard, address in zip(shards, found, strict=True):
            places.workers[shard] = address
            places.offsets_ns[shard] = offsets.get(address)

    async def _submit(self, name: str, task: object, address: str) -> bytes:
        try:
            client = await self._link.connected()
        except ServiceUnavailableError as error:
            raise WorkerLostError(error.message) from error
        where = self._link.name_of(address)
        future = client.submit(
            calls.call,
            name,
            calls.packed(task),
            key=f"{name}-{uuid4().hex}",
            pure=False,
            workers=[address],
            allow_other_workers=False,
            retries=0,
        )
        asked = asyncio.ensure_future(_result(future))
        try:
            missing = 0
            while not asked.done():
                await asyncio.wait({asked}, timeout=_LOOK_SECONDS)
                if asked.done():
                    break
                missing = missing + 1 if not await self._link.has(address) else 0
                if client.status != "running" or missing >= _GONE_LOOKS:
                    raise _lost(client, where)  # noqa: TRY301  (cancelled below, like everything that fails)
            outcome: bytes = asked.result()
        except (WorkerLostError, asyncio.CancelledError):
            await _cancel(client, future)
            raise
        except BaseException as error:
            log.warning("a %s on worker %s was lost: %s", name, where, error)
            raise WorkerLostError(f"worker {where} was lost: {first_line(error)}") from error
        finally:
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)
            future.release()
        return outcome


async def _cancel(client: Any, future: Any) -> None:
    if client.status != "running":
        return
    with contextlib.suppress(Exception):
        async with asyncio.timeout(2):
            await future.cancel()


def _lost(client: Any, where: str) -> WorkerLostError:
    if client.status != "running":
        return WorkerLostError("the connection to the scheduler was lost")
    return WorkerLostError(f"worker {where} is gone")


async def _result(future: Any) -> bytes:
    """As an `Exception` in every case: Dask's own cancellation is none of asyncio's."""
    try:
        outcome: bytes = await future
    except asyncio.CancelledError:
        if future.status == "cancelled":
            raise WorkerLostError("the scheduler has forgotten the shard") from None
        raise
    return outcome
