"""Reads of one row by its key, straight through the driver.

SQLAlchemy's asynchronous session costs 0.9 to 1.1 ms of CPU for such a read, the driver alone 0.01 (sqlite3) to
0.16 ms (asyncpg). Statements are written with SQLAlchemy all the same and compiled once per dialect, with its
conversions of values. Only reads: each stands alone, outside any transaction.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import BindParameter, Select, bindparam
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite
from sqlalchemy.engine import URL, Dialect

from app.core.settings import StorageSettings

KEY: BindParameter[UUID] = bindparam("key")
_MAX_CONNECTIONS = 4
_DIALECTS: dict[str, Callable[[], Dialect]] = {"sqlite": SQLiteDialect_aiosqlite, "postgresql": PGDialect_asyncpg}
_SQLALCHEMYS_OWN = ("prepared_statement_cache_size", "prepared_statement_name_func", "async_creator_fn")
_LOST = (asyncpg.ConnectionDoesNotExistError, asyncpg.InterfaceError, ConnectionError)


def point_connections(settings: StorageSettings) -> int:
    """How many of `storage.max_connections` are for these reads."""
    return max(1, min(_MAX_CONNECTIONS, settings.max_connections // 4))


def time_limits(settings: StorageSettings) -> dict[str, Any]:
    """What asyncpg is told, so that neither a slow statement nor a server that hangs holds a request for ever.

    The server's own limit comes first, because it leaves the connection usable.
    """
    seconds = settings.statement_timeout_seconds
    return {
        "command_timeout": seconds + 1,
        "server_settings": {"statement_timeout": str(int(seconds * 1000))},
    }


class _Compiled:
    """A statement in one dialect."""

    def __init__(self, query: Select[Any], dialect: Dialect) -> None:
        self.text = str(query.compile(dialect=dialect))
        key_type = next(iter(query.compile().binds.values())).type
        self._bind = key_type.dialect_impl(dialect).bind_processor(dialect)
        self._results = [
            column.type.dialect_impl(dialect).result_processor(dialect, None) for column in query.selected_columns
        ]

    def parameter(self, key: UUID) -> Any:
        """The key as the driver wants it."""
        return self._bind(key) if self._bind is not None else key

    def row(self, values: Any) -> tuple[Any, ...]:
        """What the driver answered, as Python sees it."""
        return tuple(
            value if convert is None else convert(value) for value, convert in zip(values, self._results, strict=True)
        )


class PointQuery:
    """A `select` whose only parameter is `KEY`, compared with a UUID column; finds one row at most."""

    def __init__(self, query: Select[Any]) -> None:
        self._query = query
        self._compiled: dict[str, _Compiled] = {}

    def in_dialect(self, name: str) -> _Compiled:
        """The statement for `sqlite` or `postgresql`."""
        if (found := self._compiled.get(name)) is None:
            found = self._compiled[name] = _Compiled(self._query, _DIALECTS[name]())
        return found


async def _leave(_connection: object) -> None:
    """A read by key changes nothing about its connection, and asking the server to undo that costs a round trip."""


class PointReads:
    """A few connections of its own, opened when first used."""

    def __init__(self, url: URL, settings: StorageSettings) -> None:
        self._url = url
        self._settings = settings
        self._lock = asyncio.Lock()
        self._sqlite: sqlite3.Connection | None = None
        self._pool: asyncpg.Pool | None = None

    async def fetch_one(self, query: PointQuery, key: UUID) -> tuple[Any, ...] | None:
        """The row, or None.

        Raises:
            OSError, asyncpg.PostgresError, asyncpg.InterfaceError, sqlite3.Error: what the driver raises.
        """
        compiled = query.in_dialect(self._settings.backend)
        parameter = compiled.parameter(key)
        values = await (self._from_sqlite if self._settings.backend == "sqlite" else self._from_postgresql)(
            compiled.text, parameter
        )
        return None if values is None else compiled.row(values)

    async def close(self) -> None:
        """Close the connections."""
        if self._sqlite is not None:
            self._sqlite.close()
            self._sqlite = None
        if self._pool is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._pool.close(), 5)
            self._pool.terminate()
            self._pool = None

    async def _from_sqlite(self, text: str, parameter: Any) -> Any:
        if self._sqlite is None:
            self._sqlite = self._open_sqlite(timeout_seconds=0)
        try:
            # In the event loop's own thread: readers of a database in WAL mode wait for nobody, a row by its key is a
            # few cached pages (10 µs), and handing it to another thread costs twenty times that.
            return self._sqlite.execute(text, (parameter,)).fetchone()
        except sqlite3.OperationalError:  # somebody has it exclusively, such as a migration
            return await asyncio.to_thread(self._patiently, text, parameter)

    def _patiently(self, text: str, parameter: Any) -> Any:
        with contextlib.closing(self._open_sqlite(self._settings.connection_timeout_seconds)) as connection:
            return connection.execute(text, (parameter,)).fetchone()

    def _open_sqlite(self, timeout_seconds: float) -> sqlite3.Connection:
        connection = sqlite3.connect(str(self._url.database), timeout=timeout_seconds, isolation_level=None)
        connection.execute("PRAGMA query_only=ON")
        return connection

    async def _from_postgresql(self, text: str, parameter: Any) -> Any:
        for is_last in (False, True):
            pool = await self._postgresql()
            try:
                async with pool.acquire(timeout=self._settings.connection_timeout_seconds) as connection:
                    return await connection.fetchrow(text, parameter)
            except _LOST:  # the connection died while it was idle; the pool makes another
                if is_last:
                    raise
        return None

    async def _postgresql(self) -> asyncpg.Pool:
        if self._pool is None:
            async with self._lock:
                if self._pool is None:
                    _, options = PGDialect_asyncpg().create_connect_args(self._url)  # type: ignore[no-untyped-call]
                    for name in _SQLALCHEMYS_OWN:
                        options.pop(name, None)
                    self._pool = await asyncpg.create_pool(
                        **options,
                        **time_limits(self._settings),
                        timeout=self._settings.connection_timeout_seconds,
                        min_size=0,
                        max_size=point_connections(self._settings),
                        reset=_leave,
                    )
        return self._pool
