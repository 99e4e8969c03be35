"""HEAD and OPTIONS of every route, and what 405 says: over a socket, where a body too many would show."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app.core.settings import StorageSettings
from app.reports.exports import stream_results
from tests.api.test_walk import routes_of
from tests.factories import Rows
from tests.graphql.conftest import Served, ask, serving
from tests.service import service_settings

MISSING = "00000000-0000-4000-8000-000000000000"
OF_THE_MOMENT = {
    "date",
    "transfer-encoding",
    "x-request-id",
    "traceparent",
    "ratelimit",
    "ratelimit-remaining",
    "ratelimit-reset",
}
LIVE = {"/metrics", "/api/v1/metrics", "/api/v1/cluster", "/health", "/api/v1/health"}  # whose length changes by itself
QUERIES = {
    "/distributions": "metric=ttft_ms",
    "/heatmap": "metric=ttft_ms",
    "/results/export": "session_id={id}&format=jsonl",
    "/comparisons": "ids={id}",
    "/comparisons/report.html": "ids={id}",
    "/results/points": "session_id={id}&metric=ttft_ms",
    "/audit/export": "format=jsonl",
}


@pytest.fixture
async def served(sqlite_settings: StorageSettings) -> AsyncIterator[Served]:
    async with serving(service_settings(sqlite_settings, server={"rate_limit": {"requests_per_minute": 0}})) as found:
        yield found


def _headers(answer: httpx.Response, path: str) -> dict[str, str]:
    moving = OF_THE_MOMENT | ({"content-length"} if path in LIVE else set())
    return {name: value for name, value in answer.headers.items() if name not in moving}


async def test_head_is_everywhere_what_get_is_without_a_body(served: Served) -> None:
    rows = Rows(served.app.state.database)
    session = await rows.session(status="completed", visibility="all")
    result = (await rows.results(session, 3))[0]
    names = {"benchmark_id": session.id, "session_id": session.id, "result_id": result.id, "index": 0, "sequence": 1}
    names |= {"tool": "vllm", "name": "demo", "username": "admin", "file": "explorer.js"}
    templates = sorted({route.template for route in routes_of(served.app) if route.method == "GET"})
    assert len(templates) > 45
    fine = 0
    bearer = {"Authorization": f"Bearer {await served.token()}"}
    async with httpx.AsyncClient(base_url=f"http://{served.address}", timeout=30, headers=bearer) as admin:
        for template in templates:
            query = next((value for end, value in QUERIES.items() if template.endswith(end)), "")
            path = template.format(**names)
            address = path + ("?" + query.format(id=session.id) if query else "")
            read = await admin.get(address)
            head = await admin.head(address)
            assert head.status_code == read.status_code, address
            assert _headers(head, path) == _headers(read, path), address
            assert head.content == b"", address
            fine += read.status_code == 200
            if "etag" in read.headers:
                known = {"If-None-Match": read.headers["etag"]}
                status = (await admin.get(address, headers=known)).status_code
                assert (await admin.head(address, headers=known)).status_code == status, address
    assert fine > 35, "most of them must have been read for this to mean something"


async def test_head_needs_what_get_needs(served: Served) -> None:
    async with httpx.AsyncClient(base_url=f"http://{served.address}", timeout=30) as nobody:
        for route in routes_of(served.app):
            if route.method == "GET" and route.permission is not None:
                answer = await nobody.head(route.path)
                assert (answer.status_code, answer.content) == (401, b""), route


async def test_options_says_which_methods_there_are(served: Served) -> None:
    methods: dict[str, set[str]] = {}
    for route in routes_of(served.app):
        if route.method != "WEBSOCKET":
            methods.setdefault(route.template, set()).add(route.method)
    async with httpx.AsyncClient(base_url=f"http://{served.address}", timeout=30) as nobody:
        for template, declared in methods.items():
            path = template.replace("{", "").replace("}", "")
            answer = await nobody.options(path)
            allowed = set(answer.headers["Allow"].split(", "))
            assert (answer.status_code, answer.content) == (204, b""), path
            assert declared <= allowed, path
            assert "OPTIONS" in allowed, path
            assert ("HEAD" in allowed) == ("GET" in allowed), path
            missing = next(name for name in ("PUT", "TRACE", "SEARCH") if name not in allowed)
            refused = await nobody.request(missing, path)
            assert (refused.status_code, refused.headers["Allow"]) == (405, answer.headers["Allow"]), path
            assert refused.headers["Allow"] in refused.text, path
        assert (await nobody.options("/api/v1/nothing")).status_code == 404
        page = await nobody.options("/login")
        assert (page.status_code, page.headers["Allow"]) == (204, "GET, HEAD, OPTIONS")
        assert (await nobody.request("SEARCH", "/login")).headers["Allow"] == "GET, HEAD, OPTIONS"


async def test_the_head_of_a_stream_does_not_read_the_stream(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = Rows(served.app.state.database)
    session = await rows.session(status="completed")
    await rows.results(session, 3_000)
    made, ended = 0, asyncio.Event()

    async def counted(*args: Any, **kwargs: Any) -> AsyncIterator[bytes]:
        nonlocal made
        made = 0
        try:
            async for piece in stream_results(*args, **kwargs):
                made += 1
                yield piece
        finally:
            ended.set()

    monkeypatch.setattr("app.reports.endpoints.stream_results", counted)
    bearer = {"Authorization": f"Bearer {await served.token()}"}
    async with httpx.AsyncClient(base_url=f"http://{served.address}", timeout=30, headers=bearer) as admin:
        address = f"/api/v1/results/export?session_id={session.id}&format=jsonl"
        assert (await admin.get(address)).text.count("\n") == 3_000
        whole = made
        ended.clear()
        assert (await admin.head(address)).status_code == 200
        await asyncio.wait_for(ended.wait(), 10)
        assert made < whole / 2


async def test_a_mutation_by_get_is_405_and_says_what_is_allowed(served: Served) -> None:
    bearer = {"Authorization": f"Bearer {await served.token()}"}
    async with httpx.AsyncClient(base_url=f"http://{served.address}", timeout=30, headers=bearer) as admin:
        answer = await admin.get("/graphql", params={"query": 'mutation { deleteProvider(name: "x") { id } }'})
        assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
        assert answer.json()["errors"][0]["extensions"]["code"] == "INVALID_REQUEST"
        assert (await ask(admin, "{ me { username } }"))["data"]["me"]["username"] == "admin"
