"""Changing things: the same rules, answers and audit rows as over REST."""

from typing import Any

from app.accounts.permissions import Role
from tests.graphql.conftest import ask, data, error
from tests.service import Running

CREATE = """mutation ($input: CreateBenchmarkInput!) {
  createBenchmark(input: $input, visibility: TEAM_OR_SO) { id }
}""".replace(", visibility: TEAM_OR_SO", "")
PROVIDER = 'mutation { createProvider(input: {name: "local", kind: "openai-compatible", baseUrl: "http://127.0.0.1:9/v1", apiKey: "sk-very-secret"}) { id name hasApiKey apiKeyRef } }'


def typed_spec(**more: Any) -> dict[str, Any]:
    return {
        "name": "typed",
        "tags": ["a"],
        "targets": [{"provider": "local", "model": "m"}],
        "workload": {
            "synthetic": {"inputTokens": {"normal": {"mean": 100, "stdev": 10}}, "outputTokens": {"tokens": 20}}
        },
        "load": {"ramp": {"fromRate": 1, "toRate": 5, "seconds": 10, "curve": "EXPONENTIAL"}},
        "stop": {"requests": 10, "durationSeconds": 5},
        "explore": None,
        "seed": "9007199254740993",
        "sampling": {"extra": {"top_k": 5}},
    } | more


async def test_a_typed_spec_and_its_document_are_the_same_benchmark(running: Running) -> None:
    admin = await running.admin()
    await data(admin, PROVIDER)
    query = CREATE.replace(
        "{ id }",
        "{ id specDocument spec { seed load { ... on RampLoad { kind toRate curve } } workload { ... on SyntheticPrompts { inputTokens } } } }",
    )
    made = (await data(admin, query, input={"spec": typed_spec()}))["createBenchmark"]
    assert made["specDocument"]["load"]["curve"] == "exponential"
    assert made["specDocument"]["workload"]["input_tokens"]["kind"] == "normal"
    assert made["spec"]["seed"] == "9007199254740993"
    assert made["spec"]["load"] == {"kind": "ramp", "toRate": 5.0, "curve": "EXPONENTIAL"}
    again = (await data(admin, query, input={"document": made["specDocument"]}))["createBenchmark"]
    assert again["specDocument"] == made["specDocument"]
    rest = (await admin.get(f"/api/v1/benchmarks/{made['id']}")).json()
    assert rest["spec"] == made["specDocument"]


async def test_problems_are_told_in_the_words_of_the_input(running: Running) -> None:
    admin = await running.admin()
    await data(admin, PROVIDER)
    bad = typed_spec(
        load={"closed": {"concurrency": 0, "rampUpSeconds": -1}},
        workload={
            "synthetic": {"inputTokens": {"uniform": {"minimum": 9, "maximum": 3}}, "outputTokens": {"tokens": 0}}
        },
    )
    found = await error(admin, CREATE, input={"spec": bad})
    assert found["code"] == "INVALID_REQUEST"
    assert {problem["path"] for problem in found["details"]["errors"]} == {
        "input.spec.load.closed.concurrency",
        "input.spec.load.closed.rampUpSeconds",
        "input.spec.workload.synthetic.inputTokens.uniform",
        "input.spec.workload.synthetic.outputTokens",
    }
    document = {"name": "x", "targets": [{"provider": "local", "model": "m"}], "load": {"kind": "closed"}}
    found = await error(admin, CREATE, input={"document": document})
    assert {problem["path"] for problem in found["details"]["errors"]} == {
        "input.document.load.concurrency",
        "input.document.workload",
    }
    for nonsense in (None, 5, "x", [], [document]):
        assert (await error(admin, CREATE, input={"document": nonsense}))["code"] == "INVALID_REQUEST"
    both = {"spec": typed_spec(), "document": document}
    assert "exactly one" in (await error(admin, CREATE, input=both))["message"]
    check = "query ($input: CreateBenchmarkInput!) { validateBenchmark(input: $input) { isValid problems { path message } plan { requestsPlanned estimateUsd estimateNote } } }"
    wrong = await data(admin, check, input={"spec": typed_spec(targets=[{"provider": "nowhere", "model": "m"}])})
    assert wrong["validateBenchmark"]["problems"][0]["path"] == "targets.0.provider"
    right = (await data(admin, check, input={"spec": typed_spec()}))["validateBenchmark"]
    assert right["isValid"], right["problems"]
    assert right["plan"]["requestsPlanned"] == 10
    assert (await data(admin, "{ benchmarks { totalCount } }"))["benchmarks"]["totalCount"] == 0, (
        "a check stores nothing"
    )


