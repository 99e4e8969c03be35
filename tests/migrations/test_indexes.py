"""Every listing of the API is answered from an index, in its order, without sorting."""

from typing import Any

from sqlalchemy import Select, literal, select, text, tuple_, type_coerce
from sqlalchemy.dialects.postgresql import JSONB

from app.benchmarks.models import BenchmarkSession as Session
from app.benchmarks.models import Result
from app.benchmarks.results_service import ResultFilters
from app.core.database import Database
from app.core.ids import new_id
from app.core.settings import StorageSettings
from tests.factories import NOON

SESSION_ID, OWNER_ID = new_id(), new_id()
NEWEST_FIRST = (Session.created_at.desc(), Session.id.desc())
AFTER = tuple_(Session.created_at, Session.id) < tuple_(literal(NOON), literal(SESSION_ID))
OF_SESSION = Result.session_id == SESSION_ID
NEXT = Result.index > 7

QUERIES: dict[str, tuple[Select[Any], str]] = {
    "sessions": (select(Session.id).where(AFTER).order_by(*NEWEST_FIRST), "ix_sessions_created"),
    "sessions by status": (
        select(Session.id).where(Session.status == "running", AFTER).order_by(*NEWEST_FIRST),
        "ix_sessions_status_created",
    ),
    "sessions by owner": (
        select(Session.id).where(Session.owner_id == OWNER_ID, AFTER).order_by(*NEWEST_FIRST),
        "ix_sessions_owner_created",
    ),
    **{
        f"sessions sorted by {name}": (
            select(Session.id)
            .where(
                column.is_not(None),
                tuple_(column, Session.id) < tuple_(literal(value, column.type), literal(SESSION_ID)),
            )
            .order_by(column.desc(), Session.id.desc()),
            f"ix_sessions_{name}",
        )
        for name, value in (
            ("name_key", "m"),
            ("status", "m"),
            ("target_key", "m"),
            ("load_key", "m"),
            ("tags_key", "m"),
            ("verdict", "m"),
            ("requests", 3),
            ("ttft_p50_ms", 3.0),
            ("ttft_p95_ms", 3.0),
            ("tpot_p50_ms", 3.0),
            ("output_tokens_per_s", 3.0),
            ("error_rate", 0.5),
            ("cost_usd", 3.0),
        )
        for column in [getattr(Session, name)]
    },
    "sessions without a time to first token": (
        select(Session.id).where(Session.ttft_p50_ms.is_(None), Session.id < SESSION_ID).order_by(Session.id.desc()),
        "sessions",  # by its own index or the primary key, as few or many are null
    ),
    "results": (select(Result.id).where(OF_SESSION, NEXT).order_by(Result.index), "results"),
    "results by status": (
        select(Result.id).where(OF_SESSION, Result.status == "error", NEXT).order_by(Result.index),
        "ix_results_session_status",
    ),
    "results by error type": (
        select(Result.id).where(OF_SESSION, Result.error_type == "http_5xx", NEXT).order_by(Result.index),
        "ix_results_session_error_type",
    ),
    "results by model": (
        select(Result.id)
        .where(OF_SESSION, Result.provider == "local", Result.model == "small", NEXT)
        .order_by(Result.index),
        "ix_results_provider_model",
    ),
    "results by point": (
        select(Result.id).where(OF_SESSION, *ResultFilters(point=3).conditions(), NEXT).order_by(Result.index),
        "ix_results_session_point",
    ),
    "one result": (select(Result.index).where(Result.id == SESSION_ID), "results"),
}


PARTS_OF_INDEXES = (
    "SELECT part.relname, whole.relname FROM pg_inherits JOIN pg_class part ON part.oid = inhrelid "
    "JOIN pg_class whole ON whole.oid = inhparent WHERE part.relkind = 'i'"
)


async def plan(database: Database, query: Select[Any]) -> str:
    explain = {"sqlite": "EXPLAIN QUERY PLAN", "postgresql": "EXPLAIN"}[database.dialect]
    compiled = query.limit(50).compile(database.engine.sync_engine, compile_kwargs={"literal_binds": True})
    async with database.engine.connect() as connection:
        if database.dialect == "postgresql":  # small tables are scanned and sorted unless that is made dear
            await connection.execute(text("SET enable_seqscan = off"))
            await connection.execute(text("SET enable_sort = off"))
            await connection.execute(text("SET enable_bitmapscan = off"))
        found = "\n".join(str(row[-1]) for row in await connection.exec_driver_sql(f"{explain} {compiled}"))
        if database.dialect == "postgresql":  # name the index of the whole table instead of a partition's
            for part, whole in (await connection.execute(text(PARTS_OF_INDEXES))).tuples():
                found = found.replace(part, whole)
    return found


async def test_a_listing_needs_no_sort(database: Database) -> None:
    for name, (query, wanted) in QUERIES.items():
        found = await plan(database, query)
        assert wanted in found, (name, found)
        assert "TEMP B-TREE" not in found, (name, found)
        assert "Sort" not in found, (name, found)


async def test_postgresql_finds_tags_by_index(postgres_settings: StorageSettings) -> None:
    database = Database(postgres_settings)
    nightly = type_coerce(Session.tags, JSONB).contains(["nightly"])
    async with database.engine.connect() as connection:
        await connection.execute(text("SET enable_seqscan = off"))
        query = select(Session.id).where(nightly).compile(dialect=connection.dialect)
        rows = (await connection.exec_driver_sql(f"EXPLAIN {query}", ('["nightly"]',))).all()
    await database.close()
    assert "ix_sessions_tags_gin" in "\n".join(row[0] for row in rows)
