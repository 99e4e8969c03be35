"""The end of a run in a terminal: whole run and steady window side by side, then what to make of the numbers.

Knows only summary dictionaries; those of older versions lack the newer parts.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from app.cli.bench_view import NOT_MEASURED, certificate, clock, counts, money, rate, significant
from app.cli.terminal import Console

_METRICS = {
    "ttft_ms": "TTFT",
    "ttfo_ms": "TTFO (visible)",
    "tpot_ms": "TPOT",
    "icl_ms": "chunk gap",
    "e2e_ms": "end to end",
    "stream_end_ms": "end of body",
    "schedule_delay_ms": "schedule delay",
    "ttft_from_intended_ms": "TTFT, intended",
    "e2e_from_intended_ms": "e2e, intended",
}
_WIDE = ("mean", "p50", "p90", "p95", "p99", "p99.9", "max")
_NARROW = ("mean", "p50", "p95", "p99", "p99.9", "max")
_BOUNDED = ("p50", "p95", "p99")  # whose intervals are shown
_WIDE_COLUMNS = 130  # from this width on, intervals stand beside their percentile instead of below
_LABEL = 12


def print_summary(console: Console, title: str, summary: Mapping[str, Any]) -> None:
    """The tables at the end of a run, the instrument's certificate last."""
    steady = summary.get("steady")
    console.print()
    console.print(Text(title, style="bold"))
    console.print(facts_table(summary, steady), highlight=False)
    if summary["requests"]["ok"]:
        console.print(metrics_table(summary["metrics"], steady and steady["metrics"], width=console.width))
    for line in _remarks(summary):
        console.print(line, highlight=False)
    console.print(certificate(summary["instrument"]))


