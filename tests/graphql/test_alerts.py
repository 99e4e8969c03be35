"""A real alert, from the check of a provider that went away, to everybody who may hear of it: both sockets, both ways."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import httpx
from websockets.asyncio.client import connect

from app.accounts.permissions import Role
from tests.graphql.conftest import Served
from tests.graphql.test_subscriptions import Raw, dialled
from tests.realtime.conftest import Client

ALERTS = "subscription { alertsStream { topic timestamp benchmarkId payload dropped } }"


def _token(client: httpx.AsyncClient) -> str:
    return str(client.headers["Authorization"].removeprefix("Bearer "))


async def _vendor(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    body = b'{"object": "list", "data": [{"id": "m", "object": "model"}]}'
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
    writer.write(head % len(body) + body)
    await writer.drain()
    writer.close()


async def test_an_alert_reaches_who_listens_over_either_socket(served: Served) -> None:
    admin, viewer = await served.running.admin(), await served.running.user("viewer", Role.VIEWER)
    vendor = await asyncio.start_server(_vendor, "127.0.0.1", 0)
    port = vendor.sockets[0].getsockname()[1]
    made = {"name": "acme", "kind": "openai-compatible", "base_url": f"http://127.0.0.1:{port}/v1"}
    assert (await admin.post("/api/v1/providers", json=made)).status_code == 201

    async with AsyncExitStack() as stack:
        graphql = []
        for client in (admin, viewer):
            raw = await Raw(await stack.enter_async_context(dialled(served))).hello(_token(client))
            await raw.subscribe("1", ALERTS)
            graphql.append(raw)
        socket = await stack.enter_async_context(connect(f"ws://{served.address}/ws", proxy=None))
        plain = await (await Client(socket).sign_in(_token(viewer))).subscribe("alert.*")
        async with asyncio.timeout(20):
            while served.app.state.subscribers.subscriptions < 2:  # noqa: ASYNC110  (nothing tells that it has changed)
                await asyncio.sleep(0.01)

        async def heard() -> list[dict[str, Any]]:
            found = []
            for raw in graphql:
                message = await raw.hear()
                assert message["type"] == "next", message
                found.append(message["payload"]["data"]["alertsStream"])
            event = await plain.hear()
            assert event["type"] == "Event"
            return [*found, event]

        vendor.close()
        await vendor.wait_closed()
        assert (await admin.post("/api/v1/providers/acme/health")).json()["status"] == "unreachable"
        raised = await heard()
        assert {one["topic"] for one in raised} == {"alert.raised"}
        assert {one["payload"]["kind"] for one in raised} == {"provider_unhealthy"}
        assert {one["payload"]["provider"] for one in raised} == {"acme"}
        assert (await admin.post("/api/v1/providers/acme/health")).json()[
            "status"
        ] == "unreachable"  # tells nothing new

        again = await asyncio.start_server(_vendor, "127.0.0.1", port)
        stack.push_async_callback(again.wait_closed)
        stack.callback(again.close)
        assert (await admin.post("/api/v1/providers/acme/health")).json()["status"] == "ok"
        resolved = await heard()
        assert {one["topic"] for one in resolved} == {"alert.resolved"}
        assert {one["payload"]["key"] for one in resolved} == {one["payload"]["key"] for one in raised}


async def test_who_may_not_hear_of_alerts_is_told_so(served: Served) -> None:
    narrow = await served.running.api_key(await served.running.admin(), scopes=["provider.read"])
    async with dialled(served) as connection:
        raw = await Raw(connection).hello(_token(narrow))
        await raw.subscribe("1", ALERTS)
        refused = await raw.hear()
        assert refused["payload"][0]["extensions"]["code"] == "FORBIDDEN", refused
