"""Walks every root field as everyone: nobody, each role, a narrow key."""

import re
from typing import Any

import httpx
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_required_argument,
)

from app.accounts.permissions import ROLE_PERMISSIONS, Permission, Role
from app.graphql.guard import declared
from tests.evaluation.stored import finished
from tests.factories import Rows
from tests.service import Running

NARROW_SCOPE = Permission.PROVIDER_READ
VALUES: dict[str, Any] = {
    "UUID": '"00000000-0000-4000-8000-000000000000"',
    "String": '"nothing"',
    "Int": "1",
    "Long": "1",
    "Float": "1.0",
    "Boolean": "true",
    "BigInt": "1",
    "JSON": "{}",
    "ID": '"x"',
}


def literal(kind: Any) -> str:
    """A value of an input type, with nothing but what must be there."""
    if is_non_null_type(kind):
        kind = kind.of_type
    if is_list_type(kind):
        return f"[{literal(kind.of_type)}]"
    if isinstance(kind, GraphQLEnumType):
        return str(next(iter(kind.values)))
    if isinstance(kind, GraphQLInputObjectType):
        one_of = kind.extensions["strawberry-definition"].is_one_of
        fields = dict(list(kind.fields.items())[-1:]) if one_of else kind.fields
        needed = {name: one for name, one in fields.items() if one_of or is_non_null_type(one.type)}
        return "{" + ", ".join(f"{name}: {literal(one.type)}" for name, one in needed.items()) + "}"
    return str(VALUES[kind.name])


def selection(field: GraphQLField) -> str:
    kind = get_named_type(field.type)
    if is_leaf_type(kind):
        return ""
    assert isinstance(kind, GraphQLObjectType | GraphQLUnionType)
    return "{ __typename }"


def arguments(field: GraphQLField) -> str:
    """Those that must be given."""
    needed = {key: one for key, one in field.args.items() if is_required_argument(one)}
    given = ", ".join(f"{key}: {literal(one.type)}" for key, one in needed.items())
    return f"({given})" if given else ""


async def operations(running: Running) -> dict[str, tuple[str, Permission]]:
    schema = (await running.app.state.graphql.view()).schema
    found = {(kind, name): permission for kind, name, permission in declared(schema)}
    core = schema._schema
    made = {}
    for word, root in (
        ("query", core.query_type),
        ("mutation", core.mutation_type),
        ("subscription", core.subscription_type),
    ):
        for name, field in root.fields.items():
            made[f"{word} {name}"] = (
                f"{word} {{ {name}{arguments(field)} {selection(field)} }}",
                found[root.name, name],
            )
    return made


async def codes(client: httpx.AsyncClient, query: str) -> set[str]:
    """The codes of all errors in the answer; of a stream, in its first message."""
    headers = {"Accept": "text/event-stream"} if query.startswith("subscription") else {}
    response = await client.post("/graphql", json={"query": query}, headers=headers)
    assert response.status_code < 500
    if response.headers["content-type"].startswith("text/event-stream"):
        import orjson  # noqa: PLC0415

        answer = orjson.loads(response.text.split("data: ", 1)[1].split("\r\n")[0])
    else:
        answer = response.json()
    return {one["extensions"]["code"] for one in answer.get("errors", [])}


async def check(running: Running, client: httpx.AsyncClient, permissions: frozenset[Permission]) -> None:
    for name, (query, permission) in (await operations(running)).items():
        if permission not in permissions:
            assert await codes(client, query) == {"FORBIDDEN"}, name
        elif not name.startswith("subscription"):  # those would go on; `test_subscriptions` follows them
            found = await codes(client, query)
            assert not found & {"UNAUTHORIZED", "FORBIDDEN", "INTERNAL_ERROR"}, (name, found, query)


async def test_nobody_gets_nothing(running: Running) -> None:
    for name, (query, _) in (await operations(running)).items():
        response = await running.anonymous.post("/graphql", json={"query": query})
        assert response.status_code == 401, name
        assert response.json()["errors"][0]["extensions"]["code"] == "UNAUTHORIZED"
    assert (
        await running.anonymous.post("/graphql", json={"query": "{ __schema { types { name } } }"})
    ).status_code == 401
    assert (await running.bearer("guess").get("/graphql", params={"query": "{ __typename }"})).status_code == 401


async def test_each_gets_what_their_permissions_say(running: Running) -> None:
    for role in Role:
        await check(running, await running.user(f"walker-{role}", role), ROLE_PERMISSIONS[role])
    narrow = await running.api_key(await running.admin(), scopes=[NARROW_SCOPE])
    await check(running, narrow, frozenset({NARROW_SCOPE}))


async def test_fields_of_a_benchmark_have_permissions_of_their_own(running: Running) -> None:
    stored = await finished(running.app.state.database, n=3, requests_ok=3, visibility="all")
    narrow = await running.api_key(await running.admin(), scopes=[Permission.BENCHMARK_READ])
    schema = (await running.app.state.graphql.view()).schema
    fields = schema._schema.type_map["Benchmark"].fields
    guarded = {name: permission for kind, name, permission in declared(schema) if kind == "Benchmark"}
    assert len(guarded) > 10
    for name, permission in guarded.items():
        asked = f"{name}{arguments(fields[name])} {selection(fields[name])}"
        found = await codes(narrow, f'{{ benchmark(id: "{stored.id}") {{ {asked} }} }}')
        assert (found == {"FORBIDDEN"}) == (permission != Permission.BENCHMARK_READ), (name, found)


async def test_what_others_own_is_as_if_it_were_not_there(running: Running) -> None:
    """Word for word: no answer tells that an id exists."""
    owner = await Rows(running.app.state.database).user()
    stored = await finished(running.app.state.database, n=3, requests_ok=3, owner_id=owner.id)
    missing, private = VALUES["UUID"].strip('"'), str(stored.id)
    other = await running.user("other", Role.USER)
    asked = [query for query, _ in (await operations(running)).values() if missing in query]
    benchmark = "query { benchmark(id: %s) { name } }"
    pair = "query { compareBenchmarks(ids: [%s, %s]) { baseline } }"
    asked += [benchmark % VALUES["UUID"], pair % (VALUES["UUID"], VALUES["UUID"])]
    assert len(asked) > 10
    for query in asked:
        said = []
        for id_ in (missing, private):
            headers = {"Accept": "text/event-stream"} if query.startswith("subscription") else {}
            answer = await other.post("/graphql", json={"query": query.replace(missing, id_)}, headers=headers)
            said.append(re.sub(r'"requestId":"[^"]*"', "", answer.text.replace(id_, "ID")))
        assert said[0] == said[1], query
