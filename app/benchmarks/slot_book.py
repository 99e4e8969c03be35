"""Who holds which slot of which worker, over all servers: lease rows, so that all count the same ones.

`slot/BENCHMARK/SHARD` is a slot that is taken, `wait/BENCHMARK` a wish that waits. Placing is done by one server at a
time.
"""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text

from app.cluster import placement
from app.cluster.placement import Wish, WorkerInfo
from app.core import leases
from app.core.database import Database, WriteSession

log = logging.getLogger(__name__)

SLOT_PREFIX = "slot/"
_WAIT_PREFIX = "wait/"
_SLOT_SECONDS = 20.0
_RENEW_SECONDS = 4.0
_WAIT_SECONDS = 6.0
_LOCK_KEY = 0x6C74_625F_706C_6163  # "ltb_plac"


class SlotBook:
    """The book as one server (`replica`) writes it."""

    def __init__(self, database: Database, replica: str) -> None:
        self._database = database
        self._replica = replica

    async def place(
        self, session_id: UUID, since: float, workers: Sequence[WorkerInfo], shards: Sequence[int], tags: Sequence[str]
    ) -> list[str] | str:
        """Take a slot for each shard, and answer with their workers' addresses; or say in words what it waits for.

        Who has waited longest (`since`, in Unix seconds) is served first.
        """
        name = f"{_WAIT_PREFIX}{session_id}"
        async with self._database.write() as session:
            await _one_at_a_time(session)
            own = {_slot(session_id, shard) for shard in shards}  # of a server that coordinated it before
            held = [row for row in await leases.held(session, SLOT_PREFIX) if row.name not in own]
            taken = Counter(str((row.detail or {}).get("worker")) for row in held)
            waiting = [row for row in await leases.held(session, _WAIT_PREFIX) if row.name != name]
            earlier = [
                Wish(int(row.detail["number"]), tuple(row.detail["tags"]))
                for row in waiting
                if row.detail and (row.detail["since"], row.name) < (since, name)
            ]
            chosen = placement.place(workers, taken, len(shards), tags, earlier)
            if chosen is None:
                lease = await leases.take(session, name, self._replica, _WAIT_SECONDS)
                if lease is not None:
                    detail = {"since": since, "number": len(shards), "tags": list(tags)}
                    await leases.keep(session, lease, _WAIT_SECONDS, detail)
                free = placement.free_slots(workers, taken, tags)
                return f"{placement.slots_in_words(len(shards), tags)}, of which {free} are free now"
            names = {worker.address: worker.name for worker in workers}
            for shard, address in zip(shards, chosen, strict=True):
                await leases.forget(session, _slot(session_id, shard))
                lease = await leases.take(session, _slot(session_id, shard), self._replica, 0)
                if lease is not None:
                    await leases.keep(session, lease, _SLOT_SECONDS, {"worker": names[address], "shard": shard})
            return chosen

    async def waits_no_more(self, session_id: UUID) -> None:
        """Take a wish out; it runs out by itself if that does not succeed."""
        with contextlib.suppress(Exception):
            async with self._database.write() as session:
                await leases.forget(session, f"{_WAIT_PREFIX}{session_id}")

    async def free(self, session_id: UUID, shard: int | None = None) -> None:
        """Give the slot of a shard back, or all that this server holds for a benchmark; else they run out."""
        with contextlib.suppress(Exception):
            async with self._database.write() as session:
                if shard is None:
                    await leases.forget_all(session, _slot(session_id, ""), self._replica)
                else:
                    await leases.forget(session, _slot(session_id, shard))

    async def renew(self, session_id: UUID) -> None:
        """Hold what a benchmark has, until this is cancelled."""
        while True:
            await asyncio.sleep(_RENEW_SECONDS)
            try:
                async with self._database.write() as session:
                    for row in await leases.all_of(session, _slot(session_id, ""), self._replica):
                        await leases.keep(session, leases.Lease(row.name, row.holder, row.epoch), _SLOT_SECONDS)
            except Exception:  # noqa: BLE001  (the database is away: nobody else can take them either)
                log.warning("the slots of benchmark %s could not be renewed", session_id)


def _slot(session_id: UUID, shard: int | str) -> str:
    return f"{SLOT_PREFIX}{session_id}/{shard}"


async def _one_at_a_time(session: WriteSession) -> None:
    if session.get_bind().dialect.name == "postgresql":  # on SQLite every writer is alone
        await session.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK_KEY})"))
