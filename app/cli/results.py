"""`llm-test-bench results`: stored results as files, from a server or from this machine's database."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO, Literal
from uuid import UUID

import typer

results_app = typer.Typer(
    add_completion=False, no_args_is_help=True, rich_markup_mode=None, help="Read back what was measured."
)

Format = Literal["csv", "json", "jsonl"]


@results_app.callback()
def results() -> None:
    """Read back what was measured."""


@results_app.command("export")
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
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="Configuration file that names the database.")
    ] = None,
) -> None:
    """Write the results of one benchmark; rows are streamed, so size does not matter."""
    if server:
        from app.cli.server_client import ServerClient  # noqa: PLC0415

        with ServerClient(server, api_key) as client:
            _write(client.export(str(session), export_format), output)
        return
    from app.cli.stored_results import export_stored  # noqa: PLC0415

    with _opened(output) as file:
        export_stored(config, session, export_format, file.write)


def _write(pieces: Iterator[bytes], output: Path | None) -> None:
    first = next(pieces, b"")  # a refusal must not leave an empty file behind
    with _opened(output) as file:
        file.write(first)
        file.writelines(pieces)


@contextmanager
def _opened(output: Path | None) -> Iterator[BinaryIO]:
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    output.parent.mkdir(parents=True, exist_ok=True)
    with output.open("wb") as file:
        yield file
