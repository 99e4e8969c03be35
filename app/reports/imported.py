"""What a result file of another tool comes to: measured results, and what that tool did not record. Pure.

Readers of the formats are `import_vllm`, `import_aiperf`, `import_guidellm`; `imports` finds the right one. A number
that a file does not have stays None; nothing is made up to fill a column.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from app.benchmarks.measures import MeasuredResult
from app.core.errors import InvalidRequestError
from app.core.ids import new_id

MAX_REQUESTS = 2_000_000
_MAX_TEXT = 2_000
_MAX_COUNT = 500_000_000
_LONGEST_MS = 1e9  # eleven days
_LATEST_NS = 2**62
_MAX_CLAIMS = 500


class ImportFileError(InvalidRequestError):
    """A file cannot be imported; the message says where and why."""


@dataclass
class Imported:
    """One run out of a file."""

    tool: str
    version: str | None
    model: str
    results: list[MeasuredResult]
    not_recorded: dict[str, str]  # measure → why it is null
    notes: list[str] = field(default_factory=list)
    claims: dict[str, Any] = field(default_factory=dict)  # what the file itself says, unchecked
    duration_seconds: float | None = None  # as recorded, where the results cannot tell
    rates_are_known: bool = True  # False: the file has only a sample of the requests
    load: dict[str, Any] | None = None  # the `load` part of a spec, as well as the file tells it

    @property
    def is_aggregate_only(self) -> bool:
        """Whether there is nothing to recompute from."""
        return not self.results


def result(
    index: int,
    *,
    tool: str,
    model: str,
    started_ns: int,
    ok: bool = True,
    error_type: str | None = None,
    error: str | None = None,
    http_status: int | None = None,
    schedule_delay_ms: float | None = None,
    ttfb_ms: float | None = None,
    ttft_ms: float | None = None,
    ttfo_ms: float | None = None,
    e2e_ms: float | None = None,
    stream_end_ms: float | None = None,
    gaps_ms: list[float] | None = None,
    chunks: int | None = None,
    input_tokens: int | None = None,
    output_tokens: int | None = None,
    reasoning_tokens: int | None = None,
    response_id: str | None = None,
) -> MeasuredResult:
    """One request under our names: TPOT and the `from_intended` twins follow from the rest by our own formulas."""
    gaps = np.rint(np.asarray(gaps_ms or [], dtype=np.float64) * 1e6).astype("<i8")
    count = chunks if chunks is not None else 0 if gaps_ms is None or ttft_ms is None else len(gaps) + 1
    end_ms = max((value for value in (stream_end_ms, e2e_ms, ttft_ms) if value is not None), default=0.0)
    made = MeasuredResult(
        index=index,
        id=new_id(),
        provider=tool,
        model=model,
        response_id=response_id[:200] if response_id else None,
        status="ok" if ok else "error",
        error_type=None if ok else (error_type or "unknown")[:32],
        error=error[:_MAX_TEXT] if error and not ok else None,
        http_status=http_status,
        finish_reason=None,
        attempts=1,
        clock="unknown",
        connection_reused=True,
        intended_ns=started_ns - round((schedule_delay_ms or 0.0) * 1e6),
        started_ns=started_ns,
        first_byte_ns=_at(started_ns, ttfb_ms),
        first_token_ns=_at(started_ns, ttft_ms),
        first_output_ns=_at(started_ns, ttfo_ms),
        last_token_ns=_at(started_ns, e2e_ms),
        end_ns=_at(started_ns, end_ms),
        schedule_delay_ms=schedule_delay_ms,
        ttfb_ms=ttfb_ms,
        ttft_ms=ttft_ms,
        ttfo_ms=ttfo_ms,
        e2e_ms=e2e_ms,
        stream_end_ms=stream_end_ms,
        chunks=count,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        reasoning_tokens=reasoning_tokens,
        visible_output_tokens=None if output_tokens is None else max(output_tokens - (reasoning_tokens or 0), 0),
        uncached_input_tokens=input_tokens,
        token_count_source=None,
        tags=("imported",),
        gaps=gaps.tobytes() if len(gaps) == count - 1 else b"",
    )
    if ttft_ms is not None and e2e_ms is not None and (output_tokens or 0) >= 2 and e2e_ms > ttft_ms:
        made.tpot_ms = (e2e_ms - ttft_ms) / ((output_tokens or 0) - 1)
    if schedule_delay_ms is not None:
        for name in ("ttfb", "ttft", "ttfo", "e2e", "stream_end"):
            if (value := getattr(made, f"{name}_ms")) is not None:
                setattr(made, f"{name}_from_intended_ms", value + schedule_delay_ms)
    return made


def _at(started_ns: int, after_ms: float | None) -> int | None:
    return None if after_ms is None else started_ns + round(after_ms * 1e6)


# ---------------------------------------------------------------- careful reading


def number(value: Any, where: str, *, low: float = 0.0, high: float = _LONGEST_MS) -> float:
    """A finite number within bounds.

    Raises:
        ImportFileError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ImportFileError(f"{where} must be a number, not {str(value)[:40]!r}")
    if not low <= value <= high:
        raise ImportFileError(f"{where} must be between {low:g} and {high:g}, not {value:g}")
    return float(value)


def maybe(value: Any, where: str, **bounds: float) -> float | None:
    """As `number`, None for None."""
    return None if value is None else number(value, where, **bounds)


def count(value: Any, where: str) -> int | None:
    """A number of tokens or chunks; None for None."""
    return None if value is None else round(number(value, where, high=_MAX_COUNT))


def unix_ns(value: Any, where: str) -> int:
    """An instant in Unix nanoseconds."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < _LATEST_NS:
        raise ImportFileError(f"{where} must be Unix nanoseconds, not {str(value)[:40]!r}")
    return value


def text(value: Any) -> str | None:
    """A text, or None."""
    return value if isinstance(value, str) and value else None


def items(value: Any, where: str) -> list[Any]:
    """A list of not too many things."""
    if not isinstance(value, list):
        raise ImportFileError(f"{where} must be a list")
    if len(value) > MAX_REQUESTS:
        raise ImportFileError(f"{where} has {len(value)} entries; at most {MAX_REQUESTS} can be imported")
    return value


def claims(document: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The single numbers and short texts that a document holds, by dotted path; lists are left out."""
    found: dict[str, Any] = {}
    waiting: list[tuple[str, Any]] = [(prefix, document)]
    while waiting and len(found) < _MAX_CLAIMS:
        path, value = waiting.pop(0)
        if isinstance(value, Mapping):
            waiting += [(f"{path}.{name}" if path else str(name), inner) for name, inner in value.items()][:_MAX_CLAIMS]
        elif isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= 200):
            found[path] = value
    return found
