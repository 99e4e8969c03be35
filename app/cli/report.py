"""`llm-test-bench report`: one HTML file of a run or a comparison, which opens offline."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from app.cli.compare import BaselineOption, KeyOption, MarginOption, ServerOption, WindowOption, fetch_comparison
from app.cli.options import ConfigOption, DataDirOption, examples
from app.cli.usage import UsageProblem

Window = Literal["steady", "whole"]

report_app = typer.Typer(add_completion=False, rich_markup_mode=None)


@report_app.command(
    "report",
    epilog=examples(
        "llm-test-bench report --results out --output report.html",
        "llm-test-bench report --session ID --server http://127.0.0.1:8080 --output report.html",
        "llm-test-bench report --results before --results after --output comparison.html",
    ),
)
def report(
    output: Annotated[Path, typer.Option(help="File to write.")],
    session: Annotated[list[str] | None, typer.Option(help="Id of a benchmark; several make a comparison.")] = None,
    results: Annotated[
        list[str] | None,
        typer.Option("--results", help="Folder of `bench --output`, or its results.jsonl; several make a comparison."),
    ] = None,
    baseline: BaselineOption = None,
    window: WindowOption = "steady",
    margin: MarginOption = 5.0,
    server: ServerOption = None,
    api_key: KeyOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Write one self-contained page: no script, no request, numbers with units and intervals, charts as SVG."""
    runs = [*(session or []), *(results or [])]
    if not runs:
        raise UsageProblem(["give --session, or --results; several of them make a comparison"])
    if missing := [path for path in results or [] if not Path(path).exists()]:
        raise UsageProblem([f"--results: there is no {path}" for path in missing])
    if server and not results:
        made = _from_server(server, api_key, runs, baseline, window, margin)
    else:
        made = _made_here(runs, baseline, window, margin, config, data_dir)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(made, encoding="utf-8", errors="replace")
    typer.echo(f"Wrote {output}", err=True)


def _made_here(
    runs: list[str], baseline: str | None, window: Window, margin: float, config: Path | None, data_dir: Path | None
) -> str:
    from app.benchmarks.calibrations import program  # noqa: PLC0415
    from app.cli.compared_runs import read_here, timeline_here  # noqa: PLC0415
    from app.reports.comparison_report import comparison_report  # noqa: PLC0415
    from app.reports.run_report import run_report  # noqa: PLC0415

    now = f"{datetime.now(UTC):%Y-%m-%d %H:%M}"
    if len(runs) > 1:
        found = fetch_comparison(runs, baseline, window, margin, None, None, config, data_dir)
        return comparison_report(found, made_by=program(), made_at=now)
    run = read_here(runs[0], config, data_dir)
    return run_report(run, timeline_here(run, config, data_dir), made_by=program(), made_at=now)


def _from_server(
    server: str, api_key: str | None, runs: list[str], baseline: str | None, window: Window, margin: float
) -> str:
    from app.cli.compare import check_ids, comparison_query  # noqa: PLC0415
    from app.cli.server_client import ServerClient  # noqa: PLC0415

    check_ids(runs)
    path = f"/benchmarks/{runs[0]}/report.html"
    if len(runs) > 1:
        path = f"/comparisons/report.html?{comparison_query(runs, baseline or runs[0], window, margin)}"
    with ServerClient(server, api_key) as client:
        return client.text(path)
