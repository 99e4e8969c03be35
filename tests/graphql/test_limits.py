"""What a hostile document, request or page gets: a clear refusal with the number, and nothing that leaks."""

import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app.accounts.permissions import Role
from app.benchmarks.service import BenchmarkService
from app.core.settings import StorageSettings
from tests.graphql.conftest import ask, data, error
from tests.service import Running, running_service, service_settings

SMALL = {
    "max_depth": 5,
    "max_aliases": 3,
    "max_tokens": 400,
    "max_directives": 5,
    "max_fields": 20,
    "max_complexity": 2_000,
    "max_page_size": 100,
}
INTROSPECTION = "{ __schema { types { name fields { name type { name ofType { name } } } } } }"


@pytest.fixture
async def small(sqlite_settings: StorageSettings) -> AsyncIterator[Running]:
    """A service with small limits."""
    async with running_service(service_settings(sqlite_settings, server={"graphql": SMALL})) as found:
        yield found


def doubling(levels: int) -> str:
    """Fragments that each spread the next one twice: 2^levels fields out of a short text."""
    parts = [f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}" for n in range(levels)]
    return " ".join(["{ ...f0 }", *parts, f"fragment f{levels} on Query {{ me {{ username }} }}"])


LIMITED = {
    "max_depth": "{ benchmarks { nodes { results { nodes { benchmark { id } } } } } }",
    "max_aliases": "{ a: me { username } b: me { username } c: me { username } d: me { username } }",
    "max_tokens": "{ " + "me { username } " * 100 + "}",
    "max_directives": "{ me { username " + "@include(if: true) " * 6 + "} }",
    "max_fields": "{ benchmarks { nodes { ...f } edges { node { ...f } } } } fragment f on Benchmark "
    "{ id name status tags visibility team createdAt startedAt finishedAt error }",
    "max_complexity": "{ benchmarks(first: 100) { nodes { results(first: 100) { pageInfo { endCursor } } } } }",
}


async def test_each_limit_is_told_with_its_number(small: Running) -> None:
    admin = await small.admin()
    for setting, document in LIMITED.items():
        await _check_limit(admin, setting, document)


async def _check_limit(admin: httpx.AsyncClient, setting: str, document: str) -> None:
    found = await error(admin, document)
    assert found["code"] == "INVALID_REQUEST"
    assert str(SMALL[setting]) in found["message"]
    if setting != "max_tokens":  # the parser's own words
        assert found["details"] == {
            "limit": SMALL[setting],
            "setting": f"server.graphql.{setting}",
            "found": found["details"]["found"],
        }


async def test_page_sizes_in_variables_count_and_are_bounded(small: Running) -> None:
    admin = await small.admin()
    query = "query ($n: Int = 3) { benchmarks(first: $n) { nodes { results(first: $n) { nodes { id } } } } }".replace(
        "nodes { id } ", "pageInfo { endCursor } "
    )
    assert "errors" not in await ask(admin, query)
    assert "max_complexity" in (await error(admin, query, n=100))["message"]
    assert "100" in (await error(admin, "query ($n: Int!) { providers(first: $n) { nodes { id } } }", n=101))["message"]
    huge = await error(admin, "{ providers(first: 99999999999999999999999) { nodes { id } } }")
    assert huge["code"] == "INVALID_REQUEST"


HOSTILE = [
    "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a me { username } }",
    '{ __type(name: "Query") { fields { type { fields { type { fields { type { fields { name } } } } } } } } }',
    "{ " + "me {" * 400 + "}" * 401,
    "{" + "[" * 3000,
    '{ me(x: "' + "x" * 100_000 + '") { username } }',
    "query ($v: JSON) { nothing(v: $v) }",
    "{ me { username } } " * 20,
    doubling(40),
    " ".join(f"fragment f{n} on Query {{ ...f{n + 1} }}" for n in range(600))
    + " { ...f0 } fragment f600 on Query { __typename }",
    "subscription { a: alertsStream { topic } b: alertsStream { topic } }",
    "query { me @skip(if: $no) { username } }",
    "",
    "#",
    "\ufeff{",
    "{ \ud800 }".encode("utf-8", "replace").decode(),
]


async def test_hostile_documents_are_refused_quickly(running: Running) -> None:
    admin = await running.admin()
    for document in HOSTILE:
        await _check_hostile(admin, document)


