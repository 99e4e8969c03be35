"""Fills a database for `bench_storage`: rows as a worker stores them, then copies of them made inside the database.

What there is afterwards: a few benchmarks of very many requests, and thousands of small ones, as after a year of
nightly runs. One request in a hundred failed; of one class of errors (`RARE_ERROR`) there is a single one, in the
oldest benchmark, so that looking for it goes past everything else.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import text

from app.benchmarks.measures import MeasureContext, MeasuredResult, measure
from app.benchmarks.models import BenchmarkSession
from app.benchmarks.recorder import Recorder
from app.benchmarks.result_columns import columns
from app.benchmarks.rows import COLUMNS
from app.core.clock import SystemClock
from app.core.database import Database
from app.core.ids import new_id
from app.datasets.words import WORDS
from app.loadgen.frames import Record
from app.stats.run_statistics import RunStatistics, TargetKey
from app.stats.summary import summarise
from benches.running import judge
from tests.benchmarks.records import MS, ORIGIN_NS, make_error
from tests.factories import make_session, make_spec
from tests.servers import PostgresServer

WRITE_GOALS_PER_S = {"postgresql": 20_000, "sqlite": 5_000}
CHUNKS = 64
MODELS = 8
RARE_ERROR = "tls"
_ROUNDS = 3
_ASIDE = "bench_source"
_BATCH = 500
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class DatabaseUnderTest:
    """A database, and the CPU that its server's processes take; SQLite's is this process."""

    def __init__(self, database: Database, server: PostgresServer | None) -> None:
        self.database = database
        self._server = server

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.database.dialect

    def cpu_seconds(self) -> tuple[float, float]:
        """Of this process, and of the server."""
        return time.process_time(), sum(map(_cpu_of, self._server_processes()))

    def _server_processes(self) -> Iterator[int]:
        if self._server is None:
            return
        postmaster = int((self._server.folder / "data" / "postmaster.pid").read_text().splitlines()[0])
        yield postmaster
        yield from map(int, Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split())


def _cpu_of(pid: int) -> float:
    """User and system time of a process and of its children that have ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / _TICKS_PER_S


