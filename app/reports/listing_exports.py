"""Rows of the listing of benchmarks as files: CSV, JSON and JSON Lines, made while they are read.

One row per benchmark with what its summary says; the requests of one benchmark are `exports`.
"""

import csv
import io
from collections.abc import AsyncGenerator, Sequence
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict, Field

from app.accounts.caller import Caller
from app.benchmarks.listed import FIGURES
from app.benchmarks.views import BenchmarkListItem
from app.reports.exports import safe_cell

MAX_BENCHMARKS = 10_000
_AT_ONCE = 100

COLUMNS: tuple[str, ...] = (
    "id",
    "name",
    "status",
    "owner",
    "visibility",
    "tags",
    "targets",
    "load",
    *FIGURES,
    "created_at",
    "started_at",
    "finished_at",
    "error",
)


class ListingFormat(StrEnum):
    """What rows can be exported as."""

    CSV = "csv"
    JSON = "json"
    JSONL = "jsonl"


MEDIA_TYPES = {
    ListingFormat.CSV: "text/csv; charset=utf-8",
    ListingFormat.JSON: "application/json",
    ListingFormat.JSONL: "application/jsonl",
}


class ListingExport(BaseModel):
    """Which benchmarks to export, and as what."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ids: list[UUID] = Field(
        min_length=1,
        max_length=MAX_BENCHMARKS,
        description="Which, in the order of the file; those that you may not see are left out.",
    )
    format: ListingFormat = Field(description="`csv` (for spreadsheets), `json` (one array) or `jsonl` (one per line).")


class Heads(Protocol):
    """What is asked of benchmarks."""

    async def heads(self, caller: Caller, ids: Sequence[UUID]) -> dict[UUID, BenchmarkListItem]: ...


def row_of(item: BenchmarkListItem) -> dict[str, Any]:
    """A row as JSON has it; figures are null until there is a summary."""
    figures = item.headline.model_dump() if item.headline else {}
    return {
        "id": str(item.id),
        "name": item.name,
        "status": item.status.value,
        "owner": item.owner.username if item.owner else None,
        "visibility": item.visibility.value,
        "tags": item.tags,
        "targets": [f"{target.provider} / {target.model}" for target in item.targets],
        "load": item.load.model_dump(mode="json"),
        **{name: figures.get(name) for name in FIGURES},
        **{name: _moment(getattr(item, name)) for name in ("created_at", "started_at", "finished_at")},
        "error": item.error,
    }


async def stream_listing(heads: Heads, caller: Caller, body: ListingExport) -> AsyncGenerator[bytes, None]:
    """The file, in pieces. Rows are read in batches, so memory stays small and a long file holds no transaction."""
    first = True
    if body.format is ListingFormat.CSV:
        yield _csv_line(COLUMNS)
    elif body.format is ListingFormat.JSON:
        yield b"["
    ids = list(dict.fromkeys(body.ids))
    for begin in range(0, len(ids), _AT_ONCE):
        batch = ids[begin : begin + _AT_ONCE]
        found = await heads.heads(caller, batch)
        piece = bytearray()
        for row in (row_of(found[id_]) for id_ in batch if id_ in found):
            if body.format is ListingFormat.CSV:
                piece += _csv_line([_cell(row[name]) for name in COLUMNS])
            elif body.format is ListingFormat.JSONL:
                piece += orjson.dumps(row) + b"\n"
            else:
                piece += (b"\n" if first else b",\n") + orjson.dumps(row)
            first = False
        yield bytes(piece)
    if body.format is ListingFormat.JSON:
        yield b"\n]\n"


def _moment(moment: Any) -> str | None:
    return None if moment is None else moment.isoformat()


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return safe_cell(value)
    if isinstance(value, list):
        return safe_cell(";".join(value))
    return orjson.dumps(value).decode() if isinstance(value, dict) else value


def _csv_line(cells: Sequence[Any]) -> bytes:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue().encode(errors="replace")
