"""`llm-test-bench results`: stored results as files, from a server or from this machine's database."""

import sys
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal, Self
from uuid import UUID

import typer

from app.cli.options import ConfigOption, DataDirOption, examples
from app.cli.usage import UsageProblem

results_app = typer.Typer(
    add_completion=False, no_args_is_help=True, rich_markup_mode=None, help="Read back what was measured."
)

Format = Literal["csv", "json", "jsonl", "vllm"]

_ServerOption = Annotated[
    str | None,
    typer.Option(
        help="Address of an LLM Test Bench server; without it, this machine's database is read.",
        envvar="LLM_TEST_BENCH_SERVER",
    ),
]
_KeyOption = Annotated[
    str | None, typer.Option(help="API key of that server (ltb_…).", envvar="LLM_TEST_BENCH_API_KEY")
]
_SessionOption = Annotated[UUID | None, typer.Option(help="Id of the benchmark.")]
_ResultsOption = Annotated[
    Path | None, typer.Option("--results", help="Folder of `bench --output`, or its results.jsonl, instead of an id.")
]


@results_app.callback()
def results() -> None:
    """Read back what was measured."""


@results_app.command(
    "export",
    epilog=examples(
        "llm-test-bench results export --session ID --format csv --output results.csv",
        "llm-test-bench results export --results out --format vllm --output vllm.json",
        "llm-test-bench results export --session ID --server http://127.0.0.1:8080 --api-key ltb_… | jq .ttft_ms",
    ),
)
def export_results(
    session: _SessionOption = None,
    results_path: _ResultsOption = None,
    export_format: Annotated[
        Format, typer.Option("--format", help="Form of the file; vllm is what `vllm bench serve` saves.")
    ] = "jsonl",
    gaps: Annotated[bool, typer.Option("--gaps", help="Add every chunk gap as gaps_ms (json, jsonl).")] = False,
    output: Annotated[Path | None, typer.Option(help="File to write; default standard output.")] = None,
    server: _ServerOption = None,
    api_key: _KeyOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Write the results of one benchmark; rows are streamed, so size does not matter."""
    _check_source(session, results_path)
    with _Output(output) as file:
        if results_path is not None:
            from app.cli.results_show import export_files  # noqa: PLC0415

            export_files(results_path, export_format, file.write, with_gaps=gaps)
        elif server:
            from app.cli.server_client import ServerClient  # noqa: PLC0415

            with ServerClient(server, api_key) as client:
                for piece in client.export(str(session), export_format, gaps=gaps):
                    file.write(piece)
        else:
            from app.cli.stored_results import export_stored  # noqa: PLC0415

            assert session is not None
            export_stored(config, data_dir, session, export_format, file.write, with_gaps=gaps)


@results_app.command(
    "show",
    epilog=examples(
        "llm-test-bench results show --results out",
        "llm-test-bench results show --results out --as vllm",
        "llm-test-bench results show --session ID --as guidellm --json",
    ),
)
def show_results(
    session: _SessionOption = None,
    results_path: _ResultsOption = None,
    as_tool: Annotated[
        Literal["vllm", "aiperf", "guidellm"] | None,
        typer.Option("--as", help="Under the names and formulas of this tool; default our own summary."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    server: _ServerOption = None,
    api_key: _KeyOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Print the summary of a benchmark again, or what vLLM bench, AIPerf or GuideLLM would report of the same data.

    Figures of chunk gaps need the gaps: bench --save-gaps for files; the database keeps them unless the spec says no.
    """
    _check_source(session, results_path)
    from app.cli.results_show import compat_of_files, show, summary_of_files  # noqa: PLC0415

    if results_path is not None:
        document = compat_of_files(results_path, as_tool) if as_tool else summary_of_files(results_path)
    elif server:
        document = _ask(server, api_key, f"/benchmarks/{session}", as_tool)
    else:
        from app.cli.stored_results import compat_of_stored, summary_of_stored  # noqa: PLC0415

        assert session is not None
        if as_tool:
            document = compat_of_stored(config, data_dir, session, as_tool)
        else:
            document = summary_of_stored(config, data_dir, session)
    show(document, as_json=as_json)


@results_app.command(
    "import",
    epilog=examples(
        "llm-test-bench results import openai-infqps-concurrency64-llama.json --output out",
        "llm-test-bench results import artifacts/run/profile_export.jsonl --output out --store",
        "llm-test-bench results import benchmarks.json --benchmark 2 --output out",
    ),
)
def import_results(
    file: Annotated[Path, typer.Argument(help="Result file of vLLM bench, AIPerf or GuideLLM.", metavar="FILE")],
    output: Annotated[Path | None, typer.Option(help="Folder for results.jsonl and summary.json.")] = None,
    file_format: Annotated[
        Literal["auto", "vllm", "aiperf", "guidellm"], typer.Option("--format", help="Whose file it is.")
    ] = "auto",
    benchmark: Annotated[
        int | None, typer.Option(min=1, help="Which one, where a GuideLLM file holds several.")
    ] = None,
    store: Annotated[
        bool, typer.Option("--store", help="Also keep it as a finished benchmark in this machine's database.")
    ] = False,
    name: Annotated[str | None, typer.Option(help="Name of the benchmark; default that of the file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Compute our summary from another tool's per-request data, and say what that tool did not record.

    The instrument's verdict is `suspect`: the error of the tool that measured is unknown. A file with aggregates only
    is shown as what it claims, because nothing can be computed from it.
    """
    from app.cli.results_import import import_file  # noqa: PLC0415

    if output is None and not store:
        raise UsageProblem(["give --output, --store, or both"])
    title = name or file.stem
    import_file(
        file,
        file_format,
        benchmark,
        title,
        output=output,
        store=store,
        config=config,
        data_dir=data_dir,
        as_json=as_json,
    )


def _ask(server: str, api_key: str | None, path: str, tool: str | None) -> dict[str, Any]:
    from app.cli.server_client import ServerClient  # noqa: PLC0415
    from app.core.errors import NotFoundError  # noqa: PLC0415

    with ServerClient(server, api_key) as client:
        if tool:
            seen: dict[str, Any] = client.call("GET", f"{path}/compat/{tool}")
            return seen
        benchmark: dict[str, Any] = client.call("GET", path)
    if benchmark["summary"] is None:
        raise NotFoundError(f"benchmark {benchmark['id']} is {benchmark['status']} and has no summary yet")
    return {"name": benchmark["name"], **benchmark["summary"]}


def _check_source(session: UUID | None, results_path: Path | None) -> None:
    if (session is None) == (results_path is None):
        raise UsageProblem(["give --session, or --results, but not both"])


class _Output:
    """A file, or standard output, that is opened by the first write: a refusal leaves no empty file behind."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: BinaryIO | None = None if path else sys.stdout.buffer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is None:
            return
        self._file.flush()
        if self._path:
            self._file.close()

    def write(self, piece: bytes) -> None:
        if self._file is None:
            assert self._path
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("wb")
        self._file.write(piece)
