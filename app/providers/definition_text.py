"""The document of a custom provider out of the text that people write: its TOML file, or JSON. Pure."""

import json
import tomllib
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

MAX_CHARACTERS = 256 * 1024  # with comments; the document itself may have less


def document_of(text: str) -> Any:
    """What the text says; JSON when it begins with a brace, which no TOML file does.

    Raises:
        ValueError: it is too long, or neither.
    """
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"must not be longer than {MAX_CHARACTERS} characters")
    plain = text.lstrip("\ufeff \t\r\n")
    is_json = plain.startswith("{")
    try:
        return json.loads(plain) if is_json else tomllib.loads(plain)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is not {'JSON' if is_json else 'TOML'}: {' '.join(str(error).split())}") from None


def _read(value: Any) -> Any:
    return document_of(value) if isinstance(value, str) else value


DefinitionField = Annotated[
    dict[str, Any],
    BeforeValidator(_read),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "object", "additionalProperties": True},
                {"type": "string", "maxLength": MAX_CHARACTERS},
            ]
        }
    ),
]
"""A document as it is, or as text."""
