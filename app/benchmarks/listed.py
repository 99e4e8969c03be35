"""What a listing keeps of a benchmark in columns of its own, so that sorting and searching never open a document.

Pure functions of the stored documents. Texts are kept casefolded and in NFC, so that both databases order and search
them alike (SQLite folds only ASCII, PostgreSQL by its locale): by code point, whatever the case.
"""

import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

KEY_CHARACTERS = 200
"""Of a text that is sorted by; PostgreSQL indexes at most 2,704 bytes, and a character has up to four."""
MAX_WORDS = 16
"""Of a search; more are refused."""
LOAD_KINDS = ("closed", "closed_steps", "constant", "poisson", "gamma", "ramp", "steps", "spike", "trace")
VERDICTS = ("trusted", "suspect", "client_bound")
FIGURES = (
    "requests",
    "error_rate",
    "ttft_p50_ms",
    "ttft_p95_ms",
    "tpot_p50_ms",
    "output_tokens_per_s",
    "cost_usd",
    "verdict",
)
"""Columns that a summary fills; all are null before there is one."""


def folded(text: str) -> str:
    """A text as it is searched and sorted."""
    return unicodedata.normalize("NFC", text.casefold())


def words_of(text: str) -> list[str]:
    """The words of a search, folded; each must be found."""
    return folded(text).split()


def text_columns(name: str, tags: Sequence[str], providers: Iterable[str], models: Iterable[str]) -> dict[str, Any]:
    """What is sorted and searched of a benchmark's texts, which can change while the targets stay."""
    tags_key = ", ".join(sorted(folded(tag) for tag in tags))
    return {
        "name_key": folded(name)[:KEY_CHARACTERS],
        "tags_key": tags_key[:KEY_CHARACTERS] or None,
        "search_text": folded("\n".join((name, *tags, *providers, *models))),
    }


def spec_columns(spec: Mapping[str, Any]) -> dict[str, Any]:
    """What is sorted and filtered of a stored spec: its first target, and its load."""
    targets = spec.get("targets") or []
    first = " / ".join((targets[0].get("provider", ""), targets[0].get("model", ""))) if targets else ""
    load = spec.get("load") or {}
    unit, level = _level(load, spec.get("explore") or {})
    return {
        "target_key": folded(first)[:KEY_CHARACTERS],
        "load_kind": str(load.get("kind", "closed")),
        "load_key": f"{unit} {level:016.6f}",  # as text: users before requests per second, each by its level
    }


def _level(load: Mapping[str, Any], explore: Mapping[str, Any]) -> tuple[str, float]:
    """The unit of a load, and the most that it asks for."""
    kind = load.get("kind", "closed")
    unit = "a users" if kind.startswith("closed") else "c trace" if kind == "trace" else "b requests/s"
    if explore:
        values = [*(explore.get("values") or []), explore.get("maximum") or 0]
    elif kind == "trace":
        values = [len(load.get("at_seconds") or [])]
    else:
        steps = load.get("steps") or []
        values = [step.get("concurrency") or step.get("rate") or 0 for step in steps]
        values += [load.get(name) or 0 for name in ("concurrency", "rate", "from_rate", "to_rate", "spike_rate")]
    return unit, float(max(values, default=0))


def figure_columns(summary: Mapping[str, Any] | None) -> dict[str, Any]:
    """The numbers of a row, of a summary of any age; all null without one."""
    if summary is None:
        return dict.fromkeys(FIGURES)
    counts = summary.get("requests") or {}
    metrics = summary.get("metrics") or {}
    ttft, tpot = metrics.get("ttft_ms") or {}, metrics.get("tpot_ms") or {}
    total, failed = counts.get("total"), counts.get("failed")
    error_rate = summary.get("error_rate")
    if error_rate is None and total and failed is not None:  # summaries of the first releases have no share
        error_rate = failed / total
    verdict = (summary.get("instrument") or {}).get("verdict")
    return {
        "requests": total,
        "error_rate": _number(error_rate),
        "ttft_p50_ms": _number(ttft.get("p50")),
        "ttft_p95_ms": _number(ttft.get("p95")),
        "tpot_p50_ms": _number(tpot.get("p50")),
        "output_tokens_per_s": _number((summary.get("rates") or {}).get("output_tokens_per_s")),
        "cost_usd": _number(summary.get("cost_usd")),
        "verdict": verdict if verdict in VERDICTS else None,
    }


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
