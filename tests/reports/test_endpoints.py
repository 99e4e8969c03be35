"""The export route, on stored results and both databases."""

import csv
import io
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest
from fastapi import FastAPI, Request

from app.accounts.caller import Caller
from app.accounts.permissions import Role
from app.adapters.capabilities import Capabilities
from app.benchmarks.models import BenchmarkSession
from app.benchmarks.service import BenchmarkService
from app.core.clock import SystemClock
from app.core.database import Database
from app.core.errors import UnauthorizedError
from app.core.http import install_error_handlers
from app.core.ids import new_id
from app.core.keyring import Keyring
from app.core.outbound import OutboundGuard
from app.events.memory import MemoryBus
from app.providers.service import ProviderService
from app.reports.endpoints import router
from tests.factories import Rows, make_caller, make_failed_result


class AnyProvider:
    """Knows every provider."""

    async def check_exists(self, names: Any) -> None:
        del names

    async def capabilities(self, name: str, model: str) -> Capabilities:
        return Capabilities()

    async def definitions(self, names: Any) -> list[Any]:
        return [None for _ in names]

    async def kinds(self, names: Any) -> list[str]:
        return ["openai" for _ in names]


class Visitor:
    """A client whose identity the test chooses."""

    def __init__(self, client: httpx.AsyncClient, app: FastAPI) -> None:
        self.caller: Caller | None = None
        self.client = client
        self.app = app

    async def authenticate(self, _request: Request) -> Caller:
        if self.caller is None:
            raise UnauthorizedError("sign in")
        return self.caller

    async def export(self, **body: Any) -> httpx.Response:
        return await self.client.post("/results/export", json=body)


@pytest.fixture
async def visitor(database: Database) -> AsyncIterator[Visitor]:
    app = FastAPI()
    install_error_handlers(app)
    app.include_router(router)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1/api/v1") as client:
        visitor = Visitor(client, app)
        app.state.benchmarks = BenchmarkService(database, SystemClock(), MemoryBus(), AnyProvider())
        app.state.authenticate = visitor.authenticate
        yield visitor


@pytest.fixture
def providers(database: Database) -> ProviderService:
    return ProviderService(
        database, SystemClock(), Keyring("a configured secret of enough characters"), OutboundGuard()
    )


@pytest.fixture
async def benchmark(rows: Rows, visitor: Visitor) -> BenchmarkSession:
    """A benchmark of the visitor with 1,005 results (the service reads a thousand at a time), the last one failed."""
    owner = await rows.user()
    visitor.caller = make_caller(owner)
    benchmark = await rows.session(owner_id=owner.id)
    await rows.results(benchmark, 1_004, tags=["nightly"])
    await rows.add([make_failed_result(1_004, session_id=benchmark.id, error="=cmd|' /C calc'!A0")])
    await rows.results(await rows.session(owner_id=owner.id), 3)
    return benchmark


async def test_every_result_once_in_order(visitor: Visitor, benchmark: BenchmarkSession) -> None:
    answer = await visitor.export(session_id=str(benchmark.id), format="jsonl")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/jsonl"
    assert answer.headers["content-disposition"] == f'attachment; filename="results-{benchmark.id}.jsonl"'
    assert "content-length" not in answer.headers, "it is streamed"
    lines = [orjson.loads(line) for line in answer.content.splitlines()]
    assert [line["index"] for line in lines] == list(range(1_005))
    assert (lines[0]["ttft_ms"], lines[0]["provider"], lines[0]["tags"]) == (100.0, "local", ["nightly"])
    assert (lines[-1]["status"], lines[-1]["error_type"], lines[-1]["ttft_ms"]) == ("error", "http_5xx", None)


async def test_the_other_formats(visitor: Visitor, benchmark: BenchmarkSession) -> None:
    answer = await visitor.export(session_id=str(benchmark.id), format="json")
    assert len(answer.json()) == 1_005
    answer = await visitor.export(session_id=str(benchmark.id), format="csv")
    assert answer.headers["content-type"].startswith("text/csv")
    table = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert len(table) == 1_005
    assert table[-1]["error"] == "'=cmd|' /C calc'!A0"


async def test_a_benchmark_without_results_is_an_empty_file(visitor: Visitor, rows: Rows) -> None:
    owner = await rows.user()
    visitor.caller = make_caller(owner)
    benchmark = await rows.session(owner_id=owner.id)
    answer = await visitor.export(session_id=str(benchmark.id), format="jsonl")
    assert (answer.status_code, answer.content) == (200, b"")


