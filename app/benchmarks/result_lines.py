"""One request as a line of `results.jsonl`, which is a row of the CSV too."""

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from app.benchmarks.measures import MeasuredResult
from app.stats.batch import REQUEST_METRICS

# The fields of one line of `results.jsonl`, in order. CSV has the same columns.
LINE_FIELDS = (
    "index",
    "response_id",
    "provider",
    "model",
    "status",
    "error_type",
    "error",
    "error_kind",
    "http_status",
    "finish_reason",
    "finish_kind",
    "attempts",
    "clock",
    "connection_reused",
    "intended_ns",
    "started_ns",
    "first_byte_ns",
    "first_token_ns",
    "first_output_ns",
    "last_token_ns",
    "end_ns",
    *REQUEST_METRICS,
    "input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "token_count_source",
    "chunks",
    "coalesced_chunks",
    "cost_usd",
    "trace_id",
    "point",
    "level",
    "conversation",
    "turn",
    "server_timings_ms",
    "rate_limits",
    "response_headers",
)

line_values: Callable[[MeasuredResult], tuple[Any, ...]] = attrgetter(*LINE_FIELDS)
"""The values of a line, in the order of `LINE_FIELDS`."""


def results_line(result: MeasuredResult) -> dict[str, Any]:
    """One request as a flat JSON object: a line of `results.jsonl`."""
    return dict(zip(LINE_FIELDS, line_values(result), strict=True))
