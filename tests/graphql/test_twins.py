"""What REST can do, GraphQL can: each operation of the OpenAPI document has a field here, or a reason why not."""

from typing import Any

import httpx
import pytest
from graphql import GraphQLObjectType, GraphQLSchema

from app.api import openapi_document
from app.core.settings import GraphQLSettings, StorageSettings
from app.graphql.guard import declared
from app.graphql.schema import build_schema
from app.main import create_app
from tests.evaluation.stored import finished
from tests.graphql.conftest import counted, data, error
from tests.service import Running, service_settings

TWINS = {
    "createBenchmark": "Mutation.createBenchmark",
    "validateBenchmark": "Query.validateBenchmark",
    "listBenchmarkPresets": "Query.benchmarkPresets",
    "deleteBenchmarks": "Mutation.deleteBenchmarks",
    "updateBenchmarks": "Mutation.updateBenchmarks",
    "matchBenchmarks": "Query.matchingBenchmarks",
    "listAlerts": "Query.alerts",
    "getConfiguration": "Query.configuration",
    "getAuditEntry": "Query.auditEntry",
    "listBenchmarks": "Query.benchmarks",
    "getBenchmark": "Query.benchmark",
    "updateBenchmark": "Mutation.updateBenchmark",
    "deleteBenchmark": "Mutation.deleteBenchmark",
    "cancelBenchmark": "Mutation.cancelBenchmark",
    "exportBenchmarks": "Benchmark.exports",
    "getBenchmarkTimeline": "Benchmark.timeline",
    "getDistributions": "Benchmark.distributions",
    "getHeatmap": "Benchmark.heatmap",
    "getErrorTimeline": "Benchmark.errorTimeline",
    "getRequest": "Benchmark.request",
    "getRequestBody": "Benchmark.requestBody",
    "getBundle": "Benchmark.bundle",
    "getCompatView": "Benchmark.compat",
    "getBenchmarkReport": "Benchmark.reportUrl",
    "exportResults": "Benchmark.exports",
    "downloadResults": "Benchmark.exports",
    "listPoints": "Benchmark.points",
    "listResults": "Query.results",
    "getResult": "Query.result",
    "compareBenchmarks": "Query.compareBenchmarks",
    "getComparisonReport": "Comparison.reportUrl",
    "createProvider": "Mutation.createProvider",
    "listProviders": "Query.providers",
    "getProvider": "Query.provider",
    "updateProvider": "Mutation.updateProvider",
    "deleteProvider": "Mutation.deleteProvider",
    "listProviderModels": "Query.providerModels",
    "checkProviderHealth": "Mutation.testProvider",
    "listProviderHealth": "Query.providerHealth",
    "getCluster": "Query.cluster",
    "getMetrics": "Query.metrics",
    "getMe": "Query.me",
    "listApiKeys": "Viewer.apiKeys",
    "createApiKey": "Mutation.createApiKey",
    "revokeApiKey": "Mutation.revokeApiKey",
    "listMySessions": "Viewer.signIns",
    "changePassword": "Mutation.changePassword",
    "revokeMySession": "Mutation.revokeSignIn",
    "revokeMyOtherSessions": "Mutation.revokeOtherSignIns",
    "createUser": "Mutation.createUser",
    "listUsers": "Query.users",
    "getUser": "Query.user",
    "updateUser": "Mutation.updateUser",
    "deleteUser": "Mutation.deleteUser",
    "resetPassword": "Mutation.resetPassword",
    "listUserSessions": "Query.userSignIns",
    "listUserApiKeys": "Query.userApiKeys",
    "revokeUserSessions": "Mutation.revokeUserSignIns",
    "listRoles": "Query.roles",
    "listAudit": "Query.audit",
    "verifyAudit": "Query.auditCheck",
    "getSettings": "Query.settings",
    "updateSettings": "Mutation.updateSettings",
    "getPreferences": "Query.preferences",
    "savePreferences": "Mutation.savePreferences",
}
WITHOUT = {
    **dict.fromkeys(("login", "refreshTokens", "logout"), "identity comes before an operation"),
    **dict.fromkeys(("beginOidcLogin", "finishOidcLogin", "endOidcLogin"), "redirects of a browser"),
    **dict.fromkeys(("getHealth", "getLiveness", "getReadiness"), "probes, which ask without an identity"),
    "endOidcLoginByProvider": "called by identity providers",
    "listSignInMethods": "read before there is an identity",
    "exportAudit": "a file of its own, about no benchmark",
}
_OF_HEADERS = {"If-Match": "ifMatch", "if-match": "ifMatch", "Idempotency-Key": "idempotencyKey"}


