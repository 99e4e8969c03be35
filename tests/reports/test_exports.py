"""Files of results: columns, escaping, and memory."""

import csv
import io
import tracemalloc
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from app.benchmarks.measures import MeasuredResult
from app.reports.exports import CHUNK_BYTES, COLUMNS, MEDIA_TYPES, ExportFormat, safe_cell, stream_results
from tests.factories import NOON_NS
from tests.reports.conftest import make_measured

# The fields that the issue promises for results.jsonl, apart from the durations.
PROMISED = (
    *("index", "response_id", "status", "error_type", "error", "attempts", "clock"),
    *("intended_ns", "started_ns", "first_byte_ns", "first_token_ns", "last_token_ns", "end_ns"),
    *("schedule_delay_ms", "dns_ms", "connect_ms", "tls_ms", "ttfb_ms", "ttft_ms", "ttfo_ms", "tpot_ms", "e2e_ms"),
    *("stream_end_ms", "ttft_from_intended_ms", "e2e_from_intended_ms"),
    *("input_tokens", "output_tokens", "reasoning_tokens", "token_count_source"),
    *("chunks", "coalesced_chunks", "cost_usd", "provider", "model", "tags"),
)


async def given(*results: MeasuredResult) -> AsyncIterator[MeasuredResult]:
    for result in results:
        yield result


async def file_of(kind: ExportFormat, *results: MeasuredResult) -> str:
    return b"".join([piece async for piece in stream_results(given(*results), kind)]).decode()


async def table_of(*results: MeasuredResult) -> list[dict[str, Any]]:
    text = await file_of(ExportFormat.CSV, *results)
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_every_promised_field_is_a_column() -> None:
    assert set(PROMISED) <= set(COLUMNS)
    assert len(set(COLUMNS)) == len(COLUMNS)
    assert set(MEDIA_TYPES) == set(ExportFormat)


async def test_json_lines_keep_types_and_nanoseconds() -> None:
    text = await file_of(ExportFormat.JSONL, make_measured(0), make_measured(1, ttft_ms=float("nan"), error="ü\n"))
    first, second = (orjson.loads(line) for line in text.splitlines())
    assert tuple(first) == COLUMNS
    assert (first["started_ns"], first["ttft_ms"], first["connection_reused"]) == (NOON_NS + 1, 123.456789, False)
    assert (first["tpot_ms"], first["tags"]) == (None, ["nightly", "a b"])
    assert (second["ttft_ms"], second["error"]) == (None, "ü\n")
    assert text.endswith("\n")


@pytest.mark.parametrize("number", [0, 1, 3])
async def test_json_is_one_array(number: int) -> None:
    array = orjson.loads(await file_of(ExportFormat.JSON, *(make_measured(index) for index in range(number))))
    assert [line["index"] for line in array] == list(range(number))


async def test_csv_has_a_header_and_plain_values() -> None:
    (row,) = await table_of(make_measured(7, error='said "no",\r\nthen hung up'))
    assert tuple(row) == COLUMNS
    assert row["index"] == "7"
    assert row["started_ns"] == str(NOON_NS + 1)
    assert row["ttft_ms"] == "123.456789"
    assert row["schedule_delay_ms"] == "-0.25", "numbers are no formulas"
    assert row["tpot_ms"] == ""
    assert row["connection_reused"] == "true"
    assert row["tags"] == "nightly;a b"
    assert row["error"] == 'said "no",\r\nthen hung up'


async def test_an_empty_csv_still_has_its_header() -> None:
    assert await file_of(ExportFormat.CSV) == ",".join(COLUMNS) + "\r\n"


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "\uff1d1", '=HYPERLINK("http://x")', "-"]
)
async def test_what_a_spreadsheet_would_run_is_disarmed(text: str) -> None:
    row, tagged = await table_of(make_measured(error=text, response_id=text, model=text), make_measured(tags=(text,)))
    assert row["error"] == row["response_id"] == row["model"] == tagged["tags"] == f"'{text}"


@pytest.mark.parametrize("text", ["", " ", "chatcmpl-1", "a=b", "5 - 3", "'quoted", "0x1", "ü"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert safe_cell(text) == text


async def test_texts_that_are_not_unicode_harm_nobody() -> None:
    (row,) = await table_of(make_measured(error="half a pair: \ud83d"))
    assert row["error"] == "half a pair: ?"


# Watching allocations makes CSV ten times slower, so one format goes all the way.
@pytest.mark.parametrize(
    ("kind", "number"),
    [
        (ExportFormat.CSV, 20_000),
        (ExportFormat.JSON, 20_000),
        pytest.param(ExportFormat.JSONL, 200_000, marks=pytest.mark.slow),
    ],
)
async def test_memory_stays_flat(kind: ExportFormat, number: int) -> None:
    async def endless() -> AsyncIterator[MeasuredResult]:
        result = make_measured(error="x" * 20)
        for index in range(number):
            result.index = index
            yield result

    size = lines = 0
    tracemalloc.start(1)
    try:
        async for piece in stream_results(endless(), kind):
            size += len(piece)
            lines += piece.count(b"\n")
            assert len(piece) < 2 * CHUNK_BYTES
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert lines >= number
    assert size > 250 * number
    assert peak < 1_000_000, f"{size} bytes were made with {peak} bytes of memory"


async def test_who_stops_reading_stops_the_rows() -> None:
    closed = []

    async def rows() -> AsyncIterator[MeasuredResult]:
        try:
            for index in range(100_000):
                yield make_measured(index)
        finally:
            closed.append(True)

    stream = stream_results(rows(), ExportFormat.JSONL)
    await anext(stream)
    await stream.aclose()
    assert closed == [True]
