"""OpenAI Chat Completions, and every server that speaks it.

Source: the OpenAI API reference, "Create chat completion" and "The chat completion chunk object". Reasoning arrives as
`delta.reasoning_content` (DeepSeek, vLLM, SGLang, llama.cpp) or `delta.reasoning` (OpenRouter, Groq).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec

from app.adapters.base import Buckets, ChatRequest, HttpRequest, Reply, ReplyDecoder
from app.adapters.errors import error_body_text
from app.adapters.sse import SseParser

_DONE = b"[DONE]"
_TEXT_FIELDS = tuple(
    (field, re.compile(rb'"%b": ?"([^"\\]+)"' % field.encode()))
    for field in ("content", "reasoning_content", "reasoning")
)
_PROOF = b"proof"
_MISSES_LIMIT = 16  # templates made for one stream; where each event is different they would only cost
BODY_LIMIT_BYTES = 64 * 2**20  # of a body that is not a stream: it has to be held whole


_ABSENT = msgspec.Raw(b"null")


class _Delta(msgspec.Struct):
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: list[msgspec.Raw] | None = None


class _Choice(msgspec.Struct):
    delta: _Delta | None = None
    message: _Delta | None = None
    text: str | None = None
    finish_reason: str | None = None


class _Chunk(msgspec.Struct):
    id: str | None = None
    choices: list[_Choice] | None = None
    usage: msgspec.Raw = _ABSENT
    error: msgspec.Raw = _ABSENT
    timings: msgspec.Raw = _ABSENT  # llama.cpp
    time_info: msgspec.Raw = _ABSENT  # Cerebras


class _Details(msgspec.Struct):
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _Details | None = None
    completion_tokens_details: _Details | None = None


class _Model(msgspec.Struct):
    id: str


class _Models(msgspec.Struct):
    data: list[_Model]


_decode_chunk = msgspec.json.Decoder(_Chunk).decode
_decode_usage = msgspec.json.Decoder(_Usage).decode
_decode_models = msgspec.json.Decoder(_Models).decode
_encode = msgspec.json.Encoder().encode


class OpenAiChat:
    """The adapter.

    `exact_length` are body fields that make a server generate up to the asked length, ignoring its end-of-sequence
    token; only servers that know them get them, because OpenAI refuses unknown fields.
    """

    def __init__(self, exact_length: Mapping[str, Any] | None = None) -> None:
        self._exact_length = dict(exact_length or {})

    def encode(self, request: ChatRequest, api_key: str | None) -> HttpRequest:
        """POST /chat/completions; usage is asked for in the stream's last chunk."""
        body: dict[str, Any] = {
            "model": request.model,
            "messages": [{"role": message.role, "content": message.content} for message in request.messages],
            "stream": request.stream,
        }
        if request.stream:
            body["stream_options"] = {"include_usage": True}
        if request.max_tokens is not None:
            body["max_tokens"] = request.max_tokens
        if request.output_tokens is not None:
            body["max_tokens"] = request.output_tokens
            body.update(self._exact_length)
        for field in ("temperature", "top_p", "stop", "seed"):
            value = getattr(request, field)
            if value is not None:
                body[field] = value
        body.update(request.extra)
        headers = [
            ("Content-Type", "application/json"),
            ("Accept", "text/event-stream" if request.stream else "application/json"),
            *_authorization(api_key),
        ]
        return HttpRequest("POST", "/chat/completions", headers, _encode(body))

    def decoder(self, status: int, content_type: str, *, keep_text: bool) -> ReplyDecoder:
        """A stream decoder for `text/event-stream`, else one for a whole JSON body."""
        if status == 200 and content_type.startswith("text/event-stream"):
            return _StreamDecoder(keep_text=keep_text)
        return _BodyDecoder(status, keep_text=keep_text)

    def models_request(self, api_key: str | None) -> HttpRequest:
        """GET /models."""
        return HttpRequest("GET", "/models", [("Accept", "application/json"), *_authorization(api_key)], b"")

    def parse_models(self, body: bytes) -> list[str]:
        """The ids of `{"data": [{"id": …}]}`."""
        try:
            return [model.id for model in _decode_models(body).data]
        except msgspec.DecodeError as error:
            raise ValueError(f"not a model list: {error}") from None

    def parse_error(self, status: int, body: bytes) -> str:
        """`error.message` in its several shapes."""
        return error_body_text(status, body)


