"""Users, the audit trail, changes of what somebody else has changed meanwhile, and creations that are sent twice."""

from typing import Any

from app.accounts.permissions import Role
from tests.graphql.conftest import ask, data, error
from tests.graphql.test_mutations import CREATE, PROVIDER, typed_spec
from tests.service import Running

NEW = "mutation ($input: UserInput!) { createUser(input: $input) { user { username role etag } generatedPassword } }"
CHANGE = (
    "mutation ($name: String!, $input: UserUpdateInput!, $etag: String) "
    "{ updateUser(username: $name, input: $input, ifMatch: $etag) { role team isActive etag } }"
)


async def test_the_life_of_a_user(running: Running) -> None:
    admin = await running.admin()
    made = (await data(admin, NEW, input={"username": "ada", "role": "user", "team": "core"}))["createUser"]
    assert made["user"]["role"] == "user"
    client = await running.signed_in("ada", made["generatedPassword"])
    me = await data(client, "{ me { username signIns { method current } } roles { name builtIn permissions } }")
    assert me["me"]["signIns"] == [{"method": "password", "current": True}]
    assert {"admin", "user", "viewer"} <= {role["name"] for role in me["roles"]}
    assert (await error(client, "{ users { nodes { id } } }"))["code"] == "FORBIDDEN"

    page = await data(admin, '{ users(text: "ada") { nodes { username email } pageInfo { hasNextPage } } }')
    assert page["users"]["nodes"] == [{"username": "ada", "email": None}]
    first = (await data(admin, "{ users(first: 1) { pageInfo { endCursor hasNextPage } } }"))["users"]["pageInfo"]
    assert first["hasNextPage"]
    rest = "query ($after: String) { users(after: $after) { nodes { username } } }"
    assert (await data(admin, rest, after=first["endCursor"]))["users"]["nodes"] == [{"username": "admin"}]

    changed = (await data(admin, CHANGE, name="ada", input={"role": "viewer"}, etag=made["user"]["etag"]))["updateUser"]
    assert changed["role"] == "viewer"
    stale = await error(admin, CHANGE, name="ada", input={"team": None}, etag=made["user"]["etag"])
    assert stale["code"] == "CONFLICT"
    assert (await data(admin, '{ user(username: "ada") { team } }'))["user"]["team"] == "core", "nothing was lost"
    reset = 'mutation ($p: String) { resetPassword(username: "ada", password: $p) { generatedPassword } }'
    assert (await error(admin, reset, p="short"))["code"] == "INVALID_REQUEST"
    assert (await error(admin, reset, p=""))["code"] == "INVALID_REQUEST"
    assert (await data(admin, reset, p="another long password"))["resetPassword"]["generatedPassword"] is None
    assert (await client.post("/graphql", json={"query": "{ __typename }"})).status_code == 401
    client = await running.signed_in("ada", "another long password")
    renewal = "mutation ($old: String!) { changePassword(oldPassword: $old, newPassword: $old) { signInsEnded } }"
    wrong = await error(client, renewal, old="not the password in force")
    assert "not the password in force" not in str(wrong)
    off = (await data(admin, CHANGE, name="ada", input={"isActive": False}))["updateUser"]
    assert off["isActive"] is False
    assert (await client.post("/graphql", json={"query": "{ __typename }"})).status_code == 401
    assert (await error(admin, CHANGE, name="admin", input={"role": "user"}))["code"] == "CONFLICT"
    await data(admin, 'mutation { deleteUser(username: "ada") { id } }')
    assert (await error(admin, '{ user(username: "ada") { id } }'))["code"] == "NOT_FOUND"

    trail = await data(
        admin,
        '{ audit(filter: {action: "user.*"}) { nodes { action actorName sequence changes } } auditCheck { intact } }',
    )
    assert {"user.create", "user.set_role", "user.reset_password", "user.disable", "user.delete"} <= {
        entry["action"] for entry in trail["audit"]["nodes"]
    }
    assert "admin" in {entry["actorName"] for entry in trail["audit"]["nodes"]}
    assert "another long password" not in str(trail)
    assert trail["auditCheck"]["intact"] is True
    naive = '{ audit(filter: {since: "2026-01-01T00:00:00"}) { nodes { sequence } } }'
    assert (await error(admin, naive))["code"] == "INVALID_REQUEST"


