"""Signing in over HTTP: bodies, cookies, limits, keys."""

import base64
from http.cookies import SimpleCookie

import httpx
import pytest

from app.accounts.permissions import ROLE_PERMISSIONS, Role
from app.core.settings import StorageSettings
from tests.service import BASE_URL, PASSWORD, Running, running_service, service_settings

ORIGIN = {"Origin": BASE_URL}


def _cookies(response: httpx.Response) -> SimpleCookie:
    cookies: SimpleCookie = SimpleCookie()
    for header in response.headers.get_list("set-cookie"):
        cookies.load(header)
    return cookies


@pytest.fixture
async def browser(running: Running) -> httpx.AsyncClient:
    """A client that is signed in by cookies alone."""
    await running.user("alice", Role.USER)
    client = running.anonymous
    response = await client.post("/api/v1/auth/login", json={"username": "alice", "password": PASSWORD}, headers=ORIGIN)
    assert response.status_code == 200
    return client


async def test_login_answers_with_tokens_and_cookies(running: Running) -> None:
    password = running.app.state.generated_admin_password
    response = await running.anonymous.post("/api/v1/auth/login", json={"username": "admin", "password": password})
    body = response.json()
    assert set(body) == {"access_token", "token_type", "expires_in", "refresh_token", "user"}
    assert body["token_type"] == "bearer"
    assert body["expires_in"] == 900
    assert body["user"]["role"] == "admin"
    assert set(body["user"]["permissions"]) == set(ROLE_PERMISSIONS[Role.ADMIN])
    cookies = _cookies(response)
    access, refresh = cookies["ltb_access"], cookies["ltb_refresh"]
    assert access.value == body["access_token"]
    assert refresh.value == body["refresh_token"]
    assert (access["path"], refresh["path"]) == ("/", "/api/v1/auth")
    for cookie in (access, refresh):
        assert cookie["httponly"]
        assert cookie["samesite"].lower() == "strict"
        assert not cookie["secure"]  # plain HTTP on loopback
    assert response.headers["Cache-Control"] == "no-store"


async def test_a_token_of_nested_brackets_is_just_not_valid(running: Running) -> None:
    header = base64.urlsafe_b64encode(b"[" * 3000).decode()
    response = await running.bearer(f"{header}.a.b").get("/api/v1/auth/me")
    assert response.status_code == 401
    assert response.json()["error"]["code"] == "UNAUTHORIZED"


async def test_a_key_name_with_nul_is_refused_by_name(running: Running) -> None:
    alice = await running.user("alice", Role.USER)
    response = await alice.post("/api/v1/auth/apikey", json={"name": "a\0b"})
    assert response.status_code == 422
    assert response.json()["error"]["details"]["errors"][0]["path"] == "name"


async def test_cookies_are_secure_beyond_loopback(sqlite_settings: StorageSettings) -> None:
    settings = service_settings(sqlite_settings, server={"allowed_hosts": ["bench.example.org"]})
    async with running_service(settings) as running:
        password = running.app.state.generated_admin_password
        response = await running.anonymous.post(
            "http://bench.example.org/api/v1/auth/login", json={"username": "admin", "password": password}
        )
        assert all(cookie["secure"] for cookie in _cookies(response).values())


async def test_a_browser_reads_writes_refreshes_and_signs_out(browser: httpx.AsyncClient) -> None:
    assert (await browser.get("/api/v1/auth/me")).json()["username"] == "alice"
    write = await browser.post("/api/v1/auth/apikey", json={"name": "x"})
    assert write.status_code == 403, "no Origin"
    foreign = await browser.post("/api/v1/auth/apikey", json={"name": "x"}, headers={"Origin": "http://evil.example"})
    assert foreign.status_code == 403
    assert (await browser.post("/api/v1/auth/apikey", json={"name": "x"}, headers=ORIGIN)).status_code == 201

    old = browser.cookies["ltb_access"]
    refreshed = await browser.post("/api/v1/auth/refresh", headers=ORIGIN)
    assert refreshed.status_code == 200
    assert browser.cookies["ltb_access"] != old

    response = await browser.post("/api/v1/auth/logout", headers=ORIGIN)
    assert response.status_code == 204
    assert all(cookie.value == "" for cookie in _cookies(response).values())
    assert "ltb_access" not in browser.cookies
    assert (await browser.get("/api/v1/auth/me")).status_code == 401


