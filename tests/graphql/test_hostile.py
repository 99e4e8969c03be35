"""Requests that somebody means ill: each is answered at once, in GraphQL's words, without a fault of the service."""

import json
from typing import Any

import httpx
import pytest

from tests.graphql.conftest import ask
from tests.service import Running

JSON = {"Content-Type": "application/json"}
ME = "{ me { username } }"
FILTERED = "query ($x: String) { benchmarks(filter: {text: $x}) { nodes { id } } }"
CREATE = "mutation ($x: JSON) { createBenchmark(input: {document: $x}) { id } }"

BODIES: dict[str, bytes | str] = {
    "10,000 aliases": json.dumps({"query": "{" + " ".join(f"a{n}: me {{ username }}" for n in range(10_000)) + "}"}),
    "a batch": json.dumps([{"query": ME}] * 1000),
    "unknown operation name": json.dumps({"query": "query A { me { username } }", "operationName": "B"}),
    "two operations, none named": json.dumps({"query": "query A { me { id } } query B { me { id } }"}),
    "only a fragment": json.dumps({"query": "fragment f on Query { me { id } }"}),
    "a type definition": json.dumps({"query": "type Query { secret: String }"}),
    "persisted query": json.dumps({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}}),
    "integer overflow": json.dumps(
        {"query": "query ($n: Int) { users(first: $n) { nodes { id } } }", "variables": {"n": 2**40}}
    ),
    "a huge integer": '{"query": "{ me { id } }", "variables": {"n": ' + "9" * 5000 + "}}",
    "NaN": '{"query": "{ me { id } }", "variables": {"n": NaN}}',
    "Infinity": '{"query": "subscription ($n: Float!) { metricsStream(intervalSeconds: $n) { timestamp } }", "variables": {"n": 1e999}}',
    "invalid UTF-8": b'{"query": "{ me { id } } # \xff\xfe"}',
    "a lone surrogate": '{"query": "{ me(x: \\"\\ud800\\") { id } }"}',
    "deep variables": '{"query": "{ me { id } }", "variables": {"x": ' + "[" * 200 + "]" * 200 + "}}",
    "deep document": json.dumps({"query": CREATE, "variables": {"x": {"load": [[[[{"a": {}}]]]]}}}),
    "a scalar with fields": json.dumps({"query": "{ me { username { id } } }"}),
    "an enum out of range": json.dumps({"query": "{ benchmarks(filter: {status: EXPLODED}) { nodes { id } } }"}),
    "a wrong id": json.dumps({"query": '{ benchmark(id: "../../etc/passwd") { id } }'}),
    "extra fields of an input": json.dumps({"query": "{ benchmarks(filter: {__proto__: 1}) { nodes { id } } }"}),
    "a date of no calendar": json.dumps({"query": '{ audit(filter: {since: "9999-99-99"}) { nodes { sequence } } }'}),
    "a date out of reach": json.dumps(
        {"query": '{ audit(filter: {since: "0001-01-01T00:00:00+23:59"}) { nodes { sequence } } }'}
    ),
    "a cursor of another listing": json.dumps({"query": '{ audit(after: "WyJhIl0") { nodes { sequence } } }'}),
    "a cursor beyond 64 bits": json.dumps(
        {"query": '{ audit(after: "WzEwMDAwMDAwMDAwMDAwMDAwMDAwMDAwXQ") { nodes { sequence } } }'}
    ),
    "repeated directives": json.dumps({"query": "{ me " + "@skip(if: false) " * 40 + "{ id } }"}),
    "defer": json.dumps({"query": "{ me { ... @defer { username } } }"}),
}
HARMLESS: dict[str, dict[str, Any]] = {
    "__proto__ as a variable": {
        "query": "query ($__proto__: String) { me { username } }",
        "variables": {"__proto__": {}},
    },
    "unused variables": {"query": ME, "variables": {"constructor": {"prototype": 1}}},
    "NUL in a text": {"query": FILTERED, "variables": {"x": "a\0b"}},
    "patterns": {"query": FILTERED, "variables": {"x": "%_\\' OR 1=1 --"}},
}


