"""OpenAI Chat Completions, and every server that speaks it.

Source: the OpenAI API reference, "Create chat completion" and "The chat completion chunk object". Reasoning arrives as
`delta.reasoning_content` (DeepSeek, xAI, vLLM, SGLang, llama.cpp), `delta.reasoning` (OpenRouter, Groq) or in a list
of contents (Mistral); usage also as `x_groq.usage` (Groq).
"""

from decimal import Decimal
from typing import Any
from urllib.parse import quote

import msgspec

from app.adapters.base import Buckets, ChatRequest, HttpRequest
from app.adapters.charges import Charge
from app.adapters.events import ABSENT, Event, raw_object
from app.adapters.media import IMAGE_TYPES, Media, Takes
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


class _Delta(msgspec.Struct):
    content: str | list[_Part] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: list[msgspec.Raw] | None = None
    function_call: msgspec.Raw = ABSENT
    audio: msgspec.Raw = ABSENT


class _Choice(msgspec.Struct):
    delta: _Delta | None = None
    message: _Delta | None = None
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
    timings: msgspec.Raw = ABSENT  # llama.cpp
    time_info: msgspec.Raw = ABSENT  # Cerebras


class _Details(msgspec.Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    audio_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: _Details | None = None
    completion_tokens_details: _Details | None = None
    prompt_cache_hit_tokens: int | None = None  # DeepSeek
    num_cached_tokens: int | None = None  # Mistral
    cached_tokens: int | None = None  # Together, Moonshot
    reasoning_tokens: int | None = None  # SGLang, Perplexity


_decode_chunk = msgspec.json.Decoder(_Chunk).decode
_decode_usage = msgspec.json.Decoder(_Usage).decode


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
        """Audio has prices of its own; only what is not cached is told apart here, as OpenAI caches text."""
        said = _decode_usage(usage)
        heard = (said.prompt_tokens_details or _Details()).audio_tokens
        spoken = (said.completion_tokens_details or _Details()).audio_tokens
        if not heard and not spoken:
            return None
        counted = self.buckets(usage)
        return msgspec.structs.replace(
            counted,
            audio_input=min(heard or 0, counted.uncached_input or 0),
            audio_output=min(spoken or 0, counted.visible_output or 0),
        )

    def charged_usd(self, usage: bytes) -> Decimal | None:
        """What the vendor's profile finds there."""
        charge = self._profile.charge
        return None if charge is None else charge(usage)

    def buckets(self, usage: bytes) -> Buckets:
        """Cached tokens are part of the prompt; reasoning is part of the completion, except where the total says no."""
        said = _decode_usage(usage)
        prompt_details = said.prompt_tokens_details or _Details()
        details = said.completion_tokens_details or _Details()
        prompt, completion = said.prompt_tokens, said.completion_tokens
        cached = _first(
            prompt_details.cached_tokens, said.prompt_cache_hit_tokens, said.num_cached_tokens, said.cached_tokens
        )
        written = prompt_details.cache_write_tokens
        reasoning = _first(details.reasoning_tokens, said.reasoning_tokens)
        within = reasoning or 0
        is_beside = said.total_tokens == (prompt or 0) + (completion or 0) + within or within > (completion or 0)
        if is_beside or self._profile.reasoning_is_beside:
            within = 0  # xAI counts it beside the completion
        return Buckets(
            uncached_input=None if prompt is None else max(0, prompt - (cached or 0) - (written or 0)),
            cache_read=cached,
            cache_write=written,
            visible_output=None if completion is None else completion - within,
            reasoning=reasoning,
        )


def _said(chunk: _Chunk, raw: bytes) -> Event:
    if chunk.error != ABSENT:
        return Event(error=raw, is_last=True)
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
        delta = choice.delta or choice.message
        if delta is None:
            text += choice.text or ""
            continue
        visible, thought = _parts(delta.content)
        text += visible or delta.refusal or choice.text or ""
        reasoning += thought or delta.reasoning_content or delta.reasoning or ""
        other = other or bool(delta.tool_calls) or delta.function_call != ABSENT or delta.audio != ABSENT
    return Event(
        text=text,
        reasoning=reasoning,
        other_output=other,
        response_id=chunk.id,
        response_model=chunk.model,
        finish_reason=finish_reason,
        usage=raw_object(usage),
        timings=_timings(chunk, usage),
        error=error,
    )


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


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)
