"""Reads what `vllm bench serve --save-result` wrote: seconds in arrays, milliseconds in names that end in `_ms`.

With `--save-detailed` there is one entry a request in `ttfts`, `itls`, `input_lens`, `output_lens`, `errors`, and in
newer versions `latencies`, `start_times` (of a clock without a known origin) and `queue_times`. Without it there
are only aggregates. Schema: `vllm/benchmarks/serve.py`, commit 009e6d4 (2026); older files lack the newer arrays.
"""

import calendar
import time
from collections.abc import Mapping
from typing import Any

from app.benchmarks.measures import MeasuredResult
from app.reports import imported
from app.reports.imported import Imported, ImportFileError

_SECONDS = {"high": 1e6}
_ORIGIN_NS = 1_000_000_000 * 10**9  # where a run without a date is put
_NOT_RECORDED = {
    **dict.fromkeys(("dns_ms", "connect_ms", "tls_ms", "ttfb_ms"), "vLLM does not record phases of the connection"),
    "ttfo_ms": "vLLM does not tell reasoning from visible output",
    "stream_end_ms": "vLLM records the last event, not the end of the body",
    "reasoning_tokens": "vLLM does not record them",
    "coalesced_chunks": "vLLM does not know which events came in one read",
}
_NOTES = (
    "vLLM counts a role-only first event as the first token, and the event with the finish reason as one more",
    "vLLM stamps the start before its client queues the request, and events when Python reads them",
)


def matches(document: Any) -> bool:
    """Whether this looks like such a file."""
    return isinstance(document, dict) and "request_throughput" in document and _is_plain(document["request_throughput"])


def read(document: Mapping[str, Any]) -> Imported:
    """The run.

    Raises:
        ImportFileError: something in it is not what it must be.
    """
    model = imported.text(document.get("model_id")) or "unknown"
    run = Imported(
        "vllm",
        None,
        model[:200],
        [],
        dict(_NOT_RECORDED),
        list(_NOTES),
        imported.claims(document),
        duration_seconds=imported.maybe(document.get("duration"), "duration", **_SECONDS),
        load=_load(document),
    )
    if document.get("ttfts") is None:
        return run
    columns = _columns(document)
    if "start_times" not in columns:
        run.not_recorded["started_ns"] = "this version of vLLM did not save start_times"
        run.notes.append("instants are unknown: every request is put at the start, rates use the recorded duration")
    if "queue_times" not in columns:
        run.not_recorded["schedule_delay_ms"] = "this file has no queue_times"
    if "itls" not in columns:
        run.not_recorded["icl_ms"] = "this file has no itls"
    origin_ns = _origin_ns(document.get("date"))
    run.notes.append(
        "instants count from the date of the file, taken as UTC; only differences between them are measured"
    )
    starts = [
        imported.number(at, f"start_times.{i}", low=-1e12, high=1e12)
        for i, at in enumerate(columns.get("start_times", []))
    ]
    first = min(starts, default=0.0)
    for index in range(len(columns["ttfts"])):
        row = {name: column[index] for name, column in columns.items()}
        started_ns = origin_ns + (round((starts[index] - first) * 1e9) if starts else 0)
        run.results.append(_result(index, row, model[:200], started_ns))
    if starts:
        run.duration_seconds = None
    return run


def _result(index: int, row: Mapping[str, Any], model: str, started_ns: int) -> MeasuredResult:
    where = f"request {index}"
    ttft = imported.number(row["ttfts"], f"{where}: ttfts", **_SECONDS)
    itls = [
        imported.number(gap, f"{where}: itls", **_SECONDS)
        for gap in imported.items(row.get("itls", []), f"{where}: itls")
    ]
    output = imported.count(row.get("output_lens"), f"{where}: output_lens")
    error = imported.text(row.get("errors"))
    latency = imported.maybe(row.get("latencies"), f"{where}: latencies", **_SECONDS)
    queued = imported.maybe(row.get("queue_times"), f"{where}: queue_times", **_SECONDS)
    delay_ms = None if queued is None else queued * 1000
    common: dict[str, Any] = {
        "tool": "vllm",
        "model": model,
        "started_ns": started_ns,
        "schedule_delay_ms": delay_ms,
        "input_tokens": imported.count(row.get("input_lens"), f"{where}: input_lens"),
    }
    if error or (ttft == 0 and not output):
        return imported.result(
            index, ok=False, error=(error or "").strip().splitlines()[-1] if error else None, **common
        )
    return imported.result(
        index,
        ttft_ms=ttft * 1000,
        e2e_ms=(latency if latency is not None else ttft + sum(itls)) * 1000
        if "itls" in row or latency is not None
        else None,
        gaps_ms=[gap * 1000 for gap in itls] if "itls" in row else None,
        output_tokens=output,
        **common,
    )


def _columns(document: Mapping[str, Any]) -> dict[str, list[Any]]:
    names = ("ttfts", "itls", "input_lens", "output_lens", "errors", "latencies", "start_times", "queue_times")
    columns = {name: imported.items(document[name], name) for name in names if document.get(name) is not None}
    for name, column in columns.items():
        if len(column) != len(columns["ttfts"]):
            raise ImportFileError(f"{name} has {len(column)} entries and ttfts has {len(columns['ttfts'])}")
    return columns


def _origin_ns(date: Any) -> int:
    try:
        return calendar.timegm(time.strptime(str(date), "%Y%m%d-%H%M%S")) * 10**9
    except (ValueError, OverflowError):
        return _ORIGIN_NS


def _load(document: Mapping[str, Any]) -> dict[str, Any] | None:
    rate, cap = document.get("request_rate"), document.get("max_concurrency")
    limit = cap if isinstance(cap, int) and not isinstance(cap, bool) and cap > 0 else None
    if _is_plain(rate) and rate is not None and rate > 0:
        burstiness = document.get("burstiness")
        burstiness = burstiness if _is_plain(burstiness) else None
        kind = "poisson" if burstiness in {None, 1} else "gamma"
        shape = {"burstiness": burstiness} if kind == "gamma" else {}
        return {"kind": kind, "rate": rate, **shape, **({"max_in_flight": limit} if limit else {})}
    return {"kind": "closed", "concurrency": limit} if limit else None


def _is_plain(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
