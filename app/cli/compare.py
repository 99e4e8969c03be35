"""`llm-test-bench compare`: what several runs say together, and whether a gate fails."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import typer

from app.cli.options import ConfigOption, DataDirOption, examples
from app.cli.usage import UsageProblem

EXIT_REGRESSION = 3

compare_app = typer.Typer(add_completion=False, rich_markup_mode=None)

ServerOption = Annotated[
    str | None,
    typer.Option(
        help="Address of an LLM Test Bench server that has the benchmarks; without it, this machine's database.",
        envvar="LLM_TEST_BENCH_SERVER",
    ),
]
KeyOption = Annotated[str | None, typer.Option(help="API key of that server.", envvar="LLM_TEST_BENCH_API_KEY")]
RunsArgument = Annotated[
    list[str], typer.Argument(help="Two to eight: ids of benchmarks, or folders of `bench --output`.", metavar="RUN...")
]
BaselineOption = Annotated[str | None, typer.Option(help="The one to compare with; default the first.")]
WindowOption = Annotated[
    Literal["steady", "whole"], typer.Option(help="In their steady windows, or start-up included.")
]
MarginOption = Annotated[
    float, typer.Option(help="Percent below which a difference does not matter.", min=0.1, max=100)
]


@compare_app.command(
    "compare",
    epilog=examples(
        "llm-test-bench compare before after",
        "llm-test-bench compare ID_A ID_B --server http://127.0.0.1:8080",
        "llm-test-bench compare main branch --fail-on-regression p95_ttft_ms=5% --fail-on-regression error_share=1%",
    ),
)
def compare(
    runs: RunsArgument,
    baseline: BaselineOption = None,
    window: WindowOption = "steady",
    margin: MarginOption = 5.0,
    fail_on_regression: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=LIMIT",
            help="Exit with 3 when a run is worse than the baseline by more than this, such as p95_ttft_ms=5%, "
            "p95_ttft_ms=20 (ms) or error_share=1% (percentage points); may be repeated.",
        ),
    ] = None,
    fail_on_undecided: Annotated[
        bool, typer.Option("--fail-on-undecided", help="Also when there are too few samples to rule that out.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    server: ServerOption = None,
    api_key: KeyOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Compare benchmarks: differences with 95 % confidence intervals, and what may be said of them.

    Intervals hold for requests that depend on each other, and verdicts for all comparisons together.
    """
    from app.cli.compare_view import print_comparison, print_gates  # noqa: PLC0415
    from app.evaluation.gates import judge, parse_gate  # noqa: PLC0415

    gates, problems = [], []
    for text in fail_on_regression or []:
        try:
            gates.append(parse_gate(text))
        except ValueError as error:
            problems.append(f"--fail-on-regression: {error}")
    if problems:
        raise UsageProblem(problems)
    found = fetch_comparison(runs, baseline, window, margin, server, api_key, config, data_dir)
    outcomes = list(judge(found, gates))
    if as_json:
        document = found.document() | {"gates": [outcome._asdict() for outcome in outcomes]}
        print(json.dumps(document, indent=2))
    else:
        print_comparison(found)
        print_gates(outcomes)
    failing = {"failed", "not_measured", *(["undecided"] if fail_on_undecided else [])}
    if any(outcome.outcome in failing for outcome in outcomes):
        raise typer.Exit(EXIT_REGRESSION)


def fetch_comparison(
    runs: list[str],
    baseline: str | None,
    window: Literal["steady", "whole"],
    margin: float,
    server: str | None,
    api_key: str | None,
    config: Path | None,
    data_dir: Path | None,
) -> Any:
    """The comparison, by the server or computed here.

    Raises:
        UsageProblem: the runs are not what can be compared.
    """
    from app.cli.compared_runs import read_here  # noqa: PLC0415
    from app.evaluation.comparing import LEAST_RUNS, MOST_RUNS, compare  # noqa: PLC0415
    from app.evaluation.schemas import Comparison  # noqa: PLC0415

    if not LEAST_RUNS <= len(runs) <= MOST_RUNS:
        raise UsageProblem([f"give {LEAST_RUNS} to {MOST_RUNS} runs, not {len(runs)}"])
    if len(set(runs)) < len(runs):
        raise UsageProblem(["every run may be given once"])
    if baseline is not None and baseline not in runs:
        raise UsageProblem([f"--baseline: {baseline!r} is none of the runs"])
    first = runs.index(baseline) if baseline else 0
    if server:
        from app.cli.server_client import ServerClient  # noqa: PLC0415

        check_ids(runs)
        query = comparison_query(runs, runs[first], window, margin)
        with ServerClient(server, api_key) as client:
            return Comparison.model_validate(client.call("GET", f"/comparisons?{query}"))
    read = [read_here(run, config, data_dir) for run in runs]
    try:
        return compare(read, baseline=first, window=window, margin=margin / 100)
    except ValueError as error:
        raise UsageProblem([str(error)]) from None


def check_ids(runs: list[str]) -> None:
    """Raise `UsageProblem` for what no server can know."""
    if wrong := [run for run in runs if not _is_id(run)]:
        raise UsageProblem([f"{run!r} is not an id; --server knows only benchmarks of its own" for run in wrong])


def comparison_query(runs: list[str], baseline: str, window: str, margin: float) -> str:
    """As REST wants it."""
    return f"ids={','.join(runs)}&baseline={baseline}&window={window}&margin_percent={margin:g}"


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
