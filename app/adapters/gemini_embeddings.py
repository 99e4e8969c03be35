"""Google Gemini embeddings. Source: the Gemini API reference, "Embeddings" (`models.batchEmbedContents`).

The batch method takes one text as well as many, as Google's own client uses it. Answers of newer models count tokens in
`usageMetadata`; where they do not, tokens are not known.
"""

from urllib.parse import quote

import msgspec

from app.adapters.base import EmbeddingRequest, HttpRequest
from app.adapters.embedding_format import EmbeddingFormat, Vectors
from app.adapters.events import ABSENT, raw_object


class _Usage(msgspec.Struct, rename="camel"):
    prompt_token_count: int | None = None


class _Answer(msgspec.Struct, rename="camel"):
    embeddings: list[msgspec.Raw] | None = None
    embedding: msgspec.Raw = ABSENT  # of embedContent
    usage_metadata: msgspec.Raw = ABSENT
    error: msgspec.Raw = ABSENT


_decode_answer = msgspec.json.Decoder(_Answer).decode
_decode_usage = msgspec.json.Decoder(_Usage).decode


class GeminiEmbeddings(EmbeddingFormat):
    """The adapter. `extra` goes into the body beside `requests`."""

    auth = ("x-goog-api-key", "")

    def encode(self, request: EmbeddingRequest, api_key: str | None) -> HttpRequest:
        """POST to the model's own path."""
        model = request.model if "/" in request.model else f"models/{request.model}"
        requests = [{"model": model, "content": {"parts": [{"text": text}]}} for text in request.texts]
        return self.post(f"/v1beta/{quote(model)}:batchEmbedContents", {"requests": requests}, request, api_key)

    def read(self, body: bytes) -> Vectors:
        """A `BatchEmbedContentsResponse`."""
        answer = _decode_answer(body)
        if answer.error != ABSENT:
            return Vectors(None, error=True)
        count = 1 if answer.embeddings is None and answer.embedding != ABSENT else len(answer.embeddings or ())
        usage = raw_object(answer.usage_metadata)
        return Vectors(count, _decode_usage(usage).prompt_token_count if usage else None, usage)
