"""Lines of `results.jsonl` as measured results again, checked, one after another, so size does not matter.

Everything that a line lacks (an older program, a line cut off by a crash at the very end) is simply not measured.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints
from uuid import UUID

import msgspec
import numpy as np
import orjson

from app.benchmarks.measures import MeasuredResult
from app.benchmarks.result_lines import LINE_FIELDS
from app.core.errors import InvalidRequestError
from app.loadgen.frames import CENSORED

MAX_LINE_BYTES = 256 * 2**20
_REQUIRED = ("index", "status", "intended_ns")
_NO_ID = UUID(int=0)
_DEFAULTS: dict[str, Any] = {"provider": "", "model": "", "attempts": 1, "clock": "", "connection_reused": False}
_KINDS = {name: get_args(kind) or (kind,) for name, kind in get_type_hints(MeasuredResult).items()}


class ResultFileError(InvalidRequestError):
    """A file of results cannot be used; says which line and why."""


def read_results(path: Path) -> Iterator[MeasuredResult]:
    """Every result of the file.

    Raises:
        ResultFileError: a line is not a result. A last line without an end was cut off by a crash, and is left out.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        number = 0
        while line := file.readline(MAX_LINE_BYTES + 1):
            number += 1
            if len(line) > MAX_LINE_BYTES:
                raise ResultFileError(f"{path}, line {number}: longer than {MAX_LINE_BYTES} bytes")
            if not line.strip():
                continue
            try:
                yield from_line(orjson.loads(line))
            except ValueError as error:
                if not line.endswith(b"\n"):
                    return
                raise ResultFileError(f"{path}, line {number}: {error}") from None


def from_line(line: Any) -> MeasuredResult:
    """The result behind a line; `gaps_ms`, `response_text` and what stands in the metadata if it has them.

    Raises:
        ValueError: naming the wrong field.
    """
    if not isinstance(line, dict):
        raise ValueError("not an object")  # noqa: TRY004  (of a document)
    if missing := [name for name in _REQUIRED if line.get(name) is None]:
        raise ValueError(f"lacks {', '.join(missing)}")
    values: dict[str, Any] = {name: _DEFAULTS.get(name) for name in LINE_FIELDS if name in _KINDS}
    for name in values:
        value = line.get(name)
        if value is not None:
            values[name] = _checked(name, value)
    text = line.get("response_text")
    result = MeasuredResult(
        id=_NO_ID,
        **{name: value for name, value in values.items() if value is not None or name not in _OPTIONAL},
        response_text=text if isinstance(text, str) else None,
        gaps=_gaps(line.get("gaps_ms")),
    )
    result.metadata = {name: line[name] for name, kinds in _KEPT_APART.items() if type(line.get(name)) in kinds}
    if result.visible_output_tokens is None and result.output_tokens is not None:
        result.visible_output_tokens = result.output_tokens - (result.reasoning_tokens or 0)
    return result


_KEPT_APART: dict[str, tuple[type, ...]] = {  # in the result's metadata
    "point": (int,),
    "level": (int, float),
    "conversation": (int,),
    "turn": (int,),
    "server_timings_ms": (dict,),
    "rate_limits": (dict,),
    "response_headers": (dict,),
    "error_kind": (str,),
}
_OPTIONAL = {field.name for field in msgspec.structs.fields(MeasuredResult) if not field.required}


def _checked(name: str, value: Any) -> Any:
    kinds = _KINDS[name]
    if bool in kinds:
        fits = isinstance(value, bool)
    elif float in kinds:
        fits = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    elif int in kinds:
        fits = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63
    else:
        fits = isinstance(value, str) and (name != "status" or value in {"ok", "error"})
    if not fits:
        raise ValueError(f"{name} cannot be {str(value)[:50]!r}")
    return value


def _gaps(gaps_ms: Any) -> bytes:
    if gaps_ms is None:
        return b""
    if not isinstance(gaps_ms, list):
        raise ValueError("gaps_ms must be a list")  # noqa: TRY004
    try:
        gaps = np.array([math.nan if gap is None else gap for gap in gaps_ms], dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError("gaps_ms must hold numbers and nulls") from None
    known = ~np.isnan(gaps)
    if (gaps[known] < 0).any() or (gaps[known] > 1e12).any():
        raise ValueError("gaps_ms must be between 0 and 1e12")
    gaps_ns = np.full(len(gaps), CENSORED, dtype="<i8")
    gaps_ns[known] = np.rint(gaps[known] * 1e6)
    return gaps_ns.tobytes()