def _authorization(api_key: str | None) -> list[tuple[str, str]]:
    return [("Authorization", f"Bearer {api_key}")] if api_key else []


class _StreamDecoder:
    """Decodes `chat.completion.chunk` events."""

    __slots__ = (
        "_done",
        "_is_reasoning",
        "_learned",
        "_misses",
        "_reasoning_chunks",
        "_sse",
        "_visible_chunks",
        "reply",
        "template",
    )

    def __init__(self, *, keep_text: bool) -> None:
        self.reply = Reply(keep_text=keep_text)
        self._sse = SseParser()
        self._done = False
        self._visible_chunks = 0
        self._reasoning_chunks = 0
        self.template: tuple[bytes, bytes] | None = None
        self._learned: tuple[bytes, bytes] | None = None
        self._is_reasoning = False  # what the template's events carry
        self._misses = 0

    def feed(self, stamp_ns: int, data: bytes) -> None:
        payloads = self._sse.feed(data)
        for payload in payloads:
            self._take(stamp_ns, payload)
        if not self._sse.is_idle():
            self.template = None
            return
        if len(payloads) == 1 and self._misses < _MISSES_LIMIT and data[6:-2] == payloads[0]:
            self._learn(data)
        self.template = self._learned

    def repeat(self, stamps_ns: Sequence[int], middles: Sequence[bytes]) -> None:
        reply = self.reply
        reply.chunk_stamps.extend(stamps_ns)
        if self._is_reasoning:
            self._reasoning_chunks += len(middles)
            return
        self._visible_chunks += len(middles)
        if not reply.first_output_ns:
            reply.first_output_ns = stamps_ns[0]
        if reply.keep_text:
            reply.text.append(b"".join(middles).decode("ascii"))

    def _learn(self, event: bytes) -> None:
        """Make a template of an event, when it is one piece of plain text and nothing else."""
        for field, pattern in _TEXT_FIELDS:
            found = pattern.search(event)
            if found is None:
                continue
            before, after = event[: found.start(1)], event[found.end(1) :]
            try:
                proof = _decode_chunk(b"%b%b%b" % (before[6:], _PROOF, after))
            except msgspec.DecodeError:
                return
            # Another text in its place must come out at its place, and nothing else.
            if proof == _Chunk(id=proof.id, choices=[_Choice(delta=_delta_of(field))]):
                if self._learned != (before, after):
                    self._misses += 1
                    self._learned = (before, after)
                self._is_reasoning = field != "content"
            return

    def finish(self, *, complete: bool) -> Reply:
        last = self.reply.chunk_stamps[-1] if self.reply.chunk_stamps else 0
        for payload in self._sse.finish():
            self._take(last, payload)
        reply = self.reply
        if not self._done and (reply.finish_reason is None or not complete):
            if reply.chunk_stamps or reply.finish_reason is not None:
                reply.fail("truncated", "the stream ended before the answer was finished")
            else:
                reply.fail("empty", "the stream ended without any output")
        if reply.token_count_source is None and reply.chunk_stamps:
            reply.buckets = Buckets(visible_output=self._visible_chunks, reasoning=self._reasoning_chunks)
            reply.token_count_source = "chunks"
        return reply

    def _take(self, stamp_ns: int, payload: bytes) -> None:
        if payload == _DONE:
            self._done = True
            return
        if not payload:
            return
        try:
            chunk = _decode_chunk(payload)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self.reply.fail(
                "protocol", f"not a chat completion chunk: {error}: {payload[:200].decode(errors='replace')}"
            )
            return
        reply = self.reply
        if chunk.error != _ABSENT:
            reply.fail("stream_error", error_body_text(200, payload))
            return
        if reply.response_id is None:
            reply.response_id = chunk.id
        for choice in chunk.choices or ():
            if choice.finish_reason is not None:
                reply.finish_reason = choice.finish_reason
            self._take_output(stamp_ns, choice.delta or choice.message, choice.text)
        if chunk.usage != _ABSENT:
            _take_usage(reply, bytes(chunk.usage))
        _take_timings(reply, chunk)

    def _take_output(self, stamp_ns: int, delta: _Delta | None, text: str | None) -> None:
        visible = text
        reasoning = None
        if delta is not None:
            visible = delta.content or delta.refusal or text
            reasoning = delta.reasoning_content or delta.reasoning
        reply = self.reply
        if visible or (delta is not None and delta.tool_calls):
            self._visible_chunks += 1
            if not reply.first_output_ns:
                reply.first_output_ns = stamp_ns
            if visible and reply.keep_text:
                reply.text.append(visible)
        elif reasoning:
            self._reasoning_chunks += 1
        else:
            return
        reply.chunk_stamps.append(stamp_ns)