def facts_table(summary: Mapping[str, Any], steady: Mapping[str, Any] | None) -> Table:
    """Counts and rates, the steady window's beside those of the whole run."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False, show_header=steady is not None)
    table.add_column("", no_wrap=True, min_width=_LABEL - 2)
    table.add_column("whole run")
    if steady is not None:
        table.add_column("steady window")
    parts = [summary, *([steady] if steady is not None else [])]
    rows = [dict(_facts(part)) for part in parts]
    for label in rows[0]:
        style = "red" if label == "errors" else ""
        if any(row.get(label) for row in rows):
            table.add_row(label, *(Text(row.get(label) or NOT_MEASURED, style=style) for row in rows))
    return table


def metrics_table(
    metrics: Mapping[str, Mapping[str, Any] | None],
    steady: Mapping[str, Mapping[str, Any] | None] | None = None,
    *,
    width: int = 80,
) -> Table:
    """One row per metric that was measured, and one below it for the steady window; all in one unit.

    95 % intervals stand beside the percentiles, in narrow terminals on a line below them; a percentile that the samples
    do not allow says how many it needs.
    """
    shown = {name: metric for name in _METRICS if (metric := metrics.get(name)) and metric["n"]}
    if shown.get("ttfo_ms") == shown.get("ttft_ms"):  # nothing but visible output came
        shown.pop("ttfo_ms", None)
    highest = max((_highest(metric) for metric in shown.values()), default=0.0)
    unit, factor = ("s", 1e-3) if highest >= 10_000 else ("µs", 1e3) if highest < 1 else ("ms", 1.0)
    wide = width >= _WIDE_COLUMNS
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim", pad_edge=False)
    table.add_column(f"all in {unit}", no_wrap=True)
    table.add_column("n", justify="right", no_wrap=True)
    columns = _WIDE if wide or not any(_bounds(metric) for metric in shown.values()) else _NARROW
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    for name, metric in shown.items():
        rows = [(_METRICS[name], metric, "")]
        if steady is not None and (settled := steady.get(name)) and settled["n"]:
            rows.append(("  steady", settled, ""))
        for label, values, style in rows:
            cells = [_cell(values, column, factor, wide=wide) for column in columns]
            table.add_row(label, f"{values['n']:,}", *cells, style=style)
        last = rows[-1][1]
        if not wide and any(_bounds(last).values()):
            table.add_row("  95 % within", "", *(_interval(last, column, factor) for column in columns), style="dim")
    return table


def _facts(part: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
    requests, rates, tokens = part["requests"], part["rates"], part["tokens"]
    yield "requests", f"{requests['ok']:,} ok, {requests['failed']:,} failed in {clock(part['duration_seconds'])}"
    yield "errors", counts(requests["by_error_type"])
    yield "finished by", counts(requests.get("by_finish") or {})
    retried = part.get("retried") or {}
    again = retried.get("requests")
    yield "retried", f"{again:,} requests, {retried['attempts']:,} tries; not in latencies" if again else None
    yield "requests/s", rate(rates["requests_per_s"])
    yield "output tok/s", rate(rates["output_tokens_per_s"])
    yield "total tok/s", rate(rates["total_tokens_per_s"])
    speed = rates.get("user_output_tokens_per_s") or {}
    if speed.get("p50") is not None:
        slow = f", slowest 5 % below {rate(speed['p5'])}" if speed.get("p5") is not None else ""
        yield "tok/s a user", f"{rate(speed['p50'])} (median){slow}"
    if rates["good_share"] is not None:
        yield (
            "goodput",
            f"{rate(rates['goodput_requests_per_s'])} req/s met every limit ({rates['good_share']:.1%})",
        )
    reasoning = f" ({tokens['reasoning']:,} reasoning)" if tokens["reasoning"] else ""
    source = f", counted by {tokens['source']}" if tokens["source"] else ""
    yield "tokens", f"{tokens['input']:,} in, {tokens['output']:,} out{reasoning}{source}"
    yield "cost", money(part["cost_usd"]) if part["cost_usd"] is not None else "unknown price"


def _remarks(summary: Mapping[str, Any]) -> Iterator[Text]:
    if workload := summary.get("workload"):
        yield _remark("workload", _workload(workload))
    if limits := summary.get("rate_limits"):
        yield _remark("rate limit", "server's: " + "; ".join(_standing(name, one) for name, one in limits.items()))
    window = summary.get("window")
    if window and window["from_s"] is not None:
        span = f"{window['from_s']:g} to {window['to_s']:g} s"
        method = "" if window["method"] == "given" else f" ({window['method']})"
        yield _remark("window", f"{span}{method}, {window['reason']}")
    elif window and window["reason"]:
        yield _remark("window", f"none: {window['reason']}")
    if queueing := summary.get("queueing"):
        system = queueing["time_in_system_mean_ms"] / 1e3
        ratio = queueing["little_ratio"]
        yield _remark(
            "queueing",
            f"{significant(queueing['in_flight_mean'])} in flight; {rate(queueing['throughput_per_s'])} req/s * "
            f"{significant(system)} s in system"
            + (f" = {significant(queueing['in_flight_mean'] / ratio)} by Little's law" if ratio else ""),
        )
    needs = {
        n: percentile
        for metric in (*summary["metrics"].values(), *((summary.get("steady") or {}).get("metrics") or {}).values())
        for percentile, n in ((metric or {}).get("needs_n") or {}).items()
    }
    if needs:
        listed = ", ".join(f"{needs[n]} needs n ≥ {n:,}" for n in sorted(needs))
        yield _remark("percentiles", listed, style="dim")
    for warning in summary.get("warnings") or []:
        yield _remark("warning", warning, style="yellow")


_ORIGINS = {"usage": "from the server's usage", "given": "as given", "assumed": "assumed"}


def _workload(facts: Mapping[str, Any]) -> str:
    """How prompts became as long as asked, and which of them repeat."""
    words = [facts] if facts["words_per_token"] is not None else facts.get("by_target") or []
    ratios = ", ".join(f"{significant(each['words_per_token'])} words per token" for each in words)
    if not words:
        return str(facts["uniqueness"])
    origin = _ORIGINS.get(facts["source"], facts["source"])
    probes = f", {facts['probe_requests']} probe requests" if facts["probe_requests"] else ""
    return f"{ratios} ({origin}{probes}). {facts['uniqueness']}"


def _standing(name: str, told: Mapping[str, Any]) -> str:
    """How things stand with one of the server's rate limits."""
    left, limit, lowest, reset = (told.get(key) for key in ("remaining", "limit", "lowest_remaining", "reset_seconds"))
    text = f"{name} {NOT_MEASURED if left is None else f'{left:,g}'} left"
    text += f" of {limit:,g}" if limit is not None else ""
    text += f" (lowest {lowest:,g})" if lowest is not None and lowest != left else ""
    return text + (f", full again in {clock(reset)}" if reset is not None else "")


def _remark(label: str, text: str, style: str = "") -> Text:
    return Text(f"{label:<{_LABEL - 1}} {text}", style=style)


def _highest(metric: Mapping[str, Any]) -> float:
    known = (metric.get(name) for name in ("p99", "p95", "p50", "max"))
    return next((float(value) for value in known if value is not None), 0.0)


def _bounds(metric: Mapping[str, Any]) -> dict[str, Any]:
    return {name: bounds for name, bounds in (metric.get("ci") or {}).items() if name in _BOUNDED}


def _cell(metric: Mapping[str, Any], column: str, factor: float, *, wide: bool) -> str:
    value = metric.get(column)
    if value is None:
        needed = (metric.get("needs_n") or {}).get(column)
        return f"n≥{needed:,}" if needed else NOT_MEASURED
    bounds = _interval(metric, column, factor, ", ") if wide else ""
    return significant(value * factor) + (f" [{bounds}]" if bounds else "")


def _interval(metric: Mapping[str, Any], column: str, factor: float, between: str = "…") -> str:
    bounds = _bounds(metric).get(column)
    return between.join(significant(bound * factor) for bound in bounds) if bounds else ""
