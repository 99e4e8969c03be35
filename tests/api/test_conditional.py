"""Entity tags, compression, request ids and traces, as a client sees them."""

import re
from typing import Any

import httpx
import pytest

from app.accounts.permissions import Role
from app.core.settings import StorageSettings
from tests.service import Running, running_service, service_settings

PROVIDER = {"name": "one", "kind": "openai", "base_url": "http://127.0.0.1:9/v1"}
SPEC: dict[str, Any] = {
    "name": "b",
    "targets": [{"provider": "one", "model": "m"}],
    "load": {"kind": "closed", "concurrency": 1},
    "workload": {"kind": "prompt", "prompt": "hi"},
    "stop": {"requests": 1},
}
_REST = {"settings": "/api/v1/settings", "preferences": "/api/v1/me/preferences"}
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
async def admin(running: Running) -> httpx.AsyncClient:
    client = await running.admin()
    assert (await client.post("/api/v1/providers", json=PROVIDER)).status_code == 201
    return client


async def test_a_write_of_what_was_seen(admin: httpx.AsyncClient) -> None:
    path = "/api/v1/providers/one"
    etag = (await admin.get(path)).headers["ETag"]
    assert re.fullmatch(r'"[0-9a-f]+"', etag)
    unchanged = await admin.get(path, headers={"If-None-Match": f'"x", W/{etag}'})
    assert (unchanged.status_code, unchanged.content, unchanged.headers["ETag"]) == (304, b"", etag)

    assert (await admin.patch(path, json={"is_enabled": False}, headers={"If-Match": '"x"'})).status_code == 412
    assert (await admin.patch(path, json={"is_enabled": False}, headers={"If-Match": f"W/{etag}"})).status_code == 412
    changed = await admin.patch(path, json={"is_enabled": False}, headers={"If-Match": f'"x", {etag}'})
    assert changed.status_code == 200
    assert changed.headers["ETag"] == (await admin.get(path)).headers["ETag"] != etag
    stale = await admin.delete(path, headers={"If-Match": etag})
    assert stale.status_code == 412
    assert stale.json()["error"]["code"] == "CONFLICT"
    assert (await admin.delete(path, headers={"If-Match": "*"})).status_code == 204


async def _asked(client: httpx.AsyncClient, query: str) -> dict[str, Any]:
    answer: dict[str, Any] = (await client.post("/graphql", json={"query": query})).json()
    return answer


async def test_if_match_can_be_demanded(sqlite_settings: StorageSettings) -> None:
    settings = service_settings(sqlite_settings, server={"http": {"require_if_match": True}})
    async with running_service(settings) as running:
        admin = await running.admin()
        await admin.post("/api/v1/providers", json=PROVIDER)
        assert (await admin.patch("/api/v1/providers/one", json={"is_enabled": False})).status_code == 428
        assert (await admin.delete("/api/v1/providers/one")).status_code == 428
        for place, method, body in (
            ("settings", "PATCH", {"retention_days": 9}),
            ("me/preferences", "PUT", {"document": {"theme": "dark"}}),
        ):
            path = f"/api/v1/{place}"
            refused = await admin.request(method, path, json=body)
            assert (refused.status_code, refused.json()["error"]["details"]["errors"][0]["path"]) == (428, "If-Match")
            tag = (await admin.get(path)).headers["ETag"]
            assert (await admin.request(method, path, json=body, headers={"If-Match": tag})).status_code == 200
            assert (await admin.request(method, path, json=body, headers={"If-Match": tag})).status_code == 412
            assert (await admin.request(method, path, json=body, headers={"If-Match": "*"})).status_code == 200
        await _the_same_through_graphql(admin)


async def _the_same_through_graphql(admin: httpx.AsyncClient) -> None:
    for field, read, given in (
        ("updateSettings", "settings", "input: {retentionDays: 9}"),
        ("savePreferences", "preferences", 'document: {theme: "dark"}'),
    ):
        etag, version = (await _asked(admin, f"{{ {read} {{ etag version }} }}"))["data"][read].values()
        assert (await admin.get(_REST[read])).headers["ETag"] == f'"{etag}"'
        for condition, code in (
            ("", "INVALID_REQUEST"),
            (f'ifMatch: "{etag}x"', "CONFLICT"),
            (f"ifVersion: {version - 1}", "CONFLICT"),
            (f'ifMatch: "{etag}", ifVersion: {version - 1}', "CONFLICT"),
            (f'ifMatch: "{etag}"', None),
            (f'ifMatch: "{etag}"', "CONFLICT"),
            (f"ifVersion: {version + 1}", None),
            ('ifMatch: "*"', None),
        ):
            answer = await _asked(admin, f"mutation {{ {field}({given}, {condition}) {{ etag version }} }}")
            if code is None:
                assert "errors" not in answer, (field, condition, answer)
            else:
                extensions = answer["errors"][0]["extensions"]
                assert extensions["code"] == code, (field, condition, answer)
                assert condition or extensions["details"]["errors"][0]["path"] == "ifMatch"