def made_up(number: int, *, chunks: int = CHUNKS, text_bytes: int = 0) -> list[MeasuredResult]:
    """Results with latencies that differ as those of a server do; one in a hundred failed."""
    rng = np.random.default_rng(7)
    ttft = rng.lognormal(5.0, 0.4, number) * MS
    gaps = (rng.lognormal(2.5, 0.5, (number, max(chunks - 1, 0))) * MS).astype("<i8")
    context = MeasureContext("local", "model-0", "openai-compatible", ("nightly",))
    results = []
    for index in range(number):
        if index % 100 == 99:
            results.append(measure(make_error(index), context))
            continue
        started = ORIGIN_NS + index * 10 * MS
        first = started + int(ttft[index])
        last = first + int(gaps[index].sum())
        record = Record(
            index=index,
            status="ok",
            intended_ns=started - MS // 8,
            started_ns=started,
            first_byte_ns=first - MS // 4,
            first_token_ns=first,
            first_output_ns=first,
            last_token_ns=last,
            end_ns=last + MS // 3,
            reused=True,
            http_status=200,
            response_id=f"chatcmpl-{index:029d}",
            finish_reason="stop",
            chunks=chunks,
            gaps=gaps[index].tobytes(),
            uncached_input_tokens=512,
            visible_output_tokens=chunks,
            reasoning_tokens=0,
            token_count_source="usage",  # noqa: S106
            usage=b'{"prompt_tokens":512,"completion_tokens":%d,"total_tokens":%d}' % (chunks, 512 + chunks),
            response_text=" ".join(rng.choice(WORDS, text_bytes // 5 + 1))[:text_bytes] or None,
        )
        results.append(measure(record, context))
    return results


async def write(tested: DatabaseUnderTest, rows: int) -> UUID:
    """Store rows as a worker does, some times over; says how fast that was. The answer is the last benchmark."""
    results = made_up(rows)
    speeds = []
    for _ in range(_ROUNDS):
        session = make_session(status="completed", providers=["local"], models=["model-0"], requests_ok=rows)
        async with tested.database.write() as writer:
            writer.add(session)
        for result in results:
            result.id = new_id()
        begun, before = time.perf_counter(), tested.cpu_seconds()
        async with Recorder(tested.database, session.id) as recorder:
            for first in range(0, rows, _BATCH):
                await recorder.add(results[first : first + _BATCH])
        seconds, after = time.perf_counter() - begun, tested.cpu_seconds()
        assert (recorder.stored.ok + recorder.stored.failed, recorder.stored.duplicates) == (rows, 0)
        speeds.append(
            (rows / seconds, *((late - early) / rows * 1e6 for late, early in zip(after, before, strict=True)))
        )
    speed, own_us, server_us = sorted(speeds)[_ROUNDS // 2]
    on_a_core = 1e6 / max(own_us, server_us)
    print(
        f"  stored {speed:,.0f} rows/s (median of {_ROUNDS} times {rows:,}, {CHUNKS} chunks each), goal "
        f"{judge(speed, WRITE_GOALS_PER_S[tested.dialect])}; CPU a row: {own_us:.1f} µs here, {server_us:.1f} µs in "
        f"the server: {on_a_core:,.0f} rows/s where each has a core"
    )
    return session.id


async def multiply(
    tested: DatabaseUnderTest, source: UUID, stored: int, rows: int, *, large: int, small: int
) -> list[UUID]:
    """Copy what is stored until there are `rows` more: half in benchmarks of `large`, half in those of `small`.

    The answer is the ids of the large ones, of which the first keeps its chunk gaps. Indexes are made when the rows are
    there, in a quarter of the time.
    """
    large = min(large, rows // 2)
    sizes = [large] * (rows // 2 // large)
    sizes += [small] * ((rows - sum(sizes)) // small)
    now = SystemClock().now()
    sessions = [
        make_session(
            status="completed",
            spec=make_spec(
                name=f"nightly {number}", targets=[{"provider": "local", "model": f"model-{number % MODELS}"}]
            ),
            tags=["nightly", f"week-{number // 50}"],
            requests_ok=size - size // 100,
            requests_failed=size // 100,
            created_at=now - timedelta(minutes=len(sizes) - number),
        )
        for number, size in enumerate(sizes)
    ]
    for first in range(0, len(sessions), 500):
        async with tested.database.write() as writer:
            writer.add_all(sessions[first : first + 500])
    async with _aside(tested.database, source), _without_indexes(tested.database):
        turns = asyncio.Semaphore(1 if tested.dialect == "sqlite" else os.cpu_count() or 1)

        async def fill(number: int) -> None:
            async with turns:
                model = f"model-{number % MODELS}"
                session, size = sessions[number], sizes[number]
                await _copy(tested.database, session, size, stored, model, with_gaps=not number)

        await asyncio.gather(*map(fill, range(len(sessions))))
    async with tested.database.write() as writer:
        await writer.execute(
            text('UPDATE results SET error_type = :rare WHERE session_id = :oldest AND "index" = 99'),
            {"rare": RARE_ERROR, "oldest": _bound(tested.database, sessions[0].id)},
        )
    async with tested.database.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        # As the service's own duties and autovacuum would have it after a while.
        await connection.execute(text("ANALYZE" if tested.dialect == "sqlite" else "VACUUM (ANALYZE, PARALLEL 2)"))
    return [session.id for session, size in zip(sessions, sizes, strict=True) if size == large]


async def _copy(
    database: Database,
    session: BenchmarkSession,
    size: int,
    stored: int,
    model: str,
    *,
    with_gaps: bool,
) -> None:
    is_sqlite = database.dialect == "sqlite"
    # Ids sort by time as the service's own do; at random they would cost more than everything else.
    new_id = "lower(printf('%016x', :serial + \"index\") || hex(randomblob(8)))" if is_sqlite else "uuidv7()"
    own = {"session_id", "index", "id", "model"} | (set() if with_gaps else {"gaps"})
    others = ", ".join(f'"{name}"' for name in COLUMNS if name not in own)
    for first in range(0, size, stored):
        statement = text(
            f'INSERT INTO results (session_id, "index", id, model, {others}) '  # noqa: S608  (names from the model)
            f'SELECT :target, "index" + {first}, {new_id}, :model, {others} FROM {_ASIDE} '
            f'WHERE "index" < {min(stored, size - first)} ORDER BY "index"'
        )
        values = {"target": _bound(database, session.id), "model": model}
        if is_sqlite:
            values["serial"] = (session.id.int >> 64) + first
        async with database.write() as writer:
            await writer.execute(statement, values)


def _bound(database: Database, id_: UUID) -> Any:
    return id_.hex if database.dialect == "sqlite" else id_


@asynccontextmanager
async def _aside(database: Database, source: UUID) -> AsyncIterator[None]:
    """Keep the rows that are copied in a table of their own: that of results has no index meanwhile."""
    async with database.write() as writer:
        chosen = f"CREATE TABLE {_ASIDE} AS SELECT * FROM results WHERE session_id = '{_bound(database, source)}'"  # noqa: S608
        await writer.execute(text(chosen))
        await writer.execute(text(f'CREATE INDEX {_ASIDE}_index ON {_ASIDE} ("index")'))
    yield
    async with database.write() as writer:
        await writer.execute(text(f"DROP TABLE {_ASIDE}"))


@asynccontextmanager
async def _without_indexes(database: Database) -> AsyncIterator[None]:
    """Drop what can be made again, and make it again."""
    if database.dialect == "sqlite":
        found = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'results' AND sql IS NOT NULL"
    else:
        found = (
            "SELECT conname, 'ALTER TABLE results ADD CONSTRAINT ' || conname || ' ' || pg_get_constraintdef(oid) FROM "
            "pg_constraint WHERE conrelid = 'results'::regclass AND contype IN ('f', 'p') UNION ALL "
            "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index "
            "WHERE indrelid = 'results'::regclass AND NOT indisprimary"
        )
    async with database.engine.begin() as connection:
        indexes = [tuple(row) for row in await connection.execute(text(found))]
        for name, definition in indexes:
            kind = "ALTER TABLE results DROP CONSTRAINT" if definition.startswith("ALTER") else "DROP INDEX"
            await connection.exec_driver_sql(f"{kind} {name}")
    yield
    async with database.engine.begin() as connection:
        if database.dialect == "postgresql":
            await connection.exec_driver_sql("SET maintenance_work_mem = '512MB'")
        for _, definition in sorted(indexes, key=lambda one: "FOREIGN KEY" in one[1]):  # which needs no other, last
            # The parent's definition says ON ONLY, which would leave the partitions without.
            await connection.exec_driver_sql(definition.replace(" ON ONLY ", " ON "))


async def keep_statistics(database: Database, session_id: UUID, requests: int) -> None:
    """Give a benchmark the histograms and the summary of so many requests, as the end of its run would have."""
    results = made_up(min(requests, 50_000))
    batch = columns(results)
    key = TargetKey("local", "model-0")
    statistics = RunStatistics(ORIGIN_NS)
    span_ns = len(results) * 10 * MS
    for number in range(requests // len(batch)):
        shift = number * span_ns
        moved = {
            name: np.where(getattr(batch, name) > 0, getattr(batch, name) + shift, 0)
            for name in ("start_ns", "first_token_ns", "last_token_ns", "end_ns", "intended_ns")
        }
        statistics.add(key, replace(batch, **moved))
    async with database.write() as writer:
        row = await writer.get(BenchmarkSession, session_id)
        assert row is not None
        row.histograms = statistics.encode(with_timeline=False)
        row.timeline = {"columns": statistics.timeline.columns()}
        row.summary = summarise(statistics, None)
