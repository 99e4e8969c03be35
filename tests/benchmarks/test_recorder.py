import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from app.benchmarks import recorder, rows
from app.benchmarks.measures import MeasuredResult, measure
from app.benchmarks.models import BenchmarkSession, Result
from app.benchmarks.recorder import Recorder, Stored
from app.core.database import Database
from app.core.errors import DatabaseError
from app.core.ids import new_id
from app.loadgen.frames import Record
from tests.benchmarks.records import ANY_RECORD, CONTEXT, make_error, make_measured
from tests.factories import Rows


@pytest.fixture
async def session(rows: Rows) -> BenchmarkSession:
    return await rows.session(status="running")


async def stored_results(database: Database, session: BenchmarkSession) -> list[MeasuredResult]:
    query = select(*rows.selected(with_gaps=True, with_text=True)).where(Result.session_id == session.id)
    async with database.read() as reader:
        return [rows.from_row(row) for row in await reader.execute(query.order_by(Result.index))]


async def test_results_read_back_as_they_were_recorded(database: Database, session: BenchmarkSession) -> None:
    results = [*make_measured(0, 1, response_text="héllo"), measure(make_error(2), CONTEXT)]
    async with Recorder(database, session.id) as recorder:
        await recorder.add(results)
    assert recorder.stored == Stored(ok=2, failed=1)
    assert await stored_results(database, session) == results


async def test_an_index_is_stored_once_and_counted_once(database: Database, session: BenchmarkSession) -> None:
    async with Recorder(database, session.id, batch_size=3) as recorder:
        await recorder.add(make_measured(0, 1, 2, 3))
        await recorder.add(make_measured(3, 4, 4))
    assert recorder.stored == Stored(ok=5, duplicates=2)
    async with Recorder(database, session.id) as again:
        await again.add([*make_measured(*range(5)), measure(make_error(5), CONTEXT)])
    assert again.stored == Stored(failed=1, duplicates=5)
    assert [result.index for result in await stored_results(database, session)] == list(range(6))


async def test_gaps_are_left_out_when_not_wanted(database: Database, session: BenchmarkSession) -> None:
    async with Recorder(database, session.id, keep_gaps=False) as recorder:
        await recorder.add(make_measured(0))
    assert (await stored_results(database, session))[0].gaps == b""


async def test_a_deleted_session_fails_the_recorder_at_once(database: Database) -> None:
    with pytest.raises(DatabaseError, match="cannot be stored"):
        async with Recorder(database, new_id()) as recorder:
            await recorder.add(make_measured(0))


async def test_faults_that_pass_are_tried_again(
    database: Database, session: BenchmarkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = iter([OperationalError("insert", {}, Exception("database is locked")), ConnectionResetError()])
    store = recorder.store

    async def sometimes(*args: object, **kwargs: object) -> Stored:
        if (failure := next(failures, None)) is not None:
            raise failure
        return await store(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(recorder, "store", sometimes)
    async with Recorder(database, session.id) as writer:
        await writer.add(make_measured(0, 1))
    assert writer.stored == Stored(ok=2)


async def test_patience_and_queue_are_bounded(
    database: Database, session: BenchmarkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: object, **__: object) -> Stored:
        raise OperationalError("insert", {}, Exception("database is locked"))

    monkeypatch.setattr(recorder, "store", never)
    with pytest.raises(DatabaseError, match=r"for 0\.5 s: database is locked"):  # noqa: PT012
        async with Recorder(database, session.id, max_waiting=2, patience_seconds=0.5) as writer:
            await writer.add(make_measured(0, 1))
            async with asyncio.timeout(30):
                await writer.add(make_measured(2))  # waits for room, then hears of the failure


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(records=st.lists(ANY_RECORD, min_size=1, max_size=8))
async def test_whatever_an_engine_reports_is_stored(
    database: Database, session: BenchmarkSession, records: list[Record]
) -> None:
    results = [measure(record, CONTEXT) for record in records]
    async with database.read() as reader:
        before = await reader.scalar(select(func.count()).select_from(Result)) or 0
    stored = await recorder.store(database, session.id, results)
    assert stored.ok + stored.failed + stored.duplicates == len(results)
    async with database.read() as reader:
        after = await reader.scalar(select(func.count()).select_from(Result)) or 0
    assert after - before == stored.ok + stored.failed
