"""How fast results are stored and read when there are very many, on both databases; `docs/storage.md` has figures.

Rows are written as a worker does (`benchmarks.recorder`), then multiplied inside the database up to `--rows`; listings,
summaries and exports go through the services that answer the API, the removal through the service's own duty. CPU is of
this process and of PostgreSQL's processes; on a busy machine it says more than the time. PostgreSQL runs as its makers
deliver it, with fsync and autovacuum, and 256 MB of shared buffers.
Databases lie where `TMPDIR` says; ten million rows take about 15 GB.

Goals: 20,000 rows a second into PostgreSQL, 5,000 into SQLite; with ten million rows p95 of every listing under 100 ms;
all percentiles of a benchmark of a million requests within 1 s; its export within 100 MB; while it is deleted, no other
writer waits for 500 ms.
"""

import argparse
import asyncio
import tempfile

from app.benchmarks.retention import Retention
from app.core import migrations
from app.core.clock import SystemClock
from app.core.database import Database
from app.core.settings import StorageSettings
from benches.storage_data import DatabaseUnderTest, keep_statistics, multiply, write
from benches.storage_reads import time_exports, time_listings, time_removal, time_summaries
from benches.storage_sizes import measure_sizes
from tests.servers import PostgresServer

AS_DELIVERED = {
    "shared_buffers": "256MB",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "autovacuum": "on",
    "max_wal_size": "2GB",
}
PARTS = ("write", "listings", "summaries", "exports", "removal", "sizes")


async def measure_database(url: str, server: PostgresServer | None, options: argparse.Namespace) -> None:
    """Everything about one database."""
    database = Database(StorageSettings(database_url=url, statement_timeout_seconds=3600))
    tested = DatabaseUnderTest(database, server)
    parts = set(options.parts)
    try:
        await migrations.upgrade(database.engine)
        await Retention(database, SystemClock()).make_room()
        print(f"{database.dialect}:")
        source = await write(tested, options.stored)
        if parts & {"listings", "summaries", "exports", "removal"}:
            large = await multiply(
                tested, source, options.stored, options.rows, large=options.large, small=options.small
            )
            print(f"  {options.rows:,} more rows, half in {len(large)} benchmarks, half in those of {options.small:,}")
            if "listings" in parts:
                await time_listings(tested, large[-1])
            if "summaries" in parts:
                await keep_statistics(database, large[0], options.large)
                await time_summaries(tested, large[0])
            if "exports" in parts:
                await time_exports(url, source, large[0])
            if "removal" in parts:
                await time_removal(tested, large[-1], large[0])
        if "sizes" in parts:
            await measure_sizes(database)
    finally:
        await database.close()


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=300_000, help="in each database; the goal is for 10000000")
    parser.add_argument("--stored", type=int, default=50_000, help="how many are written as a worker does, three times")
    parser.add_argument("--large", type=int, default=1_000_000, help="requests of a large benchmark")
    parser.add_argument("--small", type=int, default=1_000, help="requests of the others")
    parser.add_argument("--only", choices=("sqlite", "postgresql"))
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    options, _ = parser.parse_known_args()
    if options.only != "postgresql":
        with tempfile.TemporaryDirectory(prefix="ltb-bench-") as folder:
            asyncio.run(measure_database(f"sqlite+aiosqlite:///{folder}/bench.db", None, options))
    if options.only != "sqlite":
        with PostgresServer(AS_DELIVERED) as server:
            asyncio.run(measure_database(server.url("postgres"), server, options))


if __name__ == "__main__":
    main()
