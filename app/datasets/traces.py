"""Recorded request traces: when requests came and how long they were. Reads the public formats, told by their content.

- `azure`: CSV `TIMESTAMP,ContextTokens,GeneratedTokens`, the Azure LLM inference traces of 2023 (Splitwise; instants
  without a zone, 100 ns apart) and 2024 (DynamoLLM; with a zone).
- `burstgpt`: CSV `Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type` in seconds; later releases have
  more columns. A response of no tokens is a request that failed there.
- `mooncake`: one JSON object a line with `timestamp` in milliseconds, `input_length`, `output_length` and, optional,
  `hash_ids`, one for each 512 tokens of the prompt.
"""

import csv
import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple, TextIO

TraceFormat = Literal["azure", "burstgpt", "mooncake"]
MAX_REQUESTS = 1_000_000
MAX_TOKENS = 1_000_000
MAX_BLOCKS = 100_000
BLOCK_TOKENS = 512
_LINE_CHARACTERS = 4 * 2**20
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d)(?:\.(\d{1,12}))?\s*(Z|[+-]\d\d:?\d\d)?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COLUMNS = {
    "azure": ("timestamp", "contexttokens", "generatedtokens"),
    "burstgpt": ("timestamp", "request tokens", "response tokens"),
}
_KNOWN = "azure (CSV TIMESTAMP,ContextTokens,GeneratedTokens), burstgpt (CSV Timestamp,Model,Request tokens,Response tokens,…) and mooncake (JSON lines with timestamp, input_length, output_length)"  # noqa: E501


class TraceError(ValueError):
    """The file is no trace that can be replayed; says where and why."""


@dataclass
class RecordedTrace:
    """Requests in the order in which they came; `at_seconds` begins at 0."""

    format: TraceFormat
    at_seconds: list[float] = field(default_factory=list)
    input_tokens: list[int] = field(default_factory=list)
    output_tokens: list[int] = field(default_factory=list)
    blocks: list[list[int]] | None = None
    notes: list[str] = field(default_factory=list)  # what was changed or left out, one sentence each


class _Row(NamedTuple):
    at: float  # seconds from any instant
    input_tokens: int
    output_tokens: int
    blocks: list[int] | None


