"""What the assembled app lets in: origins, hosts, WebSocket handshakes, switched-off parts."""

from typing import Any

import orjson
import pytest

from app.core.settings import StorageSettings
from tests.service import Running, running_service, service_settings

DASHBOARDS = "https://dashboards.example.org"
PREFLIGHT = {"Origin": DASHBOARDS, "Access-Control-Request-Method": "POST"}


async def test_cors_is_closed(running: Running) -> None:
    client = running.anonymous
    response = await client.get("/api/v1/health", headers={"Origin": DASHBOARDS})
    assert not [name for name in response.headers if name.startswith("access-control")]
    preflight = await client.options("/api/v1/auth/login", headers=PREFLIGHT)
    assert preflight.status_code == 204  # which methods there are is no secret; a browser looks for the next line
    assert "access-control-allow-origin" not in preflight.headers
    write = await client.post("/api/v1/auth/login", json={}, headers={"Origin": DASHBOARDS})
    assert write.status_code == 403


async def test_cors_opens_to_listed_origins_only(sqlite_settings: StorageSettings) -> None:
    settings = service_settings(sqlite_settings, server={"cors_allowed_origins": [DASHBOARDS]})
    async with running_service(settings) as running:
        client = running.anonymous
        preflight = await client.options("/api/v1/auth/login", headers=PREFLIGHT)
        assert preflight.status_code == 200
        assert preflight.headers["access-control-allow-origin"] == DASHBOARDS
        assert "access-control-allow-credentials" not in preflight.headers
        assert (await client.post("/api/v1/auth/login", json={}, headers={"Origin": DASHBOARDS})).status_code == 422, (
            "let in, and then the body is wrong"
        )
        other = await client.options("/api/v1/auth/login", headers=PREFLIGHT | {"Origin": "https://evil.example"})
        assert other.status_code == 400
        assert "access-control-allow-origin" not in other.headers


async def handshake(running: Running, host: str = "127.0.0.1:8080", **scope: Any) -> list[dict[str, Any]]:
    """What the app answers to a WebSocket that opens, and that leaves when it was let in."""
    sent: list[dict[str, Any]] = []
    said = iter([{"type": "websocket.connect"}])

    async def receive() -> dict[str, Any]:
        return next(said, {"type": "websocket.disconnect", "code": 1000})

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "websocket",
        "path": "/ws",
        "raw_path": b"/ws",
        "root_path": "",
        "scheme": "ws",
        "query_string": b"",
        "headers": [(b"host", host.encode())],
        "subprotocols": [],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8080),
        **scope,
    }
    await running.app(scope, receive, send)
    return sent


async def test_a_websocket_for_a_foreign_host_is_refused(running: Running) -> None:
    sent = await handshake(running, "evil.example")
    assert [message["type"] for message in sent] == ["websocket.close"]


async def test_websockets_that_open_are_counted(sqlite_settings: StorageSettings) -> None:
    limit = {"path": "/ws", "requests_per_minute": 1, "burst_size": 2}
    settings = service_settings(sqlite_settings, server={"rate_limit": {"endpoints": [limit]}})
    async with running_service(settings) as running:
        for _ in range(2):
            assert (await handshake(running))[0]["type"] == "websocket.accept"
        start, body = await handshake(running, extensions={"websocket.http.response": {}})
        assert (start["type"], start["status"]) == ("websocket.http.response.start", 429)
        headers = dict(start["headers"])
        assert int(headers[b"retry-after"]) > 30
        assert headers[b"ratelimit-remaining"] == b"0"
        assert orjson.loads(body["body"])["error"]["code"] == "RATE_LIMITED"
        (closed,) = await handshake(running)
        assert (closed["type"], closed["code"], closed["reason"]) == ("websocket.close", 1008, "RATE_LIMITED")
        assert (await handshake(running, client=("127.0.0.77", 1)))[0]["type"] == "websocket.accept", "another address"


async def test_a_service_that_stops_is_not_ready_but_alive(running: Running) -> None:
    client = running.anonymous
    assert (await client.get("/health/ready")).status_code == 200
    running.app.state.readiness.is_draining = True
    for path in ("/health/ready", "/api/v1/health/ready"):
        answer = await client.get(path)
        assert answer.status_code == 503
        assert "shutting down" in answer.json()["error"]["message"]
    assert (await client.get("/health/live")).status_code == 200


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/v1/benchmarks", "GET, HEAD, OPTIONS, POST"),
        ("/api/v1/providers/local", "DELETE, GET, HEAD, OPTIONS, PATCH"),
        ("/api/v1/auth/apikey", "DELETE, GET, HEAD, OPTIONS, POST"),
        ("/health", "GET, HEAD, OPTIONS"),
        ("/", "GET, HEAD, OPTIONS"),
    ],
)
async def test_a_wrong_method_is_told_every_right_one(running: Running, path: str, allowed: str) -> None:
    response = await running.anonymous.put(path)
    assert response.status_code == 405
    assert response.headers["Allow"] == allowed
    assert response.json()["error"]["details"] == {"allowed": allowed}


async def test_rest_can_be_switched_off(sqlite_settings: StorageSettings) -> None:
    settings = service_settings(sqlite_settings, server={"enable_rest": False, "enable_dashboard": False})
    async with running_service(settings) as running:
        client = running.anonymous
        assert (await client.get("/api/v1/health")).status_code == 200
        assert (await client.post("/api/v1/auth/login", json={})).status_code == 404
        missing = await client.get("/")
        assert missing.status_code == 404
        assert missing.json()["error"]["code"] == "NOT_FOUND"
