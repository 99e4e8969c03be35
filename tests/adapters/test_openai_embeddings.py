"""OpenAI Embeddings: what is sent, and what is read out of answers and errors."""

import json
from typing import Any

import pytest

from app.adapters.base import Buckets, EmbeddingRequest, Reply
from app.adapters.openai_embeddings import OpenAiEmbeddings

ADAPTER = OpenAiEmbeddings()


def decode(body: bytes, status: int = 200, *, items: int = 2, complete: bool = True) -> Reply:
    decoder = ADAPTER.decoder(status, "application/json", items=items)
    for number, byte in enumerate(body):
        decoder.feed(number + 1, bytes([byte]))
    return decoder.finish(complete=complete)


def answer(items: int = 2, **fields: Any) -> bytes:
    data = [{"object": "embedding", "index": index, "embedding": [0.1, -2e-3]} for index in range(items)]
    return json.dumps(
        {"object": "list", "data": data, "usage": {"prompt_tokens": 7, "total_tokens": 7}} | fields
    ).encode()


def test_encode() -> None:
    request = EmbeddingRequest(model="m", texts=("a", "b"), extra={"dimensions": 8})
    method, path, headers, body = ADAPTER.encode(request, "secret")
    assert (method, path) == ("POST", "/embeddings")
    assert ("Authorization", "Bearer secret") in headers
    assert json.loads(body) == {"model": "m", "input": ["a", "b"], "dimensions": 8}
    assert all(name != "Authorization" for name, _ in ADAPTER.encode(request, None).headers)


def test_an_answer_is_there_when_its_body_is() -> None:
    body = answer(id="embd-1")
    reply = decode(body)
    assert (reply.error_type, reply.response_id) == (None, "embd-1")
    assert reply.answered_ns == len(body)
    assert (len(reply.chunk_stamps), reply.first_output_ns) == (0, 0)
    assert reply.buckets == Buckets(uncached_input=7)
    assert reply.token_count_source == "usage"
    assert json.loads(reply.usage) == {"prompt_tokens": 7, "total_tokens": 7}


def test_base64_vectors_and_missing_usage() -> None:
    body = json.dumps({"data": [{"embedding": "AACAPw=="}], "usage": None}).encode()
    reply = decode(body, items=1)
    assert (reply.error_type, reply.buckets, reply.token_count_source) == (None, Buckets(), None)
    assert decode(answer(usage={"prompt_tokens": None})).buckets == Buckets()
    assert decode(answer(usage="odd")).error_type is None


@pytest.mark.parametrize(
    ("body", "complete", "error_type", "error"),
    [
        (answer(1), True, "protocol", "1 vectors came for 2 texts"),
        (answer(3), True, "protocol", "3 vectors came for 2 texts"),
        (answer(0), True, "empty", "no data"),
        (b"{}", True, "empty", "no data"),
        (answer()[:-5], False, "truncated", "before the body was complete"),
        (answer()[:-5], True, "protocol", "not an embeddings answer"),
        (b"<html>", True, "protocol", "not an embeddings answer"),
        (b'{"data": [{}, {}]}', True, "protocol", "not an embeddings answer"),
        (b'{"error": {"message": "no"}}', True, "stream_error", "no"),
    ],
)
def test_broken_answers(body: bytes, complete: bool, error_type: str, error: str) -> None:
    reply = decode(body, complete=complete)
    assert reply.error_type == error_type
    assert error in (reply.error or "")


def test_errors_are_the_servers_own_words() -> None:
    assert decode(b'{"error": {"message": "quota"}}', 429).error == "quota"
    assert decode(b"", 204).error_type == "protocol"
