"""Cohere v2 Chat.

Source: the Cohere API reference, "Chat" and "Chat with Streaming" (v2). Token counts are `usage.tokens`, what the model
took in and put out; `billed_units`, which leave out Cohere's own framing, are used only where there is nothing else.
"""

from typing import Any

import msgspec

from app.adapters.base import Buckets, ChatRequest, HttpRequest
from app.adapters.events import ABSENT, NOTHING, Event, raw_object
from app.adapters.media import IMAGE_TYPES, Media, Takes
from app.adapters.wire_format import WireFormat, given

_FAILED = {"ERROR", "TIMEOUT", "ERROR_TOXIC", "ERROR_LIMIT"}


class _Part(msgspec.Struct):
    text: str | None = None
    thinking: str | None = None


class _Message(msgspec.Struct):
    content: list[_Part] | _Part | None = None
    tool_plan: str | None = None
    tool_calls: msgspec.Raw = ABSENT


class _Answer(msgspec.Struct):
    """A whole answer, an event, or the `delta` of an event: they share their fields."""

    id: str | None = None
    type: str | None = None
    message: _Message | str | None = None  # text in an error body
    finish_reason: str | None = None
    usage: msgspec.Raw = ABSENT
    error: msgspec.Raw = ABSENT
    delta: "_Answer | None" = None


class _Tokens(msgspec.Struct):
    input_tokens: float | None = None
    output_tokens: float | None = None


class _Usage(msgspec.Struct):
    tokens: _Tokens | None = None
    billed_units: _Tokens | None = None
    cached_tokens: float | None = None


_decode = msgspec.json.Decoder(_Answer).decode
_decode_usage = msgspec.json.Decoder(_Usage).decode


class CohereChat(WireFormat):
    """The adapter."""

    text_fields = ("text", "thinking")
    ends_with_finish_reason = False
    models_path = "/v1/models?endpoint=chat&page_size=1000"
    models_in = ("models", "name")
    takes = Takes(IMAGE_TYPES, image_urls=True)

    def encode(self, request: ChatRequest, api_key: str | None) -> HttpRequest:
        """POST /v2/chat."""
        body: dict[str, Any] = {
            "model": request.model,
            "messages": [{"role": one.role, "content": self.content(one)} for one in request.messages],
            "stream": request.stream,
            "max_tokens": request.output_tokens or request.max_tokens,
            "temperature": request.temperature,
            "p": request.top_p,
            "stop_sequences": request.stop,
            "seed": request.seed,
        }
        return self.post("/v2/chat", body, request, api_key)

    def media_part(self, media: Media) -> Any:
        """An `image_url`."""
        return {"type": "image_url", "image_url": given({"url": media.data_uri, "detail": media.detail or None})}

    def read(self, payload: bytes) -> Event:
        """One event by its `type`."""
        if payload == b"[DONE]":
            return NOTHING
        event = _decode(payload)
        if event.type is None:
            if isinstance(event.message, str) or event.error != ABSENT:
                return Event(error=payload, is_last=True)
            raise ValueError("an event without a type")
        if event.type == "message-start":
            return Event(response_id=event.id)
        if event.delta is None or event.type.startswith("citation"):
            return NOTHING
        return _said(event.delta, is_last=event.type == "message-end")

    def read_body(self, body: bytes) -> Event:
        """A whole answer."""
        answer = _decode(body)
        if isinstance(answer.message, str):
            return Event(error=body)
        return _said(answer, is_last=True)

    def billed(self, usage: bytes) -> Buckets | None:
        """`billed_units`, which leave out Cohere's own framing of the prompt; cached tokens are part of them."""
        said = _decode_usage(usage)
        if said.billed_units is None:
            return None
        took, gave = _whole(said.billed_units.input_tokens), _whole(said.billed_units.output_tokens)
        cached = min(_whole(said.cached_tokens) or 0, took or 0)
        return Buckets(uncached_input=None if took is None else took - cached, cache_read=cached, visible_output=gave)

    def buckets(self, usage: bytes) -> Buckets:
        """Cached tokens are part of the input; Cohere counts in floating point."""
        said = _decode_usage(usage)
        counts = said.tokens or said.billed_units or _Tokens()
        cached = _whole(said.cached_tokens)
        took, gave = _whole(counts.input_tokens), _whole(counts.output_tokens)
        return Buckets(
            uncached_input=None if took is None else max(0, took - (cached or 0)),
            cache_read=cached,
            visible_output=gave,
        )


def _said(answer: _Answer, *, is_last: bool) -> Event:
    message = answer.message if isinstance(answer.message, _Message) else _Message()
    content = message.content
    parts = content if isinstance(content, list) else [content] if content is not None else []
    error = raw_object(answer.error)
    if not error and answer.finish_reason in _FAILED:
        error = msgspec.json.encode({"error": f"the generation ended with {answer.finish_reason}"})
    return Event(
        text="".join(part.text or "" for part in parts),
        reasoning="".join(part.thinking or "" for part in parts),
        other_output=bool(message.tool_plan) or message.tool_calls != ABSENT,
        response_id=answer.id,
        finish_reason=answer.finish_reason,
        usage=raw_object(answer.usage),
        error=error,
        is_last=is_last,
    )


def _whole(count: float | None) -> int | None:
    return None if count is None else round(count)
