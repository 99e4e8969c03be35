"""Coming back with `since`: what was missed comes once, in order, or a gap is told. Limits of users, shutdown."""

import random
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from app.accounts.permissions import Role
from app.core.ids import new_id
from app.events.memory import MemoryBus
from app.events.redis_bus import RedisBus
from app.events.types import Event, Topic
from app.realtime.protocol import encode_event
from tests.events.conftest import anything
from tests.factories import make_event
from tests.realtime.conftest import LIMITS, Client, Live, Start
from tests.realtime.test_gateway import admin


def numbers(messages: list[dict[str, Any]]) -> list[int]:
    return [message["payload"]["n"] for message in messages if message["type"] == "Event"]


async def resume(live: Live, since: dict[str, Any], *topics: str, **fields: Any) -> tuple[Client, list[dict[str, Any]]]:
    client = await admin(live)
    await client.say("Subscribe", topics=topics or ["benchmark.*"], since=since, **fields)
    return client, await client.all_until_now()


async def test_what_was_missed_comes_once_and_before_the_ack(live: Live) -> None:
    first = await (await admin(live)).subscribe("benchmark.*")
    for number in range(3):
        await live.bus.publish(make_event(Topic.BENCHMARK_CREATED, payload={"n": number}))
    seen = [await first.hear() for _ in range(3)]
    await first.socket.close()
    for number in range(3, 8):
        await live.bus.publish(make_event(Topic.BENCHMARK_CREATED, payload={"n": number}))
        await live.bus.publish(make_event(Topic.METRICS_SYSTEM, payload={"n": 100}))
    client, messages = await resume(live, {name: seen[-1][name] for name in ("epoch", "seq")})
    assert numbers(messages) == [3, 4, 5, 6, 7]
    ack = messages[-1]
    assert (ack["type"], ack["replayed"], ack["position"]["seq"]) == ("Ack", 5, 13)
    await live.bus.publish(make_event(Topic.BENCHMARK_CREATED, payload={"n": 8}))
    assert numbers([await client.hear()]) == [8]


@pytest.mark.parametrize("wrong", ["another epoch", "the future", "long ago"])
async def test_what_is_not_known_any_more_is_a_gap(start: Start, wrong: str) -> None:
    live = await start(MemoryBus(check=anything, replay_events=3))
    for number in range(5):
        await live.bus.publish(make_event(Topic.BENCHMARK_CREATED, payload={"n": number}))
    head = {"epoch": live.bus.head.epoch, "seq": 5}
    changes: dict[str, dict[str, Any]] = {
        "another epoch": {"epoch": "x"},
        "the future": {"seq": 6},
        "long ago": {"seq": 1},
    }
    since = head | changes[wrong]
    client, messages = await resume(live, since)
    assert [message["type"] for message in messages] == ["Gap", "Ack"]
    assert messages[0]["position"] == messages[1]["position"] == head
    await live.bus.publish(make_event(Topic.BENCHMARK_DELETED, payload={"n": 5}))
    assert numbers([await client.hear()]) == [5]


@pytest.mark.parametrize("since", [7, "x-1", {}, {"epoch": "a"}, {"epoch": "a", "seq": -1}, {"epoch": "", "seq": 1}])
async def test_a_since_that_is_none_is_refused(live: Live, since: object) -> None:
    client = await admin(live)
    await client.say("Subscribe", topics=["benchmark.*"], since=since)
    assert (await client.hear())["code"] == "INVALID_REQUEST"


async def test_interests_that_overlap_never_tell_twice_whatever_their_order(live: Live) -> None:
    sessions = [str(new_id()) for _ in range(3)]
    dice = random.Random(7)
    for _ in range(12):
        begin = live.bus.head
        since = {"epoch": begin.epoch, "seq": begin.seq}
        expected = []
        for number in range(6):
            session = UUID(dice.choice(sessions))
            expected.append(number)
            await live.bus.publish(make_event(payload={"n": number}, session_id=session))
        client = await admin(live)
        interests: list[dict[str, Any]] = [{"session_id": session} for session in sessions] + [{}, {}]
        dice.shuffle(interests)
        for fields in interests:
            await client.say("Subscribe", topics=["benchmark.progress"], since=since, **fields)
        told = numbers(await client.all_until_now())
        assert sorted(told) == expected
        await live.bus.publish(make_event(payload={"n": 9}, session_id=UUID(sessions[0])))
        assert numbers(await client.all_until_now()) == [9]
        await client.socket.close()


