"""OpenAI Chat Completions, and every server that speaks it.

Source: the OpenAI API reference, "Create chat completion" and "The chat completion chunk object". Reasoning arrives as
`delta.reasoning_content` (DeepSeek, xAI, vLLM, SGLang, llama.cpp), `delta.reasoning` (OpenRouter, Groq) or in a list
of contents (Mistral); usage also as `x_groq.usage` (Groq).
"""

from decimal import Decimal
from typing import Any
from urllib.parse import quote

import msgspec

from app.adapters import openai_usage, service_tiers
from app.adapters.base import Buckets, ChatRequest, HttpRequest, Terms
from app.adapters.charges import Charge
from app.adapters.events import ABSENT, Event, raw_object
from app.adapters.media import IMAGE_TYPES, Media, Takes
from app.adapters.service_tiers import with_tier
from app.adapters.wire_format import WireFormat, given

_DONE = b"[DONE]"
_LAST = Event(is_last=True)
# OpenRouter and Mistral; DeepSeek; vLLM and SGLang: the model did not stop, it was stopped by a fault.
_FAILED = {"error", "insufficient_system_resource", "abort"}


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """How a vendor differs within the format.

    `path` may hold `{model}`. `seed` and `max_tokens` are the names of those fields. `exact_length` are body fields
    that make a server generate up to the asked length, ignoring its end-of-sequence token: only servers that know them
    get them, because others refuse unknown fields. `stream_options` is empty where it is unknown. `takes` is what
    messages may hold beside text; `audio_as_text`: audio data is the bare string, as Mistral wants it. `charge` reads
    what a request cost, of vendors that tell it. `reasoning_is_beside` the completion, though the total leaves it out.
    """

    path: str = "/chat/completions"
    models_path: str = "/models"
    auth: tuple[str, str] = ("Authorization", "Bearer ")
    max_tokens: str = "max_tokens"
    seed: str = "seed"
    stream_options: dict[str, bool] = msgspec.field(default_factory=lambda: {"include_usage": True})
    exact_length: dict[str, Any] = {}
    takes: Takes = Takes(IMAGE_TYPES, image_urls=True)
    audio_as_text: bool = False
    charge: Charge | None = None
    reasoning_is_beside: bool = False


class _Part(msgspec.Struct):
    text: str | None = None
    thinking: "str | list[_Part] | None" = None


class _Detail(msgspec.Struct):
    text: str | None = None
    summary: str | None = None


class _Delta(msgspec.Struct):
    content: str | list[_Part] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: list[_Detail] | None = None  # OpenRouter says it here, too; Snowflake only here
    refusal: str | None = None
    tool_call_id: str | None = None  # the result of a tool, which no model wrote
    tool_calls: list[msgspec.Raw] | None = None
    function_call: msgspec.Raw = ABSENT
    audio: msgspec.Raw = ABSENT


class _Choice(msgspec.Struct):
    delta: _Delta | None = None
    message: _Delta | None = None
    messages: list[_Delta] | None = None  # Mistral, where its own tools were used in between
    text: str | None = None
    finish_reason: str | None = None
    error: msgspec.Raw = ABSENT  # OpenRouter


class _Groq(msgspec.Struct):
    usage: msgspec.Raw = ABSENT
    error: msgspec.Raw = ABSENT


class _Chunk(msgspec.Struct):
    id: str | None = None
    model: Any = None
    object: str | None = None
    choices: list[_Choice] | None = None
    usage: msgspec.Raw = ABSENT
    error: msgspec.Raw = ABSENT
    x_groq: _Groq | None = None
    service_tier: str | None = None
    timings: msgspec.Raw = ABSENT  # llama.cpp
    time_info: msgspec.Raw = ABSENT  # Cerebras


_decode_chunk = msgspec.json.Decoder(_Chunk).decode