async def _check_hostile(admin: httpx.AsyncClient, document: str) -> None:
    began = time.process_time()
    response = await admin.post("/graphql", json={"query": document})
    assert response.status_code in {200, 400}
    body = response.json()
    assert body["errors"][0]["extensions"]["code"] == "INVALID_REQUEST", body
    assert time.process_time() - began < 5


async def test_a_long_document_is_not_read_at_all(running: Running) -> None:
    """Reading takes the parser's time, some microseconds a character, in which the server answers nobody."""
    client = await running.user("reader", Role.VIEWER)
    for document in (
        "\n" * 900_000 + "{",
        "x" * 900_000,
        '{ user(username: """' + "x\\n" * 300_000 + '""") { id } }',
        "#" + "x" * 900_000 + "\n{ me { username } }",
    ):
        for accept in ("application/json", "text/event-stream"):
            began = time.process_time()
            response = await client.post("/graphql", json={"query": document}, headers={"Accept": accept})
            assert "server.graphql.max_document_characters" in response.text
            assert time.process_time() - began < 1
    longest = "{ me { username } }".ljust(running.app.state.settings.server.graphql.max_document_characters)
    assert (await data(client, longest))["me"]["username"] == "reader"
    assert "50001" in (await error(client, f"{longest} "))["message"]
    given = {"document": {"long": "y" * 10_000}, "n": ["z" * 60_000]}
    saved = await ask(
        client, "mutation ($document: JSON!) { savePreferences(document: $document) { version } }", **given
    )
    assert "errors" not in saved, "variables have a limit of their own: the body's"


async def test_repeating_a_field_is_not_a_way_to_stall(running: Running) -> None:
    admin = await running.admin()
    began = time.process_time()
    answer = await ask(admin, "{ " + "__typename " * 12 + "me { " + "username " * 12 + "} }")
    assert answer["data"]["me"]["username"] == "admin"
    assert "repeated" in (await error(admin, "{" + "me { username } " * 240 + "}"))["message"]
    assert time.process_time() - began < 5


UNREADABLE: list[tuple[bytes, dict[str, str], int]] = [
    (b'{"query": "{ me { username } }"}', {"Content-Type": "text/plain"}, 415),
    (b'{"query": "{ me { username } }"}', {"Content-Type": "application/x-www-form-urlencoded"}, 415),
    (b"--b\r\n", {"Content-Type": "multipart/form-data; boundary=b"}, 415),
    (b'{"query": "{ me { username } }"}', {}, 415),
    (b'[{"query": "{ me { username } }"}]', {"Content-Type": "application/json"}, 400),
    (b'"text"', {"Content-Type": "application/json"}, 400),
    (b"{", {"Content-Type": "application/json"}, 400),
    (b"[" * 100_000, {"Content-Type": "application/json"}, 400),
    (b'{"query": 5}', {"Content-Type": "application/json"}, 400),
    (b'{"query": "{ me { username } }", "variables": []}', {"Content-Type": "application/json"}, 400),
    (b'{"query": "{ me { username } }", "operationName": {}}', {"Content-Type": "application/json"}, 400),
    (b'{"query": ""}', {"Content-Type": "application/json"}, 400),
]


async def test_requests_that_cannot_be_read(running: Running) -> None:
    admin = await running.admin()
    for content, headers, status in UNREADABLE:
        response = await admin.post("/graphql", content=content, headers=headers)
        assert response.status_code == status, response.text
        assert response.json()["errors"][0]["extensions"]["code"] == "INVALID_REQUEST"


async def test_get_reads_and_never_writes(running: Running) -> None:
    admin = await running.admin()
    read = await admin.get(
        "/graphql",
        params={"query": "query ($x: Int) { providers(first: $x) { nodes { id } } }", "variables": '{"x": 1}'},
    )
    assert read.json() == {"data": {"providers": {"nodes": []}}}
    assert read.headers["cache-control"] == "no-store"
    write = await admin.get("/graphql", params={"query": 'mutation { deleteProvider(name: "x") { id } }'})
    assert write.json()["errors"][0]["extensions"]["code"] == "INVALID_REQUEST"
    assert "mutations are not allowed" in write.json()["errors"][0]["message"].lower()
    assert (await admin.put("/graphql", json={})).status_code == 405
    for wrong in (
        {"query": "{ me { username } }", "variables": "{"},
        {"query": "{ me { username } }", "variables": "[]"},
    ):
        assert (await admin.get("/graphql", params=wrong)).status_code == 400