async def test_every_request_is_answered_in_graphqls_words(running: Running) -> None:
    admin = await running.admin()
    for name, body in BODIES.items():
        await _check(name, await admin.post("/graphql", content=body, headers=JSON))


async def _check(name: str, response: httpx.Response) -> None:
    assert response.status_code < 500, (name, response.text)
    assert response.json().get("errors"), (name, response.text)
    for error in response.json()["errors"]:
        extensions = error["extensions"]
        assert extensions["code"] in {"INVALID_REQUEST", "NOT_FOUND"}, (name, error)
        assert extensions["requestId"], name
        assert len(error["message"]) < 2_000, name


async def test_odd_requests_that_mean_no_harm_are_answered(running: Running) -> None:
    admin = await running.admin()
    for name, body in HARMLESS.items():
        response = await admin.post("/graphql", json=body)
        found = response.json()
        assert response.status_code == 200, (name, found)
        codes = {one["extensions"]["code"] for one in found.get("errors", [])}
        assert codes <= {"INVALID_REQUEST"}, (name, found)


async def test_limits_of_http_hold_and_speak_graphql(running: Running) -> None:
    admin = await running.admin()
    huge = json.dumps({"query": ME, "variables": {"x": "y" * (9 * 2**20)}})
    response = await admin.post("/graphql", content=huge, headers=JSON)
    assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (413, "INVALID_REQUEST")
    for path in ("/graphql?query=mutation{deleteProvider(name:%22x%22){id}}", "/graphql"):
        response = await admin.get(path)
        assert response.json()["errors"][0]["extensions"]["code"] == "INVALID_REQUEST"
    assert (await admin.post("/graphql?query={me{id}}", content=b"", headers=JSON)).status_code == 400


async def test_secrets_of_inputs_reach_no_log_line(running: Running, capsys: pytest.CaptureFixture[str]) -> None:
    admin = await running.admin()
    secret = "hunter2-in-a-variable"
    query = "mutation ($i: ProviderInput!) { createProvider(input: $i) { id } }"
    for given in (
        {"name": "x", "apiKey": secret},
        {"nothing": secret},
        {"name": "x", "kind": "openai", "apiKey": f"two {secret}"},
    ):
        assert (await ask(admin, query, i=given))["errors"]
    login = 'mutation { createUser(input: {username: "%s", password: "%s"}) { generatedPassword } }'
    await ask(admin, login % ("a b", secret))
    token = admin.headers["Authorization"].removeprefix("Bearer ")
    logged = capsys.readouterr()
    assert secret not in logged.out + logged.err
    assert token not in logged.out + logged.err


async def test_what_is_wrong_with_an_input_is_told_without_its_values(running: Running) -> None:
    """They may be keys, and clients log what they are told."""
    admin, secret = await running.admin(), "hunter2-in-an-input"
    mutation = "mutation ($i: ProviderInput!, $k: String) { createProvider(input: $i, idempotencyKey: $k) { name } }"
    whole = {"name": "x", "kind": "openai", "apiKey": secret}
    for given, says in (
        ({"i": {"name": "x", "apiKey": secret}}, "required field 'kind'"),
        ({"i": whole | {"apiKey": [secret]}}, ".apiKey: String cannot represent a non string"),
        ({"i": whole | {"apikey": secret}}, "unknown field 'apikey'"),
        (
            {"i": whole | {"options": {"verifyTls": secret}}},
            ".options.verifyTls: Boolean cannot represent a non boolean",
        ),
        ({"i": secret}, "Expected value of type 'ProviderInput' to be an object"),
        ({"i": whole, "k": {"x": secret}}, "String cannot represent a non string"),
    ):
        message = (await ask(admin, mutation, **given))["errors"][0]["message"]
        assert says in message
        assert secret not in message
    for literal in (
        f'{{name: "x", apiKey: "{secret}"}}',
        f'"{secret}"',
        f'{{"{secret}": 1}}',
        f'{{apiKey: ["{secret}"]}}',
    ):
        response = await admin.post(
            "/graphql", json={"query": f"mutation {{ createProvider(input: {literal}) {{ name }} }}"}
        )
        assert response.json()["errors"]
        assert secret not in response.text
