"""Google Gemini, `generateContent` and `streamGenerateContent`.

Source: the Gemini API reference, "Generating content". A stream has no closing event: it ends after a chunk with a
finish reason. Zeroes are left out of usage, as always in JSON made from protocol buffers.
"""

from typing import Any
from urllib.parse import quote

import msgspec

from app.adapters.base import Buckets, ChatRequest, HttpRequest
from app.adapters.events import ABSENT, Event, raw_object
from app.adapters.wire_format import WireFormat, given, split_system


class _Part(msgspec.Struct, rename="camel"):
    text: str | None = None
    thought: bool = False


class _Content(msgspec.Struct, rename="camel"):
    parts: list[_Part] = []


class _Candidate(msgspec.Struct, rename="camel"):
    content: _Content | None = None
    finish_reason: str | None = None


class _Feedback(msgspec.Struct, rename="camel"):
    block_reason: str | None = None


class _Chunk(msgspec.Struct, rename="camel"):
    candidates: list[_Candidate] = []
    prompt_feedback: _Feedback | None = None
    usage_metadata: msgspec.Raw = ABSENT
    response_id: str | None = None
    error: msgspec.Raw = ABSENT


class _Usage(msgspec.Struct, rename="camel"):
    prompt_token_count: int | None = None
    cached_content_token_count: int | None = None
    tool_use_prompt_token_count: int = 0
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    total_token_count: int | None = None


_decode = msgspec.json.Decoder(_Chunk).decode
_decode_usage = msgspec.json.Decoder(_Usage).decode


class Gemini(WireFormat):
    """The adapter."""

    text_fields = ("text",)
    auth = ("x-goog-api-key", "")
    models_path = "/v1beta/models?pageSize=1000"
    models_in = ("models", "name")

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
            "contents": [{"role": roles[turn.role], "parts": [{"text": turn.content}]} for turn in turns],
            "systemInstruction": {"parts": [{"text": system}]} if system else None,
            "generationConfig": given(config) or None,
        }
        model = request.model if "/" in request.model else f"models/{request.model}"
        method = "streamGenerateContent?alt=sse" if request.stream else "generateContent"
        return self.post(f"/v1beta/{quote(model)}:{method}", body, request, api_key)

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
        parts = [part for one in chunk.candidates if one.content is not None for part in one.content.parts]
        reasons = [one.finish_reason for one in chunk.candidates if one.finish_reason is not None]
        return Event(
            text="".join(part.text or "" for part in parts if not part.thought),
            reasoning="".join(part.text or "" for part in parts if part.thought),
            other_output=any(part.text is None for part in parts),  # calls of functions, images, code
            response_id=chunk.response_id,
            finish_reason=reasons[-1] if reasons else None,
            usage=raw_object(chunk.usage_metadata),
        )

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
