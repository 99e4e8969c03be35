"""What must hold between an engine's own words and what was measured of it. Pure.

A row is a line of `results.jsonl`. `Expected` says what was asked for.
"""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any, NamedTuple

# A server's clock starts when it takes a request up and stops before the last bytes leave, so its times are below ours;
# it tells them in whole or rounded milliseconds.
ROUNDING_MS = 1.0
# What lies between a server's times and ours with one request at a time: HTTP, the tokenizer, hand-overs between
# threads, and on a busy machine the scheduler.
OVERHEAD_MS = 50.0
SYNTHETIC_TOLERANCE = 0.10

Row = Mapping[str, Any]


class Expected(NamedTuple):
    """What a run was asked for, and what the engine is known to tell."""

    requests: int
    output_tokens: int
    input_tokens: Sequence[int] | None = None
    """Of each prompt, counted beside the server; None where the prompts were made up."""
    mean_input_tokens: int | None = None
    """What made-up prompts should have on average."""
    has_usage: bool = True
    is_streamed: bool = True
    timing: str | None = None
    """Which timings: `llama.cpp` (prompt and decoding, in the body) or `header` (until the head was sent)."""
    is_alone: bool = True
    """One request at a time, so that nothing waits at the server."""


def problems(rows: Sequence[Row], expected: Expected) -> list[str]:
    """Everything that contradicts itself; empty when all is well."""
    found = []
    failed = [row for row in rows if row["status"] != "ok"]
    if failed:
        found.append(f"{len(failed)} of {len(rows)} failed: {failed[0]['error_type']}: {failed[0]['error']}")
    good = [row for row in rows if row["status"] == "ok"]
    if len(rows) != expected.requests:
        found.append(f"{len(rows)} rows of {expected.requests} requests")
    if not good:
        return found
    return [*found, *_counts(good, expected), *_times(good, expected)]


def _counts(rows: Sequence[Row], expected: Expected) -> list[str]:
    found = []
    sources = {row["token_count_source"] for row in rows}
    if (sources == {"usage"}) is not expected.has_usage:
        found.append(f"tokens counted by {', '.join(map(str, sorted(sources)))}")
    counted = sorted({row["output_tokens"] for row in rows} - {expected.output_tokens})
    if counted:
        found.append(f"output tokens: asked for {expected.output_tokens}, counted {counted[:8]}")
    if expected.is_streamed:
        chunks = sorted({row["chunks"] for row in rows} - {expected.output_tokens})
        if chunks:
            found.append(
                f"chunks with text: {expected.output_tokens} tokens each of which has one, received {chunks[:8]}"
            )
    if not expected.has_usage:
        return found
    inputs = [row["input_tokens"] for row in rows]
    if expected.input_tokens is not None and sorted(inputs) != sorted(expected.input_tokens):
        found.append(f"input tokens: {sum(inputs)} by the server, {sum(expected.input_tokens)} by the vocabulary")
    if expected.mean_input_tokens is not None:
        mean = sum(inputs) / len(inputs)
        if abs(mean - expected.mean_input_tokens) > SYNTHETIC_TOLERANCE * expected.mean_input_tokens:
            found.append(f"made-up prompts: asked for {expected.mean_input_tokens} tokens, sent {mean:.1f} on average")
    return found


def _times(rows: Sequence[Row], expected: Expected) -> list[str]:
    if expected.timing is None:
        return []
    if any(_prefill_ms(row) is None for row in rows):
        return ["the server's own timings are missing"]
    found = []
    for row in rows:
        ttft, e2e = row["ttft_ms"], row["stream_end_ms"]
        before_first = ttft if expected.is_streamed else e2e
        if before_first < (_prefill_ms(row) or 0.0) - ROUNDING_MS:
            found.append(
                f"request {row['index']}: first token after {before_first:.2f} ms, prefill {_prefill_ms(row)} ms"
            )
        if e2e < (_total_ms(row) or 0.0) - ROUNDING_MS:
            found.append(f"request {row['index']}: ended after {e2e:.2f} ms, the server worked for {_total_ms(row)} ms")
    # A head is sent before the prompt is read when the answer is streamed, and behind the answer when it is whole.
    is_prefill = expected.timing == "llama.cpp" and expected.is_streamed
    is_total = expected.timing == "llama.cpp" or not expected.is_streamed
    if expected.is_alone and is_prefill and (excess := _excess_ms(rows)) > OVERHEAD_MS:
        found.append(f"first tokens came {excess:.1f} ms (median) after the server says that it had read the prompt")
    if expected.is_alone and is_total and (excess := _total_excess_ms(rows)) > OVERHEAD_MS:
        found.append(f"answers ended {excess:.1f} ms (median) after the server says that it was done")
    return found[:8]


# A head's time is both the least before the first byte and, of a whole answer, all of it.
def _prefill_ms(row: Row) -> float | None:
    told = row["server_timings_ms"] or {}
    return told.get("prompt_ms", told.get("openai_processing_ms"))


def _total_ms(row: Row) -> float | None:
    told = row["server_timings_ms"] or {}
    if "prompt_ms" in told and "predicted_ms" in told:
        return float(told["prompt_ms"] + told["predicted_ms"])
    return _prefill_ms(row)


def _excess_ms(rows: Sequence[Row]) -> float:
    return median(float(row["ttft_ms"]) - (_prefill_ms(row) or 0.0) for row in rows)


def _total_excess_ms(rows: Sequence[Row]) -> float:
    return median(float(row["stream_end_ms"]) - (_total_ms(row) or 0.0) for row in rows)


class Line(NamedTuple):
    """One line of the table; times are medians in milliseconds."""

    ok: int
    ttft_ms: float | None
    server_prefill_ms: float | None
    tpot_ms: float | None
    server_tpot_ms: float | None
    tokens_per_s: float
    input_tokens: int | None
    output_tokens: int
    chunks: int


def line(rows: Sequence[Row], summary: Mapping[str, Any]) -> Line:
    """What the table shows of a run. A server decodes its first token with the prompt, so it is one short."""
    good = [row for row in rows if row["status"] == "ok"]
    inputs = [row["input_tokens"] for row in good]
    decoded = [
        told["predicted_ms"] / (row["output_tokens"] - 1)
        for row in good
        if "predicted_ms" in (told := row["server_timings_ms"] or {}) and (row["output_tokens"] or 0) > 1
    ]
    return Line(
        ok=len(good),
        ttft_ms=_median(row["ttft_ms"] for row in good),
        server_prefill_ms=_median(_prefill_ms(row) for row in good),
        tpot_ms=_median(row["tpot_ms"] for row in good),
        server_tpot_ms=_median(decoded),
        tokens_per_s=float(summary["rates"]["output_tokens_per_s"] or 0.0),
        input_tokens=None if None in inputs else sum(inputs),
        output_tokens=sum(row["output_tokens"] or 0 for row in good),
        chunks=sum(row["chunks"] for row in good),
    )


def _median(values: Any) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None
