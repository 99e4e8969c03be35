"""How words were turned into tokens, as summaries and bundles tell it, and as the instrument takes it. Pure.

They tell words per token, plans hold tokens per word: `MEASURED_DIGITS` make sure that a measured ratio comes back as
the very same number, and texts made with it as the very same texts.
"""

from collections.abc import Mapping
from typing import Any

from app.loadgen.plan import TokenModel

MEASURED_DIGITS = 12
"""Decimals of measured words per token: few enough to survive two divisions, more than any probe can tell."""

_SOURCES = ("assumed", "given", "usage")


def told(model: TokenModel) -> dict[str, Any]:
    """For a summary or a bundle."""
    return {
        "words_per_token": round(1 / model.per_word, MEASURED_DIGITS),
        "overhead_tokens": model.overhead,
        "source": model.source,
    }


def understood(said: Mapping[str, Any] | None) -> TokenModel:
    """What `told` said; the usual assumption where nothing was said.

    Raises:
        ValueError: it is not what `told` says.
    """
    if said is None or said.get("words_per_token") is None:
        return TokenModel()
    words, overhead, source = said["words_per_token"], said.get("overhead_tokens") or 0.0, said.get("source")
    are_numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in (words, overhead))
    if not are_numbers or not 0 < words < float("inf") or abs(overhead) >= 2**53 or source not in _SOURCES:
        raise ValueError("tells words per token in an unknown way")
    return TokenModel(1 / words, float(overhead), source)


def of_targets(facts: Mapping[str, Any] | None, count: int) -> list[TokenModel]:
    """The model of each target out of a summary's `workload`; raises `ValueError` as `understood`."""
    alone = {entry["target_index"]: entry for entry in (facts or {}).get("by_target") or ()}
    return [understood(alone.get(index, facts)) for index in range(count)]
