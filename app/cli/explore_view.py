"""What a sweep or a search looks like in a terminal at its end: a row per point, and the answer."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from app.cli.bench_view import NOT_MEASURED, money, rate, significant
from app.cli.terminal import Console
from app.stats.search import level_text

_STYLES = {"met": "green", "not_met": "red", "undecided": "yellow"}
_WORDS = {"met": "met", "not_met": "not met", "undecided": "undecided"}
_LATENCIES = (("ttft_ms", "p50"), ("ttft_ms", "p95"), ("tpot_ms", "p50"))


def print_points(console: Console, summary: Mapping[str, Any]) -> None:
    """The table of points and what they say; nothing for a run that explored nothing."""
    if (points := summary.get("points")) and (exploration := summary.get("exploration")):
        console.print()
        console.print(points_table(exploration["parameter"], points, is_search=exploration["kind"] == "search"))
    for answer in (summary.get("exploration") or {}).get("by_target", []):
        console.print(Text(f"{answer['provider']} {answer['model']}: {answer['statement']}", style="bold"))
    if budget := summary.get("budget"):
        stopped = ", and the run was stopped for it" if budget["stopped"] else ""
        console.print(Text(f"budget      {_spent(budget)} of {money(budget['limit_usd'])} spent{stopped}"))
        if budget.get("note"):
            console.print(Text(f"            {budget['note']}", style="dim"))


def points_table(parameter: str, points: list[Mapping[str, Any]], *, is_search: bool) -> Table:
    """One row per point, in the order in which they were measured."""
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim", pad_edge=False)
    several = len({(point["provider"], point["model"]) for point in points}) > 1
    if several:
        table.add_column("target")
    for name in (parameter, "req/s", "tok/s", "TTFT p50", "p95 ms", "TPOT p50", "errors"):
        table.add_column(name, justify="right", no_wrap=True)
    if is_search:
        table.add_column("verdict", no_wrap=True)
    for point in points:
        cells: list[Text | str] = [f"{point['provider']} {point['model']}"] if several else []
        cells += [level_text(point["value"]), rate(point["rates"]["requests_per_s"])]
        cells.append(rate(point["rates"]["output_tokens_per_s"]))
        cells += [_latency(point, metric, percentile) for metric, percentile in _LATENCIES]
        cells.append(f"{point['requests']['failed']:,}")
        if is_search:
            verdict = point["verdict"]
            cells.append(Text(_WORDS.get(verdict, NOT_MEASURED), style=_STYLES.get(verdict, "dim")))
        table.add_row(*cells)
    return table


def found_no_answer(summary: Mapping[str, Any]) -> str | None:
    """What a search says that found no level which meets its criteria; None otherwise."""
    exploration = summary.get("exploration")
    if not exploration or exploration["kind"] != "search":
        return None
    return next((one["statement"] for one in exploration["by_target"] if one["answer"] is None), None)


def _latency(point: Mapping[str, Any], metric: str, percentile: str) -> str:
    found = point["metrics"].get(metric)
    return NOT_MEASURED if not found or found.get(percentile) is None else significant(found[percentile])


def _spent(budget: Mapping[str, Any]) -> str:
    return "an unknown part" if budget["spent_usd"] is None else money(budget["spent_usd"])
