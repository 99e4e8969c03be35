"""The routes over HTTP: bodies, status codes, errors. What they do is tested at the services."""

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from app.accounts.permissions import Role
from app.benchmarks.endpoints import router
from app.benchmarks.results_endpoints import router as results_router
from app.core.http import install_error_handlers
from app.core.ids import new_id
from app.core.settings import load_settings
from tests.benchmarks.conftest import Bench, Hosting, fake
from tests.factories import make_caller, make_spec

UNKNOWN = UUID(int=7)  # fixed, because test names must be the same in every worker


def _nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth - 1):
        value = {"a": value}
    return value


@pytest.fixture
async def bench(hosting: Hosting) -> AsyncIterator[Bench]:
    async with hosting() as bench:
        yield bench


@pytest.fixture
async def client(bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    install_error_handlers(app)
    app.include_router(router)
    app.include_router(results_router)

    async def authenticate(request: Any) -> Any:
        return bench.caller if request.headers.get("X-Role") != "viewer" else make_caller(role=Role.VIEWER)

    app.state.settings = load_settings()
    app.state.benchmarks = bench.service
    app.state.authenticate = authenticate
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test/api/v1") as client:
        yield client


async def test_a_benchmark_over_http(bench: Bench, client: httpx.AsyncClient) -> None:
    answer = await client.post("/benchmarks", json=make_spec(name="n", tags=["t"], workload=fake()))
    assert answer.status_code == 202
    created = answer.json()
    assert created["status"] == "pending"
    assert created["spec"]["workload"]["kind"] == "prompt"
    await bench.ended(UUID(created["id"]))
    read = (await client.get(f"/benchmarks/{created['id']}")).json()
    assert read["status"] == "completed"
    ttft = read["summary"]["metrics"]["ttft_ms"]
    assert ttft["p90"] > 0
    assert (ttft["p99.9"], ttft["needs_n"]["p99.9"]) == (None, 1000)
    assert read["summary"]["window"]["method"] == "none"
    assert read["summary"]["by_target"][0]["model"] == "small"
    listed = (await client.get("/benchmarks", params={"tag": "t", "q": "N", "status": "completed"})).json()
    assert [item["id"] for item in listed["items"]] == [created["id"]]
    assert listed["items"][0]["headline"]["requests"] == 10
    timeline = (await client.get(f"/benchmarks/{created['id']}/timeline")).json()
    assert sum(timeline["requests_per_s"]) == 10
    results = (await client.get("/results", params={"session_id": created["id"], "limit": 3})).json()
    assert len(results["items"]) == 3
    detail = (await client.get(f"/results/{results['items'][0]['id']}")).json()
    assert detail["gaps_ms"] == [20.0, 20.0]
    assert (await client.post(f"/benchmarks/{created['id']}/cancel")).status_code == 409
    assert (await client.delete(f"/benchmarks/{created['id']}")).status_code == 204
    assert (await client.get(f"/benchmarks/{created['id']}")).status_code == 404


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"load": {"kind": "closed", "concurrency": 0}}, "load.concurrency"),
        ({"load": {"kind": "warp"}}, "load"),
        ({"stop": {}}, "stop"),
        ({"surprise": 1}, "surprise"),
        ({"targets": []}, "targets"),
        ({"name": "a\0b"}, "name"),
        ({"tags": ["ok", "\0"]}, "tags.1"),
        ({"sampling": {"extra": {"a": [1, "\0"]}}}, "sampling.extra.a.1"),
        ({"sampling": {"extra": {"\0": 1}}}, "sampling.extra"),
        ({"sampling": {"extra": {"a": 2**70}}}, "sampling.extra.a"),
        ({"sampling": {"extra": {"a": "\ud800"}}}, "sampling.extra.a"),
        ({"sampling": {"extra": {"a": float("nan")}}}, "sampling.extra"),
        ({"sampling": {"extra": _nested(300)}}, "sampling.extra"),
        ({"sampling": {"extra": {"a": [_nested(32)]}}}, "sampling.extra"),
        ({"slo": {"ttft_ms": float("inf")}}, "slo.ttft_ms"),
        ({"load": {"kind": "closed", "concurrency": "4"}}, "load.concurrency"),
        ({"load": {"kind": "closed", "concurrency": True}}, "load.concurrency"),
        ({"save_responses": "yes"}, "save_responses"),
        ({"load": {"kind": "constant", "rate": 1e-300}}, "load.rate"),
        ({"load": {"kind": "poisson", "rate": 5e-324}}, "load.rate"),
        ({"targets": [{"provider": "nobody", "model": "m"}]}, "targets.0.provider"),
    ],
)
async def test_a_wrong_spec_names_the_field(client: httpx.AsyncClient, change: dict[str, Any], path: str) -> None:
    body = json.dumps(make_spec() | change)
    answer = await client.post("/benchmarks", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "INVALID_REQUEST"
    assert path in [error["path"].replace(".closed.", ".") for error in answer.json()["error"]["details"]["errors"]]


@pytest.mark.parametrize(
    ("url", "status"),
    [
        (f"/benchmarks/{UNKNOWN}", 404),
        (f"/benchmarks/{UNKNOWN}/timeline", 404),
        ("/benchmarks/nonsense", 422),
        ("/benchmarks?status=lost", 422),
        ("/benchmarks?limit=0", 422),
        ("/benchmarks?cursor=%00", 400),
        ("/benchmarks?q=%00&tag=%00&model=%00&provider=%00", 200),
        ("/results?error_type=%00&model=%00&provider=%00", 200),
        ("/results?cursor=abc", 400),
        (f"/results?session_id={UNKNOWN}", 404),
        (f"/results/{UNKNOWN}", 404),
    ],
)
async def test_wrong_questions_get_clear_answers(client: httpx.AsyncClient, url: str, status: int) -> None:
    answer = await client.get(url)
    assert answer.status_code == status
    assert answer.json()["items"] == [] if status == 200 else answer.json()["error"]["message"]


async def test_viewers_may_only_read(client: httpx.AsyncClient) -> None:
    headers = {"X-Role": "viewer"}
    assert (await client.get("/benchmarks", headers=headers)).status_code == 200
    assert (await client.post("/benchmarks", headers=headers, json=make_spec())).status_code == 403
    assert (await client.post(f"/benchmarks/{new_id()}/cancel", headers=headers)).status_code == 403
    assert (await client.delete(f"/benchmarks/{new_id()}", headers=headers)).status_code == 403
