"""Every REST route as everyone who might try: with dead identities, and at what belongs to somebody else."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import httpx
from jose import jwt
from sqlalchemy import select

from app.accounts.models import User
from app.accounts.permissions import ROLE_PERMISSIONS, Permission, Role
from app.accounts.tokens import ALGORITHM, AUDIENCE, ISSUER
from tests.api.test_walk import routes_of
from tests.factories import Rows
from tests.service import PASSWORD, Running

API = "/api/v1"


class Call(NamedTuple):
    method: str
    template: str
    body: Any = None


async def _owned(running: Running, username: str, **fields: Any) -> tuple[str, str]:
    """A finished benchmark of theirs with a result: both ids."""
    async with running.app.state.database.read() as session:
        owner = (await session.scalars(select(User).where(User.username == username))).one()
    rows = Rows(running.app.state.database)
    session_ = await rows.session(owner_id=owner.id, status="completed", **fields)
    results = await rows.results(session_, 1)
    return str(session_.id), str(results[0].id)


def _paths(running: Running, benchmark_id: str, result_id: str) -> list[Call]:
    """Every route about one benchmark, from the app's own list, with the body that it wants."""
    calls = [
        Call(route.method, route.template, {"name": "taken over"} if route.method == "PATCH" else None)
        for route in routes_of(running.app)
        if "{benchmark_id}" in route.template or "{session_id}/" in route.template or "{result_id}" in route.template
    ]
    calls = [call for call in calls if "/auth/" not in call.template]
    assert len(calls) >= 8
    filled = [
        call._replace(
            template=call.template.replace("{benchmark_id}", benchmark_id)
            .replace("{session_id}", benchmark_id)
            .replace("{result_id}", result_id)
            .replace("{tool}", "vllm")
            .replace("{index}", "0")
            + ("?metric=ttft_ms" if call.template.endswith(("/distributions", "/heatmap")) else "")
        )
        for call in calls
    ]
    export = {"session_id": benchmark_id, "format": "jsonl"}
    return [
        *sorted(filled, key=lambda call: call.method == "DELETE"),  # what deletes comes last
        Call("GET", f"{API}/results?session_id={benchmark_id}"),
        Call("GET", f"{API}/results/export?session_id={benchmark_id}&format=jsonl"),
        Call("POST", f"{API}/results/export", export),
    ]


async def _status(client: httpx.AsyncClient, call: Call) -> int:
    answer = await client.request(call.method, call.template, json=call.body)
    assert answer.status_code < 500, (call, answer.text)
    return answer.status_code


async def test_dead_identities_get_nothing(running: Running) -> None:
    running.app.state.gate.limit_to(0)  # one address asks a thousand times
    admin = await running.admin()
    accounts = running.app.state.accounts

    revoked = await running.api_key(admin)
    key_id = (await admin.get(f"{API}/auth/apikey")).json()[0]["id"]
    await admin.delete(f"{API}/auth/apikey", params={"id": key_id})

    signed_out = await running.signed_in("admin", running.app.state.generated_admin_password)
    await signed_out.post(f"{API}/auth/logout")

    disabled = await running.user("disabled", Role.ADMIN)
    orphan_key = await running.api_key(disabled)
    await admin.patch(f"{API}/users/disabled", json={"is_active": False})

    gone = await running.user("gone", Role.ADMIN)
    gone_key = await running.api_key(gone)
    await admin.delete(f"{API}/users/gone")

    token = admin.headers["Authorization"].removeprefix("Bearer ")
    claims = jwt.get_unverified_claims(token)
    past = int((datetime.now(UTC) - timedelta(minutes=20)).timestamp())
    expired = jwt.encode(claims | {"iat": past - 900, "exp": past}, accounts._access._key, algorithm=ALGORITHM)
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
    unsigned = ".".join([none, token.split(".")[1], ""])
    foreign = jwt.encode(claims | {"iss": ISSUER, "aud": AUDIENCE}, "another key", algorithm=ALGORITHM)

    dead = {
        "revoked key": revoked,
        "signed out": signed_out,
        "disabled user": disabled,
        "key of a disabled user": orphan_key,
        "deleted user": gone,
        "key of a deleted user": gone_key,
        "expired token": running.bearer(expired),
        "unsigned token": running.bearer(unsigned),
        "token of another server": running.bearer(foreign),
        "nonsense": running.bearer("ltb_nonsense"),
        "not a bearer": running.anonymous,
    }
    dead["not a bearer"].headers["Authorization"] = "Basic YWRtaW46YWRtaW4="
    routes = [route for route in routes_of(running.app) if route.permission is not None]
    for who, client in dead.items():
        for route in routes:
            body: Any = {} if route.method in {"POST", "PATCH", "PUT"} else None
            assert await _status(client, Call(route.method, route.path, body)) == 401, (who, route)
    assert (await admin.get(f"{API}/auth/me")).status_code == 200