def read_trace(
    path: Path,
    format: TraceFormat | None = None,  # noqa: A002  (what it is called everywhere)
    *,
    first: int | None = None,
    until_seconds: float | None = None,
) -> RecordedTrace:
    """Read a trace file, only its `first` requests if given, and none that came `until_seconds` after the first.

    Requests without output tokens are left out where that means that they failed (BurstGPT), and ask for one token
    elsewhere; requests without input tokens send one.

    Raises:
        TraceError: naming the line, or what the file is not.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            found = format or _format_of(file)
            file.seek(0)
            rows = _mooncake_rows(file) if found == "mooncake" else _csv_rows(file, found)
            return _taken(rows, found, first, until_seconds)
    except OSError as error:
        raise TraceError(error.strerror or str(error)) from None
    except UnicodeDecodeError:
        raise TraceError("is not UTF-8 text") from None


def _format_of(file: TextIO) -> TraceFormat:
    head = next((line for _, line in _lines(file) if line.strip()), "").strip()
    if not head:
        raise TraceError("is empty")
    if head.startswith("{"):
        return "mooncake"
    columns = {name.strip().lower() for name in head.split(",")}
    for name in ("azure", "burstgpt"):
        if columns >= set(_COLUMNS[name]):
            return "azure" if name == "azure" else "burstgpt"
    raise TraceError(f"its first line is none of a known trace format; known are {_KNOWN}")


def _lines(file: TextIO) -> Iterator[tuple[int, str]]:
    number = 0
    while line := file.readline(_LINE_CHARACTERS + 1):
        number += 1
        if len(line) > _LINE_CHARACTERS:
            raise TraceError(f"line {number}: is longer than {_LINE_CHARACTERS} characters")
        yield number, line


def _csv_rows(file: TextIO, found: TraceFormat) -> Iterator[_Row]:
    reader = csv.reader(line for _, line in _lines(file))
    try:
        header = next((row for row in reader if any(cell.strip() for cell in row)), [])
        names = [name.strip().lower() for name in header]
        if missing := [name for name in _COLUMNS[found] if name not in names]:
            raise TraceError(f"line 1: a {found} trace has a column {missing[0]!r}; these are {', '.join(header)!r}")
        at, put_in, got_out = (names.index(name) for name in _COLUMNS[found])
        instant: Callable[[str], float] = _instant if found == "azure" else _number
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            where = f"line {reader.line_num}"
            if len(row) != len(header):
                raise TraceError(f"{where}: has {len(row)} columns, not {len(header)}")
            try:
                when = instant(row[at])
            except ValueError as error:
                raise TraceError(f"{where}: {header[at].strip()} {error}, not {row[at][:80]!r}") from None
            sent, got = (_tokens(row[column], f"{where}: {header[column].strip()}") for column in (put_in, got_out))
            yield _Row(when, sent, got, None)
    except csv.Error as error:
        raise TraceError(f"line {reader.line_num}: not CSV ({error})") from None


def _mooncake_rows(file: TextIO) -> Iterator[_Row]:
    for number, line in _lines(file):
        if not line.strip():
            continue
        where = f"line {number}"
        try:
            item = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise TraceError(f"{where}: not JSON ({error})") from None
        if not isinstance(item, dict):
            raise TraceError(f"{where}: must be an object with timestamp, input_length and output_length")
        if missing := [name for name in ("timestamp", "input_length", "output_length") if name not in item]:
            raise TraceError(f"{where}: has no {missing[0]}")
        at = item["timestamp"]
        if isinstance(at, bool) or not isinstance(at, int | float) or not math.isfinite(at) or abs(at) > 1e15:
            raise TraceError(f"{where}: timestamp must be a number of milliseconds, not {str(at)[:80]!r}")
        sent, got = (_tokens(item[name], f"{where}: {name}") for name in ("input_length", "output_length"))
        yield _Row(at / 1000, sent, got, _blocks(item.get("hash_ids"), where))


def _blocks(found: object, where: str) -> list[int] | None:
    if found is None:
        return None
    if not isinstance(found, list) or any(type(name) is not int or not -(2**63) <= name < 2**63 for name in found):
        raise TraceError(f"{where}: hash_ids must be a list of whole numbers of 64 bits")
    if len(found) > MAX_BLOCKS:
        raise TraceError(f"{where}: hash_ids must be at most {MAX_BLOCKS}, not {len(found)}")
    return found


def _instant(text: str) -> float:
    found = _INSTANT.fullmatch(text.strip())
    if found is None:
        raise ValueError("must be an instant such as 2024-05-10 00:00:00.009930+00:00")
    whole, fraction, zone = found.groups()
    try:
        at = datetime.fromisoformat(whole + (zone or "+00:00"))
    except ValueError as error:
        raise ValueError(f"must be an instant ({error})") from None
    since = at - _EPOCH
    # Seconds since 2020 keep a tenth of a microsecond in a float.
    return (since.days - 18_262) * 86_400 + since.seconds + (float(f"0.{fraction}") if fraction else 0.0)


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or abs(number) > 1e12:
        raise ValueError("must be a number of seconds")
    return number


def _tokens(value: object, where: str) -> int:
    try:
        number = math.nan if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not 0 <= number <= MAX_TOKENS or number != int(number):
        raise TraceError(f"{where} must be a whole number from 0 to {MAX_TOKENS}, not {str(value)[:80]!r}")
    return int(number)


def _taken(rows: Iterator[_Row], found: TraceFormat, first: int | None, until_seconds: float | None) -> RecordedTrace:
    failed = empty_in = empty_out = 0
    kept: list[_Row] = []
    is_sorted = True
    for row in rows:
        if not row.output_tokens and found == "burstgpt":
            failed += 1
            continue
        if until_seconds is not None and kept and row.at - kept[0].at >= until_seconds:
            break
        is_sorted = is_sorted and (not kept or kept[-1].at <= row.at)
        empty_in += not row.input_tokens
        empty_out += not row.output_tokens
        kept.append(row)
        if first is not None and len(kept) >= first:
            break
        if len(kept) > MAX_REQUESTS:
            raise TraceError(f"holds more than {MAX_REQUESTS} requests: take only the first of them")
    if not kept:
        raise TraceError("holds no request")
    if not is_sorted:
        kept.sort(key=lambda row: row.at)
    notes = [
        (failed, "requests without output were left out: they failed when the trace was recorded"),
        (empty_in, "requests without input tokens send one"),
        (empty_out, "requests without output tokens ask for one"),
        (not is_sorted and len(kept), "requests were put in the order of their instants"),
    ]
    has_blocks = any(row.blocks for row in kept)
    begin = kept[0].at
    return RecordedTrace(
        found,
        [round(row.at - begin, 9) for row in kept],
        [max(row.input_tokens, 1) for row in kept],
        [max(row.output_tokens, 1) for row in kept],
        [row.blocks or [] for row in kept] if has_blocks else None,
        [f"{number} {says}" for number, says in notes if number],
    )
