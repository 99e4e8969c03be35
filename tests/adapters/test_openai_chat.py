"""OpenAI Chat Completions: what is sent, and what is read out of streams, bodies and errors."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.adapters import registry
from app.adapters.base import Buckets, ChatRequest, Message, Reply

ADAPTER = registry.get("openai-compatible")


def event(**value: Any) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def delta(finish: str | None = None, **fields: Any) -> bytes:
    return event(id="r1", choices=[{"index": 0, "delta": fields, "finish_reason": finish}], usage=None)


USAGE = {
    "prompt_tokens": 100,
    "completion_tokens": 30,
    "prompt_tokens_details": {"cached_tokens": 40},
    "completion_tokens_details": {"reasoning_tokens": 10},
}
STREAM = [
    delta(role="assistant", content=""),
    b": ping\n\n",
    delta(reasoning_content="hm"),
    delta(content="Hello"),
    delta(content=""),
    delta(content=" Wörld"),
    delta(finish="stop"),
    event(id="r1", choices=[], usage=USAGE),
    b"data: [DONE]\n\n",
]


def decode(pieces: list[bytes], *, complete: bool = True) -> Reply:
    decoder = ADAPTER.decoder(200, "text/event-stream; charset=utf-8", keep_text=True)
    for stamp, piece in enumerate(pieces, start=1):
        decoder.feed(stamp, piece)
    return decoder.finish(complete=complete)


def test_stream() -> None:
    reply = decode(STREAM)
    assert (reply.error_type, reply.response_id, reply.finish_reason) == (None, "r1", "stop")
    assert "".join(reply.text) == "Hello Wörld"
    assert list(reply.chunk_stamps) == [3, 4, 6], "role-only, ping and empty chunks are no output"
    assert reply.first_output_ns == 4, "reasoning is not answer content"
    assert reply.buckets == Buckets(60, 40, None, 20, 10)
    assert json.loads(reply.usage) == USAGE
    assert reply.token_count_source == "usage"


@given(cuts=st.lists(st.integers(0, 1000), max_size=30))
def test_stream_split_anywhere(cuts: list[int]) -> None:
    stream = b"".join(STREAM)
    bounds = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    reply = decode([stream[start:end] for start, end in pairwise(bounds)])
    assert ("".join(reply.text), len(reply.chunk_stamps), reply.error_type) == ("Hello Wörld", 3, None)
    assert list(reply.chunk_stamps) == sorted(reply.chunk_stamps)


def test_without_usage_tokens_are_counted_from_chunks() -> None:
    reply = decode([piece for piece in STREAM if b"prompt_tokens" not in piece])
    assert reply.buckets == Buckets(visible_output=2, reasoning=1)
    assert reply.token_count_source == "chunks"


@pytest.mark.parametrize("field", ["content", "reasoning", "reasoning_content", "refusal"])
def test_each_kind_of_output_counts(field: str) -> None:
    assert len(decode([delta(**{field: "x"}), b"data: [DONE]\n\n"]).chunk_stamps) == 1


def test_tool_calls_are_output() -> None:
    call = {"index": 0, "function": {"arguments": "{"}}
    reply = decode([delta(role="assistant"), delta(tool_calls=[call]), delta(finish="tool_calls"), b"data: [DONE]\n\n"])
    assert list(reply.chunk_stamps) == [2]
    assert reply.first_output_ns == 2


@pytest.mark.parametrize(
    ("pieces", "complete", "error_type"),
    [
        (STREAM[:5], True, "truncated"),
        (STREAM[:7], False, "truncated"),
        (STREAM[:1], True, "empty"),
        ([], True, "empty"),
        ([*STREAM[:4], event(error={"message": "overloaded"})], True, "stream_error"),
        ([b"data: {broken\n\n"], True, "protocol"),
        ([b"data: \xff\xfe\n\n"], True, "protocol"),
        (STREAM[:7], True, None),  # a finish reason without [DONE]: many servers do that
        ([STREAM[3], b"data: [DONE]\n\n"], False, None),  # [DONE], then the connection closed without the last chunk
    ],
)
def test_broken_streams(pieces: list[bytes], complete: bool, error_type: str | None) -> None:
    assert decode(pieces, complete=complete).error_type == error_type


def whole(body: bytes, status: int = 200, *, complete: bool = True) -> Reply:
    decoder = ADAPTER.decoder(status, "application/json", keep_text=True)
    for number, byte in enumerate(body):
        decoder.feed(number, bytes([byte]))
    return decoder.finish(complete=complete)


def test_whole_body() -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "length"}
    body = json.dumps({"id": "r2", "choices": [choice], "usage": USAGE}).encode()
    reply = whole(body)
    assert (reply.response_id, reply.finish_reason, reply.text) == ("r2", "length", ["Hi"])
    assert list(reply.chunk_stamps) == [len(body) - 1]
    assert reply.buckets.visible_output == 20


@pytest.mark.parametrize(
    ("body", "complete", "error_type"),
    [
        (b'{"id": "r2", "choi', False, "truncated"),
        (b"<html>", True, "protocol"),
        (b'{"choices": []}', True, "empty"),
        (b'{"error": {"message": "no"}}', True, "stream_error"),
    ],
)
def test_broken_bodies(body: bytes, complete: bool, error_type: str) -> None:
    assert whole(body, complete=complete).error_type == error_type


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"error": {"message": "quota", "code": "x"}}', "quota"),
        (b'{"error": "flat"}', "flat"),
        (b'{"detail": "not found"}', "not found"),
        (b'[{"error": {"message": "listed"}}]', "listed"),
        (b'{"odd": 1}', '{"odd":1}'),
        (b"<html>Bad gateway</html>", "<html>Bad gateway</html>"),
        (b"", "status 503 with an empty body"),
    ],
)
def test_error_bodies(body: bytes, text: str) -> None:
    assert whole(body, 503).error == text
    assert ADAPTER.parse_error(503, body) == text


def test_encode() -> None:
    request = ChatRequest(
        model="m",
        messages=(Message("system", "be brief"), Message("user", "hi")),
        max_tokens=5,
        temperature=0.0,
        stop=("\n",),
        seed=3,
        extra={"top_k": 1, "seed": 4},
    )
    method, path, headers, body = ADAPTER.encode(request, "secret")
    assert (method, path) == ("POST", "/chat/completions")
    assert ("Authorization", "Bearer secret") in headers
    assert json.loads(body) == {
        "model": "m",
        "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 5,
        "temperature": 0.0,
        "stop": ["\n"],
        "seed": 4,
        "top_k": 1,
    }


def test_an_exact_length_is_asked_for_only_where_servers_know_how() -> None:
    request = ChatRequest(model="m", messages=(Message("user", "hi"),), stream=False, output_tokens=9)
    plain = json.loads(ADAPTER.encode(request, None).body)
    assert plain["max_tokens"] == 9
    assert "ignore_eos" not in plain
    assert json.loads(registry.get("vllm").encode(request, None).body)["ignore_eos"] is True


def test_models() -> None:
    assert ADAPTER.parse_models(b'{"data": [{"id": "a"}, {"id": "b", "x": 1}]}') == ["a", "b"]
    with pytest.raises(ValueError, match="not a model list"):
        ADAPTER.parse_models(b"<html>")


def test_unknown_kinds_name_the_known_ones() -> None:
    with pytest.raises(registry.UnknownKindError, match="known are openai, "):
        registry.get("nope")
