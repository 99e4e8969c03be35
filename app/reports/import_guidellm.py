"""Reads GuideLLM's `benchmarks.json`: a list of benchmarks, each with its requests by status.

Schema: `guidellm/benchmark/schemas/report.py`, `guidellm/schemas/request_stats.py` and `info.py`, commit ee7a774
(2026, after 0.7.3): instants are Unix seconds in `info.timings`. Gaps between tokens are not in the file.
"""

from collections.abc import Mapping
from typing import Any

from app.benchmarks.measures import MeasuredResult
from app.reports import imported
from app.reports.imported import Imported, ImportFileError

_NOT_RECORDED = {
    **dict.fromkeys(("dns_ms", "connect_ms", "tls_ms", "ttfb_ms"), "GuideLLM does not record phases of the connection"),
    "icl_ms": "GuideLLM records the first and the last token of a request, not the gaps between them",
    "coalesced_chunks": "GuideLLM does not know which events came in one read",
}
_STATUSES = {"successful": None, "incomplete": "cancelled", "errored": "unknown"}


def matches(document: Any) -> bool:
    """Whether this looks like such a file."""
    return isinstance(document, dict) and isinstance(document.get("benchmarks"), list)


def read(document: Mapping[str, Any], which: int | None = None) -> Imported:
    """One of the file's benchmarks, counted from 1; None for the only one.

    Raises:
        ImportFileError: something in it is not what it must be.
    """
    benchmarks = imported.items(document["benchmarks"], "benchmarks")
    if which is None and len(benchmarks) != 1:
        raise ImportFileError(
            f"the file has {len(benchmarks)} benchmarks; choose one with --benchmark 1 … {len(benchmarks)}"
        )
    position = which or 1
    if not 1 <= position <= len(benchmarks):
        raise ImportFileError(f"there is no benchmark {position}; the file has {len(benchmarks)}")
    benchmark = benchmarks[position - 1]
    if not isinstance(benchmark, dict):
        raise ImportFileError(f"benchmarks.{position - 1} must be an object")
    metadata = document.get("metadata")
    version = imported.text(metadata.get("guidellm_version")) if isinstance(metadata, dict) else None
    metrics = benchmark.get("metrics")
    run = Imported(
        "guidellm",
        version,
        _model(document, benchmark),
        [],
        dict(_NOT_RECORDED),
        ["GuideLLM stamps in Python when an event is read"],
        imported.claims(metrics, "metrics") if isinstance(metrics, dict) else {},
        load=_load(benchmark),
    )
    requests = benchmark.get("requests")
    if not isinstance(requests, dict):
        return run
    for status, error_type in _STATUSES.items():
        for number, request in enumerate(imported.items(requests.get(status) or [], f"requests.{status}")):
            found = _result(len(run.results), f"requests.{status}.{number}", request, error_type, run.model)
            if found is not None:
                run.results.append(found)
    run.results.sort(key=lambda result: result.started_ns or 0)
    for index, result in enumerate(run.results):
        result.index = index
    _check_whole(run, metrics)
    return run


def _result(index: int, where: str, request: Any, error_type: str | None, model: str) -> MeasuredResult | None:
    info = request.get("info") if isinstance(request, dict) else None
    timings = info.get("timings") if isinstance(info, dict) else None
    if not isinstance(info, dict) or not isinstance(timings, dict):
        raise ImportFileError(f"{where} has no info.timings; files of GuideLLM before 0.4 are not known")
    started = _instant(timings, "request_start", where)
    if started is None:
        started = _instant(timings, "resolve_start", where)
    if started is None:
        return None  # never sent
    targeted = _instant(timings, "targeted_start", where)

    def after(name: str) -> float | None:
        at = _instant(timings, name, where)
        return None if at is None else imported.number((at - started) * 1000, f"{where}: {name} after the start")

    tokens = {name: _tokens(request.get(f"{name}_metrics"), where) for name in ("input", "output")}
    delay = None if targeted is None else max((started - targeted) * 1000, 0.0)
    return imported.result(
        index,
        tool="guidellm",
        model=model,
        started_ns=round(started * 1e9),
        ok=error_type is None,
        error_type=error_type,
        error=imported.text(info.get("error")),
        schedule_delay_ms=delay,
        ttft_ms=after("first_token_iteration"),
        ttfo_ms=after("first_output_token_iteration"),
        e2e_ms=after("last_token_iteration"),
        stream_end_ms=after("request_end"),
        chunks=imported.count(timings.get("token_iterations"), f"{where}: token_iterations") or 0,
        input_tokens=tokens["input"],
        output_tokens=tokens["output"],
        response_id=imported.text(request.get("response_id")) or imported.text(request.get("request_id")),
    )


def _instant(timings: Mapping[str, Any], name: str, where: str) -> float | None:
    return imported.maybe(timings.get(name), f"{where}: {name}", high=4e9)


def _tokens(usage: Any, where: str) -> int | None:
    if not isinstance(usage, dict):
        return None
    total = usage.get("total_tokens", usage.get("text_tokens"))
    return imported.count(usage.get("text_tokens") if total is None else total, f"{where}: tokens")


def _check_whole(run: Imported, metrics: Any) -> None:
    """A file may hold a sample of the requests; then rates cannot be recomputed."""
    totals = metrics.get("request_totals") if isinstance(metrics, dict) else None
    total = totals.get("total") if isinstance(totals, dict) else None
    if isinstance(total, int) and total > len(run.results):
        run.rates_are_known = False
        run.not_recorded["rates"] = f"the file holds {len(run.results)} of {total} requests"


def _model(document: Mapping[str, Any], benchmark: Mapping[str, Any]) -> str:
    waiting: list[Any] = [benchmark.get("config"), document.get("config"), document.get("args")]
    while waiting:
        value = waiting.pop(0)
        if isinstance(value, dict):
            if name := imported.text(value.get("model")):
                return name[:200]
            waiting += [inner for inner in value.values() if isinstance(inner, dict)][:50]
    return "unknown"


def _load(benchmark: Mapping[str, Any]) -> dict[str, Any] | None:
    config = benchmark.get("config")
    strategy = config.get("strategy") if isinstance(config, dict) else None
    if not isinstance(strategy, dict):
        return None
    kind, rate, streams = (
        strategy.get("type_"),
        strategy.get("rate"),
        strategy.get("streams", strategy.get("max_concurrency")),
    )
    if isinstance(kind, str) and kind in {"constant", "poisson"} and isinstance(rate, int | float) and rate > 0:
        return {"kind": kind, "rate": rate}
    if kind == "concurrent" and isinstance(streams, int) and streams > 0:
        return {"kind": "closed", "concurrency": streams}
    return {"kind": "closed", "concurrency": 1} if kind == "synchronous" else None
