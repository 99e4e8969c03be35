"""Writes the dashboards beside it: `python ops/grafana/make.py`. A test fails while a file and this differ.

Queries sum over replicas, because each tells its own share; gauges about the whole service (`llm_active_sessions`) are
the same everywhere, so there the largest is taken.
"""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "dashboards"
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
WINDOW = "$__rate_interval"
OF_MODEL = 'provider=~"$provider", model=~"$model"'

Panel = dict[str, Any]


def target(query: str, legend: str, number: int, *, kind: str = "time_series", instant: bool = False) -> Panel:
    """One query of a panel."""
    return {
        "datasource": DATASOURCE,
        "editorMode": "code",
        "expr": query,
        "format": kind,
        "instant": instant,
        "legendFormat": legend,
        "range": not instant,
        "refId": "ABCDEFGH"[number],
    }


def panel(
    kind: str, title: str, description: str, queries: dict[str, str], unit: str, width: int, **more: Any
) -> Panel:
    """A panel; `queries` maps legends to queries."""
    instant = kind in {"stat", "bargauge", "table"}
    form = {"table": "table", "heatmap": "heatmap"}.get(kind, "time_series")
    targets = [
        target(query, legend, number, kind=form, instant=instant)
        for number, (legend, query) in enumerate(queries.items())
    ]
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": DATASOURCE,
        "targets": targets,
        "fieldConfig": {"defaults": {"unit": unit, **more.pop("defaults", {})}, "overrides": more.pop("overrides", [])},
        "options": more.pop("options", {}),
        "gridPos": {"h": more.pop("height", 8), "w": width, "x": 0, "y": 0},
        **more,
    }


def stat(title: str, description: str, query: str, unit: str, width: int = 4, bad_from: float | None = None) -> Panel:
    """One number."""
    steps: list[Panel] = [{"color": "green", "value": None}]
    if bad_from is not None:
        steps.append({"color": "red", "value": bad_from})
    return panel(
        "stat", title, description, {"": query}, unit, width, height=4,
        defaults={"thresholds": {"mode": "absolute", "steps": steps}},
        options={"colorMode": "value", "graphMode": "none", "reduceOptions": {"calcs": ["lastNotNull"]}},
    )  # fmt: skip


def lines(
    title: str, description: str, queries: dict[str, str], unit: str, width: int = 12, *, stacked: bool = False
) -> Panel:
    """Curves over time; what cannot be below zero is drawn from zero."""
    custom = {"fillOpacity": 20 if stacked else 5, "showPoints": "never", "spanNulls": False}
    custom["stacking"] = {"mode": "normal" if stacked else "none"}
    return panel(
        "timeseries", title, description, queries, unit, width,
        defaults={"min": 0, "custom": custom},
        options={
            "legend": {"displayMode": "table", "placement": "bottom", "calcs": ["lastNotNull", "max"]},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
    )  # fmt: skip


def heatmap(title: str, description: str, metric: str, selector: str, width: int = 12) -> Panel:
    """How many fell into each bucket, over time."""
    query = f"sum by (le) (increase({metric}_bucket{{{selector}}}[{WINDOW}]))"
    return panel(
        "heatmap", title, description, {"{{le}}": query}, "s", width,
        options={"calculate": False, "yAxis": {"unit": "s"}, "color": {"mode": "scheme", "scheme": "Viridis"}},
    )  # fmt: skip


def bars(title: str, description: str, query: str, legend: str, unit: str, width: int = 12) -> Panel:
    """One bar a label, over the chosen range."""
    return panel(
        "bargauge", title, description, {legend: query}, unit, width,
        defaults={"min": 0},
        options={"orientation": "horizontal", "displayMode": "basic", "reduceOptions": {"calcs": ["lastNotNull"]}},
    )  # fmt: skip


def table(title: str, description: str, query: str, unit: str, width: int = 12) -> Panel:
    """The labels and their value."""
    hidden = {"id": "organize", "options": {"excludeByName": {"Time": True}}}
    return panel("table", title, description, {"": query}, unit, width, transformations=[hidden])


def note(text: str, width: int = 24, height: int = 3) -> Panel:
    """Text."""
    return {
        "type": "text",
        "title": "",
        "options": {"mode": "markdown", "content": text},
        "gridPos": {"h": height, "w": width, "x": 0, "y": 0},
    }


def quantiles(metric: str, by: str = "", selector: str = "", window: str = WINDOW) -> dict[str, str]:
    """p50, p95 and p99 of a histogram."""
    labels = f"le, {by}" if by else "le"
    before = "".join(f"{{{{{name.strip()}}}}} " for name in by.split(",") if name.strip())
    return {
        f"{before}p{percent}": (
            f"histogram_quantile(0.{percent}, sum by ({labels}) (rate({metric}_bucket{{{selector}}}[{window}])))"
        )
        for percent in (50, 95, 99)
    }


def variable(name: str, query: str) -> Panel:
    """A choice among the values of a label."""
    return {
        "name": name,
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"query": query, "refId": name},
        "refresh": 2,
        "includeAll": True,
        "allValue": ".*",
        "multi": True,
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
    }