async def test_what_one_may_not_see_does_not_exist(visitor: Visitor, benchmark: BenchmarkSession) -> None:
    visitor.caller = make_caller()
    for session_id in (benchmark.id, new_id()):
        answer = await visitor.export(session_id=str(session_id), format="csv")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")


async def test_exporting_needs_its_permission(visitor: Visitor, benchmark: BenchmarkSession) -> None:
    visitor.caller = make_caller(role=Role.VIEWER)
    answer = await visitor.export(session_id=str(benchmark.id), format="csv")
    assert (answer.status_code, answer.json()["error"]["details"]["permission"]) == (403, "results.export")
    visitor.caller = None
    assert (await visitor.export(session_id=str(benchmark.id), format="csv")).status_code == 401


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"format": "csv"}, "session_id"),
        ({"session_id": "7", "format": "csv"}, "session_id"),
        ({"session_id": str(UUID(int=7))}, "format"),
        ({"session_id": str(UUID(int=7)), "format": "xlsx"}, "format"),
        ({"session_id": str(UUID(int=7)), "format": "csv", "path": "/etc/passwd"}, "path"),
    ],
)
async def test_a_wrong_body_is_told_where(visitor: Visitor, body: dict[str, Any], path: str) -> None:
    visitor.caller = make_caller()
    answer = await visitor.export(**body)
    assert answer.status_code == 422
    assert answer.json()["error"]["details"]["errors"][0]["path"] == path


@pytest.mark.parametrize("tool", ["vllm", "aiperf", "guidellm"])
async def test_results_as_another_tool_reports_them(visitor: Visitor, rows: Rows, tool: str) -> None:
    owner = await rows.user()
    session = await rows.session(owner_id=owner.id)
    await rows.results(session, 3)
    path = f"/benchmarks/{session.id}/compat/{tool}"
    assert (await visitor.client.get(path)).status_code == 401
    visitor.caller = make_caller(owner)
    document = (await visitor.client.get(path)).json()
    assert document["tool"] == tool
    assert document["figures"]
    assert (await visitor.client.get(f"/benchmarks/{new_id()}/compat/{tool}")).status_code == 404
    assert (await visitor.client.get(f"/benchmarks/{session.id}/compat/k6")).status_code == 422
    visitor.caller = make_caller()
    assert (await visitor.client.get(path)).status_code == 404, "someone else's does not exist"


async def test_the_vllm_file_and_gaps_over_rest(visitor: Visitor, rows: Rows) -> None:
    owner = await rows.user()
    session = await rows.session(owner_id=owner.id)
    await rows.results(session, 3)
    visitor.caller = make_caller(owner)
    answer = await visitor.export(session_id=str(session.id), format="vllm")
    assert answer.headers["content-type"] == "application/json"
    assert "vllm.json" in answer.headers["content-disposition"]
    assert answer.json()["num_prompts"] == 3
    lines = (await visitor.export(session_id=str(session.id), format="jsonl", gaps=True)).text.splitlines()
    assert all("gaps_ms" in orjson.loads(line) for line in lines)


async def test_the_bundle_of_a_stored_benchmark(visitor: Visitor, rows: Rows, providers: ProviderService) -> None:
    owner = await rows.user()
    session = await rows.session(owner_id=owner.id)
    visitor.app.state.providers = providers
    path = f"/benchmarks/{session.id}/bundle"
    assert (await visitor.client.get(path)).status_code == 401
    visitor.caller = make_caller(owner)
    gone = (await visitor.client.get(path)).json()
    assert "does not exist" in gone["targets"][0]["requests"]["note"]
    await rows.provider(name="local", kind="vllm")
    first, second = [(await visitor.client.get(path)).json() for _ in range(2)]
    assert first == second
    assert first["targets"][0]["endpoint"]["adapter"] == "vllm"
    assert first["targets"][0]["requests"]["hashed"] == 1
    visitor.caller = make_caller()
    assert (await visitor.client.get(path)).status_code == 404


async def test_an_export_by_address(visitor: Visitor, benchmark: BenchmarkSession) -> None:
    by_body = await visitor.export(session_id=str(benchmark.id), format="jsonl")
    query = {"session_id": str(benchmark.id), "format": "jsonl"}
    by_address = await visitor.client.get("/results/export", params=query)
    assert (by_address.status_code, by_address.content) == (200, by_body.content)
    for wrong, path in (({}, "session_id"), ({"session_id": "x"}, "session_id"), (query | {"format": "x"}, "format")):
        answer = await visitor.client.get("/results/export", params=wrong)
        assert answer.status_code == 422
        assert answer.json()["error"]["details"]["errors"][0]["path"] == path
