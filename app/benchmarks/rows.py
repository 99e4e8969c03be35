"""Measured results as rows of the results table, and back. The only place that knows both forms."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec
import orjson
from sqlalchemy import ColumnElement, Row, literal

from app.benchmarks import gaps
from app.benchmarks.measures import RESULT_FIELDS, MeasuredResult
from app.benchmarks.models import Result

TABLE = Result.__table__
COLUMNS: tuple[str, ...] = tuple(column.name for column in TABLE.columns)
_LARGE = ("response_text", "gaps")
_JSON = ("usage", "tags", "metadata")
_TEXTS = ("response_id", "finish_reason", "error", "response_text")

_ToValue = Callable[[Any], Any]


def to_rows(
    session_id: UUID, results: list[MeasuredResult], dialect: str, *, keep_gaps: bool = True
) -> list[tuple[Any, ...]]:
    """Tuples in the order of `COLUMNS`, as the dialect's own driver takes them."""
    as_uuid: _ToValue = (lambda value: value.hex) if dialect == "sqlite" else (lambda value: value)
    session = as_uuid(session_id)
    rows = []
    for result in results:
        values = msgspec.structs.asdict(result)
        values["session_id"] = session
        values["id"] = as_uuid(result.id)
        values["gaps"] = gaps.pack(result.gaps) if keep_gaps else None
        for name in _JSON:
            values[name] = _json(values[name])
        for name in _TEXTS:
            if (text := values[name]) and "\0" in text:
                values[name] = text.replace("\0", "\ufffd")
        rows.append(tuple(values[name] for name in COLUMNS))
    return rows


def _json(value: Any) -> str | None:
    if value is None:
        return None
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
    values = dict(row._mapping)  # noqa: SLF001  (SQLAlchemy's public name for it)
    del values["session_id"]
    values["gaps"] = gaps.unpack(values["gaps"])
    values["tags"] = tuple(values["tags"] or ())
    values["metadata"] = values["metadata"] or {}
    return MeasuredResult(**values)
