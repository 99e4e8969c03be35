"""Requests that mean harm: each is refused with a clear answer, and none is a fault of the service."""

import gzip
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from tests.factories import make_spec
from tests.service import Running

API = "/api/v1"
PROVIDER = b'{"name": "one", "kind": "openai", "base_url": "http://127.0.0.1:9/v1"}'
JSON = {"Content-Type": "application/json"}


async def test_what_must_be_there_once_is_not_there_twice(running: Running) -> None:
    admin = await running.admin()
    token = admin.headers["Authorization"]
    client = running.anonymous
    for name, values in {
        "Host": ["127.0.0.1:8080", "evil.example"],
        "Authorization": [token, "Bearer another"],
        "Content-Type": ["application/json", "text/plain"],
        "Origin": ["http://127.0.0.1:8080", "http://evil.example"],
    }.items():
        own = [] if name == "Authorization" else [("Authorization", token)]
        answer = await client.get(f"{API}/auth/me", headers=[*own, *((name, value) for value in values)])
        assert answer.status_code == 400, name
        assert f"{name} is there twice" in answer.json()["error"]["message"]


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate, gzip", "x"])
async def test_coded_bodies_are_not_taken_apart(running: Running, coding: str) -> None:
    admin = await running.admin()
    for header in ("Content-Encoding", "Transfer-Encoding"):
        answer = await admin.post(f"{API}/providers", content=gzip.compress(PROVIDER), headers=JSON | {header: coding})
        assert answer.status_code == 415
        assert answer.headers["Accept-Encoding"] == "identity"
    plain = await admin.post(f"{API}/providers", content=PROVIDER, headers=JSON | {"Content-Encoding": "identity"})
    assert plain.status_code == 201


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"])
async def test_the_ends_of_time(running: Running, moment: str) -> None:
    admin = await running.admin()
    for name in ("since", "until"):
        answer = await admin.get(f"{API}/audit", params={name: moment})
        assert answer.status_code == 422
        [error] = answer.json()["error"]["details"]["errors"]
        assert error == {"path": name, "message": "is out of range", "allowed": "years 1 to 9999 in UTC"}


@pytest.mark.parametrize(
    "document", [b'{"a": 1e400}', b'{"a": [{"b": -1e999}]}', b'{"a": "\\ud800"}', b'{"a": "\\u0000"}']
)
async def test_what_no_database_keeps_is_not_kept_as_something_else(running: Running, document: bytes) -> None:
    admin = await running.admin()
    body = b'{"document": ' + document + b"}"
    assert (await admin.put(f"{API}/me/preferences", content=body, headers=JSON)).status_code == 422
    assert (await admin.get(f"{API}/me/preferences")).json()["version"] == 0


@pytest.mark.parametrize(
    ("extra", "path"),
    [
        (b'{"\\ud800": 1}', "sampling.extra"),
        (b'{"a": ["\\udfff"]}', "sampling.extra.a.0"),
        (b'{"a": {"b": 1e400}}', "sampling.extra"),
    ],
)
async def test_what_no_provider_can_be_sent_is_not_accepted(running: Running, extra: bytes, path: str) -> None:
    admin = await running.admin()
    await admin.post(f"{API}/providers", content=PROVIDER, headers=JSON)
    spec = orjson.dumps(make_spec(targets=[{"provider": "one", "model": "m"}], sampling={"extra": {"here": 1}}))
    body = spec.replace(b'{"here":1}', extra)
    answer = await admin.post(f"{API}/benchmarks", content=body, headers=JSON)
    assert answer.status_code == 422
    assert answer.json()["error"]["details"]["errors"][0]["path"] == path


@pytest.mark.parametrize(
    "user",
    [
        {"username": "\u0430dmin"},  # Cyrillic
        {"username": "ad\u200bmin"},
        {"username": "ADMIN"},
        {"username": "admin\n"},
        {"username": "eve", "email": "a\u202e@example.org"},  # reads backwards
        {"username": "eve", "password": "p" * 1025},
    ],
)
async def test_nobody_is_called_like_somebody_else(running: Running, user: dict[str, Any]) -> None:
    admin = await running.admin()
    assert (await admin.post(f"{API}/users", json=user)).status_code in {409, 422}


async def test_long_and_odd_passwords_are_whole(running: Running) -> None:
    admin = await running.admin()
    for number, password in enumerate(("\U0001f600" * 1024, "пароль-пароль", "nul\0" * 5, " " * 12)):
        name = f"user-{number}"
        assert (await admin.post(f"{API}/users", json={"username": name, "password": password})).status_code == 201
        await running.signed_in(name, password)
        wrong = {"username": name, "password": password[:-1] + "x"}
        assert (await running.anonymous.post(f"{API}/auth/login", json=wrong)).status_code == 401, "to the last one"


async def test_nobody_who_is_not_known_sends_much(running: Running) -> None:
    """The framework parses a body before it asks who sends it, and a name of a million keys is a million errors."""
    admin = await running.admin()
    stranger, liar = running.anonymous, running.bearer("ltb_AAAAAAAAAA_" + "B" * 40)
    body = orjson.dumps({f"k{number}": 1 for number in range(20_000)})

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 16_384):
            yield body[start : start + 16_384]

    for client in (stranger, liar):
        for path in ("/api/v1/auth/login", "/api/v1/benchmarks", "/graphql"):
            for content in (body, pieces()):
                refused = await client.post(path, content=content, headers={"Content-Type": "application/json"})
                # GraphQL asks who it is before it reads at all, where the header does not say how much comes.
                assert refused.status_code == 413 or (path == "/graphql" and refused.status_code == 401), path
    for path in ("/api/v1/auth/login", "/api/v1/benchmarks"):
        for content in (body, pieces()):
            read = await admin.post(path, content=content, headers={"Content-Type": "application/json"})
            assert read.status_code == 422, "whoever is known may send as much as the service takes"
    small = await stranger.post("/api/v1/auth/login", json={"username": "x" * 60_000, "password": "x"})
    assert small.status_code == 422
