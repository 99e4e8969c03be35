"""Alembic environment: runs on the connection handed over by `app.core.migrations`, or on the configured database."""

import asyncio
import warnings
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
    """Leave out what migrations make for one dialect only.

    Indexes named `…_gin`; the partitions of the results, and their indexes by point and by id, where
    SQLite has a unique constraint.
    """
    if name is None:
        return True
    if kind == "index":
        return not (name.endswith("_gin") or name in {"ix_results_session_point", "ix_results_id"})
    if kind == "unique_constraint":
        return name != "uq_results_id"
    return not (kind == "table" and name.startswith(("results_p", "results_default")))


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
    with warnings.catch_warnings(), context.begin_transaction():
        # SQLite's `ix_results_session_point`, see 0012.
        warnings.filterwarnings("ignore", "Skipped unsupported reflection of expression-based index")
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
