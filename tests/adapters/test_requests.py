"""What each wire format sends for one chat request."""

import json
from typing import Any

import pytest

from app.adapters import registry
from app.adapters.base import ChatRequest, HttpRequest, Message

TURNS = (Message("system", "be brief"), Message("user", "hi"), Message("assistant", "yes?"), Message("user", "go on"))
FULL = ChatRequest(
    model="m/1", messages=TURNS, max_tokens=5, temperature=0.0, top_p=0.5, stop=("\n",), seed=3, extra={"tools": [1]}
)
PLAIN = [{"role": turn.role, "content": turn.content} for turn in TURNS]
SAMPLING = {"temperature": 0.0, "top_p": 0.5}


def sent(kind: str, request: ChatRequest = FULL, key: str | None = "k") -> tuple[HttpRequest, Any]:
    request_ = registry.get(kind).encode(request, key)
    return request_, json.loads(request_.body)


def parts(text: str) -> list[dict[str, str]]:
    return [{"text": text}]


@pytest.mark.parametrize(
    ("kind", "path", "body", "header"),
    [
        (
            "openai",
            "/chat/completions",
            {
                "model": "m/1", "messages": PLAIN, "stream": True, "max_completion_tokens": 5, "stop": ["\n"],
                "seed": 3, "tools": [1], "stream_options": {"include_usage": True, "include_obfuscation": False},
                **SAMPLING,
            },
            ("Authorization", "Bearer k"),
        ),
        (
            "mistral",
            "/chat/completions",
            {"model": "m/1", "messages": PLAIN, "stream": True, "max_tokens": 5, "stop": ["\n"], "random_seed": 3,
             "tools": [1], **SAMPLING},
            ("Authorization", "Bearer k"),
        ),
        (
            "azure-openai",
            "/openai/deployments/m%2F1/chat/completions?api-version=2024-10-21",
            {
                "model": "m/1", "messages": PLAIN, "stream": True, "max_completion_tokens": 5, "stop": ["\n"],
                "seed": 3, "tools": [1], "stream_options": {"include_usage": True}, **SAMPLING,
            },
            ("api-key", "k"),
        ),
        (
            "openai-responses",
            "/responses",
            {"model": "m/1", "input": PLAIN, "stream": True, "max_output_tokens": 5, "store": False, "tools": [1],
             "stream_options": {"include_obfuscation": False}, **SAMPLING},
            ("Authorization", "Bearer k"),
        ),
        (
            "anthropic",
            "/v1/messages",
            {"model": "m/1", "system": "be brief", "messages": PLAIN[1:], "stream": True, "max_tokens": 5,
             "stop_sequences": ["\n"], "tools": [1], **SAMPLING},
            ("x-api-key", "k"),
        ),
        (
            "gemini",
            "/v1beta/m/1:streamGenerateContent?alt=sse",
            {
                "systemInstruction": {"parts": parts("be brief")},
                "contents": [
                    {"role": "user", "parts": parts("hi")},
                    {"role": "model", "parts": parts("yes?")},
                    {"role": "user", "parts": parts("go on")},
                ],
                "generationConfig": {
                    "temperature": 0.0, "topP": 0.5, "maxOutputTokens": 5, "stopSequences": ["\n"], "seed": 3
                },
                "tools": [1],
            },
            ("x-goog-api-key", "k"),
        ),
        (
            "cohere",
            "/v2/chat",
            {"model": "m/1", "messages": PLAIN, "stream": True, "max_tokens": 5, "temperature": 0.0, "p": 0.5,
             "stop_sequences": ["\n"], "seed": 3, "tools": [1]},
            ("Authorization", "Bearer k"),
        ),
        (
            "ollama",
            "/api/chat",
            {"model": "m/1", "messages": PLAIN, "stream": True, "tools": [1],
             "options": {"temperature": 0.0, "top_p": 0.5, "num_predict": 5, "stop": ["\n"], "seed": 3}},
            ("Authorization", "Bearer k"),
        ),
        (
            "llamacpp-completion",
            "/completion",
            {"model": "m/1", "stream": True, "n_predict": 5, "stop": ["\n"], "seed": 3, "tools": [1], **SAMPLING,
             "prompt": "system: be brief\n\nuser: hi\n\nassistant: yes?\n\nuser: go on\n\nassistant:"},
            ("Authorization", "Bearer k"),
        ),
        (
            "bedrock",
            "/model/m%2F1/converse-stream",
            {
                "system": parts("be brief"),
                "messages": [
                    {"role": "user", "content": parts("hi")},
                    {"role": "assistant", "content": parts("yes?")},
                    {"role": "user", "content": parts("go on")},
                ],
                "inferenceConfig": {"maxTokens": 5, "temperature": 0.0, "topP": 0.5, "stopSequences": ["\n"]},
                "tools": [1],
            },
            ("Authorization", "Bearer k"),
        ),
    ],
)  # fmt: skip
def test_a_whole_request(kind: str, path: str, body: dict[str, Any], header: tuple[str, str]) -> None:
    request, decoded = sent(kind)
    assert (request.method, request.path) == ("POST", path)
    assert decoded == body
    assert header in request.headers
    assert ("Content-Type", "application/json") in request.headers


