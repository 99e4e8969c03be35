"""Writes results in batches, each index once, and says truthfully what was stored.

`add` waits while `max_waiting` results have not been written: the supervisor then stops reading its engine, so memory
stays bounded when the database is slow. A fault that may pass (lost connection, locked database, restart) is tried
again for `patience_seconds`; any other, or the end of patience, fails the recorder and with it the shard.
"""

import asyncio
import logging
import time
from collections import Counter, deque
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import asyncpg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.benchmarks.measures import MeasuredResult
from app.benchmarks.rows import COLUMNS, to_rows
from app.core.database import Database
from app.core.errors import DatabaseError

log = logging.getLogger(__name__)

_QUOTED = ", ".join(f'"{name}"' for name in COLUMNS)
_INSERT_SQLITE = (
    f"INSERT INTO results ({_QUOTED}) VALUES ({', '.join('?' * len(COLUMNS))}) "  # noqa: S608  (names from the model)
    'ON CONFLICT (session_id, "index") DO NOTHING'
)
_STAGE_POSTGRESQL = "CREATE TEMPORARY TABLE IF NOT EXISTS results_staged (LIKE results) ON COMMIT DELETE ROWS"
_INSERT_POSTGRESQL = (
    f"WITH stored AS (INSERT INTO results ({_QUOTED}) SELECT {_QUOTED} FROM results_staged "  # noqa: S608  (as above)
    'ON CONFLICT (session_id, "index") DO NOTHING RETURNING status) '
    "SELECT status, count(*) FROM stored GROUP BY status"
)
_STATUS = COLUMNS.index("status")
_TRANSIENT = (
    OperationalError,
    InterfaceError,
    PoolTimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    OSError,
    TimeoutError,
)
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 2.0


@dataclass
class Stored:
    """Rows that this recorder put into the table; `duplicates` were there already."""

    ok: int = 0
    failed: int = 0
    duplicates: int = 0


totals = Stored()
"""Of this process, over all recorders."""


