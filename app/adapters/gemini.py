"""Google Gemini, `generateContent` and `streamGenerateContent`.

Source: the Gemini API reference, "Generating content". A stream has no closing event: it ends after a chunk with a
finish reason. Zeroes are left out of usage, as always in JSON made from protocol buffers.
"""

from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from app.adapters.base import Buckets, ChatRequest, HttpRequest, Message, Terms
from app.adapters.events import ABSENT, Event, raw_object
from app.adapters.media import AUDIO_TYPES, Media, Takes
from app.adapters.wire_format import WireFormat, given, split_system


class _Part(msgspec.Struct, rename="camel"):
    text: str | None = None
    thought: bool = False


class _Content(msgspec.Struct, rename="camel"):
    parts: list[_Part] | None = None


class _Candidate(msgspec.Struct, rename="camel"):
    content: _Content | None = None
    finish_reason: str | None = None


class _Feedback(msgspec.Struct, rename="camel"):
    block_reason: str | None = None


class _Chunk(msgspec.Struct, rename="camel"):
    candidates: list[_Candidate] | None = None
    prompt_feedback: _Feedback | None = None
    usage_metadata: msgspec.Raw = ABSENT
    response_id: str | None = None
    model_version: Any = None
    error: msgspec.Raw = ABSENT


class _Modality(msgspec.Struct, rename="camel"):
    modality: str = ""
    token_count: int = 0


class _Usage(msgspec.Struct, rename="camel"):
    prompt_token_count: int | None = None
    cached_content_token_count: int | None = None
    tool_use_prompt_token_count: int = 0
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    total_token_count: int | None = None
    prompt_tokens_details: list[_Modality] | None = None
    cache_tokens_details: list[_Modality] | None = None
    candidates_tokens_details: list[_Modality] | None = None
    service_tier: str | None = None


_decode = msgspec.json.Decoder(_Chunk).decode
_decode_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_usage = msgspec.json.Decoder(_Usage).decode


