"""What the formats of embeddings share: a POST of JSON, and a whole body that holds so many vectors."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, NamedTuple

import msgspec

from app.adapters.base import Buckets, EmbeddingRequest, HttpRequest, Reply, ReplyDecoder
from app.adapters.decoding import WholeBody
from app.adapters.errors import error_body_text

_encode = msgspec.json.Encoder().encode


class Vectors(NamedTuple):
    """What an answer says. What the vectors hold is not measured, only how many came."""

    vectors: int | None  # None: there is no list of vectors
    input_tokens: int | None = None
    usage: bytes = b""
    response_id: str | None = None
    error: bool = False
    response_model: Any = None


class EmbeddingFormat(ABC):
    """One wire format of embeddings; `auth` is the header of the key and what stands before the key."""

    auth: tuple[str, str] = ("Authorization", "Bearer ")
    asked: ClassVar[str] = "an embeddings request"

    @abstractmethod
    def encode(self, request: EmbeddingRequest, api_key: str | None) -> HttpRequest:
        """The HTTP request for embeddings."""

    @abstractmethod
    def read(self, body: bytes) -> Vectors:
        """What a body says.

        Raises:
            ValueError: it is no answer to a request for embeddings (msgspec's errors are ValueErrors).
        """

    def decoder(self, status: int, content_type: str, *, items: int) -> ReplyDecoder:
        """A decoder for one JSON body that shall hold `items` vectors."""
        return _Decoder(self, status, items)

    def post(self, path: str, body: dict[str, Any], request: EmbeddingRequest, api_key: str | None) -> HttpRequest:
        """A POST of `body` and of `request.extra`, which wins."""
        headers = [("Content-Type", "application/json"), ("Accept", "application/json")]
        if api_key:
            name, prefix = self.auth
            headers.append((name, prefix + api_key))
        return HttpRequest("POST", path, headers, _encode(body | request.extra))


class _Decoder(WholeBody):
    """There are no output tokens and no first token; the answer is there when its body is."""

    __slots__ = ("_form", "_items")

    asked = EmbeddingFormat.asked

    def __init__(self, form: EmbeddingFormat, status: int, items: int) -> None:
        super().__init__(status)
        self._form = form
        self._items = items

    def _take(self, body: bytes) -> None:
        reply = self.reply
        try:
            said = self._form.read(body)
        except ValueError as error:
            reply.fail("protocol", f"not an embeddings answer: {error}: {body[:200].decode(errors='replace')}")
            return
        if said.error:
            reply.fail("stream_error", error_body_text(200, body))
            return
        if not said.vectors:
            reply.fail("empty", "the answer has no data")
            return
        reply.response_id = said.response_id
        reply.response_model = said.response_model if isinstance(said.response_model, str) else None
        reply.answered_ns = self._last_ns
        _take_usage(reply, said)
        if said.vectors != self._items:
            reply.fail("protocol", f"{said.vectors} vectors came for {self._items} texts")


def _take_usage(reply: Reply, said: Vectors) -> None:
    reply.usage = said.usage
    if said.input_tokens is not None:
        reply.buckets = Buckets(uncached_input=max(0, said.input_tokens))
        reply.token_count_source = "usage"
