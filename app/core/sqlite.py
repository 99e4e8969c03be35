"""SQLite's connections: tuned for a recorder that writes while others read, and closed for certain."""

import asyncio
import contextlib
import sqlite3
from functools import partial
from typing import Any

import aiosqlite

JOURNAL_LIMIT_BYTES = 64 * 2**20


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
        return super().stop()


class _LettingGo(sqlite3.Connection):
    """A connection that holds no lock once it is closed.

    SQLite keeps a closed connection alive, its transaction and its lock on the database too, while a statement of it is
    not finished; that of a cancelled task lives until the garbage is collected, and until then nobody else can write.
    """

    def close(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            if self.in_transaction:
                self.rollback()
        super().close()


def connect(database: str, **options: Any) -> SqliteConnection:
    """A connection for SQLAlchemy's `async_creator_fn`; awaiting it opens it."""
    opened = partial(sqlite3.connect, database, factory=_LettingGo, **options)
    connection = SqliteConnection(opened, iter_chunk_size=64)
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
