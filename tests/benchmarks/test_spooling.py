import asyncio
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from app.benchmarks import recorder as recorder_module
from app.benchmarks import spool, spooling
from app.benchmarks.measures import MeasuredResult
from app.benchmarks.models import Result
from app.benchmarks.spool import Spool, SpoolFullError
from app.benchmarks.spooling import SpoolingRecorder, deliver_left_behind
from app.core.database import Database
from app.core.errors import DatabaseError
from app.core.ids import new_id
from tests.benchmarks.records import make_measured
from tests.factories import Rows


def batch(*indices: int) -> list[MeasuredResult]:
    return make_measured(*indices)


async def indices(database: Database, session_id: UUID) -> list[int]:
    async with database.read() as session:
        query = select(Result.index).where(Result.session_id == session_id).order_by(Result.index)
        return list((await session.scalars(query)).all())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "spool"
    made.mkdir()
    return made


@pytest.fixture
def outage(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Storing fails as it does without a database, until `outage.clear()`."""
    away = asyncio.Event()
    away.set()
    real = recorder_module.store

    async def store(*arguments: Any, **options: Any) -> Any:
        if away.is_set():
            raise OperationalError(None, None, OSError("connection refused"))
        return await real(*arguments, **options)

    monkeypatch.setattr(spooling, "store", store)
    return away


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


async def test_results_wait_on_disk_and_are_stored_later(
    database: Database, rows: Rows, folder: Path, outage: Any
) -> None:
    row = await rows.session()
    async with SpoolingRecorder(database, row.id, folder, batch_size=2, max_waiting=4, flush_seconds=0.01) as recorder:
        for first in range(0, 40, 2):  # far beyond what may wait in memory
            async with asyncio.timeout(30):
                await recorder.add(batch(first, first + 1))
        assert await indices(database, row.id) == []
        (path,) = files(folder)
        assert path.stat().st_mode & 0o777 == 0o600
        outage.clear()
    assert await indices(database, row.id) == list(range(40))
    assert (recorder.stored.ok, recorder.stored.duplicates) == (40, 0)
    assert files(folder) == []


async def test_what_is_left_is_stored_by_the_next_process(
    database: Database, rows: Rows, folder: Path, outage: Any
) -> None:
    row = await rows.session()
    with pytest.raises(DatabaseError, match="are stored when it starts again"):
        async with SpoolingRecorder(database, row.id, folder, spool_patience_seconds=0.05) as recorder:
            await recorder.add(batch(0, 1, 2))
    assert await deliver_left_behind(database, folder) == 0
    assert len(files(folder)) == 1
    outage.clear()
    (path,) = files(folder)
    append(path, b"\x20\0\0\0\0\0\0\0half a batch")  # the process died while it wrote
    assert await deliver_left_behind(database, folder) == 3
    assert await indices(database, row.id) == [0, 1, 2]
    assert files(folder) == []


async def test_results_of_a_deleted_benchmark_are_dropped(database: Database, folder: Path) -> None:
    with Spool(folder, new_id(), keep_gaps=True) as found:
        found.put(batch(1))
    assert await deliver_left_behind(database, folder) == 0
    assert files(folder) == []


async def test_a_full_spool_holds_the_engine_up_and_in_the_end_fails_with_the_reason(
    database: Database, rows: Rows, folder: Path, outage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "store", vars(spooling)["store"])
    assert outage.is_set()
    row = await rows.session()

    async def run() -> None:
        async with SpoolingRecorder(
            database,
            row.id,
            folder,
            spool_bytes=1_000,
            spool_patience_seconds=0.05,
            batch_size=1,
            max_waiting=1,
            patience_seconds=0.3,
        ) as recorder:
            for index in range(100):
                await recorder.add(batch(index))

    async with asyncio.timeout(20):
        with pytest.raises(DatabaseError):
            await run()


def test_batches_come_out_in_their_order_and_room_is_used_again(folder: Path) -> None:
    with Spool(folder, new_id(), keep_gaps=True) as found:
        for _ in range(3):
            found.put(batch(1, 2))
            found.put(batch(3))
            assert [result.index for result in found.first()] == [1, 2]
            found.done()
            assert [result.index for result in found.first()] == [3]
            found.done()
            assert found.path.stat().st_size == 0
    assert not found.path.exists()


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_keeps_whole_batches_only(folder: Path) -> None:
    session_id = new_id()
    with Spool(folder, session_id, keep_gaps=False) as found:
        found.put(batch(1))
        size = found.path.stat().st_size
        with largest_file(size + 10), pytest.raises(SpoolFullError):
            found.put(batch(2))
        assert found.path.stat().st_size == size
        found.put(batch(3))
    ((path, of, keeps_gaps),) = spool.left_behind(folder)
    assert (of, keeps_gaps) == (session_id, False)
    assert [[result.index for result in part] for part in spool.batches(path)] == [[1], [3]]
