"""`llm-test-bench results`: stored results as files, from a server or from this machine's database."""

import sys
from pathlib import Path
from typing import Annotated, BinaryIO, Literal, Self
from uuid import UUID

import typer

from app.cli.options import ConfigOption, DataDirOption, examples

results_app = typer.Typer(
    add_completion=False, no_args_is_help=True, rich_markup_mode=None, help="Read back what was measured."
)

Format = Literal["csv", "json", "jsonl"]


@results_app.callback()
def results() -> None:
    """Read back what was measured."""


@results_app.command(
    "export",
    epilog=examples(
        "llm-test-bench results export --session ID --format csv --output results.csv",
        "llm-test-bench results export --session ID --server http://127.0.0.1:8080 --api-key ltb_… | jq .ttft_ms",
    ),
)
def export_results(
    session: Annotated[UUID, typer.Option(help="Id of the benchmark.")],
    export_format: Annotated[Format, typer.Option("--format", help="Form of the file.")] = "jsonl",
    output: Annotated[Path | None, typer.Option(help="File to write; default standard output.")] = None,
    server: Annotated[
        str | None,
        typer.Option(
            help="Address of an LLM Test Bench server; without it, this machine's database is read.",
            envvar="LLM_TEST_BENCH_SERVER",
        ),
    ] = None,
    api_key: Annotated[
        str | None, typer.Option(help="API key of that server (ltb_…).", envvar="LLM_TEST_BENCH_API_KEY")
    ] = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Write the results of one benchmark; rows are streamed, so size does not matter."""
    with _Output(output) as file:
        if server:
            from app.cli.server_client import ServerClient  # noqa: PLC0415

            with ServerClient(server, api_key) as client:
                for piece in client.export(str(session), export_format):
                    file.write(piece)
        else:
            from app.cli.stored_results import export_stored  # noqa: PLC0415

            export_stored(config, data_dir, session, export_format, file.write)


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
