"""What is taken away is gone at once, at every replica, for the next request and for connections that stay open."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from app.accounts import rights
from app.accounts.permissions import Role
from app.accounts.rights import RightsWatch
from app.core.database import Database
from app.core.settings import StorageSettings
from app.events.redis_bus import RedisBus
from tests.graphql.conftest import Served, serving
from tests.service import PASSWORD, Running, running_service, service_settings

ME = "/api/v1/auth/me"


@pytest.fixture
async def replicas(storage_settings: StorageSettings) -> AsyncIterator[tuple[Running, Running]]:
    """Two servers of one database, without Redis."""
    secret = {"secret_key": "a configured secret of enough characters", "login_attempts_per_minute": 1000}
    async with AsyncExitStack() as stack:
        one, other = [
            await stack.enter_async_context(running_service(service_settings(storage_settings, security=dict(secret))))
            for _ in range(2)
        ]
        yield one, other


async def test_another_replica_knows_at_once(replicas: tuple[Running, Running]) -> None:
    one, other = replicas
    admin = await one.user("boss", Role.ADMIN)
    user = await one.user("someone", Role.USER)
    key = await one.api_key(user)

    def there(client: Any) -> Any:
        return other.bearer(client.headers["Authorization"].removeprefix("Bearer "))

    for client in (user, key):
        assert (await there(client).get(ME)).status_code == 200
        assert (await there(client).get("/api/v1/users")).status_code == 403

    await admin.patch("/api/v1/users/someone", json={"role": "admin"})
    for client in (user, key):  # the key keeps the permissions that it was made with
        assert (await there(client).get(ME)).json()["role"] == "admin"
    assert (await there(user).get("/api/v1/users")).status_code == 200
    await admin.patch("/api/v1/users/someone", json={"role": "viewer"})
    assert (await there(user).get("/api/v1/users")).status_code == 403

    key_id = (await user.get("/api/v1/auth/apikey")).json()[0]["id"]
    assert (await user.delete("/api/v1/auth/apikey", params={"id": key_id})).status_code == 204
    assert (await there(key).get(ME)).status_code == 401
    assert (await user.post("/api/v1/auth/logout")).status_code == 204
    assert (await there(user).get(ME)).status_code == 401

    again = await one.signed_in("someone", PASSWORD)
    assert (await there(again).get(ME)).status_code == 200
    await admin.patch("/api/v1/users/someone", json={"is_active": False})
    assert (await there(again).get(ME)).status_code == 401


@pytest.fixture
async def patient(sqlite_settings: StorageSettings) -> AsyncIterator[Served]:
    """A real server whose open connections ask by themselves every five minutes only."""
    rare = {"graphql": {"recheck_seconds": 300}, "websocket": {"recheck_seconds": 300}}
    async with serving(service_settings(sqlite_settings, server=rare)) as found:
        yield found


async def _live(stack: AsyncExitStack, served: Served, token: str) -> Any:
    """A client of `/ws` that listens."""
    socket = await stack.enter_async_context(connect(f"ws://{served.address}/ws", proxy=None))
    await socket.send(json.dumps({"type": "Auth", "token": token}))
    await socket.send(json.dumps({"type": "Subscribe", "topics": ["metrics.*"]}))
    for _ in range(2):
        assert json.loads(await socket.recv())["type"] == "Ack"
    return socket


async def _graphql(stack: AsyncExitStack, served: Served, token: str) -> Any:
    """A client of `/graphql` that has said who it is."""
    socket = await stack.enter_async_context(
        connect(served.socket_url, subprotocols=["graphql-transport-ws"], proxy=None)  # type: ignore[list-item]
    )
    await socket.send(json.dumps({"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}}))
    assert json.loads(await socket.recv())["type"] == "connection_ack"
    return socket


async def _close_code(socket: Any) -> int:
    async with asyncio.timeout(20):
        with contextlib.suppress(ConnectionClosed):
            async for _ in socket:
                pass
    return int(socket.close_code)


async def test_open_sockets_end_with_their_identity(patient: Served) -> None:
    admin, user = await patient.running.admin(), await patient.running.user("someone", Role.USER)
    other = await patient.running.signed_in("someone", PASSWORD)
    key = await patient.running.api_key(user)
    bearers = [client.headers["Authorization"].removeprefix("Bearer ") for client in (user, key, other, admin)]
    async with AsyncExitStack() as stack:
        (one, one_ql), (by_key, by_key_ql), (second, second_ql), (boss, boss_ql) = [
            (await _live(stack, patient, token), await _graphql(stack, patient, token)) for token in bearers
        ]
        await user.post("/api/v1/auth/logout")
        assert (await _close_code(one), await _close_code(one_ql)) == (4401, 4403)
        key_id = (await other.get("/api/v1/auth/apikey")).json()[0]["id"]
        await other.delete("/api/v1/auth/apikey", params={"id": key_id})
        assert (await _close_code(by_key), await _close_code(by_key_ql)) == (4401, 4403)
        await admin.patch("/api/v1/users/someone", json={"is_active": False})
        assert (await _close_code(second), await _close_code(second_ql)) == (4401, 4403)
        await boss.send('{"type":"Ping"}')
        while json.loads(await boss.recv())["type"] != "Pong":
            pass
        await boss_ql.send('{"type":"ping"}')
        assert json.loads(await boss_ql.recv())["type"] == "pong"


async def test_the_word_reaches_other_processes(
    sqlite_settings: StorageSettings, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rights, "LEAST_PAUSE_SECONDS", 0.01)
    buses = [RedisBus(redis_url, prefix="rights") for _ in range(2)]
    databases = [Database(sqlite_settings) for _ in range(2)]
    heard = asyncio.Event()
    watches = [RightsWatch(database, bus) for database, bus in zip(databases, buses, strict=True)]
    watches[1].call(heard.set)
    try:
        for watch in watches:
            watch.start()
        async with asyncio.timeout(20):
            while not heard.is_set():  # until the other one listens
                async with databases[0].write() as session:
                    rights.note(session, "auth.logout")
                await asyncio.sleep(0.05)
            heard.clear()
            async with databases[0].write() as session:
                rights.note(session, "auth.logout")
            await heard.wait()
    finally:
        everything: list[Any] = [*watches, *buses, *databases]
        for one in everything:
            await one.close()


async def test_only_a_commit_that_takes_rights_away_is_told(database: Database) -> None:
    class Frames:
        told = 0

        def post_raw(self, channel: str, payload: bytes) -> None:
            assert (channel, payload) == (rights.CHANNEL, b"")
            self.told += 1

    frames = Frames()
    watch = RightsWatch(database, frames)  # type: ignore[arg-type]
    with watch.telling():
        for action in ("auth.login", "benchmark.delete", "user.create", "api_key.create", "provider.update"):
            async with database.write() as session:
                rights.note(session, action)
        assert frames.told == 0
        with contextlib.suppress(RuntimeError):
            async with database.write() as session:
                rights.note(session, "auth.logout")
                raise RuntimeError("undone")
        async with database.write():
            pass
        assert frames.told == 0
        for action in ("auth.logout", "user.update", "user.set_role", "user.delete", "api_key.revoke"):
            async with database.write() as session:
                rights.note(session, action)
        assert frames.told == 5
