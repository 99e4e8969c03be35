"""Managing users over HTTP: who may do what to whom, what ends at once, and that the last administrator stays."""

import asyncio
from typing import Any

import httpx
import pytest

from app.accounts.permissions import Permission, Role
from app.accounts.service import AccountService, Visitor
from app.accounts.users import system_caller
from app.core.database import Database
from app.core.errors import ConflictError, ForbiddenError, InvalidRequestError
from app.core.rate_limit import RateLimitExceededError
from app.core.settings import StorageSettings
from tests.factories import Rows
from tests.service import PASSWORD, Running, running_service, service_settings

API = "/api/v1"
NEW = "another long password"


async def _ok(answer: httpx.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


async def test_a_users_life(running: Running) -> None:
    admin = await running.admin()
    body = {"username": "ada", "role": "user", "team": "blue", "email": "ada@example.org"}
    made = await _ok(await admin.post(f"{API}/users", json=body), 201)
    assert (made["team"], made["is_active"], len(made["password"]) >= 20) == ("blue", True, True)
    ada = await running.signed_in("ada", made["password"])
    key = await running.api_key(ada)
    assert (await _ok(await ada.get(f"{API}/auth/me")))["team"] == "blue"

    first = await _ok(await admin.get(f"{API}/users", params={"limit": 1}))
    second = await _ok(await admin.get(f"{API}/users", params={"limit": 1, "cursor": first["next_cursor"]}))
    assert [item["username"] for item in first["items"] + second["items"]] == ["ada", "admin"]
    assert second["next_cursor"] is None
    assert "password" not in str(first)
    assert len((await _ok(await admin.get(f"{API}/users", params={"q": "EXAMPLE.org"})))["items"]) == 1

    assert len(await _ok(await admin.get(f"{API}/users/ada/sessions"))) == 1
    listed = await _ok(await admin.get(f"{API}/users/ada/apikeys"))
    assert [found["name"] for found in listed] == ["test"]
    changed = await _ok(await admin.patch(f"{API}/users/ada", json={"team": None, "role": "viewer"}))
    assert (changed["team"], changed["role"], changed["email"]) == (None, "viewer", "ada@example.org")

    assert (await _ok(await admin.patch(f"{API}/users/ada", json={"is_active": False})))["is_active"] is False
    for client in (ada, key):
        assert (await client.get(f"{API}/auth/me")).status_code == 401
    await _ok(await admin.patch(f"{API}/users/ada", json={"is_active": True}))
    for client in (ada, key):
        assert (await client.get(f"{API}/auth/me")).status_code == 401, "what has ended stays ended"
    ada = await running.signed_in("ada", made["password"])
    assert (await _ok(await admin.delete(f"{API}/users/ada/sessions"))) == {"sign_ins_ended": 1}
    assert (await ada.get(f"{API}/auth/me")).status_code == 401
    reset = await _ok(await admin.post(f"{API}/users/ada/password"))
    await running.signed_in("ada", reset["password"])
    await _ok(await admin.delete(f"{API}/users/ada"), 204)
    assert (await admin.get(f"{API}/users/ada")).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"role": None},
        {"is_active": None},
        {"role": "king"},
        {"team": " x"},
        {"email": "no address"},
        {"username": "eve"},
        {"team": "a\0b"},
    ],
)
async def test_a_wrong_change_is_named(running: Running, body: dict[str, Any]) -> None:
    admin = await running.admin()
    answer = await admin.patch(f"{API}/users/admin", json=body)
    assert answer.status_code == 422
    assert answer.json()["error"]["details"]["errors"]


async def test_the_last_administrator_stays_one(accounts: AccountService) -> None:
    operator = system_caller()
    for name in ("ada", "bob"):
        await accounts.users.create(operator, name, PASSWORD, Role.ADMIN)
    outcomes = await asyncio.gather(
        accounts.users.set_role(operator, "ada", Role.USER),
        accounts.users.set_active(operator, "bob", is_active=False),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, ConflictError) for outcome in outcomes) == 1, "even at the same moment"
    (left,) = [user.username for user in await accounts.users.list() if user.role == "admin" and user.is_active]
    for attempt in (
        accounts.users.delete(operator, left),
        accounts.users.set_active(operator, left, is_active=False),
        accounts.users.set_role(operator, left, Role.VIEWER),
    ):
        with pytest.raises(ConflictError, match="last active administrator"):
            await attempt


async def test_benchmarks_outlive_their_owner(accounts: AccountService, rows: Rows, database: Database) -> None:
    user = await rows.user(username="ada")
    benchmark = await rows.session(owner_id=user.id)
    await accounts.users.delete(system_caller(), "ada")
    async with database.read() as session:
        kept = await session.get(type(benchmark), benchmark.id)
    assert kept is not None
    assert kept.owner_id is None


