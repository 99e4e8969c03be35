"""Alembic environment: runs on the connection handed over by `app.core.migrations`, or on the configured database."""

import asyncio
from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection

import app.accounts.models
import app.benchmarks.models
import app.providers.models  # noqa: F401  (importing the models registers their tables)
from app.core.database import Base, Database, UtcDateTime
from app.core.settings import load_settings


def render_item(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Keep our own column types out of migrations, so that a migration never changes with the code."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def run(connection: Connection) -> None:
    """Configure alembic on `connection` and run what was asked for."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        render_item=render_item,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        context.run_migrations()


async def _on_configured_database() -> None:
    database = Database(load_settings().storage)
    async with database.engine.connect() as connection:
        await connection.run_sync(run)
        await connection.commit()
    await database.close()


given = context.config.attributes.get("connection")
if given is None:
    asyncio.run(_on_configured_database())
else:
    run(given)
