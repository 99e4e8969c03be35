"""OpenAI Embeddings, and every server that speaks it. Source: the OpenAI API reference, "Create embeddings"."""

from typing import Any

import msgspec

from app.adapters.base import Buckets, EmbeddingRequest, HttpRequest, Reply, ReplyDecoder
from app.adapters.decoding import WholeBody
from app.adapters.errors import error_body_text

BODY_LIMIT_BYTES = 256 * 2**20  # 2,048 vectors of 4,096 numbers are about 100 MB of text
_ABSENT = msgspec.Raw(b"null")


class _Item(msgspec.Struct):
    embedding: msgspec.Raw  # numbers, or base64: what they say is not measured


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None


class _Answer(msgspec.Struct):
    id: str | None = None
    data: list[_Item] | None = None
    usage: msgspec.Raw = _ABSENT
    error: msgspec.Raw = _ABSENT


_decode_answer = msgspec.json.Decoder(_Answer).decode
_decode_usage = msgspec.json.Decoder(_Usage).decode
_encode = msgspec.json.Encoder().encode


class OpenAiEmbeddings:
    """The adapter. A single text is sent as a list of one: every server takes a list."""

    def encode(self, request: EmbeddingRequest, api_key: str | None) -> HttpRequest:
        """POST /embeddings."""
        body: dict[str, Any] = {"model": request.model, "input": request.texts, **request.extra}
        headers = [("Content-Type", "application/json"), ("Accept", "application/json")]
        if api_key:
            headers.append(("Authorization", f"Bearer {api_key}"))
        return HttpRequest("POST", "/embeddings", headers, _encode(body))

    def decoder(self, status: int, content_type: str, *, items: int) -> ReplyDecoder:
        """A decoder for one JSON body that shall hold `items` vectors."""
        return _Decoder(status, items)


class _Decoder(WholeBody):
    """There are no output tokens and no first token; the answer is there when its body is."""

    __slots__ = ("_items",)

    asked = "an embeddings request"

    def __init__(self, status: int, items: int) -> None:
        super().__init__(status)
        self._items = items

    def _take(self, body: bytes) -> None:
        reply = self.reply
        try:
            answer = _decode_answer(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            reply.fail("protocol", f"not an embeddings answer: {error}: {body[:200].decode(errors='replace')}")
            return
        if answer.error != _ABSENT:
            reply.fail("stream_error", error_body_text(200, body))
            return
        if not answer.data:
            reply.fail("empty", "the answer has no data")
            return
        reply.response_id = answer.id
        reply.answered_ns = self._last_ns
        _take_usage(reply, answer.usage)
        if len(answer.data) != self._items:
            reply.fail("protocol", f"{len(answer.data)} vectors came for {self._items} texts")


def _take_usage(reply: Reply, raw: msgspec.Raw) -> None:
    try:
        usage = _decode_usage(raw)
    except msgspec.DecodeError:
        return  # null, or a shape that we do not know
    reply.usage = bytes(raw)
    if usage.prompt_tokens is not None:
        reply.buckets = Buckets(uncached_input=max(0, usage.prompt_tokens))
        reply.token_count_source = "usage"
