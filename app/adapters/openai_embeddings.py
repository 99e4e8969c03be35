"""OpenAI Embeddings, and every server that speaks it. Source: the OpenAI API reference, "Create embeddings"."""

from typing import Any
from urllib.parse import quote

import msgspec

from app.adapters.base import EmbeddingRequest, HttpRequest
from app.adapters.embedding_format import EmbeddingFormat, Vectors
from app.adapters.events import ABSENT


class _Item(msgspec.Struct):
    embedding: msgspec.Raw  # numbers, or base64


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None


class _Answer(msgspec.Struct):
    id: str | None = None
    model: Any = None
    data: list[_Item] | None = None
    usage: msgspec.Raw = ABSENT
    error: msgspec.Raw = ABSENT


_decode_answer = msgspec.json.Decoder(_Answer).decode
_decode_usage = msgspec.json.Decoder(_Usage).decode


class OpenAiEmbeddings(EmbeddingFormat):
    """The adapter. A single text is sent as a list of one: every server takes a list. `path` may hold `{model}`."""

    def __init__(self, path: str = "/embeddings", auth: tuple[str, str] = EmbeddingFormat.auth) -> None:
        self._path = path
        self.auth = auth

    def encode(self, request: EmbeddingRequest, api_key: str | None) -> HttpRequest:
        """POST /embeddings."""
        path = self._path.replace("{model}", quote(request.model, safe=""))
        return self.post(path, {"model": request.model, "input": request.texts}, request, api_key)

    def read(self, body: bytes) -> Vectors:
        """A `list` of embeddings."""
        answer = _decode_answer(body)
        if answer.error != ABSENT:
            return Vectors(None, error=True)
        try:
            tokens, usage = _decode_usage(answer.usage).prompt_tokens, bytes(answer.usage)
        except msgspec.DecodeError:  # null, or a shape that we do not know
            tokens, usage = None, b""
        return Vectors(
            None if answer.data is None else len(answer.data), tokens, usage, answer.id, response_model=answer.model
        )
