"""Reading: pages, nesting without a query per item, and what each may see. On both databases."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from app.accounts.permissions import Role
from app.core.settings import StorageSettings
from tests.factories import NOON, Rows, make_spec
from tests.graphql.conftest import counted, data, error
from tests.service import Running, running_service, service_settings

NESTED = """
query ($first: Int!) {
  benchmarks(first: $first) {
    totalCount
    nodes {
      id name status tags visibility owner { username }
      targets { provider model providerDetails { name kind hasApiKey } }
      summary { requests { total } }
      spec { seed load { __typename ... on ClosedLoad { concurrency } } }
      timeline { tS }
      results(first: 2) { nodes { index ttftMs benchmark { name } } pageInfo { hasNextPage endCursor } }
    }
  }
}
"""


@pytest.fixture
async def stocked(storage_settings: StorageSettings) -> AsyncIterator[tuple[Running, Rows]]:
    """A service with 50 benchmarks of three owners, each with three results."""
    async with running_service(service_settings(storage_settings)) as running:
        rows = Rows(running.app.state.database)
        owners = [await rows.user() for _ in range(3)]
        for name in ("one", "two"):
            await rows.provider(name=name)
        for number in range(50):
            spec = make_spec(targets=[{"provider": "one", "model": "m"}, {"provider": "two", "model": "m"}])
            session = await rows.session(
                spec=spec,
                owner_id=owners[number % 3].id,
                status="completed",
                visibility="all" if number % 2 else "private",
                created_at=NOON + timedelta(minutes=number // 5),  # equal instants, too
            )
            await rows.results(session, 3)
        yield running, rows


async def test_the_number_of_queries_does_not_grow_with_the_page(stocked: tuple[Running, Rows]) -> None:
    running, _ = stocked
    admin = await running.admin()
    counts = {}
    for first in (1, 5, 50):
        with counted(running.app.state.database) as statements:
            page = (await data(admin, NESTED, first=first))["benchmarks"]
        assert (len(page["nodes"]), page["totalCount"]) == (first, 50)
        assert all(len(node["results"]["nodes"]) == 2 for node in page["nodes"])
        assert all(target["providerDetails"] for node in page["nodes"] for target in node["targets"])
        assert all(
            found["benchmark"]["name"] == node["name"] for node in page["nodes"] for found in node["results"]["nodes"]
        )
        counts[first] = len(statements)
    assert counts[1] == counts[5] == counts[50] <= 12, counts


async def test_pages_join_without_gap_or_repetition(stocked: tuple[Running, Rows]) -> None:
    running, _ = stocked
    admin = await running.admin()
    query = """query ($after: String) { benchmarks(first: 6, after: $after) {
        edges { cursor node { id } } nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""
    seen: list[str] = []
    after: str | None = None
    while True:
        page = (await data(admin, query, after=after))["benchmarks"]
        ids = [edge["node"]["id"] for edge in page["edges"]]
        assert [node["id"] for node in page["nodes"]] == ids
        assert page["pageInfo"]["hasPreviousPage"] == (after is not None)
        assert page["pageInfo"]["startCursor"] == page["edges"][0]["cursor"]
        seen += ids
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    rest = await admin.get("/api/v1/benchmarks?limit=500")
    assert seen == [item["id"] for item in rest.json()["items"]]
    middle = (await data(admin, query, after=page["edges"][0]["cursor"]))["benchmarks"]
    assert [edge["node"]["id"] for edge in middle["edges"]] == seen[-len(ids) + 1 :]


async def test_results_page_within_and_across_benchmarks(stocked: tuple[Running, Rows]) -> None:
    running, _ = stocked
    admin = await running.admin()
    one = (await data(admin, "{ benchmarks(first: 1) { nodes { id } } }"))["benchmarks"]["nodes"][0]["id"]
    nested = "query ($id: UUID!, $after: String) { benchmark(id: $id) { results(first: 2, after: $after) { nodes { index } pageInfo { hasNextPage endCursor } } } }"
    first = (await data(admin, nested, id=one))["benchmark"]["results"]
    assert [found["index"] for found in first["nodes"]] == [0, 1]
    last = (await data(admin, nested, id=one, after=first["pageInfo"]["endCursor"]))["benchmark"]["results"]
    assert [found["index"] for found in last["nodes"]] == [2]
    assert last["pageInfo"]["hasNextPage"] is False
    flat = "query ($f: ResultFilter, $after: String) { results(filter: $f, first: 100, after: $after) { nodes { id index startedNs status } pageInfo { hasNextPage endCursor } } }"
    alone = (await data(admin, flat, f={"benchmarkId": one, "status": "OK"}))["results"]["nodes"]
    assert [found["index"] for found in alone] == [0, 1, 2]
    assert alone[0]["startedNs"].isdigit(), "nanoseconds are texts, since JavaScript's numbers are too short"
    everything = (await data(admin, flat))["results"]
    more = (await data(admin, flat, after=everything["pageInfo"]["endCursor"]))["results"]
    assert len({found["id"] for found in everything["nodes"] + more["nodes"]}) == 150
    detail = await data(
        admin, "query ($id: UUID!) { result(id: $id) { gapsMs usage benchmark { id } } }", id=alone[0]["id"]
    )
    assert detail["result"]["benchmark"]["id"] == one
    assert detail["result"]["usage"]["completion_tokens"] == 11


async def test_each_sees_what_rest_shows_them(stocked: tuple[Running, Rows]) -> None:
    running, _ = stocked
    user = await running.user("reader", Role.USER)
    mine = await data(user, "{ benchmarks(first: 100) { totalCount nodes { id visibility } } }")
    assert {node["visibility"] for node in mine["benchmarks"]["nodes"]} == {"ALL"}
    assert mine["benchmarks"]["totalCount"] == len(mine["benchmarks"]["nodes"]) == 25
    admin = await running.admin()
    hidden = await data(
        admin, "{ benchmarks(first: 50) { nodes { id visibility results(first: 1) { nodes { id } } } } }"
    )
    secret = next(node for node in hidden["benchmarks"]["nodes"] if node["visibility"] == "PRIVATE")
    for query, id_ in (
        ("query ($id: UUID!) { benchmark(id: $id) { id } }", secret["id"]),
        ("query ($id: UUID!) { results(filter: {benchmarkId: $id}) { nodes { id } } }", secret["id"]),
        ("query ($id: UUID!) { result(id: $id) { id } }", secret["results"]["nodes"][0]["id"]),
        ("mutation ($id: UUID!) { cancelBenchmark(id: $id) { id } }", secret["id"]),
        ("mutation ($id: UUID!) { deleteBenchmark(id: $id) { id } }", secret["id"]),
        ('mutation ($id: UUID!) { updateBenchmark(id: $id, input: {name: "x"}) { id } }', secret["id"]),
    ):
        assert (await error(user, query, id=id_))["code"] == "NOT_FOUND", query


WRONG = [
    ("{ benchmarks(first: 0) { nodes { id } } }", "first"),
    ("{ benchmarks(first: 501) { nodes { id } } }", "first"),
    ('{ benchmarks(after: "nonsense") { nodes { id } } }', "cursor"),
    ('{ results(after: "WzFd") { nodes { id } } }', "cursor"),
    ("{ results(filter: {point: -1}) { nodes { id } } }", "filter.point"),
]


async def test_wrong_arguments_are_named(running: Running) -> None:
    admin = await running.admin()
    for query, path in WRONG:
        found = await error(admin, query)
        assert found["code"] == "INVALID_REQUEST"
        assert found["details"]["errors"][0]["path"] == path


async def test_texts_with_nul_are_found_nowhere(running: Running) -> None:
    admin = await running.admin()
    for query in (
        "query ($x: String!) { benchmarks(filter: {text: $x, tag: $x}) { nodes { id } } }",
        "query ($x: String!) { results(filter: {model: $x}) { nodes { id } } }",
    ):
        found: dict[str, Any] = await data(admin, query, x="a\0b")
        assert next(iter(found.values()))["nodes"] == []
    assert (await error(admin, "query ($x: String!) { provider(name: $x) { id } }", x="a\0b"))["code"] == "NOT_FOUND"


async def test_metrics_are_filtered(running: Running) -> None:
    admin = await running.admin()
    await data(admin, "{ me { username } }")
    query = "query ($n: [String!], $l: [MetricLabelInput!]) { metrics(names: $n, labels: $l) { name value kind help labels { name value } } }"
    found = await data(admin, query, n=["llm_api_requests_total"], l=[{"name": "path", "value": "/graphql"}])
    assert found["metrics"], "requests to GraphQL are counted under its own path"
    assert all({"name": "path", "value": "/graphql"} in one["labels"] for one in found["metrics"])
    assert (await data(admin, query, n=["no_such_*"], l=None))["metrics"] == []
    everything = await data(admin, query)
    text = (await admin.get("/metrics")).text
    assert {one["name"] for one in everything["metrics"]} == {
        line.split("{")[0].split(" ")[0] for line in text.splitlines() if line and not line.startswith("#")
    }
