"""Alembic environment: runs on the connection handed over by `app.core.migrations`, or on the configured database."""

import asyncio
from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection

import app.accounts.models
import app.accounts.oidc_models
import app.benchmarks.models
import app.core.leases
import app.idempotency.models
import app.preferences.models
import app.providers.models  # noqa: F401  (importing the models registers their tables)
from app.core import migrations
from app.core.database import Base, Database, UtcDateTime
from app.core.settings import load_settings


def render_item(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Keep our own column types out of migrations, so that a migration never changes with the code."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def include_object(_object: Any, name: str | None, kind: str, _reflected: Any, _compare_to: Any) -> bool:
    """Indexes named `…_gin` exist on PostgreSQL alone, made by migrations behind a dialect check."""
    return not (kind == "index" and name is not None and name.endswith("_gin"))


def run(connection: Connection) -> None:
    """Configure alembic on `connection` and run what was asked for."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        render_item=render_item,
        include_object=include_object,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        context.run_migrations()


async def _on_configured_database() -> None:
    database = Database(load_settings().storage)
    try:
        await migrations.run_alone(database.engine, run)
    finally:
        await database.close()


given = context.config.attributes.get("connection")
if given is None:
    asyncio.run(_on_configured_database())
else:
    run(given)