class Gemini(WireFormat):
    """The adapter."""

    text_fields = ("text",)
    auth = ("x-goog-api-key", "")
    models_path = "/v1beta/models?pageSize=1000"
    models_in = ("models", "name")
    takes = Takes(("image/png", "image/jpeg", "image/webp"), image_urls=True, audio=AUDIO_TYPES, audio_urls=True)

    def encode(self, request: ChatRequest, api_key: str | None) -> HttpRequest:
        """POST to the model's own path."""
        system, turns = split_system(request.messages)
        roles = {"user": "user", "assistant": "model"}
        config = {
            "temperature": request.temperature,
            "topP": request.top_p,
            "maxOutputTokens": request.output_tokens or request.max_tokens,
            "stopSequences": request.stop,
            "seed": request.seed,
        }
        body: dict[str, Any] = {
            "contents": [{"role": roles[turn.role], "parts": self.content(turn)} for turn in turns],
            "systemInstruction": {"parts": [{"text": system}]} if system else None,
            "generationConfig": given(config) or None,
        }
        model = request.model if "/" in request.model else f"models/{request.model}"
        if {"", ".", ".."} & set(model.split("/")):  # another path than that of a model
            raise ValueError(f"models of Gemini are called NAME or tunedModels/NAME, not {request.model!r}")
        method = "streamGenerateContent?alt=sse" if request.stream else "generateContent"
        return self.post(f"/v1beta/{quote(model)}:{method}", body, request, api_key)

    def content(self, message: Message) -> Any:
        """Always a list of parts."""
        return super().content(message) if message.parts else [self.text_part(message.content)]

    def text_part(self, text: str) -> Any:
        """A part that is text."""
        return {"text": text}

    def media_part(self, media: Media) -> Any:
        """`inlineData`, or `fileData` for what Google fetches; its type is told where the address shows it."""
        if media.data:
            return {"inlineData": {"mimeType": media.media_type, "data": media.data}}
        return {"fileData": given({"fileUri": media.url, "mimeType": _type_of(media.url)})}

    def parse_models(self, body: bytes) -> list[str]:
        """The ids without `models/` in front."""
        return [name.removeprefix("models/") for name in super().parse_models(body)]

    def read(self, payload: bytes) -> Event:
        """A `GenerateContentResponse`; thoughts are parts that say so."""
        chunk = _decode(payload)
        blocked = chunk.prompt_feedback.block_reason if chunk.prompt_feedback is not None else None
        if chunk.error != ABSENT or blocked is not None:
            error = {"code": blocked, "message": f"the prompt was blocked: {blocked}"}
            return Event(
                error=payload if chunk.error != ABSENT else msgspec.json.encode(error),
                response_id=chunk.response_id,
                usage=raw_object(chunk.usage_metadata),
                is_last=True,
            )
        candidates = chunk.candidates or ()
        parts = [part for one in candidates if one.content is not None for part in one.content.parts or ()]
        reasons = [one.finish_reason for one in candidates if one.finish_reason is not None]
        return Event(
            text="".join(part.text or "" for part in parts if not part.thought),
            reasoning="".join(part.text or "" for part in parts if part.thought),
            other_output=any(part.text is None for part in parts),  # calls of functions, images, code
            response_id=chunk.response_id,
            response_model=chunk.model_version,
            finish_reason=reasons[-1] if reasons else None,
            usage=raw_object(chunk.usage_metadata),
        )

    def read_body(self, body: bytes) -> Event:
        """A `GenerateContentResponse`, or a list of them: what a stream without `alt=sse` is, as proxies ask for it."""
        if not body.lstrip().startswith(b"["):
            return self.read(body)
        chunks = _decode_list(body)
        if not chunks:
            raise ValueError("an empty list")
        return _joined([self.read(bytes(chunk)) for chunk in chunks])

    def billed(self, usage: bytes) -> Buckets | None:
        """Audio and images have prices of their own, audio also where it was cached."""
        said = _decode_usage(usage)
        cached = _of("AUDIO", said.cache_tokens_details)
        heard = _of("AUDIO", said.prompt_tokens_details) - cached
        spoken, drawn = (_of(kind, said.candidates_tokens_details) for kind in ("AUDIO", "IMAGE"))
        if not (cached > 0 or heard > 0 or spoken or drawn):
            return None
        counted = self.buckets(usage)
        visible = counted.visible_output or 0
        return msgspec.structs.replace(
            counted,
            audio_input=max(0, min(heard, counted.uncached_input or 0)),
            audio_cache_read=max(0, min(cached, counted.cache_read or 0)),
            audio_output=min(spoken, visible),
            image_output=min(drawn, visible),
        )

    def terms(self, usage: bytes) -> Terms:
        """Its tier of service, where that is not the standard one."""
        tier = (_decode_usage(usage).service_tier or "").lower().removeprefix("service_tier_")
        return (("service_tier", tier),) if tier in {"flex", "priority"} else ()

    def buckets(self, usage: bytes) -> Buckets:
        """The prompt includes what was cached; thoughts are counted beside the candidates."""
        said = _decode_usage(usage)
        prompt, cached = said.prompt_token_count, said.cached_content_token_count
        tools, thoughts, visible = (
            said.tool_use_prompt_token_count,
            said.thoughts_token_count,
            said.candidates_token_count,
        )
        if visible is None and said.total_token_count is not None:
            visible = max(0, said.total_token_count - (prompt or 0) - tools - (thoughts or 0))
        return Buckets(
            uncached_input=None if prompt is None else max(0, prompt - (cached or 0)) + tools,
            cache_read=cached,
            visible_output=visible,
            reasoning=thoughts,
        )


def _of(kind: str, details: list[_Modality] | None) -> int:
    return sum(one.token_count for one in details or () if one.modality == kind)


def _joined(events: list[Event]) -> Event:
    """What a stream of these says, as one; of what each of them tells, the last one counts."""
    return Event(
        text="".join(one.text for one in events),
        reasoning="".join(one.reasoning for one in events),
        other_output=any(one.other_output for one in events),
        response_id=next((one.response_id for one in events if one.response_id), None),
        response_model=next((one.response_model for one in events if one.response_model), None),
        finish_reason=next((one.finish_reason for one in reversed(events) if one.finish_reason), None),
        usage=next((one.usage for one in reversed(events) if one.usage), b""),
        error=next((one.error for one in events if one.error), b""),
    )


_SUFFIXES = {
    "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "webp": "image/webp", "gif": "image/gif",
    "wav": "audio/wav", "mp3": "audio/mp3", "ogg": "audio/ogg", "flac": "audio/flac",
}  # fmt: skip


def _type_of(url: str) -> str | None:
    return _SUFFIXES.get(urlsplit(url).path.rpartition(".")[2].lower())
