"""Measured results as rows of the results table, and back. The only place that knows both forms."""

from operator import attrgetter
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, Row, literal

from app.benchmarks import gaps
from app.benchmarks.measures import RESULT_FIELDS, MeasuredResult
from app.benchmarks.models import Result

TABLE = Result.__table__
COLUMNS: tuple[str, ...] = tuple(column.name for column in TABLE.columns)
_PLACE = {name: position for position, name in enumerate(COLUMNS)}
_SESSION, _ID, _GAPS = (_PLACE[name] for name in ("session_id", "id", "gaps"))
_USAGE, _TAGS, _METADATA = (_PLACE[name] for name in ("usage", "tags", "metadata"))
_TEXTS = tuple(_PLACE[name] for name in ("response_id", "finish_reason", "error", "response_text"))
# In one call of C, because this runs for every row: a dictionary of 52 fields costs ten times that.
_values_of = attrgetter(*(name if name != "session_id" else "index" for name in COLUMNS))


def to_rows(
    session_id: UUID, results: list[MeasuredResult], dialect: str, *, keep_gaps: bool = True
) -> list[tuple[Any, ...]]:
    """Values in the order of `COLUMNS`, as the dialect's own driver takes them."""
    with_hex = dialect == "sqlite"
    session = session_id.hex if with_hex else session_id
    packed = gaps.pack_all([result.gaps for result in results]) if keep_gaps else [None] * len(results)
    tags: dict[tuple[str, ...], str] = {}
    rows = []
    for result, kept in zip(results, packed, strict=True):
        row = list(_values_of(result))
        row[_SESSION] = session
        row[_GAPS] = kept
        if with_hex:
            row[_ID] = row[_ID].hex
        if (one := row[_TAGS]) not in tags:
            tags[one] = _json(one)
        row[_TAGS] = tags[one]
        row[_METADATA] = _json(row[_METADATA]) if row[_METADATA] else "{}"
        if (usage := row[_USAGE]) is not None:
            row[_USAGE] = _json(usage)
        for position in _TEXTS:
            if (text := row[position]) and "\0" in text:
                row[position] = text.replace("\0", "\ufffd")
        rows.append(tuple(row))
    return rows


def _json(value: Any) -> str:
    # PostgreSQL has no NUL in text, not even an escaped one.
    return orjson.dumps(value).replace(b"\\u0000", b"\\ufffd").decode()


def selected(*, with_gaps: bool = False, with_text: bool = False) -> list[ColumnElement[Any]]:
    """What to select for `from_row`: every column, large ones on demand, and the session's id."""
    wanted = {"gaps": with_gaps, "response_text": with_text}
    return [
        TABLE.columns[name] if wanted.get(name, True) else literal(None).label(name)
        for name in ("session_id", *RESULT_FIELDS)
    ]


def from_row(row: Row[Any]) -> MeasuredResult:
    """The result behind a row of `selected`."""
    values = dict(zip(RESULT_FIELDS, row[1:], strict=True))
    values["gaps"] = gaps.unpack(values["gaps"])
    values["tags"] = tuple(values["tags"] or ())
    values["metadata"] = values["metadata"] or {}
    return MeasuredResult(**values)
