"""Many benchmarks at once over GraphQL, through the services that REST uses."""

from uuid import uuid4

from app.benchmarks.listing import MAX_MATCHING
from tests.evaluation.stored import finished
from tests.graphql.conftest import data, error
from tests.service import Running

UPDATE = "mutation ($input: BulkUpdateInput!) { updateBenchmarks(input: $input) { done items { id outcome message } } }"
DELETE = "mutation ($input: BulkDeleteInput!) { deleteBenchmarks(input: $input) { done items { id outcome message } } }"
MATCHING = 'query ($limit: Int!) { matchingBenchmarks(filter: {tag: "nightly"}, limit: $limit) { count ids } }'


async def test_benchmarks_are_tagged_counted_and_deleted_together(running: Running) -> None:
    admin, nobody = await running.admin(), str(uuid4())
    ids = [str((await finished(running.app.state.database, n=2, seed=seed)).id) for seed in (1, 2)]
    items = [{"id": one} for one in [*ids, nobody]]

    answer = (await data(admin, UPDATE, input={"items": items, "addTags": ["nightly"]}))["updateBenchmarks"]
    assert [item["outcome"] for item in answer["items"]] == ["DONE", "DONE", "NOT_FOUND"]
    assert answer["done"] == 2
    found = (await data(admin, MATCHING, limit=1))["matchingBenchmarks"]
    assert found == {"count": 2, "ids": [ids[1]]}

    tagged = [{"id": ids[0], "ifMatch": "outdated"}, {"id": ids[1]}]
    answer = (await data(admin, DELETE, input={"items": tagged}))["deleteBenchmarks"]
    assert [item["outcome"] for item in answer["items"]] == ["CONFLICT", "DONE"]
    assert (await data(admin, MATCHING, limit=0))["matchingBenchmarks"] == {"count": 1, "ids": []}


async def test_limits_are_told(running: Running) -> None:
    admin = await running.admin()
    assert f"0 to {MAX_MATCHING}" in (await error(admin, MATCHING, limit=MAX_MATCHING + 1))["message"]
    twice = [{"id": str(uuid4())}] * 2
    assert "once" in str(await error(admin, DELETE, input={"items": twice}))


async def test_presets_are_those_of_rest(running: Running) -> None:
    admin = await running.admin()
    found = (await data(admin, "{ benchmarkPresets { name title purpose spec } }"))["benchmarkPresets"]
    assert found == (await admin.get("/api/v1/benchmarks/presets")).json()["presets"]


async def test_alerts_entries_and_the_configuration_are_read(running: Running) -> None:
    admin = await running.admin()
    found = await data(
        admin,
        "{ alerts { hasGap open { key } past { key } } configuration { key value } auditEntry(sequence: 1) { action } }",
    )
    assert found["alerts"] == {"hasGap": False, "open": [], "past": []}
    assert "server.port" in {one["key"] for one in found["configuration"]}
    assert found["auditEntry"]["action"]
