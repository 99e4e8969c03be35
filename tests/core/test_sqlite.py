"""Connections to SQLite end, whatever happens to the task that ends them."""

import asyncio
import sqlite3
from contextlib import closing
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


async def test_what_is_closed_before_its_rows_were_read_locks_nobody_out(tmp_path: Path) -> None:
    file = str(tmp_path / "a.db")
    connection = await sqlite.connect(file)
    await connection.execute("CREATE TABLE counts (n INTEGER)")
    await connection.executemany("INSERT INTO counts VALUES (?)", [(1,), (2,), (3,)])
    await connection.commit()
    await connection.execute("BEGIN IMMEDIATE")
    half_read = await connection.execute("SELECT n FROM counts")  # as a traceback keeps it of a task that was cancelled
    await half_read.fetchone()
    await connection.close()
    with closing(sqlite3.connect(file, timeout=0)) as other:
        other.execute("BEGIN IMMEDIATE")


async def test_a_connection_that_is_stopped_first_gives_its_lock_back(tmp_path: Path) -> None:
    file = str(tmp_path / "a.db")
    connection = await sqlite.connect(file)
    await connection.execute("BEGIN IMMEDIATE")
    raw = connection._connection  # what else may hold on to it
    stopped = connection.stop()
    assert stopped is not None
    with pytest.raises(ValueError, match="closed"):
        await connection.close()
    await asyncio.wait_for(stopped, 10)
    with closing(sqlite3.connect(file, timeout=0)) as other:
        other.execute("BEGIN IMMEDIATE")
    del raw
