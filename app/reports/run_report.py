"""The report of one run: what was found, how far to trust it, and what was asked. Pure."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.evaluation.comparing import MeasuredRun, curve
from app.evaluation.schemas import RunCurve
from app.evaluation.words import percent, significant
from app.reports.html_page import MISSING, Markup, bullets, cards, facts, folded, page, section, table, text
from app.reports.svg import Line, line_chart, linear, nines, percentages
from app.stats.run_samples import from_rows, from_slices

METRICS = {
    "ttft_ms": "TTFT",
    "ttfo_ms": "TTFO",
    "tpot_ms": "TPOT",
    "icl_ms": "chunk gap",
    "e2e_ms": "end to end",
    "schedule_delay_ms": "schedule delay",
    "ttft_from_intended_ms": "TTFT from intended",
    "e2e_from_intended_ms": "end to end from intended",
    "dns_ms": "DNS",
    "connect_ms": "connect",
    "tls_ms": "TLS",
}
_PERCENTILES = ("p50", "p90", "p95", "p99", "p99.9")
_CURVES = ("ttft_ms", "tpot_ms", "icl_ms", "e2e_ms")
VERDICTS = {
    "trusted": ("ok", "✓ trusted"),
    "suspect": ("warn", "! suspect"),
    "client_bound": ("bad", "✗ client-bound"),
}


def run_report(
    run: MeasuredRun, timeline: Mapping[str, Sequence[float | None]] | None, *, made_by: str, made_at: str
) -> str:
    """The document; `timeline` has the columns of the run's seconds."""
    summary = run.summary
    steady = summary.get("steady")
    targets = ", ".join(f"{one['provider']}/{one['model']}" for one in (run.spec or {}).get("targets") or ())
    when = run.created_at.strftime("%Y-%m-%d %H:%M UTC") if run.created_at else None
    head = " · ".join(part for part in (run.status, targets, when, run.id) if part)
    return page(
        f"{run.name} · LLM Test Bench",
        [
            f'<h1>{text(run.name)}</h1><p class="muted">{text(head)}</p>',
            cards(list(_big(steady or summary))),
            f'<p class="muted small">The big numbers are of the {"steady window" if steady else "whole run"}.</p>',
            section("Warnings", bullets(summary.get("warnings") or [], "warn")),
            section("Certificate: the instrument's own error", certificate(summary)),
            section("Latency", _window(summary), _metrics(summary, steady)),
            charts(_curves(run)),
            _over_time(timeline, summary.get("window") or {}),
            section("Requests, throughput and cost", _totals(summary, steady)),
            section("Targets", _parts(summary.get("by_target") or [])),
            section("Levels of load", _parts(summary.get("points") or [])),
            section("Setup", facts(_setup(summary, run)), folded("The whole spec as JSON", run.spec or {})),
        ],
        made_by,
        made_at,
    )


def certificate(summary: Mapping[str, Any]) -> str:
    """The instrument's verdict on itself, with its figures."""
    instrument = summary.get("instrument") or {}
    style, word = VERDICTS.get(instrument.get("verdict", ""), ("muted", "not known"))
    said = f'<p><b class="{style}">{text(word)}</b> {text(instrument.get("reason") or "")}</p>'
    if summary.get("source"):
        return said
    calibration = instrument.get("calibration")
    errors = {}
    for name, error in ((calibration or {}).get("errors_ms") or {}).items():
        if error:
            errors[f"± {METRICS.get(name, name)}"] = f"{ms(error['p50'])} (half), {ms(error['p99'])} (99 %)"
    if not errors:
        errors["± error"] = f"not known: {instrument.get('calibration_reason') or 'no calibration'}"
    lag, send = instrument.get("loop_lag_ms") or {}, instrument.get("send_lag_ms") or {}
    return said + facts(
        errors
        | {
            "send lag, due to sent": f"p50 {ms(send.get('p50'))}, p99 {ms(send.get('p99'))}" if send else None,
            "loop lag": f"p50 {ms(lag.get('p50'))}, p99 {ms(lag.get('p99'))}" if lag else None,
            "chunks that shared a read": percent(instrument.get("coalesced_share") or 0),
            "busiest engine": f"{percent(instrument.get('cpu_share') or 0)} of a core",
            "clock steps": instrument.get("clock_steps"),
        }
    )


def ms(value: float | None) -> str:
    """Milliseconds with their unit; a dash for nothing."""
    return MISSING if value is None else f"{significant(value)} ms"


