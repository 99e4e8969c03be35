"""What a stored request takes of the disk, by what is kept of it; for `bench_storage` and `docs/storage.md`."""

from typing import NamedTuple

from sqlalchemy import text

from app.benchmarks.recorder import Recorder
from app.core.database import Database
from benches.storage_data import made_up
from tests.factories import make_session

REQUESTS = 5_000


class Kind(NamedTuple):
    """A kind of request."""

    chunks: int
    keep_gaps: bool
    text_bytes: int = 0

    def __str__(self) -> str:
        gaps = f"{self.chunks} chunks" + ("" if self.keep_gaps else ", gaps not kept")
        return gaps + (f", {self.text_bytes:,} bytes of text" if self.text_bytes else "")


KINDS = (
    Kind(128, keep_gaps=False),
    Kind(128, keep_gaps=True),
    Kind(512, keep_gaps=True),
    Kind(2048, keep_gaps=True),
    Kind(128, keep_gaps=False, text_bytes=600),
    Kind(128, keep_gaps=True, text_bytes=600),
    Kind(2048, keep_gaps=True, text_bytes=9_000),
)


class Size(NamedTuple):
    """Bytes of a stored request."""

    total: float
    indexes: float


async def measure_sizes(database: Database) -> None:
    """Store so many of each kind; says what each took."""
    for kind in KINDS:
        before = await _bytes(database)
        await _store(database, kind)
        after = await _bytes(database)
        size = Size(*((late - early) / REQUESTS for late, early in zip(after, before, strict=True)))
        print(f"  {kind!s:<46} {size.total:8,.0f} bytes a request, of which indexes {size.indexes:,.0f}")


async def _store(database: Database, kind: Kind) -> None:
    results = made_up(REQUESTS, chunks=kind.chunks, text_bytes=kind.text_bytes)
    session = make_session(status="completed")
    async with database.write() as writer:
        writer.add(session)
    async with Recorder(database, session.id, keep_gaps=kind.keep_gaps) as recorder:
        for first in range(0, REQUESTS, 500):
            await recorder.add(results[first : first + 500])


_SQLITE_TOTAL = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
_SQLITE_INDEXES = (
    "SELECT sum(pgsize) FROM dbstat WHERE name IN "
    "(SELECT name FROM sqlite_master WHERE tbl_name = 'results' AND type = 'index')"
)
_POSTGRESQL_BOTH = (
    "SELECT sum(pg_total_relation_size(inhrelid)), sum(pg_indexes_size(inhrelid)) "
    "FROM pg_inherits WHERE inhparent = 'results'::regclass"
)


async def _bytes(database: Database) -> tuple[int, int]:
    """Of everything, and of the indexes of results."""
    async with database.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        if database.dialect == "sqlite":
            await connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
            total = (await connection.execute(text(_SQLITE_TOTAL))).scalar_one()
            indexes = (await connection.execute(text(_SQLITE_INDEXES))).scalar_one()
        else:
            total, indexes = (await connection.execute(text(_POSTGRESQL_BOTH))).one()
        return int(total or 0), int(indexes or 0)
