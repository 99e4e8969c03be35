"""Runs to compare or report, out of folders of results or this machine's database."""

from pathlib import Path
from typing import Any
from uuid import UUID

from app.benchmarks.models import BenchmarkSession
from app.benchmarks.repository import find_live_document
from app.benchmarks.result_columns import columns
from app.cli.results_show import result_files, summary_of_files
from app.cli.stored_results import with_session
from app.cli.usage import UsageProblem
from app.core.database import Database
from app.core.errors import InvalidRequestError, NotFoundError
from app.evaluation.comparing import MeasuredRun
from app.evaluation.service import read_run
from app.reports.result_rows import read_results
from app.stats.timeline import Timeline

MAX_FILE_ROWS = 1_000_000  # about 2 GB of memory


def read_here(run: str, config: Path | None, data_dir: Path | None) -> MeasuredRun:
    """A folder or file of results if there is one, else a stored benchmark.

    Raises:
        UsageProblem: it is neither.
        NotFoundError: there is no such benchmark.
    """
    path = Path(run)
    if path.exists():
        return read_files(path)
    try:
        session_id = UUID(run)
    except ValueError:
        raise UsageProblem([f"{run!r} is neither a folder of results nor the id of a benchmark"]) from None

    async def read(database: Database, row: BenchmarkSession) -> MeasuredRun:
        if row.summary is None:
            raise NotFoundError(f"benchmark {session_id} is {row.status} and has no summary yet")
        return await read_run(database, row)

    return with_session(config, data_dir, session_id, read)


def timeline_here(run: MeasuredRun, config: Path | None, data_dir: Path | None) -> dict[str, Any] | None:
    """The columns of the run's seconds: as stored, or of the requests of its file."""
    if not Path(run.id).exists():

        async def read(database: Database, row: BenchmarkSession) -> dict[str, Any]:
            async with database.read() as session:
                return await find_live_document(session, row.id) or {}

        columns_: dict[str, Any] | None = with_session(config, data_dir, UUID(run.id), read).get("columns")
        return columns_
    if run.batch is None:
        return None
    window = run.summary.get("window") or {}
    timeline = Timeline(int(window.get("origin_ns") or run.batch.start_ns.min()))
    timeline.add(run.batch)
    for start_ns, end_ns in zip(run.batch.start_ns.tolist(), run.batch.end_ns.tolist(), strict=True):
        timeline.add_in_flight(start_ns, end_ns, 1)
    return timeline.columns()


def read_files(path: Path) -> MeasuredRun:
    """What `bench --output` wrote; the summary is computed again where there is none."""
    rows, summary = result_files(path)
    results = []
    for result in read_results(rows):
        results.append(result)
        if len(results) > MAX_FILE_ROWS:
            raise InvalidRequestError(f"{rows} has more than {MAX_FILE_ROWS:,} results")
    if not results:
        raise NotFoundError(f"{rows} holds no result")
    known = summary_of_files(path) if summary is None else summary
    spec = known.get("spec")
    return MeasuredRun(
        id=str(path),
        name=str(known.get("name") or path.resolve().name),
        status=str(known.get("status") or ""),
        summary=known,
        spec=spec if isinstance(spec, dict) else None,
        batch=columns(results),
        indices=[result.index for result in results],
    )