class _BodyDecoder:
    """Decodes a whole `chat.completion`, or an error body."""

    __slots__ = ("_body", "_last_ns", "_overflow", "_status", "reply")

    template: ClassVar[tuple[bytes, bytes] | None] = None  # a body is no stream of events

    def __init__(self, status: int, *, keep_text: bool) -> None:
        self.reply = Reply(keep_text=keep_text)
        self._status = status
        self._body = bytearray()
        self._last_ns = 0
        self._overflow = False

    def feed(self, stamp_ns: int, data: bytes) -> None:
        self._last_ns = stamp_ns
        if len(self._body) + len(data) > BODY_LIMIT_BYTES:
            self._overflow = True
            return
        self._body += data

    def repeat(self, stamps_ns: Sequence[int], middles: Sequence[bytes]) -> None:
        raise AssertionError("a decoder without a template is never asked to repeat one")

    def finish(self, *, complete: bool) -> Reply:
        reply = self.reply
        body = bytes(self._body)
        if 200 < self._status < 300:
            reply.fail("protocol", f"status {self._status} is no answer to a chat completion")
        elif self._status != 200:
            reply.error = error_body_text(self._status, body)
        elif self._overflow:
            reply.fail("protocol", f"the body is larger than {BODY_LIMIT_BYTES} bytes")
        elif not complete:
            reply.fail("truncated", "the connection closed before the body was complete")
        else:
            self._take(body)
        return reply

    def _take(self, body: bytes) -> None:
        reply = self.reply
        try:
            chunk = _decode_chunk(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            reply.fail("protocol", f"not a chat completion: {error}: {body[:200].decode(errors='replace')}")
            return
        if chunk.error != _ABSENT:
            reply.fail("stream_error", error_body_text(200, body))
            return
        if not chunk.choices:
            reply.fail("empty", "the answer has no choices")
            return
        reply.response_id = chunk.id
        output = False
        for choice in chunk.choices:
            reply.finish_reason = choice.finish_reason or reply.finish_reason
            message = choice.message or _Delta()
            visible = message.content or message.refusal or choice.text
            if visible or message.tool_calls:
                reply.first_output_ns = self._last_ns
            output = output or bool(visible or message.tool_calls or message.reasoning_content or message.reasoning)
            if visible and reply.keep_text:
                reply.text.append(visible)
        if output:
            reply.chunk_stamps.append(self._last_ns)
        if chunk.usage != _ABSENT:
            _take_usage(reply, bytes(chunk.usage))
        _take_timings(reply, chunk)


def _delta_of(field: str) -> _Delta:
    delta = _Delta()
    setattr(delta, field, _PROOF.decode())
    return delta


def _take_timings(reply: Reply, chunk: _Chunk) -> None:
    """Keep what the server says about its times; a later word replaces an earlier one."""
    for said in (chunk.timings, chunk.time_info):
        if said != _ABSENT:
            reply.timings = bytes(said)
    if not reply.timings and chunk.usage != _ABSENT and b"_time" in bytes(chunk.usage):  # Groq says it in the usage
        reply.timings = bytes(chunk.usage)


def _take_usage(reply: Reply, raw: bytes) -> None:
    try:
        usage = _decode_usage(raw)
    except msgspec.DecodeError:
        return  # null while the stream runs, or a shape we do not know: counted from chunks then
    prompt, completion = usage.prompt_tokens, usage.completion_tokens
    cached = usage.prompt_tokens_details.cached_tokens if usage.prompt_tokens_details else None
    reasoning = usage.completion_tokens_details.reasoning_tokens if usage.completion_tokens_details else None
    reply.usage = raw
    reply.buckets = Buckets(
        uncached_input=None if prompt is None else max(0, prompt - (cached or 0)),
        cache_read=cached,
        visible_output=None if completion is None else max(0, completion - (reasoning or 0)),
        reasoning=reasoning,
    )
    if completion is not None:
        reply.token_count_source = "usage"