async def test_a_change_is_not_lost(running: Running) -> None:
    admin, other = await running.admin(), await running.user("other-admin", Role.ADMIN)
    running.app.state.benchmarks.run_at_once(0)
    await data(admin, PROVIDER)
    made = (await data(admin, CREATE, input={"spec": typed_spec()}))["createBenchmark"]["id"]
    read = 'query ($id: UUID!) { benchmark(id: $id) { etag tags } provider(name: "local") { etag } }'
    seen = await data(admin, read, id=made)
    path = f"/api/v1/benchmarks/{made}"
    plain = await admin.get(path, headers={"Accept-Encoding": "identity"})  # a coded answer has a tag of its own
    assert plain.headers["etag"].strip('"').split(".")[0] == seen["benchmark"]["etag"]
    change = (
        "mutation ($id: UUID!, $tags: [String!], $etag: String) "
        "{ updateBenchmark(id: $id, input: {tags: $tags}, ifMatch: $etag) { tags etag } }"
    )
    first = await data(other, change, id=made, tags=["theirs"], etag=seen["benchmark"]["etag"])
    assert first["updateBenchmark"]["etag"] != seen["benchmark"]["etag"]
    assert (await error(admin, change, id=made, tags=["mine"], etag=seen["benchmark"]["etag"]))["code"] == "CONFLICT"
    assert (await data(admin, read, id=made))["benchmark"]["tags"] == ["theirs"]
    assert (await error(admin, change, id=made, tags=["mine"], etag=""))["code"] == "INVALID_REQUEST"
    gone = "mutation ($id: UUID!, $etag: String) { deleteBenchmark(id: $id, ifMatch: $etag) { id } }"
    assert (await error(admin, gone, id=made, etag=seen["benchmark"]["etag"]))["code"] == "CONFLICT"

    provider = (
        "mutation ($model: String, $etag: String) "
        '{ updateProvider(name: "local", input: {defaultModel: $model}, ifMatch: $etag) { defaultModel } }'
    )
    await data(other, provider, model="theirs", etag=seen["provider"]["etag"])
    assert (await error(admin, provider, model="mine", etag=seen["provider"]["etag"]))["code"] == "CONFLICT"


async def test_a_creation_that_is_sent_twice_happens_once(running: Running) -> None:
    admin = await running.admin()
    running.app.state.benchmarks.run_at_once(0)
    await data(admin, PROVIDER)
    create = (
        "mutation ($input: CreateBenchmarkInput!, $key: String) "
        "{ createBenchmark(input: $input, idempotencyKey: $key) { id } }"
    )
    made = [(await data(admin, create, input={"spec": typed_spec()}, key="k-1"))["createBenchmark"]["id"] for _ in "12"]
    assert made[0] == made[1]
    assert (await data(admin, "{ benchmarks { totalCount } }"))["benchmarks"]["totalCount"] == 1
    other = {"spec": typed_spec(name="another")}
    assert (await error(admin, create, input=other, key="k-1"))["code"] == "INVALID_REQUEST"
    assert (await error(admin, create, input=other, key="")).get("code") == "INVALID_REQUEST"
    wrong = {"spec": typed_spec(targets=[{"provider": "nowhere", "model": "m"}])}
    assert (await error(admin, create, input=wrong, key="k-2"))["code"] == "INVALID_REQUEST"
    assert (await data(admin, create, input=other, key="k-2"))["createBenchmark"]["id"] != made[0], (
        "a failure is not kept"
    )
    keyed = 'mutation { createApiKey(input: {name: "k"}, idempotencyKey: "k-1") { id key } }'
    keys: list[Any] = [(await data(admin, keyed))["createApiKey"] for _ in "12"]
    assert keys[0] == keys[1]
    stranger = await running.user("stranger", Role.USER)
    assert (await data(stranger, keyed))["createApiKey"]["id"] != keys[0]["id"], "keys of users do not meet"
    assert "errors" not in await ask(running.bearer(keys[1]["key"]), "{ me { username } }")