class Recorder:
    """Use it as an `async with` block; leaving it writes what waits.

    Raises:
        DatabaseError: from `add` and at the end of the block, when results could not be stored.
    """

    def __init__(
        self,
        database: Database,
        session_id: UUID,
        *,
        keep_gaps: bool = True,
        batch_size: int = 2_000,
        max_waiting: int = 20_000,
        flush_seconds: float = 0.5,
        patience_seconds: float = 30.0,
    ) -> None:
        self.stored = Stored()
        self._database = database
        self._session_id = session_id
        self._keep_gaps = keep_gaps
        self._batch_size = batch_size
        self._max_waiting = max_waiting
        self._flush_seconds = flush_seconds
        self._patience_seconds = patience_seconds
        self._waiting: deque[MeasuredResult] = deque()
        self._changed = asyncio.Condition()
        self._closing = False
        self._error: DatabaseError | None = None
        self._is_waiting = False
        self._writer: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._writer = asyncio.create_task(self._write_all(), name=f"recorder {self._session_id}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._writer is not None
        async with self._changed:
            self._closing = True
            self._changed.notify_all()
        try:
            await asyncio.shield(self._writer)
        except asyncio.CancelledError:
            self._writer.cancel()
            raise
        if self._error is not None and error is None:
            raise self._error

    async def add(self, results: list[MeasuredResult]) -> None:
        """Queue results for writing; waits while too many wait already."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._error or len(self._waiting) < self._max_waiting)
            if self._error is not None:
                raise self._error
            self._waiting.extend(results)
            self._changed.notify_all()

    async def _write_all(self) -> None:
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: self._waiting or self._closing)
                if not self._closing and len(self._waiting) < self._batch_size:
                    try:
                        async with asyncio.timeout(self._flush_seconds):
                            await self._changed.wait_for(
                                lambda: self._closing or len(self._waiting) >= self._batch_size
                            )
                    except TimeoutError:
                        pass
                batch = [self._waiting[position] for position in range(min(self._batch_size, len(self._waiting)))]
            if not batch:
                return
            try:
                await self._write_patiently(batch)
            except DatabaseError as error:
                async with self._changed:
                    self._error = error
                    self._changed.notify_all()
                return
            async with self._changed:
                for _ in batch:
                    self._waiting.popleft()
                self._changed.notify_all()

    async def _write_patiently(self, batch: list[MeasuredResult]) -> None:
        begun = time.monotonic()
        give_up_at = begun + self._patience_seconds
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                stored = await store(self._database, self._session_id, batch, keep_gaps=self._keep_gaps)
            except Exception as error:
                if not is_transient(error):
                    log.exception("results of benchmark %s cannot be stored", self._session_id)
                    raise DatabaseError(f"results cannot be stored: {plain(error)}") from error
                if time.monotonic() + pause > give_up_at:
                    raise DatabaseError(
                        f"results could not be stored for {self._patience_seconds:g} s: {plain(error)}"
                    ) from error
                if not self._is_waiting:
                    self._is_waiting = True
                    log.warning("results of benchmark %s wait to be stored: %s", self._session_id, plain(error))
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
            else:
                if self._is_waiting:
                    self._is_waiting = False
                    seconds = time.monotonic() - begun
                    log.warning("results of benchmark %s are stored again, after %.1f s", self._session_id, seconds)
                self.stored.ok += stored.ok
                self.stored.failed += stored.failed
                self.stored.duplicates += stored.duplicates
                return


def is_transient(error: Exception) -> bool:
    """Whether the same write may succeed later."""
    if isinstance(error, IntegrityError):
        return False
    return isinstance(error, _TRANSIENT) or (isinstance(error, DBAPIError) and error.connection_invalidated)


def plain(error: Exception) -> str:
    """The first line of a database error, without the statement and its values."""
    original = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return (str(original).splitlines() or [type(error).__name__])[0][:300]


async def store(
    database: Database, session_id: UUID, results: list[MeasuredResult], *, keep_gaps: bool = True
) -> Stored:
    """Write a batch in one transaction, leaving out indices that are there already."""
    rows = to_rows(session_id, results, database.dialect, keep_gaps=keep_gaps)
    if database.dialect == "sqlite":
        async with database.write() as session:
            counts = await _insert(await session.connection(), rows)
    else:
        try:
            # Nearly always nothing is there yet, and then going through a second table would write every row twice.
            async with database.write() as session:
                await _copy(await session.connection(), "results", rows)
            counts = Counter(row[_STATUS] for row in rows)
        except IntegrityError as error:
            if not isinstance(error.orig, asyncpg.UniqueViolationError):
                raise
            async with database.write() as session:
                counts = await _copy_new(await session.connection(), rows)
    ok, failed = counts.get("ok", 0), counts.get("error", 0)
    totals.ok += ok
    totals.failed += failed
    totals.duplicates += len(results) - ok - failed
    return Stored(ok, failed, len(results) - ok - failed)


async def _copy(connection: AsyncConnection, table: str, rows: list[tuple[Any, ...]]) -> None:
    # The foreign key's check is a query for each row, which `force_custom_plan` would plan anew each time: 50 µs a row.
    await connection.execute(text("SET LOCAL plan_cache_mode = auto"))
    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None
    await driver.copy_records_to_table(table, records=rows, columns=COLUMNS)


async def _copy_new(connection: AsyncConnection, rows: list[tuple[Any, ...]]) -> dict[str, int]:
    await connection.execute(text(_STAGE_POSTGRESQL))
    await _copy(connection, "results_staged", rows)
    rows_stored = await connection.execute(text(_INSERT_POSTGRESQL))
    return {row.status: row[1] for row in rows_stored}


async def _insert(connection: AsyncConnection, rows: list[tuple[Any, ...]]) -> dict[str, int]:
    counts = {}
    for status in ("ok", "error"):
        if chosen := [row for row in rows if row[_STATUS] == status]:
            counts[status] = (await connection.exec_driver_sql(_INSERT_SQLITE, chosen)).rowcount
    return counts