def test_every_operation_of_rest_has_a_twin(sqlite_settings: StorageSettings) -> None:
    document = openapi_document(create_app(service_settings(sqlite_settings)))
    asked = {one["operationId"]: one for path in document["paths"].values() for one in path.values()}
    assert set(asked) == set(TWINS) | set(WITHOUT), "say where GraphQL has it, or why it has not"
    measured = {"benchmarks", "results", "providers", "comparisons"}
    assert not [name for name in WITHOUT if measured & set(asked[name].get("tags", ()))]

    schema = build_schema(GraphQLSettings())
    permissions = {(kind, name): permission for kind, name, permission in declared(schema)}
    core = schema._schema
    assert isinstance(core, GraphQLSchema)
    for operation, place in TWINS.items():
        kind, name = place.split(".")
        owner = core.type_map[kind]
        assert isinstance(owner, GraphQLObjectType)
        assert name in owner.fields, operation
        wanted = asked[operation]["x-permission"]
        assert permissions[kind, name] == wanted, (operation, wanted)
        headers = {one["name"] for one in asked[operation].get("parameters", ()) if one["in"] == "header"}
        arguments = {_OF_HEADERS[header] for header in headers & set(_OF_HEADERS)}
        found = set(owner.fields[name].args)
        assert arguments <= found or kind != "Mutation", (operation, arguments)


@pytest.fixture
async def two(running: Running) -> tuple[httpx.AsyncClient, list[str]]:
    """An administrator, and two benchmarks that ended, with 40 results each."""
    database = running.app.state.database
    stored = [await finished(database, n=40, seed=seed, requests_ok=40, visibility="all") for seed in (1, 2)]
    return await running.admin(), [str(one.id) for one in stored]


DETAILS = """query ($id: UUID!) { benchmark(id: $id) {
  distributions(metric: TTFT_MS, fromS: 1, toS: 3) { metric curves { scope n cdf { valueMs share } } note }
  heatmap { metric columns n count } errorTimeline { widthS tS perS { key value } }
  points(x: OUTPUT_TOKENS, y: TTFT_MS, limit: 10) { n isSample xs ys }
  request(index: 3) { index ttftMs previousIndex nextIndex waterfall { __typename } benchmark { id } }
  requestBody(index: 3) { body note } bundle compat(tool: VLLM) { tool figures }
  exports { format mediaType url } reportUrl results(first: 1) { totalCount }
} }"""