async def test_only_one_kind_of_token_counts(running: Running) -> None:
    """Signed with the right key, and wrong all the same: nothing in a token's own header decides how it is read."""
    running.app.state.gate.limit_to(0)
    admin = await running.admin()
    key = running.app.state.accounts._access._key
    token = admin.headers["Authorization"].removeprefix("Bearer ")
    claims = jwt.get_unverified_claims(token)
    now = int(datetime.now(UTC).timestamp())

    def made(changes: dict[str, Any], **options: Any) -> str:
        kept = {name: value for name, value in (claims | changes).items() if value is not None}
        return jwt.encode(kept, key, algorithm=options.pop("algorithm", ALGORITHM), **options)

    assert (await running.bearer(made({})).get(f"{API}/auth/me")).status_code == 200, "the forger's tools work"
    wrong = {
        "another algorithm of the family": made({}, algorithm="HS512"),
        "a key id that names a file": made({}, headers={"kid": "../../dev/null"}, algorithm="HS384"),
        "another kind": made({"typ": "refresh"}),
        "no kind": made({"typ": None}),
        "another audience": made({"aud": "another-api"}),
        "no audience": made({"aud": None}),
        "another issuer": made({"iss": "https://evil.example"}),
        "no expiry": made({"exp": None}),
        "long expired": made({"exp": now - 3600}),
        "not yet": made({"nbf": now + 3600}),
        "no sign-in": made({"fam": None}),
        "somebody else's sign-in": made({"sub": str(UUID(int=7))}),
        "a made-up sign-in": made({"fam": str(UUID(int=7))}),
        "no number": made({"jti": None}),
        "two of them": f"{token}.{token}",
        "cut": token[:-2],
        "without its signature": token.rsplit(".", 1)[0] + ".",
        "a refresh token": (await admin.post(f"{API}/auth/login", json=await _credentials(running))).json()[
            "refresh_token"
        ],
    }
    for name, text in wrong.items():
        assert (await running.bearer(text).get(f"{API}/auth/me")).status_code == 401, name


async def _credentials(running: Running) -> dict[str, str]:
    return {"username": "admin", "password": running.app.state.generated_admin_password}


async def test_what_others_own_does_not_exist(running: Running) -> None:
    owner = await running.user("owner", Role.USER)
    other, viewer = await running.user("other", Role.USER), await running.user("viewer", Role.VIEWER)
    ids = await _owned(running, "owner")
    compared = f"ids={ids[0]},{(await _owned(running, 'other'))[0]}"
    pages = [Call("GET", f"{API}/{path}?{compared}") for path in ("comparisons", "comparisons/report.html")]
    calls = [*pages, *_paths(running, *ids)]
    for call in calls:
        assert await _status(other, call) == 404, call
        assert await _status(viewer, call) in {403, 404}, call
    for listing in ("benchmarks", "results"):
        assert ids[0] not in (await other.get(f"{API}/{listing}")).text
        assert (await viewer.get(f"{API}/{listing}")).json()["items"] == []
    narrow = await running.api_key(owner, scopes=[Permission.PROVIDER_READ])
    assert {await _status(narrow, call) for call in calls} == {403}
    assert (await owner.get(f"{API}/benchmarks/{ids[0]}")).json()["name"] != "taken over"


