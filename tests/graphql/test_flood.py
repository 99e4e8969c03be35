"""Clients of `graphql-transport-ws` that do too much, too early, twice, or nothing: close codes, and what stays behind."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from app.accounts.permissions import Role
from app.core.settings import StorageSettings
from tests.graphql.conftest import Served, serving
from tests.graphql.test_subscriptions import EVENTS, Raw, dialled, until
from tests.service import service_settings


async def test_who_says_nothing_is_let_go(sqlite_settings: StorageSettings) -> None:
    settings = service_settings(sqlite_settings, server={"websocket": {"auth_timeout_seconds": 0.3}})
    async with serving(settings) as served:
        async with dialled(served) as connection:
            assert await Raw(connection).close_code() == 4408
        await until(lambda: served.app.state.subscribers.connections == 0)


async def test_words_out_of_order(served: Served) -> None:
    token = await served.token()
    async with dialled(served) as connection:
        raw = await Raw(connection).hello(token)
        await raw.say(type="connection_init", payload={"Authorization": f"Bearer {token}"})
        assert await raw.close_code() == 4429, "hello twice"
    async with dialled(served) as connection:
        raw = await Raw(connection).hello(token)
        await raw.subscribe("1", EVENTS)
        await raw.subscribe("1", EVENTS)
        assert await raw.close_code() == 4409, "an id twice"
    early: list[dict[str, Any]] = [
        {"id": "1", "type": "subscribe", "payload": {"query": EVENTS}},
        {"id": "1", "type": "complete"},
        {"type": "ping"},
    ]
    for message in early:
        async with dialled(served) as connection:
            raw = Raw(connection)
            await raw.say(**message)
            if message["type"] == "subscribe":
                assert await raw.close_code() == 4401
            else:  # harmless, and allowed by the protocol
                await raw.say(type="connection_init", payload={"Authorization": f"Bearer {token}"})
                assert (await raw.hear())["type"] in {"pong", "connection_ack"}
    await until(lambda: served.app.state.subscribers.connections == 0)
    assert served.app.state.subscribers.subscriptions == 0


@pytest.fixture
async def strict(sqlite_settings: StorageSettings) -> AsyncIterator[Served]:
    """A server that lets clients do little."""
    few = {"graphql": {"max_connections_per_user": 3}, "websocket": {"max_messages_per_minute": 100}}
    async with serving(service_settings(sqlite_settings, server=few)) as found:
        yield found


async def test_a_flood_of_operations_ends_the_socket_and_leaves_nothing(strict: Served) -> None:
    async with dialled(strict) as connection:
        raw = await Raw(connection).hello(await strict.token())
        for number in range(200):
            try:
                await raw.subscribe(str(number), EVENTS)
            except Exception:  # noqa: BLE001  (closed on the way)
                break
        assert await raw.close_code() == 4429
    # Operations that had only just begun are cancelled in the very step in which they are let in.
    subscribers = strict.app.state.subscribers
    await until(lambda: (subscribers.subscriptions, subscribers.connections) == (0, 0))


async def test_a_huge_message_ends_the_socket(served: Served) -> None:
    async with dialled(served) as connection:
        raw = await Raw(connection).hello(await served.token())
        await connection.send(json.dumps({"type": "ping", "payload": {"x": "y" * 20_000_000}}))
        assert await raw.close_code() == 1009


async def test_sockets_are_bounded_by_address_and_by_user(strict: Served) -> None:
    token = await strict.token()
    other = await strict.running.user("other", Role.USER)
    async with AsyncExitStack() as stack:
        for _ in range(3):
            await stack.enter_async_context(dialled(strict))
        with pytest.raises(InvalidStatus):
            await stack.enter_async_context(dialled(strict))
    await until(lambda: strict.app.state.subscribers.connections == 0)
    async with AsyncExitStack() as stack:
        for _ in range(3):
            await Raw(await stack.enter_async_context(dialled(strict))).hello(token)
        fourth = Raw(await stack.enter_async_context(dialled(strict)))
        await fourth.say(type="connection_init", payload={"Authorization": f"Bearer {token}"})
        assert await fourth.close_code() == 4429
        theirs = other.headers["Authorization"].removeprefix("Bearer ")
        await Raw(await stack.enter_async_context(dialled(strict))).hello(theirs)
    await until(lambda: strict.app.state.subscribers.connections == 0)
    subscribers = strict.app.state.subscribers
    assert (subscribers._strangers, subscribers._sockets) == ({}, {})
