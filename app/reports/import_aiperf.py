"""Reads what NVIDIA AIPerf wrote: `profile_export.jsonl` and `profile_export_aiperf.json`.

The first has a line a request, the second only aggregates.

Schema: `docs/tutorials/working-with-profile-exports.md` (commit 13992db) and `docs/reference/json-export-schema.md`
(commit 1554b47), 2026: the unit beside a value says how to read it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from app.benchmarks.measures import MeasuredResult
from app.reports import imported
from app.reports.imported import Imported, ImportFileError

_MS = {"ns": 1e-6, "us": 1e-3, "ms": 1.0, "s": 1000.0, "sec": 1000.0, "seconds": 1000.0}
_AGGREGATES = ("request_latency", "request_throughput", "request_count", "time_to_first_token")
_NOT_RECORDED = {
    **dict.fromkeys(("dns_ms", "connect_ms", "tls_ms"), "AIPerf does not put them into this file"),
    "schedule_delay_ms": "AIPerf does not record when a request was due",
    "coalesced_chunks": "AIPerf does not know which responses came in one read",
}
_NOTES = (
    "AIPerf stamps a response when its worker has read it",
    "AIPerf counts tokens with its own tokenizer unless told otherwise",
)


def matches(document: Any) -> bool:
    """Whether this looks like its aggregates."""
    return isinstance(document, dict) and any(
        isinstance(document.get(name), dict) and "unit" in document[name] for name in _AGGREGATES
    )


def matches_line(line: Any) -> bool:
    """Whether this looks like a line of its records."""
    return isinstance(line, dict) and isinstance(line.get("metadata"), dict) and "request_start_ns" in line["metadata"]


def read_aggregates(document: Mapping[str, Any]) -> Imported:
    """What the file claims; nothing can be recomputed from it."""
    return Imported(
        "aiperf",
        imported.text(document.get("aiperf_version")),
        _model(document),
        [],
        {},
        ["the requests are in profile_export.jsonl; this file has only aggregates"],
        imported.claims({name: value for name, value in document.items() if name != "input_config"}),
    )


def read(lines: Iterable[Any]) -> Imported:
    """The run behind its lines.

    Raises:
        ImportFileError: something in it is not what it must be.
    """
    run = Imported("aiperf", None, "unknown", [], dict(_NOT_RECORDED), list(_NOTES))
    warm_up = 0
    seen: set[str] = set()
    for number, line in enumerate(lines, 1):
        if not matches_line(line):
            raise ImportFileError(f"line {number}: not a record of AIPerf (metadata with request_start_ns)")
        if line["metadata"].get("benchmark_phase") == "warmup":
            warm_up += 1
            continue
        if len(run.results) >= imported.MAX_REQUESTS:
            raise ImportFileError(f"line {number}: at most {imported.MAX_REQUESTS} requests can be imported")
        metrics = line.get("metrics")
        metrics = metrics if isinstance(metrics, dict) else {}
        seen |= metrics.keys()
        run.results.append(_result(len(run.results), number, line, metrics, run.model))
    if warm_up:
        run.notes.append(f"{warm_up} requests of the warm-up were left out, as AIPerf does")
    for name, measure in {
        "inter_chunk_latency": "icl_ms",
        "time_to_first_token": "ttft_ms",
        "time_to_first_output_token": "ttfo_ms",
    }.items():
        if name not in seen:
            run.not_recorded[measure] = f"no line has {name}"
    return run


def _result(index: int, number: int, line: Mapping[str, Any], metrics: Mapping[str, Any], model: str) -> MeasuredResult:
    metadata, error = line["metadata"], line.get("error")
    where = f"line {number}"
    started = imported.unix_ns(metadata["request_start_ns"], f"{where}: request_start_ns")
    ended = _after(metadata.get("request_end_ns"), started, f"{where}: request_end_ns")
    failed = isinstance(error, dict) or metadata.get("was_cancelled") is True
    problem = error if isinstance(error, dict) else {}
    code = problem.get("code")
    status = code if isinstance(code, int) and 400 <= code < 600 and code != 499 else None
    tokens = {
        name: imported.count(_value(metrics, key, where), f"{where}: {key}")
        for name, key in (
            ("input_tokens", "input_sequence_length"),
            ("output_tokens", "output_sequence_length"),
            ("reasoning_tokens", "reasoning_token_count"),
        )
    }
    gaps = _value(metrics, "inter_chunk_latency", where)
    factor = _factor(metrics, "inter_chunk_latency", where) if gaps is not None else 1.0
    gaps_ms = None
    if gaps is not None:
        gaps_ms = [
            imported.number(gap, f"{where}: inter_chunk_latency") * factor
            for gap in imported.items(gaps, f"{where}: inter_chunk_latency")
        ]
    return imported.result(
        index,
        tool="aiperf",
        model=model,
        started_ns=started,
        ok=not failed,
        error_type=_error_type(status, is_cancelled=metadata.get("was_cancelled") is True),
        error=imported.text(problem.get("message")) or imported.text(problem.get("type")),
        http_status=status,
        ttfb_ms=_after(metadata.get("request_ack_ns"), started, f"{where}: request_ack_ns"),
        ttft_ms=_time(metrics, "time_to_first_token", where),
        ttfo_ms=_time(metrics, "time_to_first_output_token", where),
        e2e_ms=_time(metrics, "request_latency", where),
        stream_end_ms=ended,
        gaps_ms=gaps_ms,
        response_id=imported.text(metadata.get("x_request_id")),
        **tokens,
    )


def _error_type(status: int | None, *, is_cancelled: bool) -> str:
    if is_cancelled:
        return "cancelled"
    if status is None:
        return "unknown"
    return "http_429" if status == 429 else f"http_{status // 100}xx"


def _after(value: Any, started_ns: int, where: str) -> float | None:
    if value is None:
        return None
    return imported.number((imported.unix_ns(value, where) - started_ns) / 1e6, where)


def _value(metrics: Mapping[str, Any], name: str, where: str) -> Any:
    entry = metrics.get(name)
    if entry is None:
        return None
    if not isinstance(entry, dict) or "value" not in entry:
        raise ImportFileError(f"{where}: {name} must have a value and a unit")
    return entry["value"]


def _factor(metrics: Mapping[str, Any], name: str, where: str) -> float:
    unit = metrics[name].get("unit")
    if not isinstance(unit, str) or unit not in _MS:
        raise ImportFileError(f"{where}: {name} has the unit {str(unit)[:20]!r}; known are {', '.join(_MS)}")
    return _MS[unit]


def _time(metrics: Mapping[str, Any], name: str, where: str) -> float | None:
    value = _value(metrics, name, where)
    return (
        None if value is None else imported.number(value, f"{where}: {name}", high=1e18) * _factor(metrics, name, where)
    )


def _model(document: Mapping[str, Any]) -> str:
    config = document.get("input_config")
    endpoint = config.get("endpoint") if isinstance(config, dict) else None
    names = endpoint.get("model_names") if isinstance(endpoint, dict) else None
    return str(names[0])[:200] if isinstance(names, list) and names and isinstance(names[0], str) else "unknown"