@pytest.mark.parametrize("kind", [name for name in registry.names() if name != "custom"])
def test_what_is_not_asked_for_is_not_sent(kind: str) -> None:
    request, body = sent(kind, ChatRequest(model="acme/m", messages=(Message("user", "hi"),), stream=False), None)
    assert set(body) <= {"model", "messages", "stream", "max_tokens", "input", "store", "contents", "prompt"}
    assert None not in body.values()
    assert ("Accept", "application/json") in request.headers


@pytest.mark.parametrize(
    ("kind", "where"),
    [("gemini", "generationConfig"), ("ollama", "options"), ("bedrock", "inferenceConfig")],
)
def test_extra_adds_to_objects_and_wins(kind: str, where: str) -> None:
    request = ChatRequest(
        model="m",
        messages=TURNS,
        temperature=0.5,
        top_p=0.5,
        extra={where: {"temperature": 1, "topK": 2}, "x": {"y": 1}},
    )
    _, body = sent(kind, request)
    assert body[where]["temperature"] == 1
    assert body[where]["topK"] == 2
    assert len(body[where]) == 3
    assert body["x"] == {"y": 1}


@pytest.mark.parametrize(
    ("kind", "field"),
    [("openai", "max_completion_tokens"), ("anthropic", "max_tokens"), ("openai-responses", "max_output_tokens")],
)
def test_wanted_output_is_at_most_that_where_nobody_can_insist(kind: str, field: str) -> None:
    request = ChatRequest(model="m", messages=TURNS, max_tokens=100, output_tokens=9)
    assert sent(kind, request)[1][field] == 9


def test_wanted_output_is_exact_where_servers_know_how() -> None:
    request = ChatRequest(model="m", messages=TURNS, output_tokens=9)
    for kind in ("vllm", "sglang", "llamacpp", "llamacpp-completion"):
        assert sent(kind, request)[1]["ignore_eos"] is True


def test_anthropic_always_has_a_limit_and_a_version() -> None:
    request, body = sent("anthropic", ChatRequest(model="m", messages=TURNS))
    assert body["max_tokens"] == 4096
    assert ("anthropic-version", "2023-06-01") in request.headers
    assert ("anthropic-version", "2023-06-01") in registry.get("anthropic").models_request(None).headers


def test_whole_answers_have_paths_of_their_own() -> None:
    request = ChatRequest(model="anthropic.m-v1:0", messages=TURNS, stream=False)
    assert sent("gemini", request)[0].path == "/v1beta/models/anthropic.m-v1%3A0:generateContent"
    assert sent("bedrock", request)[0].path == "/model/anthropic.m-v1%3A0/converse"


@pytest.mark.parametrize(
    ("kind", "body", "ids"),
    [
        ("openai", {"data": [{"id": "a"}, {"id": "b", "owned_by": "x"}]}, ["a", "b"]),
        ("together", [{"id": "a"}, {"id": "b"}], ["a", "b"]),
        ("anthropic", {"data": [{"type": "model", "id": "a"}], "has_more": False}, ["a"]),
        ("gemini", {"models": [{"name": "models/a"}, {"name": "tunedModels/b"}]}, ["a", "tunedModels/b"]),
        ("cohere", {"models": [{"name": "a", "endpoints": ["chat"]}]}, ["a"]),
        ("ollama", {"models": [{"name": "a:latest", "model": "a:latest"}]}, ["a:latest"]),
        ("bedrock", {"modelSummaries": [{"modelId": "a", "modelArn": "x"}]}, ["a"]),
        ("llamacpp-completion", {"object": "list", "data": [{"id": "a.gguf"}], "models": []}, ["a.gguf"]),
    ],
)
def test_model_lists(kind: str, body: Any, ids: list[str]) -> None:
    assert registry.get(kind).parse_models(json.dumps(body).encode()) == ids


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"data": [{"id": 1}], "models": [{"name": 1}]}', b"[1]"])
@pytest.mark.parametrize("kind", ["openai", "gemini", "bedrock"])
def test_wrong_model_lists(kind: str, body: bytes) -> None:
    with pytest.raises(ValueError, match="not a model list"):
        registry.get(kind).parse_models(body)


def test_perplexity_s_agent_api_is_asked_for_nothing_that_it_does_not_know() -> None:
    assert {"store", "stream_options"}.isdisjoint(sent("perplexity-agent")[1])
    assert {"store", "stream_options"} <= sent("openai-responses")[1].keys()
