"""Reads of one row by its key, straight through the driver.

SQLAlchemy's asynchronous session costs 0.9 to 1.1 ms of CPU for such a read, the driver alone 0.01 (sqlite3) to
0.16 ms (asyncpg). Statements are written with SQLAlchemy all the same and compiled once per dialect, with its
conversions of values. Only reads: each stands alone, outside any transaction, and sees whatever was committed before it
was asked for.

On PostgreSQL a read is a round trip, so those that are wanted at the same moment go together (`gathering.py`).
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import asyncpg
import orjson
from sqlalchemy import Select, any_, bindparam
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite
from sqlalchemy.engine import URL, Dialect
from sqlalchemy.orm import InstrumentedAttribute

from app.core.gathering import Gathering
from app.core.settings import StorageSettings

Row = tuple[Any, ...]

_MAX_CONNECTIONS = 4
_DIALECTS: dict[str, Callable[[], Dialect]] = {"sqlite": SQLiteDialect_aiosqlite, "postgresql": PGDialect_asyncpg}
_SQLALCHEMYS_OWN = ("prepared_statement_cache_size", "prepared_statement_name_func", "async_creator_fn")
_LOST = (asyncpg.ConnectionDoesNotExistError, asyncpg.InterfaceError, ConnectionError)


def point_connections(settings: StorageSettings) -> int:
    """How many of `storage.max_connections` are for these reads."""
    return max(1, min(_MAX_CONNECTIONS, settings.max_connections // 4))


def time_limits(seconds: float) -> dict[str, Any]:
    """What asyncpg is told, so that neither a slow statement nor a server that hangs holds a request for ever.

    The server's own limit comes first, because it leaves the connection usable.
    """
    return {
        "command_timeout": seconds + 1,
        "server_settings": {"statement_timeout": str(int(seconds * 1000))},
    }


class PointQuery:
    """A `select` of one row at most for each value of the column `by`, which is unique.

    Not of floating-point columns: SQLAlchemy converts those by what the server says of each answer.
    """

    def __init__(self, query: Select[Any], *, by: InstrumentedAttribute[Any]) -> None:
        self._query = query
        self._by = by
        self._compiled: dict[str, _Compiled] = {}

    def in_dialect(self, name: str) -> "_Compiled":
        """The statement for `sqlite` (of one key) or `postgresql` (of an array of keys, answered beside each row)."""
        if (found := self._compiled.get(name)) is None:
            if name == "sqlite":
                query = self._query.where(self._by == bindparam("key"))
            else:
                query = self._query.add_columns(self._by)
                query = query.where(self._by == any_(bindparam("keys", type_=ARRAY(self._by.type))))
            found = self._compiled[name] = _Compiled(query, self._by, _DIALECTS[name]())
        return found


class _Compiled:
    """A statement in one dialect."""

    def __init__(self, query: Select[Any], by: InstrumentedAttribute[Any], dialect: Dialect) -> None:
        self.text = str(query.compile(dialect=dialect))
        self._bind = by.type.dialect_impl(dialect).bind_processor(dialect)
        results = [
            column.type.dialect_impl(dialect).result_processor(dialect, None) for column in query.selected_columns
        ]
        self._conversions = [(index, convert) for index, convert in enumerate(results) if convert is not None]

    def parameter(self, key: Hashable) -> Any:
        """The key as the driver wants it."""
        return self._bind(key) if self._bind is not None else key

    def row(self, values: Any) -> Row:
        """What the driver answered, as Python sees it."""
        row = list(values)
        for index, convert in self._conversions:
            row[index] = convert(row[index])
        return tuple(row)


async def _leave(_connection: object) -> None:
    """A read by key changes nothing about its connection, and asking the server to undo that costs a round trip."""


async def _read_json(connection: asyncpg.Connection) -> None:
    """What SQLAlchemy's dialect expects of its driver: documents, not their text."""
    for name in ("json", "jsonb"):
        await connection.set_type_codec(name, schema="pg_catalog", encoder=_text, decoder=orjson.loads)


def _text(value: object) -> str:
    return orjson.dumps(value).decode()


class PointReads:
    """A few connections of its own, opened when first used."""

    def __init__(self, url: URL, settings: StorageSettings) -> None:
        self._url = url
        self._settings = settings
        self._lock = asyncio.Lock()
        self._sqlite: sqlite3.Connection | None = None
        self._pool: asyncpg.Pool | None = None
        self._gathered: dict[PointQuery, Gathering[Hashable, Row]] = {}

    async def fetch_one(self, query: PointQuery, key: Hashable) -> Row | None:
        """The row, or None.

        Raises:
            OSError, asyncpg.PostgresError, asyncpg.InterfaceError, sqlite3.Error: what the driver raises.
        """
        if self._settings.backend == "sqlite":
            compiled = query.in_dialect("sqlite")
            values = await self._from_sqlite(compiled.text, compiled.parameter(key))
            return None if values is None else compiled.row(values)
        gathered = self._gathered.get(query)
        if gathered is None:
            compiled = query.in_dialect("postgresql")
            lanes = point_connections(self._settings)
            gathered = self._gathered[query] = Gathering(
                lambda keys: self._from_postgresql(compiled, keys), lanes=lanes
            )
        return await gathered.ask(key)

    async def close(self) -> None:
        """Close the connections."""
        if self._sqlite is not None:
            self._sqlite.close()
            self._sqlite = None
        for gathered in self._gathered.values():
            await gathered.close()
        if self._pool is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(5):
                    await self._pool.close()
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

    async def _from_postgresql(self, compiled: _Compiled, keys: Sequence[Hashable]) -> Mapping[Hashable, Row]:
        parameters = [compiled.parameter(key) for key in keys]
        for is_last in (False, True):
            pool = await self._postgresql()
            try:
                async with pool.acquire(timeout=self._settings.connection_timeout_seconds) as connection:
                    found = await connection.fetch(compiled.text, parameters)
                break
            except _LOST:  # the connection died while it was idle; the pool makes another
                if is_last:
                    raise
        rows = (compiled.row(values) for values in found)
        return {row[-1]: row[:-1] for row in rows}

    async def _postgresql(self) -> asyncpg.Pool:
        if self._pool is None:
            async with self._lock:
                if self._pool is None:
                    _, options = PGDialect_asyncpg().create_connect_args(self._url)  # type: ignore[no-untyped-call]
                    for name in _SQLALCHEMYS_OWN:
                        options.pop(name, None)
                    # A read by key that takes as long as connecting may take has met a server that does not answer.
                    seconds = min(self._settings.statement_timeout_seconds, self._settings.connection_timeout_seconds)
                    self._pool = await asyncpg.create_pool(
                        **options,
                        **time_limits(seconds),
                        timeout=self._settings.connection_timeout_seconds,
                        min_size=0,
                        max_size=point_connections(self._settings),
                        init=_read_json,
                        reset=_leave,
                    )
        return self._pool
