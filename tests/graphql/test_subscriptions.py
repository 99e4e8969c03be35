"""Following what happens, with real clients on a real server: who may, how many, for how long."""

import asyncio
import contextlib
import json
from typing import Any
from uuid import UUID

import httpx
import pytest
from gql import Client, GraphQLRequest, gql
from gql.transport.exceptions import TransportError, TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport
from gql.transport.websockets import WebsocketsTransport
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin, Subprotocol

from app.accounts.permissions import Role
from app.benchmarks.states import Status
from app.benchmarks.views import Progress
from app.events.types import Topic
from tests.factories import Rows, make_event
from tests.graphql.conftest import Served

PROGRESS = "subscription ($id: UUID!) { benchmarkProgress(id: $id) { status dropped progress { started percent } benchmark { name } } }"
EVENTS = "subscription { benchmarkEvents { topic payload dropped benchmark { id } } }"


class Raw:
    """A client that speaks the protocol word by word."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def say(self, **message: Any) -> None:
        await self.connection.send(json.dumps(message))

    async def hear(self) -> dict[str, Any]:
        message = json.loads(await asyncio.wait_for(self.connection.recv(), 20))
        assert isinstance(message, dict)
        return message

    async def hello(self, token: str) -> "Raw":
        await self.say(type="connection_init", payload={"Authorization": f"Bearer {token}"})
        assert (await self.hear())["type"] == "connection_ack"
        return self

    async def subscribe(self, id_: str, query: str, **variables: Any) -> None:
        await self.say(id=id_, type="subscribe", payload={"query": query, "variables": variables})

    async def close_code(self) -> int | None:
        async with asyncio.timeout(20):
            with contextlib.suppress(ConnectionClosed):
                async for _ in self.connection:
                    pass
        return self.connection.close_code


def dialled(served: Served, **options: Any) -> connect:
    options.setdefault("subprotocols", [Subprotocol("graphql-transport-ws")])
    return connect(served.socket_url, proxy=None, **options)


def asked(query: str, variables: dict[str, Any]) -> GraphQLRequest:
    request = gql(query)
    request.variable_values = variables
    return request


async def until(condition: Any) -> None:
    async with asyncio.timeout(30):  # a closing handshake that the client does not answer takes 20 s
        while not condition():  # noqa: ASYNC110  (nothing tells that a count has changed)
            await asyncio.sleep(0.01)


def progress_event(session: Any, topic: Topic, **payload: Any) -> Any:
    named: dict[str, Any] = {"id": str(session.id), "name": session.name}
    if topic == Topic.BENCHMARK_PROGRESS:
        named = Progress(status=Status.RUNNING).model_dump(mode="json")
    return make_event(topic, session_id=session.id, owner_id=session.owner_id, payload=named | payload)


async def test_gql_asks_and_follows_a_benchmark_to_its_end(served: Served) -> None:
    rows, bus = Rows(served.app.state.database), served.app.state.bus
    token = await served.token()
    headers = {"Authorization": f"Bearer {token}"}
    session = await rows.session(status="completed")
    running = await rows.session(status="pending")

    async with Client(
        transport=HTTPXAsyncTransport(url=served.url, headers=headers), fetch_schema_from_transport=True
    ) as client:
        found = await client.execute(gql("{ benchmarks { nodes { id } } }"))
        assert {node["id"] for node in found["benchmarks"]["nodes"]} == {str(session.id), str(running.id)}

    transport = WebsocketsTransport(
        url=served.socket_url, init_payload=headers, subprotocols=[Subprotocol("graphql-transport-ws")]
    )
    async with Client(transport=transport) as client:
        ended = [one async for one in client.subscribe(asked(PROGRESS, {"id": str(session.id)}))]
        assert [one["benchmarkProgress"]["status"] for one in ended] == ["COMPLETED"], (
            "it has ended, so this ends at once"
        )
        seen = []
        async for one in client.subscribe(asked(PROGRESS, {"id": str(running.id)})):
            seen.append(one["benchmarkProgress"])
            if len(seen) == 1:
                bus.post(progress_event(session, Topic.BENCHMARK_PROGRESS, status="running", started=9))
                bus.post(progress_event(running, Topic.BENCHMARK_PROGRESS, status="running", started=3, percent=50.0))
                bus.post(progress_event(running, Topic.BENCHMARK_COMPLETED, status="completed"))
        assert [one["status"] for one in seen] == ["PENDING", "RUNNING", "COMPLETED"]
        assert seen[1]["progress"] == {"started": 3, "percent": 50.0}
        assert seen[2] == {"status": "COMPLETED", "dropped": 0, "progress": None, "benchmark": {"name": running.name}}
        with pytest.raises(TransportQueryError, match="there is no benchmark"):
            async for _ in client.subscribe(asked(PROGRESS, {"id": "00000000-0000-4000-8000-000000000000"})):
                pass
    await until(lambda: served.app.state.subscribers.subscriptions == 0)


async def test_everybody_hears_what_they_may_see_until_their_key_is_revoked(served: Served) -> None:
    rows, bus = Rows(served.app.state.database), served.app.state.bus
    user = await served.running.user("listener", Role.USER)
    me = (await user.post("/graphql", json={"query": "{ me { id } }"})).json()["data"]["me"]["id"]
    mutation = 'mutation { createApiKey(input: {name: "k"}) { id key } }'
    key = (await user.post("/graphql", json={"query": mutation})).json()["data"]["createApiKey"]
    mine, foreign = await rows.session(owner_id=UUID(me)), await rows.session()
    async with dialled(served) as connection:
        raw = await Raw(connection).hello(key["key"])
        await raw.subscribe("1", EVENTS)
        await until(lambda: served.app.state.subscribers.subscriptions == 1)
        for session in (foreign, mine):
            bus.post(progress_event(session, Topic.BENCHMARK_CREATED, status="pending"))
        heard = await raw.hear()
        assert heard["payload"]["data"]["benchmarkEvents"]["benchmark"]["id"] == str(mine.id)
        revoke = "mutation ($id: UUID!) { revokeApiKey(id: $id) { id } }"
        await user.post("/graphql", json={"query": revoke, "variables": {"id": key["id"]}})
        heard = await raw.hear()
        assert heard["payload"]["errors"][0]["extensions"]["code"] == "UNAUTHORIZED"
        assert await raw.close_code() == 4403
    await until(lambda: served.app.state.subscribers.subscriptions == 0)


async def test_who_gets_onto_the_socket(served: Served) -> None:
    token = await served.token()
    own, foreign = Origin(f"http://{served.address}"), Origin("http://evil.example")
    cookie = {"Cookie": f"ltb_access={token}"}
    async with dialled(served, additional_headers=cookie, origin=own) as connection:
        raw = Raw(connection)
        await raw.say(type="connection_init")
        assert (await raw.hear())["type"] == "connection_ack"
    with pytest.raises(InvalidStatus):
        async with dialled(served, additional_headers=cookie, origin=foreign):
            pass
    for options, message, code in (
        ({"additional_headers": cookie}, {"type": "connection_init"}, 4403),  # a cookie without an origin
        ({}, {"type": "connection_init", "payload": {"Authorization": "Bearer guess"}}, 4403),
        ({}, {"type": "connection_init", "payload": []}, 4400),
        ({}, {"id": "1", "type": "subscribe", "payload": {"query": EVENTS}}, 4401),
        ({}, ["connection_init"], 4400),
        ({"subprotocols": [Subprotocol("graphql-ws")]}, {"type": "connection_init"}, 4406),
    ):
        async with dialled(served, **options) as connection:
            with contextlib.suppress(ConnectionClosed):  # a wrong subprotocol is closed before anything is said
                await connection.send(json.dumps(message))
            assert await Raw(connection).close_code() == code, message
    await until(lambda: served.app.state.subscribers.connections == 0)


async def test_a_connection_has_bounds_and_survives_nonsense(served: Served) -> None:
    token = await served.token()
    async with dialled(served) as connection:
        raw = await Raw(connection).hello(token)
        for number in range(21):
            await raw.subscribe(str(number), EVENTS)
        refused = await raw.hear()
        assert (refused["id"], refused["type"]) == ("20", "error")
        assert refused["payload"][0]["extensions"]["details"]["limit"] == 20
        await raw.say(id="0", type="complete")
        await until(lambda: served.app.state.subscribers.subscriptions == 19)
        for query, code in (
            ("{ me { username } }", None),
            ("{ nothing }", "INVALID_REQUEST"),
            ("{", "INVALID_REQUEST"),
            ("{ benchmarks(first: 500) { nodes { results(first: 500) { nodes { id } } } } }", "INVALID_REQUEST"),
            ('subscription { events(topics: ["no.such"]) { topic } }', "INVALID_REQUEST"),
            ("subscription { metricsStream(intervalSeconds: 0.1) { timestamp } }", "INVALID_REQUEST"),
        ):
            await raw.subscribe("q", query)
            message = await raw.hear()
            payload = message["payload"]
            errors = payload if message["type"] == "error" else payload.get("errors")
            assert (errors[0]["extensions"]["code"] if errors else None) == code, (query, message)
            if message["type"] == "next":
                assert (await raw.hear())["type"] == "complete"
        await raw.subscribe("m", 'subscription { metricsStream(names: ["llm_active_*"]) { samples { name } } }')
        assert (await raw.hear())["payload"]["data"]["metricsStream"]["samples"]
        served.app.state.subscribers.close()
        codes: set[str] = set()
        while len(codes) < 1:
            message = await raw.hear()
            if message["type"] == "next":
                codes |= {one["extensions"]["code"] for one in message["payload"].get("errors", [])}
        assert codes == {"SERVICE_UNAVAILABLE"}


async def test_server_sent_events_carry_the_same(served: Served) -> None:
    rows, bus = Rows(served.app.state.database), served.app.state.bus
    session = await rows.session(status="pending")
    token = await served.token()
    headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
    body = {"query": PROGRESS, "variables": {"id": str(session.id)}}
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        async with client.stream("POST", served.url, json=body, headers=headers) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            lines = response.aiter_lines()
            seen = []
            async for line in lines:
                if line.startswith("data: {"):
                    seen.append(json.loads(line[6:])["data"]["benchmarkProgress"]["status"])
                    if len(seen) == 1:
                        bus.post(progress_event(session, Topic.BENCHMARK_CANCELLED, status="cancelled"))
                if line == "event: complete":
                    break
            assert seen == ["PENDING", "CANCELLED"]
        async with client.stream("POST", served.url, json={"query": EVENTS}, headers=headers):
            await until(lambda: served.app.state.subscribers.subscriptions == 1)
        await until(lambda: served.app.state.subscribers.subscriptions == 0)
        refused = await client.post(served.url, json={"query": EVENTS}, headers={"Accept": "text/event-stream"})
        assert refused.status_code == 401


async def test_a_slow_reader_is_told_what_it_missed(served: Served) -> None:
    bus = served.app.state.bus
    session = await Rows(served.app.state.database).session(status="pending")
    token = await served.token()
    async with dialled(served) as connection:
        raw = await Raw(connection).hello(token)
        await raw.subscribe("1", PROGRESS, id=str(session.id))
        await raw.hear()
        for number in range(1_000):  # more than the queue holds, before the server gets to send one
            bus.post(progress_event(session, Topic.BENCHMARK_PROGRESS, status="running", started=number))
        bus.post(progress_event(session, Topic.BENCHMARK_COMPLETED, status="completed"))
        last: dict[str, Any] = {}
        while (message := await raw.hear())["type"] == "next":
            last = message["payload"]["data"]["benchmarkProgress"]
        assert (last["status"], last["dropped"] > 500) == ("COMPLETED", True)


async def test_gql_is_told_of_a_wrong_token(served: Served) -> None:
    transport = WebsocketsTransport(url=served.socket_url, init_payload={"token": "guess"})
    with pytest.raises((TransportError, ConnectionClosed)):
        async with Client(transport=transport):
            pass
