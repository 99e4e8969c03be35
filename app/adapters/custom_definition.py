"""What describes a custom provider: the document in a TOML file or a JSON body (`custom_checks` checks it). Pure.

`docs/custom-providers.md` explains every field. Secrets have no place in it: it is shown to whoever may see the
provider, and goes into bundles.
"""

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from app.adapters.capabilities import Capabilities

MAX_BYTES = 32 * 1024
MAX_TITLE = 100
BODY_PLACEHOLDERS = (
    "model", "messages", "turns", "system", "prompt", "transcript", "stream", "max_tokens", "ignore_eos",
    "temperature", "top_p", "stop", "seed",
)  # fmt: skip
CONVERSATION = frozenset({"messages", "turns", "prompt", "transcript"})
MESSAGE_PLACEHOLDERS = ("role", "content")
MEDIA_PLACEHOLDERS = ("url", "data", "media_type", "format")
SHOWING = frozenset({"messages", "turns"})
"""Placeholders that can carry images and audio."""
KEY_PLACEHOLDERS = ("model", "api_key")

Selectors = str | list[str]
CountName = Literal["input", "cache_read", "cache_write", "output", "reasoning"]


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a chat is asked for."""

    path: str
    body: dict[str, Any]
    stream_path: str | None = None
    method: Literal["POST", "PUT"] = "POST"
    headers: dict[str, str] = {}
    query: dict[str, str] = {}
    message: dict[str, Any] = msgspec.field(default_factory=lambda: {"role": "{role}", "content": "{content}"})
    roles: dict[Literal["system", "user", "assistant"], str] = {}
    text_part: dict[str, Any] = msgspec.field(default_factory=lambda: {"type": "text", "text": "{text}"})
    image_part: dict[str, Any] | None = None
    audio_part: dict[str, Any] | None = None


class Stream(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How an answer is cut into events."""

    framing: Literal["sse", "ndjson", "json"] = "sse"
    named: bool = False
    content_type: str | None = None
    end: str | None = None
    ends_with_finish_reason: bool = True


class Select(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where things are in an event, or in a whole answer."""

    text: Selectors = []
    reasoning: Selectors = []
    other_output: Selectors = []
    finish_reason: Selectors = []
    response_id: Selectors = []
    last: Selectors = []


class Usage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where token counts are: in `object` if it is given, else in the event; or in `headers` of the response."""

    object: Selectors = []
    input: Selectors = []
    cache_read: Selectors = []
    cache_write: Selectors = []
    output: Selectors = []
    reasoning: Selectors = []
    headers: dict[CountName, str] = {}
    input_includes_cached: bool | None = None
    output_includes_reasoning: bool | None = None


class Failure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where errors are: `found` in an event or an answer with status 200, the others in these and in error bodies."""

    found: Selectors = []
    message: Selectors = []
    type: Selectors = []


class Models(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where models are listed."""

    path: str
    id: Selectors


class OwnCapabilities(Capabilities, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What it can do."""


class Definition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A custom provider."""

    request: Request
    select: Select
    name: str | None = None
    title: str | None = None
    base_url: str | None = None
    stream: Stream = Stream()
    body: Select | None = None
    usage: Usage = Usage()
    error: Failure = Failure()
    models: Models | None = None
    capabilities: OwnCapabilities = OwnCapabilities()


def selector_lists(definition: Definition) -> Iterator[tuple[str, Selectors]]:
    """Every selector with its path."""
    parts = {name: getattr(definition, name) for name in ("select", "body", "usage", "error", "models")}
    for name, part in parts.items():
        for field in part.__struct_fields__ if part is not None else ():
            value = getattr(part, field)
            if field != "path" and isinstance(value, str | list):
                yield f"{name}.{field}", value


def as_list(selectors: Selectors) -> list[str]:
    """One selector, or several."""
    return [selectors] if isinstance(selectors, str) else selectors
