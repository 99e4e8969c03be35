"""Health and model lists against a real HTTP server that behaves and misbehaves."""

import gzip
import socket
from typing import Any

import httpx
import orjson
import pytest

from app.accounts.permissions import Role
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
    assert health["status"] == "ok"
    assert health["message"].startswith("2 models; ")
    assert health["latency_ms"] > 0
    models = (await admin.get("/api/v1/providers/local/models")).json()
    assert [(model["id"], model["is_live"]) for model in models["models"]] == [("small", True), ("large", True)]
    head = upstream.heads[0]
    assert head.startswith("GET /v1/models HTTP/1.1\r\n")
    assert f"Authorization: Bearer {KEY}" in head
    assert "X-Team: blue" in head


async def test_how_checks_went_is_kept(running: Running, upstream: Upstream) -> None:
    admin = await _provider(running, upstream.base_url)
    assert (await admin.get("/api/v1/providers/local/health")).json() == {"checks": []}
    first = await _health(admin)
    upstream.say(401, {"error": {"message": "no " + "x" * 500}})
    await _health(admin)
    viewer = await running.user("vera", Role.VIEWER)
    newest, oldest = (await viewer.get("/api/v1/providers/local/health")).json()["checks"]
    assert (newest["status"], newest["auth"], newest["latency_ms"]) == ("unauthorized", "refused", None)
    assert len(newest["message"]) <= 300
    assert (oldest["status"], oldest["latency_ms"]) == ("ok", first["latency_ms"])
    assert oldest["checked_by"] == "admin"
    kept = (await viewer.get("/api/v1/providers/local/health", params={"limit": 1})).json()["checks"]
    assert kept == [newest]
    assert (await viewer.get("/api/v1/providers/gone/health")).status_code == 404
    assert (await viewer.get("/api/v1/providers/local/health?limit=201")).status_code == 422
    assert (await admin.get("/api/v1/audit/verify")).json()["intact"] is True
    asked = '{ providerHealth(name: "local", limit: 1) { checks { status checkedBy } } }'
    answer = (await viewer.post("/graphql", json={"query": asked})).json()
    assert answer["data"]["providerHealth"]["checks"] == [{"status": "UNAUTHORIZED", "checkedBy": "admin"}]


async def test_model_lists_are_kept_until_the_provider_changes(running: Running, upstream: Upstream) -> None:
    admin = await _provider(running, upstream.base_url)
    first = (await admin.get("/api/v1/providers/local/models")).json()
    upstream.say(200, {"data": [{"id": "new"}]})
    assert (await admin.get("/api/v1/providers/local/models")).json() == first
    assert len(upstream.heads) == 1
    await admin.patch("/api/v1/providers/local", json={"api_key": "sk-other"})
    models = (await admin.get("/api/v1/providers/local/models")).json()["models"]
    assert [model["id"] for model in models] == ["new"]
    assert "Bearer sk-other" in upstream.heads[1]
    upstream.say(200, {"data": [{"id": "newer"}]})
    refreshed = (await admin.get("/api/v1/providers/local/models", params={"refresh": "true"})).json()["models"]
    assert [model["id"] for model in refreshed] == ["newer"]
    assert (await admin.get("/api/v1/providers/local/models")).json()["models"] == refreshed
    viewer = await running.user("viewer", Role.VIEWER)
    assert (await viewer.get("/api/v1/providers/local/models")).json()["models"] == refreshed
    assert (await viewer.get("/api/v1/providers/local/models", params={"refresh": "true"})).status_code == 403


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


async def test_an_open_list_says_nothing_about_the_key(running: Running, upstream: Upstream) -> None:
    admin = await _provider(running, upstream.base_url)
    health = await _health(admin)
    assert (health["status"], health["reachable"], health["auth"]) == ("ok", True, "unknown")
    assert "not checked" in health["message"]
    assert "Authorization" in upstream.heads[0]
    assert "Authorization" not in upstream.heads[1]
    assert all(head.startswith("GET ") for head in upstream.heads), "a completion was not asked for"


async def test_no_completion_without_a_model(running: Running, upstream: Upstream) -> None:
    admin = await _provider(running, upstream.base_url)
    refused = await admin.post("/api/v1/providers/local/health", params={"completion": "true"})
    assert refused.status_code == 422
    assert refused.json()["error"]["details"]["errors"][0]["path"] == "model"
    assert not upstream.heads


@pytest.mark.parametrize(
    ("status", "body", "auth", "kind"),
    [
        (400, {"error": {"message": "API key not valid.", "status": "INVALID_ARGUMENT",
                         "details": [{"reason": "API_KEY_INVALID"}]}}, "refused", "auth"),
        (429, {"error": {"message": "slow down", "code": "rate_limit_exceeded"}}, "unknown", "rate_limit"),
        (429, {"error": {"message": "empty", "code": "insufficient_quota"}}, "ok", "quota"),
        (503, {"error": {"message": "busy"}}, "unknown", "overloaded"),
    ],
)  # fmt: skip
async def test_what_a_refusal_says_about_the_key(
    running: Running, upstream: Upstream, status: int, body: object, auth: str, kind: str
) -> None:
    upstream.say(status, body)
    admin = await _provider(running, upstream.base_url)
    health = await _health(admin)
    assert (health["reachable"], health["auth"], health["error_type"]) == (True, auth, kind)


async def test_words_of_a_provider_hold_no_control_characters(running: Running, upstream: Upstream) -> None:
    upstream.say(500, {"error": {"message": "a\u001b[2Jb\u0007"}})
    admin = await _provider(running, upstream.base_url)
    assert "HTTP 500: a [2Jb" in (await _health(admin))["message"]


async def test_redirects_to_private_addresses_are_not_followed(running: Running, upstream: Upstream) -> None:
    upstream.say(307, b"", Location=f"{upstream.base_url}/elsewhere")
    admin = await _provider(running, upstream.base_url)
    assert "redirect" in (await _health(admin))["message"]
    assert len(upstream.heads) == 1


async def test_model_lists_are_merged_with_what_is_known(running: Running, upstream: Upstream) -> None:
    listed = [
        {"id": "gpt-4o-2024-08-06"},
        {"id": "mine", "context_length": 1234, "architecture": {"input_modalities": ["text", "image"]}},
    ]
    upstream.say(200, {"data": listed})
    admin = await _provider(running, upstream.base_url, kind="openai")
    models = (await admin.get("/api/v1/providers/local/models")).json()["models"]
    dated, mine, *known = models
    assert dated["id"] == "gpt-4o-2024-08-06"
    assert dated["price"]["input"] == "2.5"
    assert dated["price"]["cache_read"] == "1.25"
    assert dated["price"]["source"].startswith("genai-prices ")
    assert dated["capabilities"]["context_length"] == 128_000
    assert mine["price"] is None
    assert mine["capabilities"]["context_length"] == 1234
    assert (mine["capabilities"]["vision"], mine["capabilities"]["audio"]) == (True, False)
    assert {model["is_live"] for model in known} == {False}
    assert "gpt-4.1" in {model["id"] for model in known}
    assert "gpt-4o" not in {model["id"] for model in known}, "it is there under its dated name"
    for name in ("whisper-1", "tts-1"):
        assert name not in {model["id"] for model in known}, "not billed by the token"
