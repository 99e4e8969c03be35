"""Results out of this machine's database, without a server: whoever may read the data folder may read them."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from app.benchmarks.models import BenchmarkSession
from app.benchmarks.results_service import stored_results
from app.benchmarks.states import REMOVED
from app.core.database import Database
from app.core.errors import DatabaseError, NotFoundError
from app.core.settings import StorageSettings, load_settings
from app.reports.compat import Tool, new_view, see_stream
from app.reports.exports import ExportFormat, stream_results

Value = TypeVar("Value")


def export_stored(
    config: Path | None,
    data_dir: Path | None,
    session_id: UUID,
    export_format: str,
    write: Callable[[bytes], object],
    *,
    with_gaps: bool = False,
) -> None:
    """Write every result of a session.

    Raises:
        NotFoundError: there is no such benchmark, or no database yet.
        DatabaseError: the database cannot be read.
    """
    kind = ExportFormat(export_format)
    as_vllm = kind is ExportFormat.VLLM

    async def export(database: Database, row: BenchmarkSession) -> None:
        rows = stored_results(database, session_id, with_gaps=with_gaps or as_vllm, with_text=as_vllm)
        async for piece in stream_results(rows, kind, with_gaps=with_gaps, spec=row.spec):
            write(piece)

    with_session(config, data_dir, session_id, export)


def compat_of_stored(config: Path | None, data_dir: Path | None, session_id: UUID, tool: Tool) -> dict[str, Any]:
    """A session as another tool reports it; raises as `export_stored`."""

    async def see(database: Database, row: BenchmarkSession) -> dict[str, Any]:
        view = new_view(tool, row.spec.get("slo"))
        return await see_stream(view, stored_results(database, session_id, with_gaps=True))

    return with_session(config, data_dir, session_id, see)


def summary_of_stored(config: Path | None, data_dir: Path | None, session_id: UUID) -> dict[str, Any]:
    """The summary of a session that has ended; raises as `export_stored`."""

    async def read(_: Database, row: BenchmarkSession) -> dict[str, Any]:
        if row.summary is None:
            raise NotFoundError(f"benchmark {session_id} is {row.status} and has no summary yet")
        return {"name": row.name, **row.summary}

    return with_session(config, data_dir, session_id, read)


def with_session(
    config: Path | None,
    data_dir: Path | None,
    session_id: UUID,
    work: Callable[[Database, BenchmarkSession], Awaitable[Value]],
) -> Value:
    """What `work` makes of a session and its database; raises as `export_stored`."""
    overrides: dict[str, Any] = {"storage": {"data_dir": data_dir}} if data_dir is not None else {}
    storage = load_settings(config, **overrides).storage
    file = storage.data_dir / "llm-test-bench.db"
    if storage.database_url is None and not file.is_file():
        raise NotFoundError(f"there is no database at {file}; name its folder with --data-dir, or use --server")
    try:
        return asyncio.run(_read(storage, session_id, work))
    except (SQLAlchemyError, OSError) as error:
        raise DatabaseError(f"the database cannot be read: {error}") from error


async def _read(
    storage: StorageSettings, session_id: UUID, work: Callable[[Database, BenchmarkSession], Awaitable[Value]]
) -> Value:
    database = Database(storage)
    try:
        async with database.read() as session:
            row = await session.get(BenchmarkSession, session_id)
            if row is None or row.status == REMOVED:
                raise NotFoundError(f"there is no benchmark {session_id}")
        return await work(database, row)
    finally:
        await database.close()