async def test_what_is_shared_is_read_and_nothing_more(running: Running) -> None:
    await running.user("owner", Role.USER)
    ids = await _owned(running, "owner", visibility="all")
    readers = {
        "viewer": (await running.user("viewer", Role.VIEWER), ROLE_PERMISSIONS[Role.VIEWER]),
        "other user": (await running.user("other", Role.USER), ROLE_PERMISSIONS[Role.USER]),
    }
    for who, (client, permissions) in readers.items():
        for call in _paths(running, *ids):
            reads = call.method == "GET" or call.template.endswith("/export")
            may = reads and ("/export" not in call.template or Permission.RESULTS_EXPORT in permissions)
            status = await _status(client, call)
            assert (status in {200, 409, 422}) if may else status == 403, (who, call, status)
    admin = await running.admin()
    for call in _paths(running, *ids):
        assert await _status(admin, call) in {200, 204, 404, 409, 422}, call  # 404: it has just been deleted


async def test_bulk_changes_spare_what_others_own(running: Running) -> None:
    owner, other = await running.user("owner", Role.USER), await running.user("other", Role.USER)
    viewer = await running.user("viewer", Role.VIEWER)
    private, shared = [(await _owned(running, "owner", visibility=audience))[0] for audience in ("private", "all")]
    mine = (await _owned(running, "other"))[0]
    items = [{"id": one} for one in (private, shared, mine)]
    update = {"items": items, "add_tags": ["taken-over"], "visibility": "private"}
    outcomes = ["not_found", "forbidden", "done"]
    for path, body in (("update", update), ("delete", {"items": items})):
        assert await _status(viewer, Call("POST", f"{API}/benchmarks/bulk/{path}", body)) == 403
        narrow = await running.api_key(other, scopes=[Permission.BENCHMARK_READ])
        assert await _status(narrow, Call("POST", f"{API}/benchmarks/bulk/{path}", body)) == 403
        answer = (await other.post(f"{API}/benchmarks/bulk/{path}", json=body)).raise_for_status().json()
        assert [one["outcome"] for one in answer["items"]] == outcomes
        messages = [one["message"] for one in answer["items"]]
        assert "owner" not in str(messages[0]), "a message must not tell that it exists"
    for one in (private, shared):
        found = (await owner.get(f"{API}/benchmarks/{one}")).raise_for_status().json()
        assert found["tags"] == []
    counted = (await other.get(f"{API}/benchmarks/matching", params={"limit": 10})).json()
    assert (counted["count"], counted["ids"]) == (1, [shared])
    listed = await other.get(f"{API}/benchmarks/export", params={"format": "jsonl"})
    assert private not in listed.text
    admin = await running.admin()
    answer = (await admin.post(f"{API}/benchmarks/bulk/delete", json={"items": items[:2]})).json()
    assert answer["done"] == 2


async def test_own_things_of_others(running: Running) -> None:
    """Sign-ins, keys and preferences have no way in from outside, and no confused deputy."""
    one, other = await running.user("one", Role.USER), await running.user("other", Role.USER)
    key = await running.api_key(one)
    key_id = (await one.get(f"{API}/auth/apikey")).json()[0]["id"]
    session_id = (await one.get(f"{API}/auth/sessions")).json()[0]["id"]
    assert (await other.delete(f"{API}/auth/apikey", params={"id": key_id})).status_code == 404
    assert (await other.delete(f"{API}/auth/sessions/{session_id}")).status_code == 404
    assert (await key.post(f"{API}/auth/apikey", json={"name": "more"})).status_code == 403, "a key makes no keys"
    change = {"old_password": PASSWORD, "new_password": "another long password"}
    assert (await key.post(f"{API}/auth/password", json=change)).status_code == 403
    assert (await one.get(f"{API}/auth/me")).status_code == 200
    assert (await key.get(f"{API}/auth/me")).status_code == 200
