"""What listings sort by is filled for the benchmarks that there are, and going down loses nothing."""

from typing import Any

import sqlalchemy as sa

from app.benchmarks import listed
from app.benchmarks.models import BenchmarkSession
from app.core import migrations
from app.core.database import Database
from tests.evaluation.stored import finished
from tests.factories import Rows, make_spec

COLUMNS = (*listed.FIGURES, "name_key", "target_key", "tags_key", "load_key", "load_kind", "search_text")
DOCUMENTS = ("spec", "summary", "timeline", "histograms", "tags", "owner_id", "created_at", "version", "trace_id")


async def stored(database: Database, names: tuple[str, ...]) -> dict[str, tuple[Any, ...]]:
    async with database.read() as session:
        query = sa.select(BenchmarkSession.name, *(getattr(BenchmarkSession, name) for name in names))
        return {row[0]: tuple(row[1:]) for row in await session.execute(query)}


async def test_old_benchmarks_are_sorted_by_what_they_measured(database: Database, rows: Rows) -> None:
    owner = await rows.user()
    spec = make_spec(name="Größe")
    run = await finished(database, n=60, failed=3, spec=spec, tags=["Nightly"], owner_id=owner.id, trace_id="0" * 32)
    (summary, encoded) = (await stored(database, ("summary", "histograms")))[run.name]
    await rows.session(spec=make_spec(name="died"), status="failed", histograms=encoded)
    await rows.session(
        spec=make_spec(name="of another version"), status="failed", histograms=b"\x81\xa7version\xcc\xff"
    )
    await rows.session(spec=make_spec(name="waits", load={"kind": "poisson", "rate": 3}))
    before, documents = await stored(database, COLUMNS), await stored(database, DOCUMENTS)
    assert before["Größe"][COLUMNS.index("ttft_p50_ms")] == summary["metrics"]["ttft_ms"]["p50"] is not None

    await migrations.downgrade(database.engine, "0009")
    await migrations.upgrade(database.engine)

    after = await stored(database, COLUMNS)
    assert await stored(database, DOCUMENTS) == documents
    assert {name: after[name] for name in ("Größe", "of another version", "waits")} == {
        name: before[name] for name in ("Größe", "of another version", "waits")
    }
    figures = len(listed.FIGURES)
    assert after["died"][:figures] == before["Größe"][:figures]
    assert after["died"][figures:] == before["died"][figures:]
    async with database.read() as session:
        assert (await session.execute(sa.text("SELECT count(*) FROM results"))).scalar_one() == 60


async def test_sqlite_keeps_the_documents_behind_what_listings_read(database: Database) -> None:
    async with database.engine.connect() as connection:
        names = await connection.run_sync(
            lambda there: [one["name"] for one in sa.inspect(there).get_columns("sessions")]
        )
    if database.dialect == "sqlite":
        assert names[-4:] == ["spec", "summary", "timeline", "histograms"]
    assert {*COLUMNS, *DOCUMENTS} <= {*names}
