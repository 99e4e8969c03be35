"""The one history, on both dialects: up, down, up again, no drift, and many processes at once."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from app.core import migrations
from app.core.database import Base, Database
from app.core.errors import DatabaseError
from app.core.settings import StorageSettings
from tests.factories import Rows

pytestmark = pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")

GIN = {"ix_sessions_tags_gin", "ix_sessions_providers_gin", "ix_sessions_models_gin"}


@pytest.fixture(params=["sqlite", "postgresql"])
async def empty(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """A database without any table."""
    url = (
        f"sqlite+aiosqlite:///{tmp_path / 'empty.db'}"
        if request.param == "sqlite"
        else request.getfixturevalue("empty_postgres_url")
    )
    database = Database(StorageSettings(database_url=url))
    yield database
    await database.close()


async def schema(database: Database) -> dict[str, Any]:
    """Every table with its columns, indexes and constraints, as the database itself reports them."""

    def read(connection: Connection) -> dict[str, Any]:
        found = inspect(connection)
        return {
            table: {
                "columns": {column["name"]: (str(column["type"]), column["nullable"]) for column in columns},
                "indexes": {
                    str(index["name"]): (
                        index["column_names"],
                        {option: str(value) for option, value in index.get("dialect_options", {}).items()},
                    )
                    for index in found.get_indexes(table)
                },
                "keys": [found.get_pk_constraint(table), found.get_foreign_keys(table)],
                "unique": sorted(str(key["column_names"]) for key in found.get_unique_constraints(table)),
            }
            for (_, table), columns in found.get_multi_columns().items()
            if not table.startswith("results_")  # a partition
        }

    async with database.engine.connect() as connection:
        return await connection.run_sync(read)


def test_the_history_is_one_line() -> None:
    script = ScriptDirectory.from_config(migrations.alembic_config())
    assert len(script.get_heads()) == 1
    assert len(script.get_bases()) == 1


async def test_up_down_and_up_again_gives_the_same(empty: Database) -> None:
    await migrations.upgrade(empty.engine)
    first = await schema(empty)
    assert set(first) == {*Base.metadata.tables, "alembic_version"}
    await migrations.downgrade(empty.engine, "base")
    assert set(await schema(empty)) == {"alembic_version"}
    await migrations.upgrade(empty.engine)
    assert await schema(empty) == first


async def test_every_step_goes_down_and_up(empty: Database) -> None:
    script = ScriptDirectory.from_config(migrations.alembic_config())
    for revision in reversed(list(script.walk_revisions())):
        await migrations.upgrade(empty.engine, revision.revision)
        after = await schema(empty)
        await migrations.downgrade(empty.engine, str(revision.down_revision or "base"))
        await migrations.upgrade(empty.engine, revision.revision)
        assert await schema(empty) == after


async def test_models_and_history_agree(database: Database) -> None:
    await migrations.check(database.engine)


async def test_postgresql_alone_has_gin_indexes(database: Database) -> None:
    indexes = set((await schema(database))["sessions"]["indexes"])
    assert indexes & GIN == (GIN if database.dialect == "postgresql" else set())


async def test_migrating_again_changes_nothing_and_keeps_the_rows(database: Database, rows: Rows) -> None:
    owner = await rows.user()
    benchmark = await rows.session(owner_id=owner.id)
    await rows.results(benchmark, 5)
    await migrations.upgrade(database.engine)
    assert await counts(database) == (1, 1, 5)


async def counts(database: Database) -> tuple[int, ...]:
    async with database.engine.connect() as connection:
        tables = ("users", "sessions", "results")
        return tuple(
            [(await connection.exec_driver_sql(f"SELECT count(*) FROM {name}")).scalar_one() for name in tables]
        )


def copy_sessions(connection: Connection) -> None:
    """What a migration does that SQLite can only do by copying the table."""
    operations = Operations(MigrationContext.configure(connection, opts={"render_as_batch": True}))
    with operations.batch_alter_table("sessions") as batch:
        batch.alter_column("name", type_=sa.String(length=300), existing_type=sa.String(length=200))


async def test_changing_a_table_keeps_the_rows_that_refer_to_it(database: Database, rows: Rows) -> None:
    owner = await rows.user()
    benchmark = await rows.session(owner_id=owner.id)
    await rows.results(benchmark, 5)
    await migrations.run_alone(database.engine, copy_sessions)
    assert await counts(database) == (1, 1, 5)
    async with database.write() as session:
        await session.delete(benchmark)
    assert await counts(database) == (1, 0, 0), "foreign keys are on again"


async def test_a_migration_that_fails_changes_nothing(database: Database, rows: Rows) -> None:
    await rows.user()
    before = await schema(database)

    def half(connection: Connection) -> None:
        connection.exec_driver_sql("CREATE TABLE half_done (id INTEGER)")
        connection.exec_driver_sql("DELETE FROM users")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await migrations.run_alone(database.engine, half)
    assert await schema(database) == before
    assert await counts(database) == (1, 0, 0)


async def test_a_migration_may_not_leave_orphans(database: Database, rows: Rows) -> None:
    benchmark = await rows.session()
    await rows.results(benchmark, 2)
    refused: type[Exception] = DatabaseError if database.dialect == "sqlite" else sa.exc.IntegrityError

    def orphan(connection: Connection) -> None:
        connection.exec_driver_sql("UPDATE results SET session_id = id")

    with pytest.raises(refused):
        await migrations.run_alone(database.engine, orphan)
    assert await counts(database) == (0, 1, 2)


MIGRATE = """
import asyncio, sys
from app.core import migrations
from app.core.database import Database
from app.core.settings import StorageSettings

