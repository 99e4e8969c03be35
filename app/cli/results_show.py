"""What `llm-test-bench results show` prints: our own summary again, or the figures under another tool's names."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

from rich.table import Table

from app.benchmarks.measures import MeasuredResult
from app.benchmarks.result_columns import columns
from app.cli.bench_view import significant
from app.cli.summary_view import print_summary
from app.cli.terminal import Console
from app.cli.usage import UsageProblem
from app.core.errors import NotFoundError
from app.reports.compat import Tool, new_view, see
from app.reports.exports import ExportFormat, stream_results
from app.reports.result_rows import ResultFileError, read_results
from app.stats.run_statistics import RunStatistics, Slo, TargetKey
from app.stats.summary import summarise

_SUMMARY_LIMIT_BYTES = 256 * 2**20
_BATCH = 1_000
_COLUMNS = (
    ("mean", ("avg", "mean")),
    ("p50", ("p50", "median")),
    ("p90", ("p90",)),
    ("p95", ("p95",)),
    ("p99", ("p99",)),
    ("min", ("min",)),
    ("max", ("max",)),
    ("std", ("std", "std_dev")),
)


def result_files(path: Path) -> tuple[Path, dict[str, Any] | None]:
    """`results.jsonl` and the summary beside it, if any; `path` is the folder or the file.

    Raises:
        UsageProblem: there is none.
        ResultFileError: the summary is not one.
    """
    rows = path / "results.jsonl" if path.is_dir() else path
    if not rows.is_file():
        raise UsageProblem([f"--results: there is no {rows}"])
    beside = rows.with_name("summary.json")
    if not beside.is_file():
        return rows, None
    if beside.stat().st_size > _SUMMARY_LIMIT_BYTES:
        raise ResultFileError(f"{beside}: larger than {_SUMMARY_LIMIT_BYTES} bytes")
    try:
        summary = json.loads(beside.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        raise ResultFileError(f"{beside}: not JSON") from None
    if not isinstance(summary, dict):
        raise ResultFileError(f"{beside}: not an object")
    return rows, summary


def slo_in(summary: Mapping[str, Any] | None) -> dict[str, float]:
    """The service levels in the spec that a summary holds."""
    spec = (summary or {}).get("spec")
    limits = spec.get("slo") if isinstance(spec, dict) else None
    if not isinstance(limits, dict):
        return {}
    names = ("ttft_ms", "tpot_ms", "e2e_ms")
    return {name: limits[name] for name in names if isinstance(limits.get(name), int | float)}


def compat_of_files(path: Path, tool: Tool) -> dict[str, Any]:
    """The tool's figures of a folder of results."""
    rows, summary = result_files(path)
    return see(new_view(tool, slo_in(summary)), read_results(rows))


def export_files(path: Path, export_format: str, write: Callable[[bytes], object], *, with_gaps: bool) -> None:
    """The rows of a folder in another form."""
    rows, summary = result_files(path)
    spec = (summary or {}).get("spec")

    async def read() -> AsyncIterator[MeasuredResult]:
        for result in read_results(rows):
            yield result

    async def export() -> None:
        kind = ExportFormat(export_format)
        known = spec if isinstance(spec, dict) else None
        async for piece in stream_results(read(), kind, with_gaps=with_gaps, spec=known):
            write(piece)

    asyncio.run(export())


def summary_of_files(path: Path) -> dict[str, Any]:
    """The stored summary; computed again from the rows where there is none (without the instrument's certificate)."""
    rows, summary = result_files(path)
    if summary is not None:
        return summary
    statistics: RunStatistics | None = None
    batch = []
    for result in read_results(rows):
        statistics = statistics or RunStatistics(result.started_ns or result.intended_ns, Slo())
        batch.append(result)
        if len(batch) == _BATCH:
            _add(statistics, batch)
            batch = []
    if statistics is None:
        raise NotFoundError(f"{rows} holds no result")
    _add(statistics, batch)
    return summarise(statistics, None)


def _add(statistics: RunStatistics, batch: list[Any]) -> None:
    targets: dict[TargetKey, list[Any]] = {}
    for result in batch:
        targets.setdefault(TargetKey(result.provider, result.model), []).append(result)
    for key, results in targets.items():
        statistics.add(key, columns(results))


def show(document: Mapping[str, Any], *, as_json: bool) -> None:
    """Print a tool's view, or our own summary."""
    if as_json:
        print(json.dumps(document, indent=2))
        return
    console = Console()
    if "figures" not in document:
        print_summary(console, str(document.get("name") or "results"), document)
        return
    console.print(f"as {document['tool']} reports it ({document['version']})", highlight=False)
    figures: Mapping[str, Any] = document["figures"]
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim", pad_edge=False)
    table.add_column("", no_wrap=True)
    for name, _ in _COLUMNS:
        table.add_column(name, justify="right", no_wrap=True)
    single = Table.grid(padding=(0, 2))
    for name, value in figures.items():
        if isinstance(value, Mapping) and ("p99" in value or "percentiles" in value):
            merged = {**value, **(value.get("percentiles") or {})}
            cells = (next((merged[key] for key in keys if merged.get(key) is not None), None) for _, keys in _COLUMNS)
            table.add_row(name, *(_cell(cell) for cell in cells))
        elif isinstance(value, Mapping):
            single.add_row(name, ", ".join(_part(part, amount) for part, amount in value.items()))
        else:
            single.add_row(name, _cell(value))
    console.print(single, highlight=False)
    if table.row_count:
        console.print(table, highlight=False)
    for name, reason in document["missing"].items():
        console.print(f"missing  {name}: {reason}", style="yellow", highlight=False)
    for note in document["notes"]:
        console.print(f"note     {note}", style="dim", highlight=False)


def _part(name: str, value: Any) -> str:
    text = value if isinstance(value, str) else _cell(value)
    return text if name in {"unit", "avg", "mean"} else f"{name} {text}"


def _cell(value: Any) -> str:
    if value is None:
        return "—"
    if isinstance(value, int):
        return f"{value:,}"
    return significant(value) if isinstance(value, float) else str(value)