class OpenAiChat(WireFormat):
    """The adapter."""

    text_fields = ("content", "reasoning_content", "reasoning")

    def __init__(self, profile: Profile | None = None) -> None:
        self._profile = profile or Profile()
        self.auth = self._profile.auth
        self.models_path = self._profile.models_path
        self.takes = self._profile.takes

    def encode(self, request: ChatRequest, api_key: str | None) -> HttpRequest:
        """POST /chat/completions; usage is asked for in the stream's last chunk."""
        profile = self._profile
        body: dict[str, Any] = {
            "model": request.model,
            "messages": [{"role": one.role, "content": self.content(one)} for one in request.messages],
            "stream": request.stream,
        }
        if request.stream:
            body["stream_options"] = profile.stream_options or None
        body[profile.max_tokens] = request.max_tokens
        if request.output_tokens is not None:
            body[profile.max_tokens] = request.output_tokens
            body.update(profile.exact_length)
        body |= {"temperature": request.temperature, "top_p": request.top_p, "stop": request.stop}
        body[profile.seed] = request.seed
        path = profile.path.replace("{model}", quote(request.model, safe=""))
        return self.post(path, body, request, api_key)

    def media_part(self, media: Media) -> Any:
        """An `image_url` (a `data:` URI for data) or an `input_audio`."""
        if media.kind == "image":
            return {"type": "image_url", "image_url": given({"url": media.data_uri, "detail": media.detail or None})}
        if self._profile.audio_as_text:
            return {"type": "input_audio", "input_audio": media.url or media.data}
        if media.url:
            return {"type": "audio_url", "audio_url": {"url": media.url}}
        return {"type": "input_audio", "input_audio": {"data": media.data, "format": media.format}}

    def read(self, payload: bytes) -> Event:
        """A `chat.completion.chunk`, or `[DONE]`."""
        return _LAST if payload == _DONE else _said(_decode_chunk(payload), payload)

    def read_body(self, body: bytes) -> Event:
        """A `chat.completion`."""
        return _said(_decode_chunk(body), body)

    def billed(self, usage: bytes) -> Buckets | None:
        """As `openai_usage` tells it."""
        return openai_usage.billed(usage, self.buckets(usage))

    def terms(self, usage: bytes) -> Terms:
        """Its tier of service, where that is not the usual one."""
        return service_tiers.terms(usage)

    def charged_usd(self, usage: bytes) -> Decimal | None:
        """What the vendor's profile finds there."""
        charge = self._profile.charge
        return None if charge is None else charge(usage)

    def buckets(self, usage: bytes) -> Buckets:
        """As `openai_usage` tells it."""
        return openai_usage.buckets(usage, reasoning_is_beside=self._profile.reasoning_is_beside)


def _said(chunk: _Chunk, raw: bytes) -> Event:
    if chunk.error != ABSENT:
        return Event(error=raw, is_last=True, usage=raw_object(chunk.usage))
    if chunk.object == "error":  # older vLLM
        return Event(error=raw, is_last=True)
    usage = chunk.usage
    if chunk.x_groq is not None:
        if chunk.x_groq.error != ABSENT:
            return Event(error=bytes(chunk.x_groq.error), is_last=True)
        usage = usage if usage != ABSENT else chunk.x_groq.usage
    text, reasoning, finish_reason, other, error = "", "", None, False, b""
    for choice in chunk.choices or ():
        finish_reason = choice.finish_reason or finish_reason
        if choice.error != ABSENT:
            error = bytes(choice.error)
        elif choice.finish_reason in _FAILED:
            error = _ended_with(choice.finish_reason)
        for delta in _deltas(choice):
            visible, thought = _parts(delta.content)
            text += visible or delta.refusal or choice.text or ""
            reasoning += thought or delta.reasoning_content or delta.reasoning or _detailed(delta)
            other = other or bool(delta.tool_calls) or delta.function_call != ABSENT or delta.audio != ABSENT
    return Event(
        text=text,
        reasoning=reasoning,
        other_output=other,
        response_id=chunk.id,
        response_model=chunk.model,
        finish_reason=finish_reason,
        usage=with_tier(raw_object(usage), chunk.service_tier),
        timings=_timings(chunk, usage),
        error=error,
    )


def _deltas(choice: _Choice) -> list[_Delta]:
    one = choice.delta or choice.message
    several = choice.messages or [_Delta()] if one is None else [one]
    return [delta for delta in several if delta.tool_call_id is None]


def _detailed(delta: _Delta) -> str:
    return "".join(one.text or one.summary or "" for one in delta.reasoning_details or ())


def _ended_with(reason: str) -> bytes:
    return msgspec.json.encode({"error": {"message": f"the generation ended with {reason}", "code": reason}})


def _timings(chunk: _Chunk, usage: msgspec.Raw) -> bytes:
    for said in (chunk.time_info, chunk.timings):
        if said != ABSENT:
            return bytes(said)
    return bytes(usage) if b"_time" in bytes(usage) else b""  # Groq says it in the usage


def _parts(content: str | list[_Part] | None) -> tuple[str, str]:
    """Visible text and reasoning of a content, which Mistral sends as a list when there is reasoning."""
    if not isinstance(content, list):
        return content or "", ""
    visible = "".join(part.text or "" for part in content)
    thoughts = (_parts(part.thinking)[0] for part in content)
    return visible, "".join(thoughts)
