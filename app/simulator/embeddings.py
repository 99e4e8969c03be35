"""OpenAI Embeddings from the server's side: unit vectors that depend on nothing but the text."""

import base64
import hashlib
import math
from array import array
from typing import Any, Literal

import msgspec

from app.simulator.counting import TokenCount

_USUAL_DIMENSIONS = 256


class EmbeddingsBody(msgspec.Struct):
    """What the simulator reads of a request."""

    model: str
    input: str | list[str]
    dimensions: int | None = None
    encoding_format: Literal["float", "base64"] = "float"

    def __post_init__(self) -> None:
        if not self.texts or not all(self.texts):
            raise ValueError("input must be a text, or a list of texts, none of them empty")
        if self.dimensions is not None and not 1 <= self.dimensions <= 8_192:
            raise ValueError("dimensions must be between 1 and 8192")

    @property
    def texts(self) -> list[str]:
        """The texts as a list."""
        return [self.input] if isinstance(self.input, str) else self.input


decode_embeddings_body = msgspec.json.Decoder(EmbeddingsBody).decode


def answer(body: EmbeddingsBody, response_id: str, count: TokenCount) -> dict[str, Any]:
    """The response; its `id` is what the truth log calls it."""
    tokens = sum(count.tokens(text) for text in body.texts)
    data = [{"object": "embedding", "index": index, "embedding": vector} for index, vector in enumerate(vectors(body))]
    return {
        "id": response_id,
        "object": "list",
        "data": data,
        "model": body.model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def vectors(body: EmbeddingsBody) -> list[list[float] | str]:
    """The vector of each text, as it was asked for."""
    return [_vector(text, body) for text in body.texts]


def _vector(text: str, body: EmbeddingsBody) -> list[float] | str:
    digest = hashlib.shake_256(text.encode()).digest(2 * (body.dimensions or _USUAL_DIMENSIONS))
    raw = array("h", digest)
    norm = math.hypot(*raw) or 1.0
    values = array("f", (value / norm for value in raw))
    return base64.b64encode(values.tobytes()).decode() if body.encoding_format == "base64" else values.tolist()
