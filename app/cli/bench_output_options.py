"""Options of `bench`: what becomes of the results."""

from pathlib import Path
from typing import Annotated

import typer

_OUTPUT = "Output"

Spec = Annotated[
    Path | None,
    typer.Option(
        help="A whole spec, .json, .yaml or .toml (or a summary.json); - reads JSON from standard input. "
        "Other options go over it.",
        rich_help_panel=_OUTPUT,
    ),
]
Preset = Annotated[
    str | None,
    typer.Option(help="A ready-made spec (see --list-presets); other options go over it.", rich_help_panel=_OUTPUT),
]
ListPresets = Annotated[
    bool, typer.Option("--list-presets", help="List the ready-made specs and leave.", rich_help_panel=_OUTPUT)
]
PrintSpec = Annotated[
    bool,
    typer.Option("--print-spec", help="Print the whole spec as JSON and leave.", rich_help_panel=_OUTPUT),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="Say what would run, how long, and at what cost, and leave; with --server the service says so.",
        rich_help_panel=_OUTPUT,
    ),
]
Name = Annotated[str | None, typer.Option(help="Name of the benchmark.", rich_help_panel=_OUTPUT)]
Tag = Annotated[list[str], typer.Option(help="Tag; repeatable.", rich_help_panel=_OUTPUT)]
Output = Annotated[
    Path | None,
    typer.Option(help="Folder for results.jsonl and summary.json; replaces those there.", rich_help_panel=_OUTPUT),
]
Export = Annotated[
    str,
    typer.Option(help="Formats for --output: jsonl, csv, json, separated by commas.", rich_help_panel=_OUTPUT),
]
SaveResponses = Annotated[bool, typer.Option("--save-responses", help="Keep response texts.", rich_help_panel=_OUTPUT)]
SaveGaps = Annotated[
    bool,
    typer.Option("--save-gaps", help="Keep every chunk gap as gaps_ms in results.jsonl.", rich_help_panel=_OUTPUT),
]
PropagateTrace = Annotated[
    bool,
    typer.Option(
        "--propagate-trace",
        help="Send a W3C traceparent with each request; its trace is that of TRACEPARENT, or a new one.",
        rich_help_panel=_OUTPUT,
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No live view, only the summary.", rich_help_panel=_OUTPUT)]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print the summary as JSON on standard output.", rich_help_panel=_OUTPUT)
]
Replay = Annotated[
    Path | None,
    typer.Option(
        help="Repeat the run of this bundle.json exactly; only options of the target and the output go with it.",
        rich_help_panel=_OUTPUT,
    ),
]
