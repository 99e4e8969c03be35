"""Providers over HTTP: what may be stored, what is never shown, what a changed address needs."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app.accounts.permissions import Role
from app.adapters import registry
from app.core.settings import StorageSettings
from tests.service import Running, running_service, service_settings

KEY = "sk-proj-0123456789abcdefABCDEF"
LOCAL = {"name": "local", "kind": "openai-compatible", "base_url": "http://127.0.0.1:9000/v1", "api_key": KEY}


@pytest.fixture
async def both(storage_settings: StorageSettings) -> AsyncIterator[Running]:
    """A service on each database in turn."""
    async with running_service(service_settings(storage_settings)) as found:
        yield found


async def _created(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    response = await client.post("/api/v1/providers", json=LOCAL | fields)
    assert response.status_code == 201, response.text
    return dict(response.json())


def _problem(response: httpx.Response) -> dict[str, str]:
    assert response.status_code == 422, response.text
    problem = response.json()["error"]["details"]["errors"][0]
    assert KEY not in response.text
    return dict(problem)


async def test_a_provider_lives(both: Running) -> None:
    admin = await both.admin()
    created = await _created(admin, default_model="small", options={"headers": {"X-Team": "a"}, "verify_tls": False})
    assert created["has_api_key"] is True
    assert "api_key" not in created
    shown = await admin.get("/api/v1/providers/local")
    assert shown.json() == created
    listed = await admin.get("/api/v1/providers")
    assert listed.json()["items"] == [created]
    assert listed.json()["next_cursor"] is None
    for response in (shown, listed):
        assert KEY not in response.text

    changed = await admin.patch("/api/v1/providers/local", json={"default_model": None, "is_enabled": False})
    assert changed.status_code == 200
    assert changed.json() == created | {
        "default_model": None,
        "is_enabled": False,
        "updated_at": changed.json()["updated_at"],
    }
    assert (await admin.patch("/api/v1/providers/local", json={"name": "renamed"})).json()["name"] == "renamed"
    assert (await admin.get("/api/v1/providers/local")).status_code == 404
    assert (await admin.delete("/api/v1/providers/renamed")).status_code == 204
    assert (await admin.delete("/api/v1/providers/renamed")).status_code == 404
    assert (await admin.patch("/api/v1/providers/renamed", json={})).status_code == 404


async def test_names_are_unique(both: Running) -> None:
    admin = await both.admin()
    await _created(admin)
    await _created(admin, name="other")
    again = await admin.post("/api/v1/providers", json=LOCAL)
    assert again.status_code == 409
    assert again.json()["error"]["code"] == "CONFLICT"
    assert (await admin.patch("/api/v1/providers/other", json={"name": "local"})).status_code == 409
    assert (await admin.patch("/api/v1/providers/other", json={"name": "other"})).status_code == 200


async def test_pages_follow_names(both: Running) -> None:
    admin = await both.admin()
    for name in ("c", "a", "e", "b", "d"):
        await _created(admin, name=name)
    seen: list[str] = []
    cursor = None
    while True:
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await admin.get("/api/v1/providers", params=params)).json()
        assert bool(page["kinds"]) is (cursor is None)
        seen += [item["name"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == ["a", "b", "c", "d", "e"]
    for wrong in ({"limit": 0}, {"limit": 501}, {"limit": "x"}):
        assert (await admin.get("/api/v1/providers", params=wrong)).status_code == 422
    assert (await admin.get("/api/v1/providers", params={"cursor": "junk"})).status_code == 400


async def test_what_a_database_cannot_store_is_the_callers_fault(both: Running) -> None:
    admin = await both.admin()
    response = await admin.post("/api/v1/providers", json=LOCAL | {"default_model": "a\0b"})
    assert response.status_code in {201, 422}  # SQLite can, PostgreSQL cannot


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:9001/v1", "https://127.0.0.1:9000/v1", "http://localhost:9000/v1"]
)
async def test_a_stored_key_never_follows_an_address(running: Running, address: str) -> None:
    admin = await running.admin()
    await _created(admin)
    refused = await admin.patch("/api/v1/providers/local", json={"base_url": address})
    assert _problem(refused)["path"] == "api_key"
    assert (await admin.get("/api/v1/providers/local")).json()["base_url"] == LOCAL["base_url"]
    with_key = await admin.patch("/api/v1/providers/local", json={"base_url": address, "api_key": "sk-new"})
    assert with_key.json()["base_url"] == address
    forgotten = await admin.patch("/api/v1/providers/local", json={"base_url": LOCAL["base_url"], "api_key": None})
    assert forgotten.json()["has_api_key"] is False
    assert (await admin.patch("/api/v1/providers/local", json={"base_url": address})).status_code == 200


async def test_another_path_keeps_the_key(running: Running) -> None:
    admin = await running.admin()
    await _created(admin)
    changed = await admin.patch("/api/v1/providers/local", json={"base_url": "http://127.0.0.1:9000/v2/"})
    assert changed.json()["base_url"] == "http://127.0.0.1:9000/v2"
    assert changed.json()["has_api_key"] is True


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"name": "Local"}, "name"),
        ({"name": "../x"}, "name"),
        ({"name": ""}, "name"),
        ({"kind": "unknown"}, "kind"),
        ({"base_url": "http://10.0.0.1/v1"}, "base_url"),
        ({"base_url": "http://169.254.169.254/latest"}, "base_url"),
        ({"base_url": "http://user:pw@127.0.0.1/v1"}, "base_url"),
        ({"base_url": "file:///etc/passwd"}, "base_url"),
        ({"base_url": "http://127.0.0.1/v1?x=1"}, "base_url"),
        ({"base_url": "http://127.0.0.1/v1#x"}, "base_url"),
        ({"base_url": None}, "base_url"),  # this kind has no address of its own
        ({"api_key": ""}, "api_key"),
        ({"default_model": "a\0b"}, "default_model"),
        ({"is_enabled": 0}, "is_enabled"),
        ({"options": {"verify_tls": "no"}}, "options.verify_tls"),
        ({"api_key": "two\r\nlines"}, "api_key"),
        ({"api_key": "x" * 5000}, "api_key"),
        ({"options": {"headers": {"Authorization": "x"}}}, "options.headers"),
        ({"options": {"headers": {"X-Api-Key": "x"}}}, "options.headers"),
        ({"options": {"headers": {"Host": "x"}}}, "options.headers"),
        ({"options": {"headers": {"X": "a\r\nY: b"}}}, "options.headers"),
        ({"options": {"headers": {"X Y": "a"}}}, "options.headers"),
        ({"options": {"headers": {f"X-{index}": "a" for index in range(33)}}}, "options.headers"),
        ({"options": {"verify": False}}, "options.verify"),
        ({"is_enabled": "perhaps"}, "is_enabled"),
        ({"extra": 1}, "extra"),
    ],
)
async def test_wrong_providers(running: Running, fields: dict[str, Any], path: str) -> None:
    admin = await running.admin()
    assert _problem(await admin.post("/api/v1/providers", json=LOCAL | fields))["path"] == path


async def test_an_unknown_kind_says_which_there_are(running: Running) -> None:
    admin = await running.admin()
    message = _problem(await admin.post("/api/v1/providers", json=LOCAL | {"kind": "nope"}))["message"]
    assert "openai-compatible" in message


async def test_fields_that_cannot_be_null(running: Running) -> None:
    admin = await running.admin()
    await _created(admin)
    for field in ("name", "kind", "base_url", "options", "is_enabled"):
        response = await admin.patch("/api/v1/providers/local", json={field: None})
        assert field in _problem(response)["message"]


async def test_vendors_have_an_address_of_their_own(running: Running) -> None:
    admin = await running.admin()
    created = await _created(admin, name="vendor", kind="vllm", base_url=None)
    assert created["base_url"] == "http://127.0.0.1:8000/v1"


async def test_only_administrators_manage(running: Running) -> None:
    admin = await running.admin()
    await _created(admin)
    for role in (Role.USER, Role.VIEWER):
        client = await running.user(f"some-{role}", role)
        assert (await client.get("/api/v1/providers")).status_code == 200
        assert (await client.post("/api/v1/providers", json=LOCAL)).status_code == 403
        assert (await client.patch("/api/v1/providers/local", json={"is_enabled": False})).status_code == 403
        assert (await client.delete("/api/v1/providers/local")).status_code == 403


async def test_kinds_tell_what_they_can_do(running: Running) -> None:
    kinds = {one["kind"]: one for one in (await (await running.admin()).get("/api/v1/providers")).json()["kinds"]}
    assert list(kinds) == registry.names()
    assert kinds["anthropic"]["default_base_url"] == "https://api.anthropic.com"
    assert kinds["anthropic"]["capabilities"]["embeddings"] is False
    assert kinds["openai"]["capabilities"]["vision"] is True
    assert kinds["vllm"]["capabilities"]["tools"] is None, "it depends on the server"
    assert kinds["vllm"]["has_list_prices"] is False
    for name, one in kinds.items():
        if one["capabilities"]["embeddings"]:
            assert registry.kind(name).embeddings is not None, name