def charts(curves: Mapping[str, Sequence[tuple[str, RunCurve]]]) -> str:
    """Two charts a metric: its distribution, and the spectrum of its percentiles."""
    drawn = []
    for metric, named in curves.items():
        words = METRICS.get(metric, metric)
        high = max(values.values_ms[-1] for _, values in named)
        most = max(values.shares[-1] for _, values in named)
        body = max(_at(values, 0.99) for _, values in named)
        forward = [
            Line(f"{label} (n {values.n:,})", list(zip(values.values_ms, values.shares, strict=True)))
            for label, values in named
        ]
        turned = [Line(line.label, [(share, value) for value, share in line.points]) for line in forward]
        shown = [Line(line.label, [point for point in line.points if point[0] <= body]) for line in forward]
        low = 0.0
        drawn += [
            line_chart(
                f"{words}: distribution",
                shown,
                linear(low, body),
                percentages(),
                ("ms, up to p99", "share at or below"),
            ),
            line_chart(
                f"{words}: percentiles", turned, nines(most), linear(0.0, high), ("percentile, log of the nines", "ms")
            ),
        ]
    return f'<div class="charts">{"".join(drawn)}</div>' if drawn else ""


def _at(values: RunCurve, share: float) -> float:
    return next(
        (value for at, value in zip(values.shares, values.values_ms, strict=True) if at >= share), values.values_ms[-1]
    )


def _curves(run: MeasuredRun) -> dict[str, list[tuple[str, RunCurve]]]:
    if not run.can_be_compared:
        return {}
    found = run.summary.get("window") or {}
    windows: list[tuple[str, tuple[int, int] | None]] = [("whole run", None)]
    if all(found.get(name) is not None for name in ("from_s", "to_s", "origin_ns")):
        origin = int(found["origin_ns"])
        edges = origin + round(found["from_s"] * 1e9), origin + round(found["to_s"] * 1e9)
        windows.append(("steady window", edges))
    curves: dict[str, list[tuple[str, RunCurve]]] = {}
    for label, edges_ns in windows:
        kept = from_slices(run.slices, edges_ns).metrics if run.slices is not None and run.slices.length else {}
        rows = from_rows(run.batch, edges_ns).metrics if run.batch is not None and len(run.batch) else {}
        metrics = {**kept, **rows}
        for name in _CURVES:
            if name in metrics:
                curves.setdefault(name, []).append((label, curve(metrics[name])))
    return curves