async def test_a_benchmark_has_versions(running: Running, admin: httpx.AsyncClient) -> None:
    submitted = (await admin.post("/api/v1/benchmarks", json=SPEC)).json()["id"]
    path = f"/api/v1/benchmarks/{submitted}"
    await admin.post(f"{path}/cancel")
    while (answer := await admin.get(path)).json()["finished_at"] is None:
        pass  # each asking is a turn of the loop that ends it
    etag = answer.headers["ETag"]
    assert (await admin.get(path, headers={"If-None-Match": etag})).status_code == 304
    assert (await admin.get(path)).json() == answer.json()
    viewer = await running.user("other", Role.USER)
    assert (await viewer.get(path, headers={"If-None-Match": etag})).status_code == 404, "what is kept is not for all"
    renamed = await admin.patch(path, json={"name": "c"}, headers={"If-Match": etag})
    assert (renamed.status_code, renamed.json()["name"]) == (200, "c")
    assert (await admin.patch(path, json={"name": "d"}, headers={"If-Match": etag})).status_code == 412, "lost update"
    assert (await admin.get(path, headers={"If-None-Match": etag})).json()["name"] == "c"
    assert (await admin.delete(path, headers={"If-Match": etag})).status_code == 412
    etag = (await admin.get(path)).headers["ETag"]
    assert (await admin.delete(path, headers={"If-Match": etag})).status_code == 204
    assert (await admin.get(path)).status_code == 404


async def test_compressed_answers_have_tags_of_their_own(admin: httpx.AsyncClient) -> None:
    path = "/api/v1/providers/one"
    options = {"options": {"headers": {f"X-{number}": "a" * 100 for number in range(15)}}}
    assert (await admin.patch(path, json=options)).status_code == 200
    plain = await admin.get(path, headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    for coding in ("gzip", "br"):
        answer = await admin.get(path, headers={"Accept-Encoding": coding})
        assert answer.headers["Content-Encoding"] == coding
        assert "accept-encoding" in answer.headers["Vary"].lower()
        assert answer.json() == plain.json()
        etag = answer.headers["ETag"]
        assert etag == plain.headers["ETag"][:-1] + f'-{coding}"'
        assert (await admin.get(path, headers={"If-None-Match": etag})).status_code == 304
    assert (await admin.patch(path, json=options, headers={"If-Match": etag})).status_code == 200
    signed_in = await admin.get("/api/v1/auth/me", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in signed_in.headers


async def test_a_trace_goes_on_or_begins(running: Running) -> None:
    client = running.anonymous
    parent = f"00-{TRACE_ID}-00f067aa0ba902b7-01"
    headers = {"traceparent": parent, "X-Request-ID": "mine"}
    answer = await client.get("/api/v1/health/live", headers=headers)
    assert answer.headers["X-Request-ID"] == "mine"
    assert re.fullmatch(rf"00-{TRACE_ID}-[0-9a-f]{{16}}-01", answer.headers["traceparent"])
    assert answer.headers["traceparent"] != parent
    for wrong in (f"00-{'0' * 32}-00f067aa0ba902b7-01", "ff" + parent[2:], parent + "-x", parent.upper(), "x" * 5000):
        begun = (await client.get("/api/v1/health/live", headers={"traceparent": wrong})).headers["traceparent"]
        assert TRACE_ID not in begun
        assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-00", begun)


async def test_nesting_is_bounded(admin: httpx.AsyncClient) -> None:
    deep = '{"name": "' + "[" * 100 + '", "kind": ' + "[" * 65 + "]" * 65 + "}"
    answer = await admin.post("/api/v1/providers", content=deep, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert "64 levels" in answer.json()["error"]["message"]
    shallow = PROVIDER | {"name": "[" * 60 + '\\"'}
    assert (await admin.post("/api/v1/providers", json=shallow)).status_code == 422, "brackets in texts are none"
