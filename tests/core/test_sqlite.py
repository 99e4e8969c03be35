"""Connections to SQLite end, whatever happens to the task that ends them."""

import asyncio
import contextlib
import sqlite3
from pathlib import Path

import pytest

from app.core import sqlite
from app.core.database import Database
from app.core.settings import StorageSettings


async def test_a_connection_that_is_stopped_while_it_closes_is_closed(tmp_path: Path) -> None:
    connection = await sqlite.connect(str(tmp_path / "a.db"))
    closing = asyncio.create_task(connection.close())
    await asyncio.sleep(0)  # the thread has been asked to close
    connection.stop()
    await asyncio.wait_for(closing, 10)


async def test_a_cancelled_closing_leaves_nothing_that_waits(tmp_path: Path) -> None:
    database = Database(StorageSettings(data_dir=tmp_path))
    before = asyncio.all_tasks()
    async with database.engine.connect() as connection:
        ending = asyncio.create_task(connection.invalidate())
        await asyncio.sleep(0)  # SQLAlchemy has begun to close it, in a task of its own
        ending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await ending
    left = asyncio.all_tasks() - before
    assert not left or not (await asyncio.wait(left, timeout=10))[1]
    await database.close()


async def test_a_closed_connection_holds_no_lock_though_a_statement_of_it_lingers(tmp_path: Path) -> None:
    path = str(tmp_path / "x.db")
    with contextlib.closing(sqlite3.connect(path, timeout=0.2, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode=WAL")
        other.execute("CREATE TABLE t (x)")
        other.executemany("INSERT INTO t VALUES (?)", [(number,) for number in range(3)])
        connection = await sqlite.connect(path, isolation_level=None)
        await connection.execute("BEGIN IMMEDIATE")
        lingering = await connection.execute("SELECT x FROM t")
        assert await lingering.fetchone() == (0,)
        await connection.close()
        other.execute("BEGIN IMMEDIATE")  # "database is locked" until the cursor is gone
        other.rollback()
        assert lingering is not None