async def test_programs_refresh_by_body(running: Running) -> None:
    await running.user("alice", Role.USER)
    client = running.anonymous
    first = await client.post("/api/v1/auth/login", json={"username": "alice", "password": PASSWORD})
    client.cookies.clear()
    body = {"refresh_token": first.json()["refresh_token"]}
    second = await client.post("/api/v1/auth/refresh", json=body)
    assert second.status_code == 200
    client.cookies.clear()
    assert (await client.post("/api/v1/auth/refresh", json=body)).status_code == 401
    assert (await client.post("/api/v1/auth/refresh")).status_code == 401
    assert (await running.bearer(second.json()["access_token"]).get("/api/v1/auth/me")).status_code == 401


@pytest.mark.parametrize("value", ["Basic YTpi", "Bearer", "Bearer ", "bearer wrong", "Token x", "ltb_x"])
async def test_a_wrong_authorization_header_wins_over_a_cookie(browser: httpx.AsyncClient, value: str) -> None:
    response = await browser.get("/api/v1/auth/me", headers={"Authorization": value})
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "username"),
        ({"username": "", "password": "x"}, "username"),
        ({"username": "a", "password": "x" * 1025}, "password"),
        ({"username": "a", "password": "b", "remember": True}, "remember"),
        ({"username": ["a"], "password": "b"}, "username"),
    ],
)
async def test_wrong_bodies(running: Running, body: dict[str, object], path: str) -> None:
    response = await running.anonymous.post("/api/v1/auth/login", json=body)
    assert response.status_code == 422
    assert response.json()["error"]["details"]["errors"][0]["path"] == path


async def test_api_keys_over_http(running: Running) -> None:
    alice = await running.user("alice", Role.USER)
    scopes = ["account.self", "provider.read"]
    created = await alice.post("/api/v1/auth/apikey", json={"name": "job", "scopes": scopes, "expires_in_days": 30})
    assert created.status_code == 201
    key = created.json()
    assert key["key"].startswith(key["prefix"] + "_")
    assert key["scopes"] == scopes
    listed = (await alice.get("/api/v1/auth/apikey")).json()
    assert [item["id"] for item in listed] == [key["id"]]
    assert "key" not in listed[0]
    program = running.bearer(key["key"])
    assert (await program.get("/api/v1/auth/me")).json()["permissions"] == scopes
    assert (await program.post("/api/v1/auth/apikey", json={"name": "child"})).status_code == 403
    for wrong in ({"name": "x", "scopes": ["user.manage"]}, {"name": "x", "scopes": ["nope"]}, {"name": " "}):
        assert (await alice.post("/api/v1/auth/apikey", json=wrong)).status_code == 422
    assert (await alice.delete("/api/v1/auth/apikey", params={"id": key["id"]})).status_code == 204
    assert (await program.get("/api/v1/auth/me")).status_code == 401
    assert (await alice.delete("/api/v1/auth/apikey", params={"id": key["id"]})).status_code == 404
    assert (await alice.delete("/api/v1/auth/apikey")).status_code == 422


async def test_requests_are_limited_per_caller(sqlite_settings: StorageSettings) -> None:
    settings = service_settings(sqlite_settings, server={"rate_limit": {"requests_per_minute": 4}})
    async with running_service(settings) as running:
        admin = await running.admin()
        responses = [await admin.get("/api/v1/auth/me") for _ in range(5)]
        assert [response.status_code for response in responses] == [200, 200, 200, 200, 429]
        assert [response.headers["RateLimit-Remaining"] for response in responses] == ["3", "2", "1", "0", "0"]
        refused = responses[-1]
        assert refused.json()["error"]["code"] == "RATE_LIMITED"
        assert refused.json()["error"]["retryable"] is True
        assert int(refused.headers["Retry-After"]) >= 1

        anonymous = [await running.bearer(f"guess{number}").get("/api/v1/auth/me") for number in range(4)]
        assert [response.status_code for response in anonymous] == [401, 401, 401, 429]  # signing in was one


async def test_sign_in_tries_are_limited(sqlite_settings: StorageSettings) -> None:
    settings = service_settings(sqlite_settings, security={"login_attempts_per_minute": 2})
    async with running_service(settings) as running:
        body = {"username": "admin", "password": "wrong"}
        statuses = [(await running.anonymous.post("/api/v1/auth/login", json=body)).status_code for _ in range(3)]
        assert statuses == [401, 401, 429]
