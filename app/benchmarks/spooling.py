"""A recorder that lets results wait on disk while the database is away, so that the run goes on."""

import asyncio
import logging
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.benchmarks import spool as spools
from app.benchmarks.measures import MeasuredResult
from app.benchmarks.models import BenchmarkSession
from app.benchmarks.recorder import Recorder, is_transient, plain, store
from app.benchmarks.spool import Spool, SpoolFullError
from app.benchmarks.states import REMOVED
from app.core.database import Database
from app.core.errors import DatabaseError

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 900.0
"""How long results wait for a database that is away or full, so that somebody can help; a spool stays after that."""
_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 3.0
_LEAVING_SECONDS = 2.0


class SpoolingRecorder(Recorder):
    """As `Recorder`; only when the spool is full, too, it waits and in the end fails as that does."""

    def __init__(
        self,
        database: Database,
        session_id: UUID,
        folder: Path,
        *,
        keep_gaps: bool = True,
        spool_bytes: int = spools.LIMIT_BYTES,
        spool_patience_seconds: float = PATIENCE_SECONDS,
        **options: Any,
    ) -> None:
        super().__init__(database, session_id, keep_gaps=keep_gaps, **options)
        self._spool = Spool(folder, session_id, keep_gaps=keep_gaps, limit_bytes=spool_bytes)
        self._spool_patience_seconds = spool_patience_seconds
        self._delivering: asyncio.Task[None] | None = None
        self._is_full = False

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._spool:
            await super().__aexit__(kind, error, trace)
            if self._delivering is None:
                return
            is_leaving = kind is not None and issubclass(kind, asyncio.CancelledError)
            limit = _LEAVING_SECONDS if is_leaving else self._spool_patience_seconds
            await asyncio.wait({self._delivering}, timeout=limit)
            self._delivering.cancel()
            await asyncio.gather(self._delivering, return_exceptions=True)
            if self._spool.waiting and error is None:
                raise DatabaseError(
                    f"the database was away for {limit:g} s; {self._spool.waiting} batches of results wait in "
                    f"{self._spool.path.name} on this worker and are stored when it starts again"
                )

    async def _write_patiently(self, batch: list[MeasuredResult]) -> None:
        if not self._spool.waiting:
            try:
                await self._store(batch)
            except Exception as error:
                if not is_transient(error):
                    log.exception("results of benchmark %s cannot be stored", self._session_id)
                    raise DatabaseError(f"results cannot be stored: {plain(error)}") from error
                log.warning("the database is away, results wait on disk: %s", plain(error))
            else:
                return
        try:
            self._spool.put(batch)
        except SpoolFullError as error:
            if not self._is_full:
                self._is_full = True
                log.warning("%s; results of benchmark %s wait in memory", error, self._session_id)
            await super()._write_patiently(batch)
            return
        self._is_full = False
        if self._delivering is None or self._delivering.done():
            self._delivering = asyncio.create_task(self._deliver(), name=f"spool of {self._session_id}")

    async def _deliver(self) -> None:
        """Store what waits on disk, the oldest first, as soon as the database takes it."""
        pause, since, number = _FIRST_PAUSE_SECONDS, time.monotonic(), 0
        while self._spool.waiting:
            await asyncio.sleep(pause if not number else 0)
            try:
                await self._store(self._spool.first())
            except Exception as error:
                if not is_transient(error):
                    log.exception("results of benchmark %s cannot be stored", self._session_id)
                    async with self._changed:
                        self._error = DatabaseError(f"results cannot be stored: {plain(error)}")
                        self._changed.notify_all()
                    return
                pause, number = min(2 * pause, _LONGEST_PAUSE_SECONDS), 0
            else:
                self._spool.done()
                number += 1
        log.warning("the database is back after %.1f s; what waited on disk is stored", time.monotonic() - since)

    async def _store(self, batch: list[MeasuredResult]) -> None:
        stored = await store(self._database, self._session_id, batch, keep_gaps=self._keep_gaps)
        self.stored.ok += stored.ok
        self.stored.failed += stored.failed
        self.stored.duplicates += stored.duplicates


async def deliver_left_behind(database: Database, folder: Path) -> int:
    """Store what earlier processes left in their spools; how many results there were. Files that cannot be, stay."""
    number = 0
    for path, session_id, keep_gaps in spools.left_behind(folder):
        try:
            async with database.read() as session:
                query = select(BenchmarkSession.status).where(BenchmarkSession.id == session_id)
                is_there = await session.scalar(query) not in {None, REMOVED}
            for batch in spools.batches(path) if is_there else ():
                await store(database, session_id, batch, keep_gaps=keep_gaps)
                number += len(batch)
        except IntegrityError:  # the benchmark was deleted in this moment
            pass
        except Exception as error:  # noqa: BLE001  (the next start tries again)
            log.warning("%s could not be delivered: %s", path.name, plain(error))
            continue
        path.unlink(missing_ok=True)
    if number:
        log.warning("%d results that an earlier process had left on disk are stored", number)
    return number
