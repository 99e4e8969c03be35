"""SQLite's connections: tuned for a recorder that writes while others read, and closed for certain."""

import asyncio
import sqlite3
from contextlib import suppress
from functools import partial
from typing import Any

import aiosqlite

JOURNAL_LIMIT_BYTES = 64 * 2**20


class ReleasingConnection(sqlite3.Connection):
    """A connection that gives its locks back when it is closed.

    SQLite keeps a closed connection, transaction and write lock included, for as long as one of its statements has rows
    left. A task that is cancelled between a query and its rows leaves such a statement in its traceback: until the
    garbage collector comes by, nobody else could write.
    """

    def close(self) -> None:
        """End the transaction, if there is one, then the connection; a second call does nothing."""
        with suppress(sqlite3.Error):  # closed already, or the disk is gone: closing must go on
            self.rollback()
        super().close()


class SqliteConnection(aiosqlite.Connection):
    """A connection whose end can be asked for twice.

    When the task that closes a connection is cancelled, SQLAlchemy goes on closing it in the background and stops it
    as well. aiosqlite 0.22 then waits for ever for a thread that has already ended: the server would not stop.
    """

    _is_stopping = False

    def stop(self) -> asyncio.Future[Any] | None:
        """End the thread once what it was given is done; None if that was asked for before."""
        if self._is_stopping:
            return None
        self._is_stopping = True
        if self._connection is not None:
            # aiosqlite's own order finds nothing to close once `close` has forgotten the connection.
            self._tx.put_nowait((None, self._connection.close))
        return super().stop()


def connect(database: str, **options: Any) -> SqliteConnection:
    """A connection for SQLAlchemy's `async_creator_fn`; awaiting it opens it."""
    connection = SqliteConnection(
        partial(sqlite3.connect, database, factory=ReleasingConnection, **options), iter_chunk_size=64
    )
    connection._thread.daemon = True  # as SQLAlchemy does where it makes the connection: an exit waits for nobody  # noqa: SLF001
    return connection


def tune(connection: Any, _record: Any) -> None:
    """For SQLAlchemy's event `connect`.

    WAL lets readers go on while the recorder writes; NORMAL is safe against process death in WAL mode. A WAL that grew
    behind a long reader is cut back at the next checkpoint.
    """
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        "temp_store=MEMORY",
        f"journal_size_limit={JOURNAL_LIMIT_BYTES}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