async def test_nobody_gives_or_takes_more_than_they_have(sqlite_settings: StorageSettings) -> None:
    helpdesk = {"name": "helpdesk", "permissions": ["user.manage", "account.self", "benchmark.read"]}
    clerk = {"name": "clerk", "permissions": ["benchmark.read"]}
    settings = service_settings(sqlite_settings, security={"roles": [helpdesk, clerk]})
    async with running_service(settings) as running:
        admin = await running.admin()
        roles = await _ok(await admin.get(f"{API}/roles"))
        assert [role["name"] for role in roles] == ["admin", "user", "viewer", "helpdesk", "clerk"]
        await running.app.state.accounts.users.create(system_caller(), "help", PASSWORD, "helpdesk")
        desk = await running.signed_in("help", PASSWORD)
        await _ok(await desk.post(f"{API}/users", json={"username": "cleo", "role": "clerk"}), 201)
        admin_key = await running.api_key(admin)
        (key,) = await _ok(await admin.get(f"{API}/auth/apikey"))
        refused = [
            await desk.post(f"{API}/users", json={"username": "eve", "role": "admin"}),
            await desk.patch(f"{API}/users/help", json={"role": "admin"}),
            await desk.patch(f"{API}/users/cleo", json={"role": "user"}),
            await desk.patch(f"{API}/users/admin", json={"is_active": False}),
            await desk.post(f"{API}/users/admin/password"),
            await desk.delete(f"{API}/users/admin"),
            await desk.delete(f"{API}/users/admin/sessions"),
            await desk.delete(f"{API}/auth/apikey", params={"id": key["id"]}),
        ]
        assert [answer.status_code for answer in refused] == [403] * len(refused)
        assert (await admin_key.get(f"{API}/auth/me")).status_code == 200
        narrow = await running.api_key(admin, scopes=["user.manage"])
        assert (await narrow.post(f"{API}/users", json={"username": "eve", "role": "admin"})).status_code == 403
        assert (await narrow.post(f"{API}/auth/apikey", json={"name": "child"})).status_code == 403


async def test_my_password_and_my_sign_ins(accounts: AccountService) -> None:
    await accounts.users.create(system_caller(), "ada", PASSWORD, Role.USER)
    here = await accounts.login("ada", PASSWORD, Visitor("192.0.2.1", "", "Firefox"))
    there = await accounts.login("ada", PASSWORD, Visitor("192.0.2.2", "", "curl"))
    shown = await accounts.sign_ins.mine(here.caller)
    assert {(record.address, record.user_agent, record.method) for record in shown} == {
        ("192.0.2.1", "Firefox", "password"),
        ("192.0.2.2", "curl", "password"),
    }
    assert here.caller.family_id in {record.id for record in shown}
    _, key = await accounts.api_keys.create(here.caller, "job")
    with pytest.raises(ForbiddenError, match="API key"):
        await accounts.change_password(await accounts.caller_from_token(key), PASSWORD, NEW)
    with pytest.raises(Exception, match="old_password"):
        await accounts.change_password(here.caller, "wrong", NEW)
    assert await accounts.change_password(here.caller, PASSWORD, NEW) == 1
    assert (await accounts.caller_from_token(here.access_token)).username == "ada"
    with pytest.raises(Exception, match="has ended"):
        await accounts.caller_from_token(there.access_token)
    refusals = []
    for _ in range(5):  # guessing the old password is limited like signing in
        with pytest.raises((InvalidRequestError, RateLimitExceededError)) as refused:
            await accounts.change_password(here.caller, "wrong", NEW)
        refusals.append(refused.type)
    assert refusals[-1] is RateLimitExceededError


async def test_sign_ins_are_ended_one_by_one_or_all_others(running: Running) -> None:
    first = await running.user("ada", Role.USER)
    second = await running.signed_in("ada", PASSWORD)
    stranger = await running.user("bob", Role.USER)
    mine = await _ok(await first.get(f"{API}/auth/sessions"))
    (current,) = [record["id"] for record in mine if record["current"]]
    (other,) = [record["id"] for record in mine if not record["current"]]
    assert (await stranger.delete(f"{API}/auth/sessions/{other}")).status_code == 404
    await _ok(await first.delete(f"{API}/auth/sessions/{other}"), 204)
    assert (await second.get(f"{API}/auth/me")).status_code == 401
    third = await running.signed_in("ada", PASSWORD)
    assert await _ok(await third.delete(f"{API}/auth/sessions")) == {"sign_ins_ended": 1}
    assert (await first.get(f"{API}/auth/me")).status_code == 401
    assert current != other
    assert Permission.USER_MANAGE not in (await _ok(await third.get(f"{API}/auth/me")))["permissions"]