def _big(part: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    metrics, rates = part["metrics"], part["rates"]
    for name, words, percentile in (
        *(("ttft_ms", "TTFT", p) for p in ("p50", "p95")),
        ("tpot_ms", "TPOT", "p50"),
        ("e2e_ms", "end to end", "p95"),
    ):
        yield f"{words} {percentile}", ms((metrics.get(name) or {}).get(percentile))
    yield "requests", f"{part['requests']['total']:,}"
    yield "requests/s", _rate(rates["requests_per_s"])
    yield "output tokens/s", _rate(rates["output_tokens_per_s"])
    yield "errors", MISSING if part["error_rate"] is None else percent(part["error_rate"])
    yield "cost", _money(part["cost_usd"])


def _rate(value: float | None) -> str:
    return MISSING if value is None else significant(value)


def _money(value: float | None) -> str:
    return "unknown" if value is None else f"${significant(value)}"


def _window(summary: Mapping[str, Any]) -> str:
    window = summary.get("window") or {}
    if window.get("from_s") is None:
        said = f"No steady window: {window.get('reason') or 'not known'}."
    else:
        said = f"Steady window: {window['from_s']:g} to {window['to_s']:g} s; {window.get('reason', '')}."
    return f'<p class="muted">{text(said)}</p>'


def _metrics(summary: Mapping[str, Any], steady: Mapping[str, Any] | None) -> str:
    rows, classes = [], []
    same = (summary.get("metrics") or {}).get("ttfo_ms") == (summary.get("metrics") or {}).get("ttft_ms")
    for name, words in METRICS.items():
        if name == "ttfo_ms" and same:
            continue  # nothing but visible output came
        for style, part in (("", summary), ("steady", steady)):
            metric = ((part or {}).get("metrics") or {}).get(name)
            if not metric or not metric["n"]:
                continue
            label = f"{words}, steady" if style else words
            rows.append(
                [label, f"{metric['n']:,}", _number(metric["mean"]), *_percentiles(metric), _number(metric["max"])]
            )
            classes.append(style)
    return table(["all in ms", "n", "mean", *_PERCENTILES, "max"], rows, classes=classes)


def _percentiles(metric: Mapping[str, Any]) -> Iterator[Any]:
    for name in _PERCENTILES:
        value = metric.get(name)
        if value is None:
            needed = (metric.get("needs_n") or {}).get(name)
            yield f"n ≥ {needed:,}" if needed else MISSING
            continue
        ends = (metric.get("ci") or {}).get(name)
        within = f"{significant(ends[0])} … {significant(ends[1])}" if ends else "no interval"
        yield Markup(f'{text(significant(value))}<span class="ci">{text(within)}</span>')


def _number(value: float | None) -> str:
    return MISSING if value is None else significant(value)


def _over_time(timeline: Mapping[str, Sequence[float | None]] | None, window: Mapping[str, Any]) -> str:
    seconds = [value for value in (timeline or {}).get("t_s") or () if value is not None]
    if timeline is None or len(seconds) < 2:
        return ""
    band = None if window.get("from_s") is None else (float(window["from_s"]), float(window["to_s"]))
    x = linear(0.0, seconds[-1])
    drawn = []
    for title, unit, names in (
        ("TTFT over time", "ms", {"p50": "ttft_p50_ms", "p95": "ttft_p95_ms", "p99": "ttft_p99_ms"}),
        ("Chunk gap over time", "ms", {"p50": "gap_p50_ms", "p95": "gap_p95_ms", "p99": "gap_p99_ms"}),
        ("Output throughput", "tokens/s", {"output tokens": "output_tokens_per_s"}),
        ("Requests", "per second; in flight", {"ended": "requests_per_s", "in flight": "in_flight"}),
    ):
        lines = [
            Line(label, [(at, math.nan if y is None else y) for at, y in zip(seconds, timeline[name], strict=False)])
            for label, name in names.items()
            if timeline.get(name)
        ]
        high = max((y for line in lines for _, y in line.points if not math.isnan(y)), default=0.0)
        drawn.append(line_chart(title, lines, x, linear(0.0, high), ("seconds since the start", unit), band=band))
    return f'<div class="charts">{"".join(drawn)}</div>'


def _totals(summary: Mapping[str, Any], steady: Mapping[str, Any] | None) -> str:
    parts = [summary, *([steady] if steady else [])]

    def row(words: str, value: Any) -> list[str]:
        return [words, *(str(value(part)) for part in parts)]

    rows = [
        row("duration", lambda part: f"{significant(part['duration_seconds'])} s"),
        row("requests ok", lambda part: f"{part['requests']['ok']:,}"),
        row("requests failed", lambda part: f"{part['requests']['failed']:,}"),
        row("error share", lambda part: MISSING if part["error_rate"] is None else percent(part["error_rate"])),
        row("requests/s", lambda part: _rate(part["rates"]["requests_per_s"])),
        row("output tokens/s", lambda part: _rate(part["rates"]["output_tokens_per_s"])),
        row("goodput requests/s", lambda part: _rate(part["rates"]["goodput_requests_per_s"])),
        row("input tokens", lambda part: f"{part['tokens']['input']:,}"),
        row("output tokens", lambda part: f"{part['tokens']['output']:,}"),
        row("cost", lambda part: _money(part["cost_usd"])),
    ]
    rows += [
        row(f"failed: {name}", lambda part, name=name: f"{part['requests']['by_error_type'].get(name, 0):,}")
        for name in summary["requests"]["by_error_type"]
    ]
    return table(["", "whole run", *(["steady window"] if steady else [])], rows)


def _parts(parts: Sequence[Mapping[str, Any]]) -> str:
    if len(parts) < 2:
        return ""
    rows = []
    for part in parts:
        level = f" at {part['value']:g} {part['parameter']}" if "value" in part else ""
        big = dict(_big(part.get("steady") or part))
        rows.append([f"{part['provider']}/{part['model']}{level}", *big.values()])
    return table(["", *dict(_big(parts[0]))], rows)


def _setup(summary: Mapping[str, Any], run: MeasuredRun) -> dict[str, Any]:
    instrument = summary.get("instrument") or {}
    workload, source = summary.get("workload") or {}, summary.get("source") or {}
    machine = instrument.get("machine") or {}
    memory = machine.get("memory_bytes")
    load = (run.spec or {}).get("load") or {}
    shown = {name: value for name, value in load.items() if not isinstance(value, list | dict)}
    return {
        "load": ", ".join(f"{name} {value}" for name, value in shown.items()),
        "prompts": workload.get("uniqueness"),
        "seed": (run.spec or {}).get("seed"),
        "program": run.program,
        "measured by": source.get("tool"),
        "clock, reader": ", ".join(str(instrument[name]) for name in ("clock", "reader") if instrument.get(name)),
        "processor": machine.get("cpu_model"),
        "cores": machine.get("cores"),
        "memory": f"{memory / 2**30:.1f} GiB" if memory else None,
        "system": " ".join(str(machine[name]) for name in ("system", "kernel", "architecture") if machine.get(name)),
        "python": machine.get("python"),
        "machine": machine.get("fingerprint"),
    }
