"""How a benchmark ends on the command line: what is printed, and the exit code. The same for local and remote runs."""

import sys
from typing import Any

import orjson

from app.cli import EXIT_FAILED, EXIT_INTERRUPTED
from app.cli.explore_view import found_no_answer, print_points
from app.cli.plain import plain
from app.cli.summary_view import print_summary
from app.cli.terminal import Console


def show_outcome(title: str, summary: dict[str, Any], *, as_json: bool, interrupted: bool) -> int:
    """Print the summary as asked; the answer is the exit code."""
    if as_json:
        print(orjson.dumps(summary, option=orjson.OPT_INDENT_2).decode())
    else:
        print_summary(Console(), title, summary)
        print_points(Console(), summary)
    if summary.get("error"):
        print(f"error: {plain(summary['error'])}", file=sys.stderr)
        return EXIT_FAILED
    if interrupted:
        return EXIT_INTERRUPTED
    if (statement := found_no_answer(summary)) is not None:
        print(f"error: {plain(statement)}", file=sys.stderr)
        return EXIT_FAILED
    return 0 if summary["requests"]["ok"] else EXIT_FAILED
