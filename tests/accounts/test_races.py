"""Several administrators at the same moment, and users who are removed in the middle of everything; both databases."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select
from websockets.asyncio.client import connect

from app.accounts.models import AuditEntry
from app.accounts.permissions import Role
from app.accounts.service import AccountService
from app.accounts.users import system_caller
from app.benchmarks.demo import MODEL, simulator
from app.core.database import Database
from app.core.errors import ConflictError, NotFoundError, TestBenchError
from app.core.settings import StorageSettings
from tests.graphql.conftest import Served, serving
from tests.graphql.test_subscriptions import EVENTS, Raw, dialled
from tests.realtime.conftest import Client
from tests.service import PASSWORD, service_settings

API = "/api/v1"


async def test_administrators_who_remove_each_other_leave_one(accounts: AccountService, database: Database) -> None:
    names = ("ada", "bob", "cyd", "dan")
    for name in names:
        await accounts.users.create(system_caller(), name, PASSWORD, Role.ADMIN)
    users = accounts.users
    attempts: list[Any] = []
    for name, number in itertools.product(names, range(2)):
        attempts.append(users.set_role(system_caller(), name, Role.USER))
        attempts.append(users.set_active(system_caller(), name, is_active=False))
        if number:
            attempts.append(users.delete(system_caller(), name))
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    failures = [one for one in outcomes if isinstance(one, BaseException)]
    assert all(isinstance(one, ConflictError | NotFoundError) for one in failures), failures
    assert any(isinstance(one, ConflictError) for one in failures)
    assert len([user for user in await users.list() if user.role == "admin" and user.is_active]) == 1
    assert (await accounts.verify_audit()).findings == []


@pytest.fixture
async def served(storage_settings: StorageSettings) -> AsyncIterator[Served]:
    sections = {"graphql": {"recheck_seconds": 0.3}, "websocket": {"recheck_seconds": 0.3}}
    async with serving(service_settings(storage_settings, server=sections)) as found:
        yield found


async def _until(ask: Any) -> Any:
    async with asyncio.timeout(60):
        while not (found := await ask()):  # noqa: ASYNC110  (asks a server, which tells nothing by itself)
            await asyncio.sleep(0.1)
        return found


async def test_a_user_is_deleted_in_the_middle_of_everything(served: Served) -> None:
    """Their key and sockets end; what they run goes on, belongs to nobody, and is seen by whom it was shared with."""
    admin, ada = await served.running.admin(), await served.running.user("ada", Role.USER)
    other = await served.running.user("other", Role.USER)
    key = await served.running.api_key(ada)
    token = key.headers["Authorization"].removeprefix("Bearer ")
    served.app.state.benchmarks.run_at_once(1)
    async with simulator() as base_url, AsyncExitStack() as stack:
        provider = {"name": "sim", "kind": "openai-compatible", "base_url": base_url}
        assert (await admin.post(f"{API}/providers", json=provider)).status_code == 201
        ids = []
        for visibility, requests in (("private", 25), ("all", 1)):
            spec = {
                "name": visibility,
                "targets": [{"provider": "sim", "model": MODEL}],
                "workload": {"kind": "prompt", "prompt": "hi"},
                "load": {"kind": "constant", "rate": 10},
                "stop": {"requests": requests},
                "sampling": {"max_tokens": 3},
            }
            made = await key.post(f"{API}/benchmarks", json=spec, params={"visibility": visibility})
            assert made.status_code == 202, made.text
            ids.append(made.json()["id"])

        async def status_of(number: int) -> str:
            return str((await admin.get(f"{API}/benchmarks/{ids[number]}")).json()["status"])

        async def runs() -> bool:
            return await status_of(0) == "running"

        await _until(runs)
        graphql = await Raw(await stack.enter_async_context(dialled(served))).hello(token)
        await graphql.subscribe("1", EVENTS)
        plain = Client(await stack.enter_async_context(connect(f"ws://{served.address}/ws", proxy=None)))
        await (await plain.sign_in(token)).subscribe("benchmark.*")

        assert (await admin.delete(f"{API}/users/ada")).status_code == 204
        assert {(await client.get(f"{API}/auth/me")).status_code for client in (ada, key)} == {401}
        assert await graphql.close_code() == 4403
        assert await plain.close_code() == 4401
        assert await status_of(0) == "running", "a benchmark does not stop because its owner is gone"

        async def both_ended() -> bool:
            return {await status_of(0), await status_of(1)} == {"completed"}

        await _until(both_ended)
    found = (await admin.get(f"{API}/benchmarks/{ids[0]}")).json()
    assert (found["owner"], found["summary"]["requests"]["ok"]) == (None, 25)
    seen: list[httpx.Response] = [await other.get(f"{API}/benchmarks/{id_}") for id_ in ids]
    assert [one.status_code for one in seen] == [404, 200]
    assert (await admin.delete(f"{API}/benchmarks/{ids[0]}")).status_code == 204
    async with served.app.state.database.read() as session:
        counted = select(AuditEntry.action, func.count()).group_by(AuditEntry.action)
        actions = dict((await session.execute(counted)).tuples().all())
    assert (actions["user.delete"], actions["benchmark.delete"]) == (1, 1)


async def test_two_administrators_delete_each_other_at_once(served: Served) -> None:
    one, two = await served.running.user("one", Role.ADMIN), await served.running.user("two", Role.ADMIN)
    accounts: AccountService = served.app.state.accounts
    await accounts.users.set_role(system_caller(), "admin", Role.VIEWER)
    answers = await asyncio.gather(one.delete(f"{API}/users/two"), two.delete(f"{API}/users/one"))
    # Whoever came second was no administrator any more, or would have left none.
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses[0] == 204
    assert statuses[1] in {401, 403, 409}
    left = [user for user in await accounts.users.list() if user.role == "admin" and user.is_active]
    assert len(left) == 1
    with pytest.raises(TestBenchError):
        await accounts.users.delete(system_caller(), left[0].username)
