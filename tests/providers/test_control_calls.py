"""Health and model lists against a real HTTP server that behaves and misbehaves."""

import gzip
import socket
from typing import Any

import httpx
import orjson
import pytest

from app.providers.client import ProviderClient
from tests.providers.conftest import Upstream
from tests.service import Running

KEY = "sk-proj-0123456789abcdefABCDEF"


async def _provider(running: Running, base_url: str, **fields: Any) -> httpx.AsyncClient:
    admin = await running.admin()
    body = {"name": "local", "kind": "openai-compatible", "base_url": base_url, "api_key": KEY, **fields}
    assert (await admin.post("/api/v1/providers", json=body)).status_code == 201
    return admin


async def _health(admin: httpx.AsyncClient) -> dict[str, Any]:
    response = await admin.post("/api/v1/providers/local/health")
    assert response.status_code == 200
    assert KEY not in response.text
    return dict(response.json())


async def test_a_provider_that_answers(running: Running, upstream: Upstream) -> None:
    admin = await _provider(running, upstream.base_url, options={"headers": {"X-Team": "blue"}})
    health = await _health(admin)
    assert (health["status"], health["message"]) == ("ok", "2 models")
    assert health["latency_ms"] > 0
    models = (await admin.get("/api/v1/providers/local/models")).json()
    assert models["models"] == [{"id": "small"}, {"id": "large"}]
    head = upstream.heads[0]
    assert head.startswith("GET /v1/models HTTP/1.1\r\n")
    assert f"Authorization: Bearer {KEY}" in head
    assert "X-Team: blue" in head


async def test_model_lists_are_kept_until_the_provider_changes(running: Running, upstream: Upstream) -> None:
    admin = await _provider(running, upstream.base_url)
    first = (await admin.get("/api/v1/providers/local/models")).json()
    upstream.say(200, {"data": [{"id": "new"}]})
    assert (await admin.get("/api/v1/providers/local/models")).json() == first
    assert len(upstream.heads) == 1
    await admin.patch("/api/v1/providers/local", json={"api_key": "sk-other"})
    assert (await admin.get("/api/v1/providers/local/models")).json()["models"] == [{"id": "new"}]
    assert "Bearer sk-other" in upstream.heads[1]


@pytest.mark.parametrize(
    ("status", "body", "headers", "expected", "says"),
    [
        (401, {"error": {"message": f"Incorrect API key: {KEY}"}}, {}, "unauthorized", "Incorrect API key"),
        (403, {"error": {"message": "no"}}, {}, "unauthorized", "403"),
        (404, b"<html>not here</html>", {}, "error", "404"),
        (500, b"", {}, "error", "500"),
        (200, b"hello", {}, "error", "not a model list"),
        (200, [], {}, "error", "not a model list"),
        (302, b"", {"Location": "http://10.0.0.1/"}, "error", "redirect"),
        (200, b" " * (5 * 2**20), {}, "error", "larger"),
        (200, gzip.compress(orjson.dumps({"data": []}), mtime=0), {"Content_Encoding": "gzip"}, "error", "compressed"),
    ],
)
async def test_a_provider_that_answers_wrong(
    running: Running,
    upstream: Upstream,
    status: int,
    body: object,
    headers: dict[str, str],
    expected: str,
    says: str,
) -> None:
    upstream.say(status, body, **headers)
    admin = await _provider(running, upstream.base_url)
    health = await _health(admin)
    assert health["status"] == expected
    assert says in health["message"]
    response = await admin.get("/api/v1/providers/local/models")
    assert response.status_code == 502
    assert KEY not in response.text


async def test_a_provider_that_is_not_there(running: Running) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    admin = await _provider(running, f"http://127.0.0.1:{port}/v1")
    assert (await _health(admin))["status"] == "unreachable"
    response = await admin.get("/api/v1/providers/local/models")
    assert response.status_code == 503
    assert response.json()["error"]["retryable"] is True


async def test_a_provider_that_speaks_no_http(running: Running, upstream: Upstream) -> None:
    upstream.answer = b"\x15\x03\x01\x00\x02\x02\x16"
    admin = await _provider(running, upstream.base_url)
    assert (await _health(admin))["status"] == "unreachable"


async def test_a_provider_that_never_answers(running: Running, upstream: Upstream) -> None:
    upstream.delay_seconds = 30
    admin = await _provider(running, upstream.base_url)
    providers = running.app.state.providers
    providers._client = ProviderClient(providers._guard, timeout_seconds=0.2)
    assert (await _health(admin))["status"] == "unreachable"
    response = await admin.get("/api/v1/providers/local/models")
    assert response.status_code == 504
    assert response.json()["error"]["code"] == "TIMEOUT"
