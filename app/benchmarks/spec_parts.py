"""What every part of a spec is made of: strictness, and types that several parts share."""

import math
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationInfo

MAX_PROMPT_CHARACTERS = 2_000_000
MAX_EXTRA_DEPTH = 32
"""Real request bodies (tools with JSON schemas) nest about ten deep; encoders give up at 255."""

STORED = {"stored": True}
"""Validation context of specs out of the database: limits that came later must not make them unreadable."""

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Tag = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
Prompt = Annotated[str, StringConstraints(min_length=1, max_length=MAX_PROMPT_CHARACTERS)]


class SpecPart(BaseModel):
    """A part of the spec; unknown fields are refused, values are never silently converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def _is_half(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text) if not text.isascii() else False


def plain_json(document: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
    """Refuse what no encoder takes: containers without end, halves of characters, numbers that JSON does not have."""
    if info.context is STORED:
        return document
    level: list[Any] = [document]
    for _ in range(MAX_EXTRA_DEPTH + 1):
        if any(isinstance(value, float) and not math.isfinite(value) for value in level):
            raise ValueError("must hold finite numbers only")
        containers = [value for value in level if isinstance(value, dict | list)]
        # Half characters in values are found, with their path, when the spec is stored.
        if any(_is_half(key) for value in containers if isinstance(value, dict) for key in value):
            raise ValueError("must hold whole characters only (a surrogate stands alone)")
        level = [item for value in containers for item in (value.values() if isinstance(value, dict) else value)]
    if level:
        raise ValueError(f"must not be nested deeper than {MAX_EXTRA_DEPTH} levels")
    return document
