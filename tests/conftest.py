"""Fixtures of the whole suite: real servers, a fresh migrated database per test, rows.

| fixture | what a test gets |
|---|---|
| `database` | a `Database` on a fresh migrated database; the test runs twice, on SQLite and on PostgreSQL |
| `storage_settings` | the `StorageSettings` of that database (same parameters) |
| `sqlite_settings`, `postgres_settings` | the same for one dialect |
| `postgres_url`, `empty_postgres_url` | the address of a fresh PostgreSQL database, migrated or empty |
| `redis_url`, `redis_server` | a flushed real Redis |
| `rows` | row factories on `database` (see `factories.py`) |
| `real_hashes` | password hashes as dear as users have them; all others in this process cost a fiftieth |
"""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import asyncpg
import hypothesis
import pytest

from app.accounts import passwords
from app.core import migrations
from app.core.database import Database
from app.core.settings import StorageSettings
from tests.balance import Scheduling, longest_first
from tests.factories import Rows
from tests.servers import PostgresServer, RedisServer

Value = TypeVar("Value")

# How long one example takes depends on who else uses the machine; pytest-timeout bounds the whole test.
hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.load_profile("any machine")

# Three hashes are half of what it costs to start a service and sign in. Services in processes of their own keep theirs.
REAL_MEMORY_KIB = passwords.MEMORY_KIB
passwords.MEMORY_KIB = 1_024


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling | None:
    return Scheduling(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        longest_first(items)


@pytest.fixture(autouse=True)
def _no_configuration_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("LTB_", "OTEL_"))]:
        monkeypatch.delenv(name)


@pytest.fixture
def real_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "MEMORY_KIB", REAL_MEMORY_KIB)


def _in_own_loop(function: Callable[[], Awaitable[Value]]) -> Value:
    # A thread has no running loop, so that synchronous fixtures serve synchronous and asynchronous tests alike.
    async def call() -> Value:
        return await function()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, call()).result()


async def _migrate(settings: StorageSettings) -> None:
    database = Database(settings)
    try:
        await migrations.upgrade(database.engine)
    finally:
        await database.close()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


def _execute(server: PostgresServer, *statements: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(server.url("postgres", driver="postgresql"))
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    _in_own_loop(run)


@pytest.fixture(scope="session")
def _postgres_template(postgres_server: PostgresServer) -> str:
    name = "migrated"
    _execute(postgres_server, f"CREATE DATABASE {name}")
    _in_own_loop(lambda: _migrate(StorageSettings(database_url=postgres_server.url(name))))
    return name


def _fresh_database(server: PostgresServer, template: str) -> Iterator[str]:
    name = f"test_{uuid4().hex}"
    _execute(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield server.url(name)
    _execute(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def postgres_url(postgres_server: PostgresServer, _postgres_template: str) -> Iterator[str]:
    yield from _fresh_database(postgres_server, _postgres_template)


@pytest.fixture
def empty_postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    yield from _fresh_database(postgres_server, "template1")


@pytest.fixture
def postgres_settings(postgres_url: str, tmp_path: Path) -> StorageSettings:
    return StorageSettings(database_url=postgres_url, data_dir=tmp_path / "data", max_connections=5)


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "migrated.db"
    _in_own_loop(lambda: _migrate(StorageSettings(database_url=f"sqlite+aiosqlite:///{path}")))
    return path


@pytest.fixture
def sqlite_settings(_sqlite_template: Path, tmp_path: Path) -> StorageSettings:
    folder = tmp_path / "data"
    folder.mkdir()
    path = shutil.copy(_sqlite_template, folder / "test.db")
    return StorageSettings(database_url=f"sqlite+aiosqlite:///{path}", data_dir=folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def storage_settings(request: pytest.FixtureRequest) -> StorageSettings:
    name = {"sqlite": "sqlite_settings", "postgresql": "postgres_settings"}[request.param]
    settings = request.getfixturevalue(name)
    assert isinstance(settings, StorageSettings)
    return settings


@pytest.fixture
async def database(storage_settings: StorageSettings) -> AsyncIterator[Database]:
    database = Database(storage_settings)
    yield database
    await database.close()


@pytest.fixture
def rows(database: Database) -> Rows:
    return Rows(database)


@pytest.fixture(scope="session")
def _redis() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def redis_server(_redis: RedisServer) -> RedisServer:
    if _redis.command("PING") is None:  # an earlier test stopped it
        _redis.stop()
        _redis.start()
    _redis.command("FLUSHALL")
    return _redis


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    return redis_server.url
