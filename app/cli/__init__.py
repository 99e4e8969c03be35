"""The `llm-test-bench` command: one file per command group; parses and prints, the work is done by the rooms.

The root knows its commands only by import path and one line of help, so `--help` and completion load none of them.
Exit codes: 0 done, 1 failed, 2 bad usage or configuration, 130 interrupted.
"""

import importlib
import os
import sys
import traceback
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple, NoReturn

import typer
from typer.core import TyperGroup

from app.cli.plain import plain
from app.core.errors import ConfigError, TestBenchError

PROGRAM = "llm-test-bench"
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


class LazyCommand(NamedTuple):
    """Where a command lives (`module:attribute`, a `typer.Typer`) and its line in the list."""

    path: str
    summary: str


COMMANDS = {
    "serve": LazyCommand("app.cli.serve:serve_app", "Run the service: REST API, live events and dashboard."),
    "bench": LazyCommand("app.cli.bench:bench_app", "Run one benchmark here, or submit it to a server."),
    "simulate": LazyCommand("app.cli.simulate:simulate_app", "Run a simulated LLM server with known timings."),
    "calibrate": LazyCommand("app.cli.calibrate:calibrate_app", "Measure the instrument's own error on this machine."),
    "providers": LazyCommand("app.cli.providers:providers_app", "Add, test and list providers."),
    "results": LazyCommand("app.cli.results:results_app", "Read back what was measured."),
    "health": LazyCommand("app.cli.health:health_app", "Ask a server, or a port, whether it is ready."),
    "migrate": LazyCommand("app.cli.migrate:migrate_app", "Bring the database to this version's tables."),
    "compare": LazyCommand("app.cli.compare:compare_app", "Compare runs, and fail on regressions."),
    "report": LazyCommand("app.cli.report:report_app", "Write a run or a comparison as one HTML file."),
    "config": LazyCommand("app.cli.config:config_app", "Make, show and check the configuration."),
    "auth": LazyCommand("app.cli.auth:auth_app", "Manage users and API keys."),
    "scheduler": LazyCommand("app.cli.nodes:scheduler_app", "Run the scheduler of a cluster."),
    "worker": LazyCommand("app.cli.nodes:worker_app", "Run a worker of a cluster: measures what the server plans."),
    "cluster": LazyCommand("app.cli.cluster:cluster_app", "Make certificates for a cluster, and see how it is."),
    "database": LazyCommand("app.cli.database:database_app", "Back up and restore the database."),
    "audit": LazyCommand("app.cli.audit:audit_app", "Check the audit trail."),
}


_EXAMPLES = """\b
Try it with no provider at all:
  llm-test-bench simulate --port 9000
  llm-test-bench bench --base-url http://127.0.0.1:9000/v1 --model m --concurrency 8 --requests 200
Or open the dashboard:
  llm-test-bench serve
"""


@dataclass
class Invocation:
    """What the root options said, shared with every command as `Context.obj`."""

    debug: bool = False


class _LazyGroup(TyperGroup):
    """Swaps a command's placeholder for the real one at the moment it is called."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] in COMMANDS:
            self.commands[args[0]] = load_command(args[0])
        return super().resolve_command(ctx, args)


def load_command(name: str) -> Any:
    """Import the command called `name` and build it."""
    module, attribute = COMMANDS[name].path.split(":")
    found = getattr(importlib.import_module(module), attribute)
    found._add_completion = False  # noqa: SLF001 - only the root offers to install completion
    command = typer.main.get_command(found)
    command.name = name
    return command


def _print_version(value: bool) -> None:
    if value:
        from importlib.metadata import version  # noqa: PLC0415 - costs 20 ms

        typer.echo(f"{PROGRAM} {version(PROGRAM)}")
        raise typer.Exit


def _root(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show the full traceback of an error.")] = False,
    version: Annotated[  # noqa: ARG001 - its callback does the work
        bool, typer.Option("--version", help="Show the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    context.obj.debug = debug


def _placeholder() -> None:
    """Stands in the list until the real command is loaded."""


def build_command() -> Any:
    """The root command, with a placeholder for every entry of `COMMANDS`."""
    root = typer.Typer(
        name=PROGRAM,
        cls=_LazyGroup,
        no_args_is_help=True,
        help="Measure LLM APIs under load, and see the instrument's own error beside every number.",
        epilog=_EXAMPLES,
        rich_markup_mode=None,  # the rich formatter alone takes 0.5 s to import
    )
    root.callback()(_root)
    for name, command in COMMANDS.items():
        root.command(name, help=command.summary)(_placeholder)
    return typer.main.get_command(root)


def main() -> NoReturn:
    """Run the command line and exit."""
    invocation = Invocation()
    try:
        build_command().main(prog_name=PROGRAM, obj=invocation)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last stop
        sys.exit(_report(error, invocation))
    sys.exit(0)


def _report(error: BaseException, invocation: Invocation) -> int:
    """Tell the user what went wrong; the answer is the exit code."""
    if invocation.debug:
        traceback.print_exception(error)
    if isinstance(error, KeyboardInterrupt):
        return EXIT_INTERRUPTED
    if isinstance(error, ConfigError):
        _print_error(error.message)
        return EXIT_USAGE
    if isinstance(error, TestBenchError):
        _print_error(error.message)
        return EXIT_FAILED
    if isinstance(error, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader left; stay silent at exit
        return EXIT_FAILED
    if isinstance(error, OSError) and error.filename:
        _print_error(f"{error.filename}: {error.strerror}")
        return EXIT_FAILED
    _print_error(f"unexpected {type(error).__name__}: {error}")
    if not invocation.debug:
        arguments = " ".join(sys.argv[1:2])
        print(f"Run it again as `{PROGRAM} --debug {arguments} …` for the traceback.", file=sys.stderr)
    return EXIT_FAILED


def _print_error(message: str) -> None:
    print(f"error: {plain(message)}", file=sys.stderr)