async def test_both_say_the_same(two: tuple[httpx.AsyncClient, list[str]]) -> None:
    admin, (first, second) = two
    rest = f"/api/v1/benchmarks/{first}"

    async def read(path: str, **query: Any) -> Any:
        return (await admin.get(path, params=query)).raise_for_status().json()

    found = (await data(admin, DETAILS, id=first))["benchmark"]
    curves = await read(f"{rest}/distributions", metric="ttft_ms", from_s=1, to_s=3)
    assert len(curves["curves"]) >= 2
    assert [(one["scope"].upper(), one["n"]) for one in curves["curves"]] == [
        (one["scope"], one["n"]) for one in found["distributions"]["curves"]
    ]
    assert found["distributions"]["note"] == curves["note"]
    assert found["heatmap"]["count"] == (await read(f"{rest}/heatmap"))["count"]
    assert found["errorTimeline"]["tS"] == (await read(f"{rest}/errors"))["t_s"]
    scattered = await read("/api/v1/results/points", session_id=first, x="output_tokens", y="ttft_ms", limit=10)
    assert (found["points"]["xs"], found["points"]["ys"]) == (scattered["xs"], scattered["ys"])
    assert found["request"]["nextIndex"] == (await read(f"{rest}/requests/3"))["next_index"] == 4
    assert found["request"]["benchmark"]["id"] == first
    assert found["requestBody"]["body"] == (await read(f"{rest}/requests/3/body"))["body"]
    assert found["bundle"] == await read(f"{rest}/bundle")
    assert found["compat"]["figures"] == (await read(f"{rest}/compat/vllm"))["figures"]
    assert found["results"]["totalCount"] == 40

    comparison = await data(
        admin,
        "query ($ids: [UUID!]!) { compareBenchmarks(ids: $ids, window: WHOLE) { baseline reportUrl "
        "figures { name differences { verdict sentence } } runs { id label } } }",
        ids=[first, second],
    )
    compared = await read("/api/v1/comparisons", ids=f"{first},{second}", window="whole")
    assert [one["name"] for one in comparison["compareBenchmarks"]["figures"]] == [
        one["name"] for one in compared["figures"]
    ]
    links = [one["url"] for one in found["exports"]] + [
        found["reportUrl"],
        comparison["compareBenchmarks"]["reportUrl"],
    ]
    for link in links:
        assert (await admin.get(link)).status_code == 200, link
    declared_types = {one["url"]: one["mediaType"] for one in found["exports"]}
    assert {link: (await admin.get(link)).headers["content-type"] for link in declared_types} == declared_types


async def test_what_is_out_of_range_is_refused_by_name(two: tuple[httpx.AsyncClient, list[str]]) -> None:
    admin, (first, _) = two
    ask = "query ($id: UUID!) { benchmark(id: $id) { %s } }"
    for field, path in (
        ("points(limit: 0) { n }", "limit"),
        ("points(point: -1) { n }", "point"),
        ("heatmap(target: 99) { n }", "target"),
        ("distributions(fromS: -1) { note }", "fromS"),
        ("request(index: -1) { index }", "index"),
        ("requestBody(index: -1) { body }", "index"),
    ):
        refused = await error(admin, ask % field, id=first)
        assert refused["code"] == "INVALID_REQUEST", field
        assert refused["details"]["errors"][0]["path"] == path
    assert (await error(admin, ask % "request(index: 40) { index }", id=first))["code"] == "NOT_FOUND"
    few = "query ($ids: [UUID!]!) { compareBenchmarks(ids: $ids) { baseline } }"
    assert (await error(admin, few, ids=[first]))["code"] == "INVALID_REQUEST"
    wide = "query ($ids: [UUID!]!) { compareBenchmarks(ids: $ids, marginPercent: 0) { baseline } }"
    assert (await error(admin, wide, ids=[first]))["details"]["errors"][0]["path"] == "marginPercent"


async def test_counts_of_results_are_kept_or_bounded(
    two: tuple[httpx.AsyncClient, list[str]], running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin, (first, _) = two

    async def count(filter_: str) -> int | None:
        found: int | None = (await data(admin, f"{{ results(first: 1, filter: {filter_}) {{ totalCount }} }}"))[
            "results"
        ]["totalCount"]
        return found

    mine = f'benchmarkId: "{first}"'
    assert await count("{}") == 80
    assert await count("{status: OK}") == 80
    assert await count("{status: ERROR}") == 0
    assert await count(f"{{{mine}}}") == await count(f"{{{mine}, status: OK}}") == 40
    assert await count(f'{{{mine}, model: "small"}}') == 40
    assert await count(f'{{{mine}, errorType: "timeout"}}') == 0
    assert await count('{model: "small"}') is None, "only a scan of every benchmark would tell"
    monkeypatch.setattr("app.benchmarks.result_counts.MAX_COUNTED", 39)
    assert await count(f'{{{mine}, model: "small"}}') is None
    with counted(running.app.state.database) as statements:
        await data(admin, "{ benchmarks { nodes { results(first: 1) { totalCount } } } }")
    assert len([one for one in statements if "requests_ok" in one]) == 1
