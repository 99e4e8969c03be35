"""Results out of this machine's database, without a server: whoever may read the data folder may read them."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from app.benchmarks.models import BenchmarkSession
from app.benchmarks.results_service import stored_results
from app.core.database import Database
from app.core.errors import DatabaseError, NotFoundError
from app.core.settings import StorageSettings, load_settings
from app.reports.exports import ExportFormat, stream_results


def export_stored(
    config: Path | None,
    data_dir: Path | None,
    session_id: UUID,
    export_format: str,
    write: Callable[[bytes], object],
) -> None:
    """Write every result of a session.

    Raises:
        NotFoundError: there is no such benchmark, or no database yet.
        DatabaseError: the database cannot be read.
    """
    overrides: dict[str, Any] = {"storage": {"data_dir": data_dir}} if data_dir is not None else {}
    storage = load_settings(config, **overrides).storage
    file = storage.data_dir / "llm-test-bench.db"
    if storage.database_url is None and not file.is_file():
        raise NotFoundError(f"there is no database at {file}; name its folder with --data-dir, or use --server")
    try:
        asyncio.run(_export(storage, session_id, ExportFormat(export_format), write))
    except (SQLAlchemyError, OSError) as error:
        raise DatabaseError(f"the database cannot be read: {error}") from error


async def _export(
    storage: StorageSettings, session_id: UUID, export_format: ExportFormat, write: Callable[[bytes], object]
) -> None:
    database = Database(storage)
    try:
        async with database.read() as session:
            if await session.get(BenchmarkSession, session_id) is None:
                raise NotFoundError(f"there is no benchmark {session_id}")
        async for piece in stream_results(stored_results(database, session_id), export_format):
            write(piece)
    finally:
        await database.close()
