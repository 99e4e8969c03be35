"""Embeddings of Gemini, Cohere and Ollama from the server's side; OpenAI's are in `embeddings`.

Each is a body to read and an answer to write; vectors and counts are the same for all.
"""

import re
from collections.abc import Callable
from typing import Any, Literal, NamedTuple
from urllib.parse import unquote

import msgspec

from app.simulator import embeddings
from app.simulator.cohere import Cohere
from app.simulator.counting import TokenCount
from app.simulator.embeddings import EmbeddingsBody
from app.simulator.formats import Format
from app.simulator.gemini import Gemini
from app.simulator.mistral import Mistral
from app.simulator.ollama import Ollama
from app.simulator.openai_chat import OpenAiChat


class _CohereBody(msgspec.Struct):
    model: str
    texts: list[str]
    input_type: Literal["search_document", "search_query", "classification", "clustering", "image"]
    embedding_types: tuple[Literal["float", "base64"], ...] = ("float",)
    output_dimension: int | None = None


class _Text(msgspec.Struct):
    text: str


class _Content(msgspec.Struct):
    parts: list[_Text]


class _GeminiOne(msgspec.Struct, rename="camel"):
    content: _Content
    model: str | None = None
    output_dimensionality: int | None = None


class _GeminiBatch(msgspec.Struct):
    requests: list[_GeminiOne]


Answer = dict[str, Any]


class EmbeddingForm(NamedTuple):
    """One format: bytes of a body and the path → what is asked, and the answer to it. `errors` writes its errors.

    `read` raises `ValueError` (msgspec's errors are ValueErrors) saying what is wrong.
    """

    read: Callable[[bytes, str], EmbeddingsBody]
    write: Callable[[EmbeddingsBody, str, TokenCount, str], Answer]
    errors: Format


def _read_openai(body: bytes, target: str) -> EmbeddingsBody:
    found = re.search(r"/deployments/([^/]+)/", target)
    if found is None:
        return embeddings.decode_embeddings_body(body)
    value = msgspec.json.decode(body, type=dict[str, Any])
    return msgspec.convert({"model": unquote(found[1]), **value}, EmbeddingsBody)


def _read_ollama(body: bytes, _target: str) -> EmbeddingsBody:
    return embeddings.decode_embeddings_body(body)


def _write_ollama(body: EmbeddingsBody, _response_id: str, count: TokenCount, _target: str) -> Answer:
    return {
        "model": body.model,
        "embeddings": _floats(body),
        "total_duration": 1_000_000,
        "load_duration": 1_000,
        "prompt_eval_count": _tokens(body, count),
    }


def _read_cohere(body: bytes, _target: str) -> EmbeddingsBody:
    said = msgspec.json.decode(body, type=_CohereBody)
    encoding: Literal["float", "base64"] = "base64" if "base64" in said.embedding_types else "float"
    return EmbeddingsBody(said.model, said.texts, said.output_dimension, encoding)


def _write_cohere(body: EmbeddingsBody, response_id: str, count: TokenCount, _target: str) -> Answer:
    return {
        "id": response_id,
        "response_type": "embeddings_by_type",
        "texts": body.texts,
        "embeddings": {body.encoding_format: embeddings.vectors(body)},
        "meta": {"api_version": {"version": "2"}, "billed_units": {"input_tokens": _tokens(body, count)}},
    }


def _read_gemini(body: bytes, target: str) -> EmbeddingsBody:
    model, _, method = unquote(target).rpartition("/models/")[2].partition(":")
    if method == "embedContent":
        asked = [msgspec.json.decode(body, type=_GeminiOne)]
    else:
        asked = msgspec.json.decode(body, type=_GeminiBatch).requests
        if any(one.model != f"models/{model}" for one in asked):
            raise ValueError(f"each of requests must have the model models/{model}")
    texts = [" ".join(part.text for part in one.content.parts) for one in asked]
    return EmbeddingsBody(model, texts, asked[0].output_dimensionality if asked else None)


def _write_gemini(body: EmbeddingsBody, _response_id: str, count: TokenCount, target: str) -> Answer:
    made = [{"values": vector} for vector in _floats(body)]
    usage = {"usageMetadata": {"promptTokenCount": _tokens(body, count)}}
    return {"embedding": made[0], **usage} if target.endswith(":embedContent") else {"embeddings": made, **usage}


def _write_openai(body: EmbeddingsBody, response_id: str, count: TokenCount, _target: str) -> Answer:
    return embeddings.answer(body, response_id, count)


def _floats(body: EmbeddingsBody) -> list[Any]:
    body.encoding_format = "float"
    return embeddings.vectors(body)


def _tokens(body: EmbeddingsBody, count: TokenCount) -> int:
    return sum(count.tokens(text) for text in body.texts)


_FORMS: list[tuple[re.Pattern[str], EmbeddingForm]] = [
    (
        re.compile(r"(/openai)?/v1/embeddings|/openai/deployments/[^/]+/embeddings"),
        EmbeddingForm(_read_openai, _write_openai, OpenAiChat()),
    ),
    (re.compile(r"/mistral/v1/embeddings"), EmbeddingForm(_read_openai, _write_openai, Mistral())),
    (
        re.compile(r"/v1(beta)?/models/[^/]+:(embedContent|batchEmbedContents)"),
        EmbeddingForm(_read_gemini, _write_gemini, Gemini()),
    ),
    (re.compile(r"/v2/embed"), EmbeddingForm(_read_cohere, _write_cohere, Cohere())),
    (re.compile(r"/api/embed"), EmbeddingForm(_read_ollama, _write_ollama, Ollama())),
]


def embedding_form(path: str) -> EmbeddingForm | None:
    """The format whose requests for embeddings go to `path`, if there is one."""
    return next((form for pattern, form in _FORMS if pattern.fullmatch(path)), None)
