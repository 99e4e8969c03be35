"""llama.cpp server, its own `/completion`.

Source: the llama.cpp server's README, "POST /completion". The endpoint takes one text: several messages become a plain
transcript. The model's own chat template is applied by the OpenAI-compatible endpoint (kind `llamacpp`).
"""

from typing import Any

import msgspec

from app.adapters.base import Buckets, ChatRequest, HttpRequest, Message
from app.adapters.events import ABSENT, Event, raw_object
from app.adapters.wire_format import WireFormat


class _Timings(msgspec.Struct):
    prompt_n: int | None = None
    predicted_n: int | None = None
    cache_n: int | None = None


class _Counts(msgspec.Struct, omit_defaults=True):
    tokens_predicted: int | None = None
    tokens_evaluated: int | None = None
    tokens_cached: int | None = None
    timings: msgspec.Raw = ABSENT


class _Chunk(_Counts):
    content: str = ""
    stop: bool = False
    stop_type: str | None = None
    stopped_limit: bool = False  # servers before December 2024 have no stop_type
    error: msgspec.Raw = ABSENT


_decode = msgspec.json.Decoder(_Chunk).decode
_decode_counts = msgspec.json.Decoder(_Counts).decode
_decode_timings = msgspec.json.Decoder(_Timings).decode


class LlamaCppCompletion(WireFormat):
    """The adapter."""

    text_fields = ("content",)
    ends_with_finish_reason = False
    models_path = "/v1/models"

    def encode(self, request: ChatRequest, api_key: str | None) -> HttpRequest:
        """POST /completion."""
        for message in request.messages:
            for media in message.media:
                self._checked(media)
        body: dict[str, Any] = {
            "model": request.model,
            "prompt": _prompt(request.messages),
            "stream": request.stream,
            "n_predict": request.output_tokens or request.max_tokens,
            "ignore_eos": True if request.output_tokens is not None else None,
            "temperature": request.temperature,
            "top_p": request.top_p,
            "stop": request.stop,
            "seed": request.seed,
        }
        return self.post("/completion", body, request, api_key)

    def read(self, payload: bytes) -> Event:
        """One chunk; the last one, or the only one without streaming, has `stop`."""
        chunk = _decode(payload)
        if chunk.error != ABSENT:
            return Event(error=payload, is_last=True)
        if not chunk.stop:
            return Event(text=chunk.content)
        counts = _Counts(chunk.tokens_predicted, chunk.tokens_evaluated, chunk.tokens_cached, chunk.timings)
        return Event(
            text=chunk.content,
            finish_reason=chunk.stop_type or ("limit" if chunk.stopped_limit else "eos"),
            usage=msgspec.json.encode(counts),
            timings=raw_object(chunk.timings),
            is_last=True,
        )

    def buckets(self, usage: bytes) -> Buckets:
        """`prompt_n` is the part of the prompt that was not found in the cache, `cache_n` the rest.

        `tokens_cached` is no such count: it is how many tokens the cache held in the end.
        """
        counts = _decode_counts(usage)
        timings = _decode_timings(counts.timings) if counts.timings != ABSENT else _Timings()
        cached, processed, prompt = timings.cache_n, timings.prompt_n, counts.tokens_evaluated
        if cached is None and prompt is not None and processed is not None and processed <= prompt:
            cached = prompt - processed
        if processed is None:
            processed = prompt
        return Buckets(
            uncached_input=processed,
            cache_read=cached,
            visible_output=timings.predicted_n if timings.predicted_n is not None else counts.tokens_predicted,
        )


def _prompt(messages: tuple[Message, ...]) -> str:
    if len(messages) == 1:
        return messages[0].content
    return "".join(f"{message.role}: {message.content}\n\n" for message in messages) + "assistant:"
