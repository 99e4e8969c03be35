"""Cohere v2 Embed. Source: the Cohere API reference, "Embed" (v2).

The API demands to know what vectors are for: `search_document`, unless `extra` says otherwise. Tokens are what is
billed: the API tells no other count.
"""

from typing import Any

import msgspec

from app.adapters.base import EmbeddingRequest, HttpRequest
from app.adapters.embedding_format import EmbeddingFormat, Vectors
from app.adapters.events import ABSENT

_INPUT_TYPE = "search_document"


class _Counts(msgspec.Struct):
    input_tokens: float | None = None


class _Meta(msgspec.Struct):
    billed_units: _Counts | None = None
    tokens: _Counts | None = None


class _Answer(msgspec.Struct):
    id: str | None = None
    embeddings: dict[str, list[msgspec.Raw] | None] | None = None
    message: str | None = None
    meta: msgspec.Raw = ABSENT


_decode_answer = msgspec.json.Decoder(_Answer).decode
_decode_meta = msgspec.json.Decoder(_Meta).decode


class CohereEmbeddings(EmbeddingFormat):
    """The adapter."""

    def encode(self, request: EmbeddingRequest, api_key: str | None) -> HttpRequest:
        """POST /v2/embed."""
        body: dict[str, Any] = {"model": request.model, "texts": request.texts, "input_type": _INPUT_TYPE}
        body["embedding_types"] = ["float"]
        return self.post("/v2/embed", body, request, api_key)

    def read(self, body: bytes) -> Vectors:
        """Lists of vectors, one for each type that was asked for."""
        answer = _decode_answer(body)
        if answer.embeddings is None and answer.message is not None:
            return Vectors(None, error=True)
        counts = [len(vectors) for vectors in (answer.embeddings or {}).values() if vectors is not None]
        meta = _decode_meta(answer.meta) if answer.meta != ABSENT else _Meta()
        said = (meta.billed_units or _Counts()).input_tokens
        if said is None:
            said = (meta.tokens or _Counts()).input_tokens
        usage = b"" if answer.meta == ABSENT else bytes(answer.meta)
        return Vectors(min(counts, default=None), None if said is None else round(said), usage, answer.id)
