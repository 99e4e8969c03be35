"""Anthropic Messages.

Source: the Claude API reference, "Create a Message" and "Streaming Messages". The API knows no seed, and demands a
limit on the output: without one, `DEFAULT_MAX_TOKENS` is asked for. Keys go into `x-api-key`.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from app.adapters import anthropic_usage
from app.adapters.base import Buckets, ChatRequest, HttpRequest, Terms
from app.adapters.events import ABSENT, NOTHING, Event, raw_object
from app.adapters.media import IMAGE_TYPES, Media, Takes
from app.adapters.wire_format import WireFormat, split_system

DEFAULT_MAX_TOKENS = 4096
_VERSION = ("anthropic-version", "2023-06-01")
_LAST = Event(is_last=True)


class _Part(msgspec.Struct):
    """A block of content, or what is added to one."""

    type: str = ""
    text: str = ""
    thinking: str = ""
    data: str = ""  # of a redacted_thinking block


class _Delta(msgspec.Struct):
    text: str = ""
    thinking: str = ""
    partial_json: str = ""
    stop_reason: str | None = None


class _Message(msgspec.Struct):
    id: str | None = None
    model: Any = None
    content: list[_Part] = []
    stop_reason: str | None = None
    usage: msgspec.Raw = ABSENT


class _Event(_Message):
    type: str = ""
    message: _Message | None = None
    content_block: _Part | None = None
    delta: _Delta | None = None
    error: msgspec.Raw = ABSENT


_decode = msgspec.json.Decoder(_Event).decode


class AnthropicMessages(WireFormat):
    """The adapter."""

    text_fields = ("text", "thinking")
    ends_with_finish_reason = False
    auth = ("x-api-key", "")
    models_path = "/v1/models?limit=1000"
    takes = Takes(IMAGE_TYPES, image_urls=True)

    def encode(self, request: ChatRequest, api_key: str | None) -> HttpRequest:
        """POST /v1/messages; system messages go into a field of their own."""
        system, turns = split_system(request.messages)
        body: dict[str, Any] = {
            "model": request.model,
            "messages": [{"role": turn.role, "content": self.content(turn)} for turn in turns],
            "max_tokens": request.output_tokens or request.max_tokens or DEFAULT_MAX_TOKENS,
            "stream": request.stream,
            "system": system,
            "temperature": request.temperature,
            "top_p": request.top_p,
            "stop_sequences": request.stop,
        }
        return self.post("/v1/messages", body, request, api_key)

    def media_part(self, media: Media) -> Any:
        """An `image` block with data or a URL."""
        if media.url:
            return {"type": "image", "source": {"type": "url", "url": media.url}}
        return {"type": "image", "source": {"type": "base64", "media_type": media.media_type, "data": media.data}}

    def auth_headers(self, api_key: str | None) -> list[tuple[str, str]]:
        """The key and the version of the API."""
        return [_VERSION, *super().auth_headers(api_key)]

    def read(self, payload: bytes) -> Event:
        """One event by its `type`; unknown ones say nothing, as the API's versioning policy asks."""
        event = _decode(payload)
        meaning = _MEANINGS.get(event.type)
        if meaning is not None:
            return meaning(event)
        if event.error != ABSENT:
            return Event(error=payload, is_last=True)
        if not event.type:
            raise ValueError("an event without a type")
        return NOTHING

    def read_body(self, body: bytes) -> Event:
        """A `message`."""
        message = _decode(body)
        if message.error != ABSENT:
            return Event(error=body)
        blocks = [_block(part) for part in message.content]
        return Event(
            text="".join(block.text for block in blocks),
            reasoning="".join(block.reasoning for block in blocks),
            other_output=any(block.other_output for block in blocks),
            response_id=message.id,
            response_model=message.model,
            finish_reason=message.stop_reason,
            usage=raw_object(message.usage),
        )

    def buckets(self, usage: bytes) -> Buckets:
        """As `anthropic_usage` tells it."""
        return anthropic_usage.buckets(usage)

    def billed(self, usage: bytes) -> Buckets | None:
        """As `anthropic_usage` tells it."""
        return anthropic_usage.billed(usage)

    def terms(self, usage: bytes) -> Terms:
        """As `anthropic_usage` tells it."""
        return anthropic_usage.terms(usage)

    def join_usage(self, before: bytes, after: bytes) -> bytes:
        """`message_start` counts the input, `message_delta` the output so far: field by field, the later one wins."""
        earlier, later = msgspec.json.decode(before), msgspec.json.decode(after)
        if not isinstance(earlier, dict) or not isinstance(later, dict):
            return after
        later = {name: value for name, value in later.items() if value is not None}
        return msgspec.json.encode(earlier | later)


def _block(part: _Part) -> Event:
    """The content of a block, as a stream begins it or a body holds it."""
    return Event(text=part.text, reasoning=part.thinking or part.data, other_output=part.type.endswith("tool_use"))


def _delta(event: _Event) -> Event:
    delta = event.delta or _Delta()
    return Event(text=delta.text, reasoning=delta.thinking, other_output=bool(delta.partial_json))


def _start(event: _Event) -> Event:
    """Its count of the output is a placeholder: a stream that breaks off has none, so its chunks are counted."""
    message = event.message or _Message()
    usage = raw_object(message.usage)
    if usage:
        counts = msgspec.json.decode(usage)
        if isinstance(counts, dict) and counts.pop("output_tokens", None) is not None:
            usage = msgspec.json.encode(counts)
    return Event(response_id=message.id, response_model=message.model, usage=usage)


def _message_delta(event: _Event) -> Event:
    return Event(finish_reason=(event.delta or _Delta()).stop_reason, usage=raw_object(event.usage))


_MEANINGS: dict[str, Callable[[_Event], Event]] = {
    "content_block_delta": _delta,
    "content_block_start": lambda event: _block(event.content_block) if event.content_block is not None else NOTHING,
    "message_start": _start,
    "message_delta": _message_delta,
    "message_stop": lambda _event: _LAST,
}
