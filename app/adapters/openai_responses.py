"""OpenAI Responses.

Source: the OpenAI API reference, "Create a model response" and "Streaming events". The API knows neither stop
sequences nor a seed. Answers are not stored at OpenAI unless `extra` asks for it. Perplexity's Agent API is the same
but for what its profile says: its failure has no response around it, its counts of the cache have other names.
"""

from decimal import Decimal
from typing import Any

import msgspec

from app.adapters import service_tiers
from app.adapters.base import Buckets, ChatRequest, HttpRequest, Terms
from app.adapters.charges import Charge
from app.adapters.events import ABSENT, NOTHING, Event, raw_object
from app.adapters.media import IMAGE_TYPES, Media, Takes
from app.adapters.service_tiers import with_tier
from app.adapters.wire_format import WireFormat

_TEXT = {"response.output_text.delta", "response.refusal.delta"}
_REASONING = {"response.reasoning_text.delta", "response.reasoning_summary_text.delta"}
_ENDS = {"response.completed", "response.incomplete", "response.failed", "response.cancelled"}
_CALLS = ("_call", "mcp_approval_request", "program")  # how types of items end that are neither text nor thoughts
_RESULTS = ("_call_output_content.delta",)  # what a tool at the vendor's says in pieces: the model did not write it
_BROKEN = {"failed", "cancelled"}
_WAITING = {"queued", "in_progress"}  # in the background: the answer would be another request


class _Part(msgspec.Struct):
    text: str | None = None
    refusal: str | None = None


class _Typed(msgspec.Struct):
    type: str


class _Item(_Typed):
    content: list[_Part] | None = None
    summary: list[_Part] | None = None


class _Incomplete(msgspec.Struct):
    reason: str | None = None


class _Response(msgspec.Struct):
    id: str | None = None
    model: Any = None
    status: str | None = None
    output: list[_Item] = []
    incomplete_details: _Incomplete | None = None
    usage: msgspec.Raw = ABSENT
    error: msgspec.Raw = ABSENT
    service_tier: str | None = None


class _Event(msgspec.Struct):
    type: str
    error: msgspec.Raw = ABSENT
    delta: Any = None
    item: _Typed | None = None
    response: _Response | None = None


class _Details(msgspec.Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_read_input_tokens: int | None = None  # Perplexity
    cache_creation_input_tokens: int | None = None  # Perplexity
    reasoning_tokens: int | None = None


class _Usage(msgspec.Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: _Details | None = None
    output_tokens_details: _Details | None = None


_decode = msgspec.json.Decoder(_Event).decode
_decode_body = msgspec.json.Decoder(_Response).decode
_decode_usage = msgspec.json.Decoder(_Usage).decode


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """How a vendor differs: whether it `stores` answers and pads streams unless told not to, and its `charge`."""

    stores: bool = True
    charge: Charge | None = None


class OpenAiResponses(WireFormat):
    """The adapter."""

    text_fields = ("delta",)
    ends_with_finish_reason = False
    takes = Takes(IMAGE_TYPES, image_urls=True)

    def __init__(self, profile: Profile | None = None) -> None:
        self._profile = profile or Profile()

    def encode(self, request: ChatRequest, api_key: str | None) -> HttpRequest:
        """POST /responses, with the whole conversation as input."""
        body: dict[str, Any] = {
            "model": request.model,
            "input": [{"role": one.role, "content": self.content(one)} for one in request.messages],
            "stream": request.stream,
            "stream_options": {"include_obfuscation": False} if request.stream and self._profile.stores else None,
            "store": False if self._profile.stores else None,
            "max_output_tokens": request.output_tokens or request.max_tokens,
            "temperature": request.temperature,
            "top_p": request.top_p,
        }
        return self.post("/responses", body, request, api_key)

    def text_part(self, text: str) -> Any:
        """An `input_text`."""
        return {"type": "input_text", "text": text}

    def media_part(self, media: Media) -> Any:
        """An `input_image`; the API takes no audio."""
        return {"type": "input_image", "image_url": media.data_uri, "detail": media.detail or "auto"}

    def read(self, payload: bytes) -> Event:
        """One event by its `type`; OpenRouter ends its streams with `[DONE]`, as those of Chat Completions end."""
        if payload == b"[DONE]":
            return NOTHING
        event = _decode(payload)
        kind, delta = event.type, event.delta if isinstance(event.delta, str) else ""
        if kind in _TEXT or kind in _REASONING:
            return Event(text=delta) if kind in _TEXT else Event(reasoning=delta)
        if kind == "error" or (event.error != ABSENT and event.response is None):
            return Event(error=payload, is_last=True)
        if event.response is not None:
            said = event.response
            return _ending(said) if kind in _ENDS else Event(response_id=said.id, response_model=said.model)
        if event.item is not None:  # a call begins with its name, or is all there
            return Event(other_output=kind.endswith(".added") and event.item.type.endswith(_CALLS))
        # What else comes in pieces: arguments of tools, audio, images.
        return Event(other_output=kind.endswith((".delta", ".partial_image")) and not kind.endswith(_RESULTS))

    def read_body(self, body: bytes) -> Event:
        """A `response`."""
        response = _decode_body(body)
        parts = [part for item in response.output if item.type == "message" for part in item.content or ()]
        thoughts = [
            part
            for item in response.output
            if item.type == "reasoning"
            for part in (*(item.summary or ()), *(item.content or ()))
        ]
        return msgspec.structs.replace(
            _ending(response),
            text="".join(part.text or part.refusal or "" for part in parts),
            reasoning="".join(part.text or "" for part in thoughts),
            other_output=any(item.type.endswith(_CALLS) for item in response.output),
        )

    def charged_usd(self, usage: bytes) -> Decimal | None:
        """What the vendor's profile finds there."""
        return None if self._profile.charge is None else self._profile.charge(usage)

    def terms(self, usage: bytes) -> Terms:
        """Its tier of service, where that is not the usual one."""
        return service_tiers.terms(usage)

    def buckets(self, usage: bytes) -> Buckets:
        """The details are parts of the input and the output."""
        said = _decode_usage(usage)
        inputs, outputs = said.input_tokens_details or _Details(), said.output_tokens_details or _Details()
        cached = inputs.cached_tokens if inputs.cached_tokens is not None else inputs.cache_read_input_tokens
        written, reasoning = inputs.cache_write_tokens, outputs.reasoning_tokens
        written = inputs.cache_creation_input_tokens if written is None else written
        total_in, total_out = said.input_tokens, said.output_tokens
        return Buckets(
            uncached_input=None if total_in is None else max(0, total_in - (cached or 0) - (written or 0)),
            cache_read=cached,
            cache_write=written,
            visible_output=None if total_out is None else max(0, total_out - (reasoning or 0)),
            reasoning=reasoning,
        )


def _ending(response: _Response) -> Event:
    """What a response that is over says of itself."""
    why = response.incomplete_details.reason if response.incomplete_details is not None else None
    error = raw_object(response.error)
    if not error and response.status in _BROKEN | _WAITING:
        words = "was answered later, in the background" if response.status in _WAITING else "has no answer"
        error = msgspec.json.encode({"error": {"message": f"the response is {response.status}: it {words}"}})
    return Event(
        response_id=response.id,
        response_model=response.model,
        finish_reason=why or response.status,
        usage=with_tier(raw_object(response.usage), response.service_tier),
        error=error,
        is_last=True,
    )
