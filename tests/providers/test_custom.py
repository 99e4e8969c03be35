"""Custom providers over HTTP: the definition is checked, kept, shown and used."""

import copy
import tomllib
from pathlib import Path
from typing import Any

import httpx

from tests.providers.conftest import Upstream
from tests.service import Running

EXAMPLE = tomllib.loads((Path(__file__).parents[2] / "docs/providers/chat-sse.toml").read_text(encoding="utf-8"))
KEY = "sk-proj-0123456789abcdefABCDEF"


def body(upstream: Upstream | None = None, **fields: Any) -> dict[str, Any]:
    address = {"base_url": upstream.base_url} if upstream is not None else {}
    return {"name": "acme", "kind": "custom", "definition": EXAMPLE, "api_key": KEY} | address | fields


def problems(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 422, answer.text
    return {one["path"]: one["message"] for one in answer.json()["error"]["details"]["errors"]}


async def test_a_definition_is_kept_and_used(running: Running, upstream: Upstream) -> None:
    admin = await running.admin()
    created = await admin.post("/api/v1/providers", json=body(upstream))
    assert created.status_code == 201, created.text
    assert created.json()["definition"] == EXAMPLE
    assert created.json()["options"] == {"headers": {}, "verify_tls": True}
    assert (await admin.get("/api/v1/providers/acme")).json() == created.json()
    models = (await admin.get("/api/v1/providers/acme/models")).json()["models"]
    assert [(model["id"], model["capabilities"]["streaming"]) for model in models] == [("small", True), ("large", True)]
    assert f"Bearer {KEY}" in upstream.heads[-1]
    answer = {"choices": [{"message": {"content": "ok"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 3}}
    upstream.say(200, answer)
    asked = await admin.post("/api/v1/providers/acme/health?completion=true&model=small")
    assert asked.json()["completion"] == asked.json()["completion"] | {"text": "ok", "input_tokens": 3}
    upstream.say(403, {"error": {"code": "nope", "message": f"the key {KEY} is wrong"}})
    refused = (await admin.post("/api/v1/providers/acme/health")).json()
    assert (refused["status"], refused["error_type"]) == ("unauthorized", "auth")
    assert "is wrong" in refused["message"]
    assert KEY not in refused["message"]


async def test_the_address_of_the_definition_is_the_default(running: Running) -> None:
    admin = await running.admin()
    created = await admin.post("/api/v1/providers", json=body())
    assert created.json()["base_url"] == EXAMPLE["base_url"]
    without = {name: value for name, value in EXAMPLE.items() if name not in {"base_url", "models"}}
    assert "base_url" in problems(await admin.post("/api/v1/providers", json=body(name="b", definition=without)))


async def test_a_wrong_definition_is_refused_by_name(running: Running) -> None:
    admin = await running.admin()
    wrong = copy.deepcopy(EXAMPLE)
    wrong["request"]["headers"] = {"Authorization": f"Bearer {KEY}"}
    wrong["select"]["text"] = "text"
    answer = await admin.post("/api/v1/providers", json=body(definition=wrong))
    assert set(problems(answer)) == {"definition.request.headers.Authorization", "definition.select.text"}
    assert KEY not in answer.text
    assert "definition" in problems(await admin.post("/api/v1/providers", json=body(definition=None)))
    assert "definition" in problems(await admin.post("/api/v1/providers", json=body(kind="openai")))
    large = copy.deepcopy(EXAMPLE)
    large["request"]["body"]["x"] = "a" * 40_000
    assert "bytes" in problems(await admin.post("/api/v1/providers", json=body(definition=large)))["definition"]


async def test_changes(running: Running, upstream: Upstream) -> None:
    admin = await running.admin()
    await admin.post("/api/v1/providers", json=body(upstream))

    async def patched(**fields: Any) -> httpx.Response:
        return await admin.patch("/api/v1/providers/acme", json=fields)

    kept = await patched(options={"headers": {"X-Team": "a"}}, default_model="m")
    assert (kept.json()["definition"], kept.json()["options"]["headers"]) == (EXAMPLE, {"X-Team": "a"})
    other = EXAMPLE | {"title": "Other"}
    assert (await patched(definition=other)).json()["definition"] == other
    assert "definition.title" in problems(await patched(definition=EXAMPLE | {"title": 5}))
    plain = (await patched(kind="openai-compatible")).json()
    assert (plain["kind"], plain["definition"], plain["options"]["headers"]) == (
        "openai-compatible",
        None,
        {"X-Team": "a"},
    )
    assert "definition" in problems(await patched(kind="custom"))
    assert (await patched(kind="custom", definition=EXAMPLE)).json()["definition"] == EXAMPLE


async def test_without_a_model_list(running: Running, upstream: Upstream) -> None:
    admin = await running.admin()
    without = {name: value for name, value in EXAMPLE.items() if name != "models"}
    await admin.post("/api/v1/providers", json=body(upstream, definition=without))
    assert "no [models]" in (await admin.get("/api/v1/providers/acme/models")).text
    health = (await admin.post("/api/v1/providers/acme/health")).json()
    assert (health["status"], health["reachable"]) == ("error", None)
    assert upstream.heads == []
    upstream.say(200, {"choices": [{"message": {"content": "ok"}, "finish_reason": "stop"}]})
    asked = (await admin.post("/api/v1/providers/acme/health?completion=true&model=small")).json()
    assert asked["status"] == "ok", asked
