"""Results as files: CSV, JSON, JSON Lines and vLLM's, made while they are read, so memory stays small.

Columns are those of a line of `results.jsonl`, and `tags`. Knows nothing about HTTP or tables.
"""

import csv
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from enum import StrEnum
from typing import Any, Protocol

import orjson

from app.benchmarks import gaps
from app.benchmarks.measures import MeasuredResult
from app.benchmarks.result_lines import LINE_FIELDS, line_values, results_line
from app.reports.vllm_file import VllmFile

CHUNK_BYTES = 64 * 1024

COLUMNS: tuple[str, ...] = (*LINE_FIELDS, "tags")

# A spreadsheet takes a cell that begins so for a formula, some behind spaces or in full-width letters too (OWASP, "CSV
# Injection"). Only texts can: what a provider answered, or what a user called a model.
_FORMULA_STARTS = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


class ExportFormat(StrEnum):
    """What results can be exported as."""

    CSV = "csv"
    JSON = "json"
    JSONL = "jsonl"
    VLLM = "vllm"


MEDIA_TYPES: dict[ExportFormat, str] = {
    ExportFormat.CSV: "text/csv; charset=utf-8",
    ExportFormat.JSON: "application/json",
    ExportFormat.JSONL: "application/jsonl",
    ExportFormat.VLLM: "application/json",
}


async def stream_results(
    rows: AsyncIterator[MeasuredResult],
    kind: ExportFormat,
    *,
    with_gaps: bool = False,
    spec: Mapping[str, Any] | None = None,
) -> AsyncGenerator[bytes, None]:
    """`rows` as a file of `kind`, in pieces of about `CHUNK_BYTES`.

    CSV is RFC 4180 with a header, UTF-8, empty where nothing was measured, tags joined by `;`. JSON is one array.
    `with_gaps` adds `gaps_ms` to lines of JSON. `vllm` is what `vllm bench serve` saves (see `reports.vllm_file`); rows
    should come with gaps and texts, and `spec` tells the traffic.
    """
    encoder = _encoder(kind, with_gaps=with_gaps, spec=spec)
    pieces = [encoder.head]
    size = 0
    try:
        async for row in rows:
            piece = encoder.row(row)
            pieces.append(piece)
            size += len(piece)
            if size >= CHUNK_BYTES:
                yield b"".join(pieces)
                pieces, size = [], 0
        if pieces:
            yield b"".join(pieces)
        for piece in encoder.end():
            yield piece
    finally:
        encoder.close()
        if isinstance(rows, AsyncGenerator):
            await rows.aclose()


class _Encoder(Protocol):
    head: bytes

    def row(self, result: MeasuredResult) -> bytes: ...

    def end(self) -> Iterator[bytes]: ...

    def close(self) -> None: ...


def _encoder(kind: ExportFormat, *, with_gaps: bool, spec: Mapping[str, Any] | None) -> _Encoder:
    if kind is ExportFormat.VLLM:
        return VllmFile(spec)
    if kind is ExportFormat.CSV:
        return _Csv()
    return _Json(with_gaps) if kind is ExportFormat.JSON else _JsonLines(with_gaps)


def _line(result: MeasuredResult, *, with_gaps: bool = False) -> dict[str, Any]:
    line = {**results_line(result), "tags": result.tags}
    if with_gaps:
        line["gaps_ms"] = gaps.milliseconds(result.gaps)
    return line


class _JsonLines:
    head = b""

    def __init__(self, with_gaps: bool) -> None:
        self._with_gaps = with_gaps

    def row(self, result: MeasuredResult) -> bytes:
        return orjson.dumps(_line(result, with_gaps=self._with_gaps)) + b"\n"

    def end(self) -> Iterator[bytes]:
        return iter(())

    def close(self) -> None:
        pass


class _Json:
    head = b"["

    def __init__(self, with_gaps: bool) -> None:
        self._with_gaps = with_gaps
        self._separator = b"\n"

    def row(self, result: MeasuredResult) -> bytes:
        encoded = self._separator + orjson.dumps(_line(result, with_gaps=self._with_gaps))
        self._separator = b",\n"
        return encoded

    def end(self) -> Iterator[bytes]:
        yield b"\n]\n"

    def close(self) -> None:
        pass


class _Echo:
    """A file for the CSV writer that gives every line back."""

    def write(self, text: str) -> str:
        return text


class _Csv:
    def __init__(self) -> None:
        self._writer = csv.writer(_Echo())
        self.head = self._encoded(COLUMNS)

    def row(self, result: MeasuredResult) -> bytes:
        cells = (*line_values(result), result.tags)
        return self._encoded([_CELLS[type(value)](value) if type(value) in _CELLS else value for value in cells])

    def end(self) -> Iterator[bytes]:
        return iter(())

    def close(self) -> None:
        pass

    def _encoded(self, cells: list[Any] | tuple[str, ...]) -> bytes:
        line: str = self._writer.writerow(cells)  # what `write` returned
        return line.encode(errors="replace")


def safe_cell(text: str) -> str:
    """`text`, behind an apostrophe if a spreadsheet would run it."""
    return f"'{text}" if text.lstrip(" ")[:1] in _FORMULA_STARTS else text


# By exact type, because this runs for fifty cells a row: 25 µs a row instead of 90 µs with isinstance.
_CELLS: dict[type, Callable[[Any], str]] = {
    str: safe_cell,
    bool: lambda value: "true" if value else "false",
    tuple: lambda value: safe_cell(";".join(value)),
    list: lambda value: safe_cell(";".join(value)),
    dict: lambda value: orjson.dumps(value).decode(),
}
