"""Where requests go: base URLs with and without a version."""

import pytest

from app.adapters import registry
from app.adapters.addressing import join_path, models_request


@pytest.mark.parametrize(
    ("base_path", "path", "joined"),
    [
        ("", "/v1/messages", "/v1/messages"),
        ("/", "/v1/messages", "/v1/messages"),
        ("/v1", "/v1/messages", "/v1/messages"),
        ("/v1/", "/v1/messages", "/v1/messages"),
        ("/proxy/anthropic", "/v1/messages", "/proxy/anthropic/v1/messages"),
        ("/proxy/v1", "/v1/messages", "/proxy/v1/messages"),
        ("/v1", "/v1beta/models/m:generateContent", "/v1beta/models/m:generateContent"),
        ("/v2", "/v1/models?endpoint=chat", "/v1/models?endpoint=chat"),
        ("/openai", "/openai/deployments/d/chat/completions?a=b", "/openai/deployments/d/chat/completions?a=b"),
        ("/v1", "/chat/completions", "/v1/chat/completions"),
        ("/openai/v1", "/chat/completions", "/openai/v1/chat/completions"),
        ("/api/paas/v4", "/chat/completions", "/api/paas/v4/chat/completions"),
        ("", "/completion", "/completion"),
        ("/models", "/models", "/models/models"),
    ],
)
def test_paths(base_path: str, path: str, joined: str) -> None:
    assert join_path(base_path, path) == joined


@pytest.mark.parametrize(
    ("kind", "base_url", "url"),
    [
        ("openai", "https://api.openai.com/v1", "https://api.openai.com/v1/models"),
        ("openai", "https://api.openai.com/v1/", "https://api.openai.com/v1/models"),
        ("anthropic", "https://api.anthropic.com", "https://api.anthropic.com/v1/models?limit=1000"),
        ("anthropic", "https://user@gateway.test:8443/v1", "https://gateway.test:8443/v1/models?limit=1000"),
        ("ollama", "http://127.0.0.1:11434/", "http://127.0.0.1:11434/api/tags"),
        (
            "azure-openai",
            "https://x.openai.azure.com",
            "https://x.openai.azure.com/openai/models?api-version=2024-10-21",
        ),
    ],
)
def test_model_lists(kind: str, base_url: str, url: str) -> None:
    assert models_request(registry.get(kind), base_url, "k", 0.0)[0] == url