async def test_a_replay_shows_only_what_one_may_see_now(live: Live) -> None:
    mine, token = await live.user()
    session = new_id()
    begin = {"epoch": live.bus.head.epoch, "seq": live.bus.head.seq}
    for owner in (mine.user_id, new_id()):
        await live.bus.publish(make_event(payload={"n": 1}, owner_id=owner))
    await live.bus.publish(make_event(payload={"n": 2}, session_id=session, owner_id=mine.user_id))
    await live.bus.publish(make_event(payload={"n": 3}, session_id=session, owner_id=new_id()))  # given away
    client = await (await live.client()).sign_in(token)
    await client.say("Subscribe", topics=["benchmark.*"], since=begin)
    assert numbers(await client.all_until_now()) == [1]


async def test_a_long_replay_does_not_drop_for_the_sake_of_the_queue(start: Start) -> None:
    live = await start(MemoryBus(check=anything), limits=replace(LIMITS, queue_size=8))
    begin = {"epoch": live.bus.head.epoch, "seq": 0}
    for number in range(500):
        await live.bus.publish(make_event(payload={"n": number}, session_id=new_id()))
    _, messages = await resume(live, begin)
    assert numbers(messages) == list(range(500))


async def test_what_was_seen_at_one_server_goes_on_at_another(start: Start, redis_url: str) -> None:
    servers = [await start(RedisBus(redis_url, check=anything)) for _ in range(2)]
    first, second = servers
    for live in servers:
        async with live.bus.subscribe(["benchmark.*"]) as subscription:
            await subscription.ready()
    client = await (await admin(first)).subscribe("benchmark.*")
    for number in range(4):
        await servers[number % 2].bus.publish(make_event(payload={"n": number}, session_id=new_id()))
    seen = [await client.hear() for _ in range(4)]
    since = {name: seen[1][name] for name in ("epoch", "seq")}
    _, messages = await resume(second, since)
    assert numbers(messages) == numbers(seen[2:])


async def test_connections_of_one_user_are_bounded(start: Start) -> None:
    live = await start(max_per_user=2)
    _, token = await live.user()
    _, other = await live.user()
    first = await (await live.client()).sign_in(token)
    await (await live.client()).sign_in(token)
    third = await live.client()
    await third.say("Auth", token=token)
    assert (await third.hear())["code"] == "RATE_LIMITED"
    assert await third.close_code() == 1013
    await (await live.client()).sign_in(other)
    await first.sign_in(token)  # saying Auth again counts once


async def test_strangers_of_one_address_are_bounded(start: Start) -> None:
    live = await start(max_per_user=2)
    for _ in range(2):
        await live.client()
    assert await (await live.client()).close_code() == 1013


async def test_shutdown_tells_each_client_another_time_to_come_back(live: Live) -> None:
    clients = [await (await admin(live)).subscribe("benchmark.*") for _ in range(5)]
    await live.gateway.close()
    told = [await client.hear() for client in clients]
    assert {message["type"] for message in told} == {"Restarting"}
    waits = [message["reconnect_after_ms"] for message in told]
    assert all(250 <= wait <= 30_250 for wait in waits)
    assert len(set(waits)) > 1
    assert [await client.close_code() for client in clients] == [1012] * 5


async def test_many_clients_cost_one_encoding(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    live = await start()
    calls: list[Event] = []

    def encode(event: Event) -> str:
        calls.append(event)
        return encode_event(event)

    monkeypatch.setattr("app.realtime.gateway.encode_event", encode)
    clients = [await (await admin(live)).subscribe("benchmark.*") for _ in range(4)]
    await live.bus.publish(make_event(Topic.BENCHMARK_CREATED))
    for client in clients:
        await client.hear()
    assert len(calls) == 1


async def test_a_viewer_cannot_listen_to_settings(live: Live) -> None:
    _, token = await live.user(Role.VIEWER)
    client = await (await live.client()).sign_in(token)
    await client.say("Subscribe", topics=["settings.*"])
    assert (await client.hear())["code"] == "FORBIDDEN"
