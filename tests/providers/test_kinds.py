"""Health and models of every wire format, against the simulator: the right path, the right header, the right list."""

from collections.abc import Iterator

import pytest

from app.adapters import registry
from tests.loadgen.servers import simulator
from tests.service import Running

KEY = "AKIDEXAMPLE:0123456789abcdefABCDEF"
KINDS = [
    "openai", "openai-responses", "anthropic", "gemini", "cohere", "bedrock", "azure-openai", "ollama",
    "llamacpp-completion",
]  # fmt: skip


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with simulator("--model", "tiny", "--api-key", KEY) as found:
        yield found


@pytest.mark.parametrize("kind", KINDS)
async def test_health_and_models(kind: str, port: int, running: Running) -> None:
    base_url = f"http://127.0.0.1:{port}" + ("/v1" if kind.startswith("openai") else "")
    admin = await running.admin()
    for name, key in (("right", KEY), ("wrong", "AKIDOTHER:0123456789abcdefABCDEF")):
        body = {"name": name, "kind": kind, "base_url": base_url, "api_key": key}
        assert (await admin.post("/api/v1/providers", json=body)).status_code == 201
    health = (await admin.post("/api/v1/providers/right/health")).json()
    assert (health["status"], health["message"]) == ("ok", "1 model")
    assert (health["reachable"], health["auth"], health["completion"]) == (True, "ok", None)
    models = (await admin.get("/api/v1/providers/right/models")).json()["models"]
    assert [model["id"] for model in models if model["is_live"]] == ["tiny"]
    refused = (await admin.post("/api/v1/providers/wrong/health")).json()
    assert refused["status"] == "unauthorized"
    assert (refused["reachable"], refused["auth"], refused["error_type"]) == (True, "refused", "auth")
    paid = await admin.post("/api/v1/providers/right/health", params={"completion": "true", "model": "tiny"})
    said = paid.json()["completion"]
    assert said["model"] == "tiny"
    assert said["text"]
    assert said["latency_ms"] > 0
    assert said["output_tokens"] > 0
    assert said["cost_usd"] is None  # no list has a price for it
    assert KEY.partition(":")[2] not in paid.text
    assert "Incorrect API key" in refused["message"]


async def test_unknown_kinds_are_refused_with_those_that_exist(running: Running) -> None:
    admin = await running.admin()
    body = {"name": "x", "kind": "nope", "base_url": "http://127.0.0.1:1/v1"}
    answer = await admin.post("/api/v1/providers", json=body)
    assert answer.status_code == 422
    assert all(kind in answer.text for kind in registry.names())
