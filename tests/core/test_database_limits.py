"""A database that hangs or has no connection left answers in bounded time, as an error that may be tried again."""

import asyncio
import time

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.core.database import Database
from app.core.http import translate
from app.core.settings import StorageSettings


async def _error_of(database: Database, statement: str) -> tuple[str, int, dict[str, str]]:
    with pytest.raises(SQLAlchemyError) as caught:
        async with database.read() as session:
            await session.execute(text(statement))
    error = translate(caught.value)
    return error.code, error.http_status, error.headers()


async def test_a_long_statement_is_ended(postgres_settings: StorageSettings) -> None:
    database = Database(postgres_settings.model_copy(update={"statement_timeout_seconds": 0.2}))
    try:
        assert await _error_of(database, "SELECT pg_sleep(30)") == ("TIMEOUT", 503, {"Retry-After": "5"})
        async with database.read() as session:
            assert await session.scalar(text("SELECT 1")) == 1, "the connection is still good"
        async with database.unhurried() as engine, engine.connect() as connection:
            assert (await connection.execute(text("SELECT 2 FROM pg_sleep(0.4)"))).scalar() == 2
    finally:
        await database.close()


async def test_an_exhausted_pool_answers_soon(postgres_settings: StorageSettings) -> None:
    limits = {"max_connections": 2, "connection_timeout_seconds": 0.3}
    database = Database(postgres_settings.model_copy(update=limits))
    try:
        async with database.read() as session:
            await session.execute(text("SELECT 1"))  # the only one, held
            started = time.monotonic()
            async with asyncio.timeout(20):
                assert await _error_of(database, "SELECT 1") == ("SERVICE_UNAVAILABLE", 503, {"Retry-After": "1"})
            assert time.monotonic() - started < 15
    finally:
        await database.close()