async def test_the_life_of_a_benchmark(running: Running) -> None:
    admin = await running.admin()
    await data(admin, PROVIDER)
    running.app.state.benchmarks.on_submitted = lambda: None  # nobody runs it
    made = (await data(admin, CREATE, input={"spec": typed_spec()}))["createBenchmark"]["id"]
    change = "mutation ($id: UUID!, $input: BenchmarkUpdateInput!) { updateBenchmark(id: $id, input: $input) { name tags visibility } }"
    changed = await data(admin, change, id=made, input={"name": "new name", "tags": ["b"], "visibility": "ALL"})
    assert changed["updateBenchmark"] == {"name": "new name", "tags": ["b"], "visibility": "ALL"}
    assert (await error(admin, change, id=made, input={}))["details"]["errors"][0]["path"] == "input"
    user = await running.user("other", Role.USER)
    assert (await data(user, "query ($id: UUID!) { benchmark(id: $id) { name } }", id=made))["benchmark"]
    for query in ("cancelBenchmark(id: $id) { id }", "deleteBenchmark(id: $id) { id }"):
        assert (await error(user, f"mutation ($id: UUID!) {{ {query} }}", id=made))["code"] == "FORBIDDEN"
    cancelled = await data(admin, "mutation ($id: UUID!) { cancelBenchmark(id: $id) { status } }", id=made)
    assert cancelled["cancelBenchmark"]["status"] == "CANCELLED"
    assert (await error(admin, "mutation ($id: UUID!) { cancelBenchmark(id: $id) { id } }", id=made))[
        "code"
    ] == "CONFLICT"
    gone = await data(admin, "mutation ($id: UUID!) { deleteBenchmark(id: $id) { id } }", id=made)
    assert gone["deleteBenchmark"]["id"] == made
    assert (await admin.get(f"/api/v1/benchmarks/{made}")).status_code == 404


async def test_a_providers_key_goes_in_and_never_comes_out(running: Running) -> None:
    admin = await running.admin()
    answer = await ask(admin, PROVIDER)
    assert answer["data"]["createProvider"]["hasApiKey"] is True
    assert "sk-very-secret" not in str(answer)
    update = 'mutation ($input: ProviderUpdateInput!) { updateProvider(name: "local", input: $input) { name hasApiKey isEnabled defaultModel baseUrl } }'
    moved = await error(admin, update, input={"baseUrl": "http://127.0.0.1:10/v1"})
    assert "given again" in moved["message"] or "needed again" in moved["message"]
    kept = (await data(admin, update, input={"defaultModel": "m", "isEnabled": False}))["updateProvider"]
    assert kept == {
        "name": "local",
        "hasApiKey": True,
        "isEnabled": False,
        "defaultModel": "m",
        "baseUrl": "http://127.0.0.1:9/v1",
    }
    assert (await data(admin, update, input={"apiKey": None, "defaultModel": None}))["updateProvider"][
        "hasApiKey"
    ] is False
    assert (await error(admin, update, input={"isEnabled": None}))["code"] == "INVALID_REQUEST"
    bad = await error(admin, update, input={"apiKey": "two words"})
    assert bad["details"]["errors"][0]["path"] == "input.apiKey"
    assert "two words" not in str(bad)
    health = await data(admin, 'mutation { testProvider(name: "local") { status reachable auth message } }')
    assert health["testProvider"]["status"] == "UNREACHABLE"
    page = await data(
        admin,
        "{ providers(first: 1) { nodes { name kindDetails { title } options { verifyTls headers { key value } } } pageInfo { hasNextPage } } providerKinds { kind capabilities { streaming } } }",
    )
    assert page["providers"]["nodes"][0]["name"] == "local"
    assert {"openai", "anthropic"} <= {kind["kind"] for kind in page["providerKinds"]}
    assert (await error(admin, PROVIDER))["code"] == "CONFLICT"
    assert (await data(admin, 'mutation { deleteProvider(name: "local") { id } }'))["deleteProvider"]["id"] == "local"
    assert (await error(admin, '{ provider(name: "local") { id } }'))["code"] == "NOT_FOUND"


async def test_api_keys_are_made_narrow_listed_and_revoked(running: Running) -> None:
    user = await running.user("keyed", Role.USER)
    create = "mutation ($input: ApiKeyInput!) { createApiKey(input: $input) { id key prefix scopes expiresAt } }"
    made = (await data(user, create, input={"name": "k", "scopes": ["BENCHMARK_READ"], "expiresInDays": 1}))[
        "createApiKey"
    ]
    key = running.bearer(made["key"])
    assert (await data(key, "{ benchmarks { totalCount } }"))["benchmarks"]["totalCount"] == 0
    refused = await error(key, "{ results { nodes { id } } }")
    assert (refused["code"], refused["details"]["permission"]) == ("FORBIDDEN", "results.read")
    nested = await ask(key, "{ benchmarks { nodes { results { nodes { id } } } } me { username } }")
    assert {one["extensions"]["code"] for one in nested["errors"]} == {"FORBIDDEN"}
    assert (await error(user, create, input={"name": "k", "scopes": ["USER_MANAGE"]}))["code"] == "INVALID_REQUEST"
    mine = await data(user, "{ me { username role permissions apiKeys { id prefix } } }")
    assert [one["id"] for one in mine["me"]["apiKeys"]] == [made["id"]]
    await data(user, "mutation ($id: UUID!) { revokeApiKey(id: $id) { id } }", id=made["id"])
    assert (await key.post("/graphql", json={"query": "{ __typename }"})).status_code == 401