async def main():
    database = Database(StorageSettings(database_url=sys.argv[1]))
    print("ready", flush=True)
    sys.stdin.readline()
    await migrations.upgrade(database.engine)
    await database.close()

asyncio.run(main())
"""


@contextmanager
def _reaped(processes: list[asyncio.subprocess.Process]) -> Iterator[None]:
    try:
        yield
    finally:
        for process in processes:
            if process.returncode is None:
                process.kill()


async def test_processes_that_migrate_at_the_same_moment_do_not_disturb_each_other(empty: Database) -> None:
    url = empty.engine.url.render_as_string(hide_password=False)
    pipe = asyncio.subprocess.PIPE
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", MIGRATE, url, stdin=pipe, stdout=pipe, stderr=pipe, cwd=Path(__file__).parents[2]
        )
        for _ in range(2)
    ]
    with _reaped(processes):
        for process in processes:
            assert process.stdout is not None
            assert await process.stdout.readline() == b"ready\n"
        answers = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    assert [process.returncode for process in processes] == [0, 0], answers
    assert set(await schema(empty)) == {*Base.metadata.tables, "alembic_version"}
    await migrations.check(empty.engine)


async def test_partitioning_moves_no_row_and_loses_none(empty: Database) -> None:
    await migrations.upgrade(empty.engine)
    rows = Rows(empty)
    usual, strange = await rows.session(), await rows.session(id=uuid4())
    stored = [*await rows.results(usual, 7), *await rows.results(strange, 2)]
    wanted = {(row.session_id.hex, row.index, row.id.hex) for row in stored}
    for _ in range(2):
        await migrations.downgrade(empty.engine, "0006")
        assert await keys(empty) == wanted
        await migrations.upgrade(empty.engine)
        assert await keys(empty) == wanted
    async with empty.write() as session:
        await session.delete(usual)
    assert len(await keys(empty)) == 2, "results still refer to their session"


async def keys(database: Database) -> set[tuple[str, int, str]]:
    async with database.engine.connect() as connection:
        found = await connection.exec_driver_sql('SELECT session_id, "index", id FROM results')
        return {(UUID(str(session)).hex, index, UUID(str(id_)).hex) for session, index, id_ in found.tuples()}