async def test_foreign_pages_cannot_use_the_cookie(running: Running) -> None:
    user = await running.user("victim", Role.USER)
    cookie = {"Cookie": f"ltb_access={user.headers['Authorization'].removeprefix('Bearer ')}"}
    for origin, status in (("http://127.0.0.1:8080", 200), ("http://evil.example", 403), ("null", 403)):
        response = await running.anonymous.post(
            "/graphql", json={"query": "{ me { username } }"}, headers={**cookie, "Origin": origin}
        )
        assert response.status_code == status, origin


async def test_the_response_type_of_the_specification(running: Running) -> None:
    admin = await running.admin()
    accept = {"Accept": "application/graphql-response+json, application/json;q=0.9"}
    good = await admin.post("/graphql", json={"query": "{ me { username } }"}, headers=accept)
    assert (good.status_code, good.headers["content-type"].split(";")[0]) == (200, "application/graphql-response+json")
    bad = await admin.post("/graphql", json={"query": "{ nothing }"}, headers=accept)
    assert bad.status_code == 400
    assert "data" not in bad.json()
    nobody = await running.anonymous.post("/graphql", json={"query": "{ me { username } }"}, headers=accept)
    assert (nobody.status_code, nobody.json()["errors"][0]["extensions"]["code"]) == (401, "UNAUTHORIZED")


async def test_unexpected_failures_are_logged_and_say_nothing(
    running: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("secret detail of /etc/passwd")

    monkeypatch.setattr(BenchmarkService, "list", broken)
    answer = await ask(await running.admin(), "{ benchmarks { nodes { id } } me { username } }")
    failure = answer["errors"][0]
    assert failure["extensions"]["code"] == "INTERNAL_ERROR"
    assert "secret" not in str(answer)
    assert len(failure["extensions"]["requestId"]) > 8
    assert "secret detail" in capsys.readouterr().out


async def test_an_operation_ends_in_time(sqlite_settings: StorageSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio  # noqa: PLC0415

    async def endless(*_: Any, **__: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(BenchmarkService, "list", endless)
    settings = service_settings(sqlite_settings, server={"graphql": {"timeout_seconds": 0.2}})
    async with running_service(settings) as running:
        found = await error(await running.admin(), "{ benchmarks { nodes { id } } }")
    assert (found["code"], found["retryable"], found["details"]["limit"]) == ("TIMEOUT", True, 0.2)


async def test_the_schema_can_be_asked_for(running: Running) -> None:
    admin = await running.admin()
    assert (await data(admin, INTROSPECTION))["__schema"]["types"]
    assert "Did you mean" in (await error(admin, "{ me { usrname } }"))["message"]
    page = await running.anonymous.get("/graphql", headers={"Accept": "text/html"})
    assert (page.status_code, page.headers["content-type"].split(";")[0]) == (200, "text/html")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    for file in ("explorer.js", "explorer.css"):
        assert f"/graphql/{file}" in page.text
        assert (await running.anonymous.get(f"/graphql/{file}")).status_code == 200
    assert "<style" not in page.text
    assert " onclick" not in page.text
    assert (await running.anonymous.get("/graphql/index.html")).status_code == 404


async def test_without_introspection_nothing_hints_at_the_schema(sqlite_settings: StorageSettings) -> None:
    settings = service_settings(
        sqlite_settings, server={"graphql": {"enable_introspection": False, "enable_graphiql": False}}
    )
    async with running_service(settings) as running:
        admin = await running.admin()
        for query in (INTROSPECTION, '{ __type(name: "Query") { name } }'):
            assert "introspection" in (await error(admin, query))["message"].lower()
        for query in (
            "{ me { usrname } }",
            "{ benchmark(idd: 1) { id } }",
            "{ benchmarks(filter: {statu: PENDING}) { nodes { id } } }",
            "{ benchmarks(filter: {status: PENDNG}) { nodes { id } } }",
            "query ($x: UID) { me { username } }",
            "{ me { ... on Viewr { username } } }",
            "{ me @inclde(if: true) { username } }",
        ):
            for found in (await ask(admin, query))["errors"]:
                assert "Did you mean" not in found["message"], found
        assert (await data(admin, "{ __typename me { username } }"))["me"]["username"] == "admin"
        assert (await running.anonymous.get("/graphql", headers={"Accept": "text/html"})).status_code == 401
        assert (await running.anonymous.get("/graphql/explorer.js")).status_code == 404