def dashboard(uid: str, title: str, panels: list[Panel], variables: list[Panel] | None = None) -> Panel:
    """A dashboard whose panels flow from left to right, in rows of 24."""
    x = y = row = 0
    for number, one in enumerate(panels, 1):
        place = one["gridPos"]
        if x + place["w"] > 24:
            x, y, row = 0, y + row, 0
        place["x"], place["y"] = x, y
        x, row = x + place["w"], max(row, place["h"])
        one["id"] = number
    source = {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}
    return {
        "uid": uid,
        "title": f"LLM Test Bench / {title}",
        "tags": ["llm-test-bench"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "links": [{"type": "dashboards", "title": "LLM Test Bench", "tags": ["llm-test-bench"], "asDropdown": True}],
        "templating": {"list": [source, *(variables or [])]},
        "panels": panels,
    }


OF_PROVIDERS = [
    variable("provider", "label_values(llm_provider_requests_total, provider)"),
    variable("model", 'label_values(llm_provider_latency_seconds_count{provider=~"$provider"}, model)'),
]
FIRST_TRIES = "Of requests that succeeded at their first try."


def overview() -> Panel:
    """Is it up, is it busy, how is it doing."""
    return dashboard("ltb-overview", "Overview", [
        stat("Replicas up", "API replicas that answer Prometheus.", 'sum(up{job="llm-test-bench"})', "none"),
        stat("Running", "Benchmarks that run now, over all replicas.", "sum(llm_active_benchmarks)", "none"),
        stat("Unfinished", "Benchmarks that wait or run.", "max(llm_active_sessions)", "none"),
        stat("Live views", "Open WebSocket connections.", "sum(llm_websocket_connections)", "none"),
        stat("Alerts", "Alerts that fire.", 'count(ALERTS{alertstate="firing"}) or vector(0)', "none", bad_from=1),
        stat("Cost", "List prices in the chosen range, where they are known.",
             "sum(increase(llm_provider_cost_total[$__range]))", "currencyUSD"),
        lines("Requests measured", "By how they ended.",
              {"{{status}}": f"sum by (status) (rate(llm_test_total[{WINDOW}]))"}, "reqps", stacked=True),
        lines("Time to first token", FIRST_TRIES, quantiles("llm_provider_ttft_seconds"), "s"),
        lines("Benchmarks that ended", "Per hour, by how they ended.",
              {"{{status}}": "sum by (status) (increase(llm_benchmark_outcomes_total[1h]))"}, "none"),
        lines("API requests", "By class of status.",
              {"{{class}}": "sum by (class) (label_replace(rate(llm_api_requests_total[" + WINDOW
               + ']), "class", "${1}xx", "status", "(.).*"))'}, "reqps", stacked=True),
        lines("CPU", "Of one core, by process.", {"{{instance}}": "llm_cpu_usage_percent"}, "percent"),
        lines("Memory", "Resident, by process.", {"{{instance}}": "llm_memory_usage_bytes"}, "bytes"),
        lines("Cluster", "Slots of all workers, and what runs on them or waits for one.",
              {"slots": "sum(llm_scheduler_slots)", "running": "sum(llm_scheduler_running_shards)",
               "waiting": "sum(llm_scheduler_queued_shards)"}, "none"),
        lines("Workers", "That have joined the scheduler, by how they are.",
              {"{{status}}": "sum by (status) (llm_scheduler_workers)"}, "none", stacked=True),
        lines("Results stored", "By worker.",
              {"{{instance}}": f"rate(llm_worker_results_stored_total[{WINDOW}])"}, "ops"),
        lines("Results that wait on disk", "By worker; more than nothing while the database is away.",
              {"{{instance}}": "llm_worker_spool_bytes"}, "bytes"),
        lines("Clock offsets", "How far the clocks of workers are off the scheduler's.",
              {"{{instance}}": "abs(llm_worker_clock_offset_seconds)"}, "s"),
        lines("Spans of traces", "By what became of them.",
              {"{{outcome}}": f"sum by (outcome) (rate(llm_trace_spans_total[{WINDOW}]))"}, "ops", stacked=True),
        table("Versions", "How many processes run which version.", "count by (version) (llm_build_info)", "none", 24),
    ])  # fmt: skip


def benchmarks() -> Panel:
    """What runs, how it ends, how long it takes."""
    return dashboard("ltb-benchmarks", "Benchmarks", [
        stat("Ended", "Benchmarks that ended in the chosen range.",
             "round(sum(increase(llm_benchmark_total[$__range])))", "none", 6),
        stat("Failed", "Share of them that failed.",
             'sum(increase(llm_benchmark_outcomes_total{status="failed"}[$__range]))'
             " / (sum(increase(llm_benchmark_outcomes_total[$__range])) > 0)", "percentunit", 6, bad_from=0.5),
        stat("Requests", "Requests measured in the chosen range.",
             "round(sum(increase(llm_test_total[$__range])))", "short", 6),
        stat("Requests that failed", "Share of all requests measured in the chosen range.",
             'sum(increase(llm_test_total{status="error"}[$__range])) / (sum(increase(llm_test_total[$__range])) > 0)',
             "percentunit", 6, bad_from=0.5),
        lines("Running and waiting", "Waiting is what is unfinished and does not run.",
              {"running": "sum(llm_active_benchmarks)",
               "waiting": "clamp_min(max(llm_active_sessions) - sum(llm_active_benchmarks), 0)"}, "none", stacked=True),
        lines("Running by replica", "Which replica coordinates how many.",
              {"{{instance}}": "llm_active_benchmarks"}, "none", stacked=True),
        lines("Ended", "Per hour, by how they ended.",
              {"{{status}}": "sum by (status) (increase(llm_benchmark_outcomes_total[1h]))"}, "none", stacked=True),
        lines("Length of benchmarks", "From start to end, of those that ended in the last hour.",
              quantiles("llm_benchmark_duration_seconds", window="1h"), "s"),
        lines("Requests", "Measured, by how they ended.",
              {"{{status}}": f"sum by (status) (rate(llm_test_total[{WINDOW}]))"}, "reqps", stacked=True),
        lines("Length of requests", "From when the schedule wanted them to start. " + FIRST_TRIES,
              quantiles("llm_test_duration_seconds"), "s"),
        heatmap("Length of requests, distribution", "From when the schedule wanted them to start. " + FIRST_TRIES,
                "llm_test_duration_seconds", "", 24),
    ])  # fmt: skip


def providers() -> Panel:
    """How each provider and model does."""
    return dashboard("ltb-providers", "Providers", [
        lines("Requests", "Measured, by provider.",
              {"{{provider}}": f'sum by (provider) (rate(llm_provider_requests_total{{provider=~"$provider"}}[{WINDOW}]))'},
              "reqps", stacked=True),
        lines("Share that failed", "By provider; none failed where there is no line.",
              {"{{provider}}":
               f'sum by (provider) (rate(llm_provider_errors_total{{provider=~"$provider"}}[{WINDOW}])) / '
               f'(sum by (provider) (rate(llm_provider_requests_total{{provider=~"$provider"}}[{WINDOW}])) > 0)'},
              "percentunit"),
        lines("Time to first token, p95", FIRST_TRIES,
              {k: q for k, q in quantiles("llm_provider_ttft_seconds", "provider, model", OF_MODEL).items()
               if k.endswith("p95")}, "s"),
        lines("Latency, p95", "From the start to the end of the answer. " + FIRST_TRIES,
              {k: q for k, q in quantiles("llm_provider_latency_seconds", "provider, model", OF_MODEL).items()
               if k.endswith("p95")}, "s"),
        heatmap("Time to first token, distribution", FIRST_TRIES, "llm_provider_ttft_seconds", OF_MODEL),
        heatmap("Latency, distribution", FIRST_TRIES, "llm_provider_latency_seconds", OF_MODEL),
        lines("Errors", "By provider and class.",
              {"{{provider}} {{error_type}}": "sum by (provider, error_type) "
               f'(rate(llm_provider_errors_total{{provider=~"$provider"}}[{WINDOW}]))'}, "reqps", stacked=True),
        lines("Tokens", "Per second, by model and type; reasoning is among the output.",
              {"{{provider}} {{model}} {{type}}":
               f"sum by (provider, model, type) (rate(llm_provider_tokens_total{{{OF_MODEL}}}[{WINDOW}]))"}, "short"),
        table("Cost", "US dollars in the chosen range, where prices are known.",
              f"sum by (provider, model) (increase(llm_provider_cost_total{{{OF_MODEL}}}[$__range]))", "currencyUSD"),
        table("Tokens in the chosen range", "By model and type.",
              f"round(sum by (provider, model, type) (increase(llm_provider_tokens_total{{{OF_MODEL}}}[$__range])))",
              "short"),
    ], OF_PROVIDERS)  # fmt: skip


def evaluation() -> Panel:
    """Models side by side, by what is measured today."""

    def under(metric: str, edge: str) -> str:
        return (
            f'sum by (provider, model) (increase({metric}_bucket{{{OF_MODEL}, le="{edge}"}}[$__range])) / '
            f"(sum by (provider, model) (increase({metric}_count{{{OF_MODEL}}}[$__range])) > 0)"
        )

    def of_output(numerator: str) -> str:
        output = f'llm_provider_tokens_total{{{OF_MODEL}, type="output"}}'
        return f"{numerator} / (sum by (provider, model) (increase({output}[$__range])) > 0)"

    pair = "{{provider}} {{model}}"
    reasoning = f'llm_provider_tokens_total{{{OF_MODEL}, type="reasoning"}}'
    return dashboard("ltb-evaluation", "Evaluation", [
        note("Models side by side over the chosen range, by speed, length and cost of their answers. "
             "Scores of evaluators are not exported to Prometheus yet, so there are none here."),
        bars("Answers that begin within a second", FIRST_TRIES, under("llm_provider_ttft_seconds", "1.0"), pair,
             "percentunit"),
        bars("Answers complete within ten seconds", FIRST_TRIES, under("llm_provider_latency_seconds", "10.0"), pair,
             "percentunit"),
        bars("Time to first token, p95", FIRST_TRIES, "histogram_quantile(0.95, sum by (le, provider, model) "
             f"(increase(llm_provider_ttft_seconds_bucket{{{OF_MODEL}}}[$__range])))", pair, "s"),
        bars("Latency, p95", FIRST_TRIES, "histogram_quantile(0.95, sum by (le, provider, model) "
             f"(increase(llm_provider_latency_seconds_bucket{{{OF_MODEL}}}[$__range])))", pair, "s"),
        bars("Output tokens per answer", "Of first tries that succeeded; reasoning is among them.",
             f'sum by (provider, model) (increase(llm_provider_tokens_total{{{OF_MODEL}, type="output"}}[$__range])) / '
             f"(sum by (provider, model) (increase(llm_provider_latency_seconds_count{{{OF_MODEL}}}[$__range])) > 0)",
             pair, "short"),
        bars("Share of reasoning", "Of the output tokens.",
             of_output(f"sum by (provider, model) (increase({reasoning}[$__range]))"), pair, "percentunit"),
        bars("Cost of a thousand output tokens", "US dollars, input included, where prices are known.",
             of_output(f"1000 * sum by (provider, model) (increase(llm_provider_cost_total{{{OF_MODEL}}}[$__range]))"),
             pair, "currencyUSD", 24),
    ], OF_PROVIDERS)  # fmt: skip


def api() -> Panel:
    """The API itself."""
    mine = 'instance=~"$instance"'
    requests = f"llm_api_requests_total{{{mine}}}"
    buckets = f"llm_api_duration_seconds_bucket{{{mine}}}"
    return dashboard("ltb-api", "API", [
        stat("Requests", "Per second, over the replicas chosen.", f"sum(rate({requests}[{WINDOW}]))", "reqps", 6),
        stat("Server errors", "Share of answers with a status from 500 on.",
             f'(sum(rate(llm_api_requests_total{{{mine}, status=~"5.."}}[{WINDOW}])) or vector(0)) / '
             f"sum(rate({requests}[{WINDOW}]))", "percentunit", 6, bad_from=0.05),
        stat("p95", "Of all routes.", f"histogram_quantile(0.95, sum by (le) (rate({buckets}[{WINDOW}])))", "s", 6, 1.0),
        stat("WebSockets", "Open connections.", f"sum(llm_websocket_connections{{{mine}}})", "none", 6),
        lines("Requests by route", "Route templates, the ten busiest.",
              {"{{method}} {{path}}": f"topk(10, sum by (method, path) (rate({requests}[{WINDOW}])))"}, "reqps"),
        lines("Latency", "From a request's arrival to the end of its answer.",
              quantiles("llm_api_duration_seconds", selector=mine), "s"),
        lines("Answers by status", "",
              {"{{status}}": f"sum by (status) (rate({requests}[{WINDOW}]))"}, "reqps", stacked=True),
        table("Slowest routes", "p95 in the chosen range.",
              f"topk(15, histogram_quantile(0.95, sum by (le, method, path) (increase({buckets}[$__range]))) >= 0)", "s"),
        heatmap("Latency, distribution", "Of all routes.", "llm_api_duration_seconds", mine),
        lines("Requests by replica", "Whether the load is spread.",
              {"{{instance}}": f"sum by (instance) (rate({requests}[{WINDOW}]))"}, "reqps"),
        lines("WebSocket connections", "By replica.",
              {"{{instance}}": f"llm_websocket_connections{{{mine}}}"}, "none"),
        lines("CPU", "Of one core.", {"{{instance}}": f"llm_cpu_usage_percent{{{mine}}}"}, "percent"),
        lines("Memory", "Resident.", {"{{instance}}": f"llm_memory_usage_bytes{{{mine}}}"}, "bytes"),
        lines("Open files", "Sockets are among them.",
              {"{{instance}}": f'process_open_fds{{{mine}, job="llm-test-bench"}}'}, "none"),
    ], [variable("instance", "label_values(llm_build_info, instance)")])  # fmt: skip


def documents() -> dict[str, str]:
    """File names and contents."""
    made = {"overview": overview(), "benchmarks": benchmarks(), "providers": providers()}
    made |= {"evaluation": evaluation(), "api": api()}
    return {f"{name}.json": json.dumps(one, indent=1, ensure_ascii=False) + "\n" for name, one in made.items()}


if __name__ == "__main__":
    for name, content in documents().items():
        (FOLDER / name).write_text(content, encoding="utf-8")
