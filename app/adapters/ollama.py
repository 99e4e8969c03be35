"""Ollama, `/api/chat`.

Source: the Ollama API documentation, "Generate a chat completion". Streams are one JSON object a line. Counts that are
zero are left out of the last one; its durations are nanoseconds and stay in the usage object.
"""

from typing import Any

import msgspec

from app.adapters.base import Buckets, ChatRequest, HttpRequest, Message
from app.adapters.events import ABSENT, Event
from app.adapters.media import Takes
from app.adapters.ndjson import NdjsonParser
from app.adapters.wire_format import WireFormat, given

_USAGE_FIELDS = (
    "total_duration",
    "load_duration",
    "prompt_eval_count",
    "prompt_eval_duration",
    "eval_count",
    "eval_duration",
)


class _Message(msgspec.Struct):
    content: str = ""
    thinking: str | None = None
    tool_calls: list[msgspec.Raw] | None = None


class _Line(msgspec.Struct):
    message: _Message | None = None
    model: Any = None
    done: bool = False
    done_reason: str | None = None
    error: msgspec.Raw = ABSENT


class _Usage(msgspec.Struct):
    prompt_eval_count: int = 0
    eval_count: int = 0


_decode = msgspec.json.Decoder(_Line).decode
_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_usage = msgspec.json.Decoder(_Usage).decode


class OllamaChat(WireFormat):
    """The adapter."""

    stream_type = "application/x-ndjson"
    new_framing = NdjsonParser
    text_fields = ("content", "thinking")
    ends_with_finish_reason = False
    models_path = "/api/tags"
    models_in = ("models", "name")
    takes = Takes(("image/png", "image/jpeg", "image/webp"))

    def encode(self, request: ChatRequest, api_key: str | None) -> HttpRequest:
        """POST /api/chat; sampling goes into `options`."""
        options = {
            "temperature": request.temperature,
            "top_p": request.top_p,
            "num_predict": request.output_tokens or request.max_tokens,
            "stop": request.stop,
            "seed": request.seed,
        }
        body: dict[str, Any] = {
            "model": request.model,
            "messages": [self._message(message) for message in request.messages],
            "stream": request.stream,
            "options": given(options) or None,
        }
        return self.post("/api/chat", body, request, api_key)

    def _message(self, message: Message) -> dict[str, Any]:
        """Images stand beside the text of their message, in base64."""
        images = [self._checked(one).data for one in message.media]
        return given({"role": message.role, "content": message.content, "images": images or None})

    def read(self, payload: bytes) -> Event:
        """One line; the last one, or the only one without streaming, has `done`."""
        line = _decode(payload)
        if line.error != ABSENT:
            return Event(error=payload, is_last=True)
        message = line.message or _Message()
        usage = _usage(payload) if line.done else b""
        return Event(
            text=message.content,
            reasoning=message.thinking or "",
            other_output=bool(message.tool_calls),
            finish_reason=(line.done_reason or "stop") if line.done else None,
            usage=usage,
            timings=usage,
            is_last=line.done,
            response_model=line.model,
        )

    def buckets(self, usage: bytes) -> Buckets:
        """Counts that are missing are zero; thinking is part of the output and not counted apart."""
        said = _decode_usage(usage)
        return Buckets(uncached_input=said.prompt_eval_count, visible_output=said.eval_count)


def _usage(payload: bytes) -> bytes:
    fields = _decode_fields(payload)
    kept = {name: fields[name] for name in _USAGE_FIELDS if name in fields}
    return msgspec.json.encode(kept) if kept else b""
