"""`llm-test-bench results import`: another tool's file as a folder of ours, and as a benchmark in the database."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from app.accounts.users import system_caller
from app.benchmarks import gaps
from app.benchmarks.calibrations import program
from app.benchmarks.importing import FinishedRun, store_finished
from app.benchmarks.result_lines import LINE_FIELDS, results_line
from app.cli.bench_output import ResultFiles
from app.cli.summary_file import summary_document
from app.cli.summary_view import print_summary
from app.cli.terminal import Console
from app.cli.usage import UsageProblem
from app.core import migrations
from app.core.clock import SystemClock
from app.core.database import Database
from app.core.errors import DatabaseError, NotFoundError
from app.core.logging import redact_text
from app.core.settings import Settings, load_settings
from app.reports import imports
from app.reports.imported import Imported, ImportFileError

_BATCH = 1_000


def import_file(
    path: Path,
    kind: imports.Format,
    benchmark: int | None,
    title: str,
    *,
    output: Path | None,
    store: bool,
    config: Path | None,
    data_dir: Path | None,
    as_json: bool,
) -> None:
    """Read, compute, write, store and print.

    Raises:
        UsageProblem: there is no such file.
        ImportFileError: it cannot be imported.
        DatabaseError: the database cannot be used.
    """
    if not path.is_file():
        raise UsageProblem([f"FILE: {path} is not a file"])
    run = imports.read_file(path, kind, benchmark)
    source = {"tool": run.tool, "version": run.version, "file_sha256": imports.sha256(path)}
    console = Console(stderr=as_json)
    if run.is_aggregate_only:
        _show_claims(console, run, source, output, as_json=as_json)
        if store:
            raise ImportFileError(f"{path.name} has no requests, so there is no run to store")
        return
    counted = imports.statistics(run)
    summary = imports.summary(run, counted, source)
    if output is not None:
        _write(run, title, summary, output)
        console.print(f"Wrote {output / 'summary.json'}, {output / 'results.jsonl'}", highlight=False, soft_wrap=True)
    if store:
        overrides: dict[str, Any] = {"storage": {"data_dir": data_dir}} if data_dir is not None else {}
        finished = _finished(run, title, counted, summary)
        try:
            session_id = asyncio.run(_store(load_settings(config, **overrides), finished))
        except SQLAlchemyError as error:
            raise DatabaseError(f"the database cannot be used: {redact_text(str(error))}") from error
        console.print(f"Stored as benchmark {session_id}", highlight=False)
    if as_json:
        print(json.dumps(summary, indent=2))
        return
    print_summary(console, f"{title} (imported from {run.tool} {run.version or ''})".replace(" )", ")"), summary)
    for measure, reason in run.not_recorded.items():
        console.print(f"not recorded  {measure}: {reason}", style="yellow", highlight=False)
    for note in run.notes:
        console.print(f"note          {note}", style="dim", highlight=False)


def _show_claims(
    console: Console, run: Imported, source: dict[str, Any], output: Path | None, *, as_json: bool
) -> None:
    document = {"source": source, "recomputed": False, "notes": run.notes, "claims": run.claims}
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        (output / "claims.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        console.print(f"Wrote {output / 'claims.json'}", highlight=False, soft_wrap=True)
    if as_json:
        print(json.dumps(document, indent=2))
        return
    console.print(
        f"Only aggregates: nothing can be computed from this file. What {run.tool} claims in it, unchecked:",
        style="yellow",
        highlight=False,
    )
    for name, value in run.claims.items():
        console.print(f"  claimed  {name}: {value}", highlight=False, markup=False)


def _write(run: Imported, title: str, summary: dict[str, Any], folder: Path) -> None:
    spec = imports.spec_of(run, title, [])
    document = summary_document(
        summary, name=title, status="completed", program=program(), spec=spec.model_dump(mode="json")
    )
    with ResultFiles(folder, ("jsonl",), LINE_FIELDS) as files:
        for begin in range(0, len(run.results), _BATCH):
            files.write(
                {**results_line(result), **({"gaps_ms": gaps.milliseconds(result.gaps)} if result.gaps else {})}
                for result in run.results[begin : begin + _BATCH]
            )
        files.finish(document)


def _finished(run: Imported, title: str, counted: Any, summary: dict[str, Any]) -> FinishedRun:
    begin_ns = min(result.started_ns or 0 for result in run.results)
    end_ns = max(result.end_ns or 0 for result in run.results)
    started, finished = (datetime.fromtimestamp(at / 1e9, UTC) for at in (begin_ns, end_ns))
    return FinishedRun(imports.spec_of(run, title, []), run.results, counted, summary, started, finished)


async def _store(settings: Settings, run: FinishedRun) -> Any:
    from app.accounts import audit_seal, repository  # noqa: PLC0415
    from app.core.keyring import load_keyring  # noqa: PLC0415

    database = Database(settings.storage)
    try:
        if settings.storage.enable_migrations:
            await migrations.upgrade(database.engine)
        async with database.read() as session:
            users = await repository.all_users(session)
        owner = next((user for user in users if user.username == settings.security.admin_username), None)
        if users and owner is None:
            owner = next((user for user in users if user.role == "admin"), None)
        if owner is None:
            raise NotFoundError("there is no administrator to own the benchmark; start the server once")
        audit_seal.seal_with(database, load_keyring(settings))
        return await store_finished(database, SystemClock(), system_caller("cli"), owner.id, run)
    finally:
        await database.close()
