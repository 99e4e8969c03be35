"""How fast results are stored, and how long listings take when there are many, on both databases.

Rows are written as a worker does (`benchmarks.recorder`), then multiplied inside the database up to `--rows`, spread
over sessions of `--per-session`; listings go through the service that answers the API. CPU is of this process alone; on
a busy machine it says more than the time.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import numpy as np
from sqlalchemy import text

from app.benchmarks.measures import measure
from app.benchmarks.recorder import Recorder
from app.benchmarks.results_service import ResultFilters, ResultService
from app.benchmarks.retention import Retention
from app.benchmarks.rows import COLUMNS
from app.core import migrations
from app.core.clock import SystemClock
from app.core.database import Database
from app.core.settings import StorageSettings
from benches.running import judge
from tests.benchmarks.records import CONTEXT, make_error, make_record
from tests.factories import Rows, make_caller
from tests.servers import PostgresServer

GOALS = {"postgresql": 20_000, "sqlite": 5_000}
LISTING_GOAL_MS = 100
REPEATS = 40
ADMIN = make_caller(role="admin")
STRANGER = make_caller(role="user")


async def write(database: Database, rows: int) -> UUID:
    """Store rows as a worker does; says how fast that was."""
    session = await Rows(database).session(status="completed", providers=["local"], models=["small"])
    records = [make_error(index) if index % 100 == 99 else make_record(index) for index in range(rows)]
    results = [measure(record, CONTEXT) for record in records]
    begun, cpu = time.perf_counter(), time.process_time()
    async with Recorder(database, session.id) as recorder:
        for first in range(0, rows, 500):
            await recorder.add(results[first : first + 500])
    seconds, cpu_us = time.perf_counter() - begun, (time.process_time() - cpu) / rows * 1e6
    speed = rows / seconds
    print(f"  stored {speed:,.0f} rows/s, goal {judge(speed, GOALS[database.dialect])}; {cpu_us:.1f} µs CPU a row")
    return session.id


async def multiply(database: Database, source: UUID, stored: int, rows: int, per_session: int) -> list[UUID]:
    """Copy what is stored, with other indices, until there are `rows`."""
    factory = Rows(database)
    random_id = "gen_random_uuid()" if database.dialect == "postgresql" else "lower(hex(randomblob(16)))"
    others = ", ".join(f'"{name}"' for name in COLUMNS if name not in {"session_id", "index", "id"})
    sessions: list[UUID] = []
    for begin in range(stored, rows, per_session):
        now = SystemClock().now() - timedelta(seconds=len(sessions))
        session = await factory.session(status="completed", created_at=now, providers=["local"], models=["small"])
        sessions.append(session.id)
        wanted = min(per_session, rows - begin)
        for first in range(0, wanted, stored):
            statement = (
                f'INSERT INTO results (session_id, "index", id, {others}) '  # noqa: S608  (names from the model)
                f'SELECT :target, "index" + {first}, {random_id}, {others} FROM results '
                f'WHERE session_id = :source AND "index" < {min(stored, wanted - first)}'
            )
            ids = {"target": session.id, "source": source}
            values = {name: id_.hex if database.dialect == "sqlite" else id_ for name, id_ in ids.items()}
            async with database.write() as writer:
                await writer.execute(text(statement), values)
    async with database.engine.begin() as connection:
        await connection.execute(text("ANALYZE"))
    return [source, *sessions]


async def listings(database: Database, session_id: UUID) -> None:
    """The 95th percentile of each kind of listing."""
    service = ResultService(database)

    def page(filters: ResultFilters, caller: object = ADMIN) -> Callable[[], Awaitable[object]]:
        return lambda: service.list(caller, filters, limit=50)  # type: ignore[arg-type]

    kinds = {
        "of a benchmark": page(ResultFilters(session_id)),
        "… failed": page(ResultFilters(session_id, status="error")),
        "… by error": page(ResultFilters(session_id, error_type="http_5xx")),
        "… no such error": page(ResultFilters(session_id, error_type="tls")),
        "… by model": page(ResultFilters(session_id, provider="local", model="small")),
        "newest of all": page(ResultFilters()),
        "newest failed": page(ResultFilters(status="error")),
        "newest, no such error": page(ResultFilters(error_type="tls")),
        "newest of no such model": page(ResultFilters(model="none")),
        "newest, of a stranger": page(ResultFilters(), STRANGER),
    }
    for name, ask in kinds.items():
        taken, cpu = [], time.process_time()
        for _ in range(REPEATS):
            begun = time.perf_counter()
            await ask()
            taken.append((time.perf_counter() - begun) * 1000)
        cpu_ms = (time.process_time() - cpu) / REPEATS * 1000
        p95 = float(np.percentile(taken, 95))
        goal = judge(p95, LISTING_GOAL_MS, at_most=True)
        print(f"  {name:<24} p50 {np.median(taken):7.1f} ms, p95 {p95:7.1f} ms, goal {goal}; {cpu_ms:.1f} ms CPU")


async def measure_database(url: str, options: argparse.Namespace) -> None:
    """Everything about one database."""
    database = Database(StorageSettings(database_url=url, statement_timeout_seconds=3600))
    try:
        await migrations.upgrade(database.engine)
        await Retention(database, SystemClock()).make_room()
        print(f"{database.dialect}:")
        source = await write(database, options.stored)
        sessions = await multiply(database, source, options.stored, options.rows, options.per_session)
        print(f"  {options.rows:,} rows in {len(sessions)} benchmarks")
        await listings(database, sessions[-1])
    finally:
        await database.close()


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=300_000, help="in each database; the goal is for 10000000")
    parser.add_argument("--stored", type=int, default=50_000, help="of those, written as a worker does")
    parser.add_argument("--per-session", type=int, default=1_000_000)
    parser.add_argument("--only", choices=("sqlite", "postgresql"))
    options, _ = parser.parse_known_args()
    options.stored = min(options.stored, options.rows)
    if options.only != "postgresql":
        with tempfile.TemporaryDirectory(prefix="ltb-bench-") as folder:
            asyncio.run(measure_database(f"sqlite+aiosqlite:///{folder}/bench.db", options))
    if options.only != "sqlite":
        with PostgresServer() as server:
            asyncio.run(measure_database(server.url("postgres"), options))


if __name__ == "__main__":
    main()
