"""Ollama embeddings. Source: the Ollama API documentation, "Generate Embeddings" (`/api/embed`)."""

import msgspec

from app.adapters.base import EmbeddingRequest, HttpRequest
from app.adapters.embedding_format import EmbeddingFormat, Vectors
from app.adapters.events import ABSENT

_USAGE_FIELDS = ("total_duration", "load_duration", "prompt_eval_count")


class _Answer(msgspec.Struct):
    embeddings: list[msgspec.Raw] | None = None
    prompt_eval_count: int | None = None
    error: msgspec.Raw = ABSENT


_decode_answer = msgspec.json.Decoder(_Answer).decode
_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class OllamaEmbeddings(EmbeddingFormat):
    """The adapter."""

    def encode(self, request: EmbeddingRequest, api_key: str | None) -> HttpRequest:
        """POST /api/embed."""
        return self.post("/api/embed", {"model": request.model, "input": request.texts}, request, api_key)

    def read(self, body: bytes) -> Vectors:
        """The one shape that there is."""
        answer = _decode_answer(body)
        if answer.error != ABSENT:
            return Vectors(None, error=True)
        fields = _decode_fields(body)
        kept = {name: fields[name] for name in _USAGE_FIELDS if name in fields}
        usage = msgspec.json.encode(kept) if kept else b""
        return Vectors(None if answer.embeddings is None else len(answer.embeddings), answer.prompt_eval_count, usage)
