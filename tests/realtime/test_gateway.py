"""Messages, limits and ends of connections, against a real server."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from app.accounts.permissions import Role
from app.core.ids import new_id
from app.events.bus import Bus
from app.events.memory import MemoryBus
from app.events.redis_bus import RedisBus
from app.events.types import Topic
from tests.events.conftest import anything
from tests.factories import NOON, make_event
from tests.realtime.conftest import LIMITS, Client, Live, Start


async def admin(live: Live, **options: Any) -> Client:
    _, token = await live.user(Role.ADMIN)
    return await (await live.client(**options)).sign_in(token)


async def test_an_event_looks_as_documented(live: Live) -> None:
    session = new_id()
    client = await (await admin(live)).subscribe("benchmark.progress")
    await live.bus.publish(make_event(session_id=session, payload={"ok": 1, "rate": float("nan")}))
    assert await client.hear() == {
        "type": "Event",
        "topic": "benchmark.progress",
        "payload": {"ok": 1, "rate": None},
        "timestamp": NOON.isoformat().replace("+00:00", "Z"),
        "session_id": str(session),
        "epoch": live.bus.head.epoch,
        "seq": 1,
    }


async def test_acks_say_what_was_done(live: Live) -> None:
    caller, token = await live.user()
    client = await live.client()
    await client.say("Auth", token=token)
    position = {"position": {"epoch": live.bus.head.epoch, "seq": 0}}
    assert await client.hear() == {"type": "Ack", "of": "Auth", "username": caller.username} | position
    session = str(new_id())
    for kind in ("Subscribe", "Unsubscribe"):
        await client.say(kind, topics=["benchmark.*"], session_id=session)
        more = position if kind == "Subscribe" else {}
        answer = {"type": "Ack", "of": kind, "topics": ["benchmark.*"], "session_id": session}
        assert await client.hear() == answer | more


async def test_wildcards_and_unsubscribing(live: Live) -> None:
    client = await (await admin(live)).subscribe("benchmark.*")
    for topic in (Topic.BENCHMARK_CREATED, Topic.METRICS_SYSTEM, Topic.TEST_COMPLETED, Topic.BENCHMARK_DELETED):
        await live.bus.publish(make_event(topic))
    assert [message["topic"] for message in await client.all_until_now()] == ["benchmark.created", "benchmark.deleted"]
    await client.say("Unsubscribe", topics=["benchmark.created"])
    assert (await client.hear())["of"] == "Unsubscribe"
    for topic in (Topic.BENCHMARK_CREATED, Topic.BENCHMARK_DELETED):
        await live.bus.publish(make_event(topic))
    assert [message["topic"] for message in await client.all_until_now()] == ["benchmark.deleted"]


async def test_one_benchmark_only_and_each_event_once(live: Live) -> None:
    mine, other = new_id(), new_id()
    client = await (await admin(live)).subscribe("benchmark.progress", session_id=str(mine))
    for session in (other, mine, other):
        await live.bus.publish(make_event(session_id=session))
    assert [message["session_id"] for message in await client.all_until_now()] == [str(mine)]
    await client.subscribe("benchmark.*")
    await live.bus.publish(make_event(session_id=mine))
    assert len(await client.all_until_now()) == 1
    await client.say("Unsubscribe", topics=["benchmark.*"])
    await client.hear()
    for session in (other, mine):
        await live.bus.publish(make_event(session_id=session))
    assert [message["session_id"] for message in await client.all_until_now()] == [str(mine)]


JUNK: list[str | bytes] = [
    "",
    "{",
    "[]",
    "null",
    "17",
    '"Auth"',
    "{}",
    '{"type":"Explode"}',
    '{"type":"Event","topic":"benchmark.created"}',
    '{"type":"Subscribe"}',
    '{"type":"Subscribe","topics":[]}',
    '{"type":"Subscribe","topics":"benchmark.*"}',
    '{"type":"Subscribe","topics":["no.such"]}',
    '{"type":"Subscribe","topics":["benchmark.*"],"session_id":"7"}',
    '{"type":"Subscribe","topics":["benchmark.*"],"sesion_id":null}',
    '{"type":"Ping","extra":' + "[" * 1500 + "]" * 1500 + "}",
    b"\xff\xfe\x00",
    "💥" * 900,
]


@pytest.mark.parametrize("authenticated", [False, True])
async def test_junk_is_answered_and_does_no_harm(live: Live, authenticated: bool) -> None:
    client = await admin(live) if authenticated else await live.client()
    for junk in JUNK:
        if not authenticated and "no.such" in str(junk):
            continue
        await client.socket.send(junk)
        answer = await client.hear()
        assert (answer["type"], answer["code"]) == ("Error", "INVALID_REQUEST"), junk
    assert await client.all_until_now() == []


async def test_an_unknown_topic_is_answered_with_the_known_ones(live: Live) -> None:
    client = await admin(live)
    await client.say("Subscribe", topics=["benchmark.created", "benchmark.exploded"])
    answer = await client.hear()
    assert "topics.1" in answer["message"]
    assert "benchmark.*" in answer["message"]
    await live.bus.publish(make_event(Topic.BENCHMARK_CREATED))
    assert await client.all_until_now() == [], "a refused message changes nothing"


@pytest.mark.parametrize("big", ["x" * 5000, "💥" * 1100, b"x" * 5000])
async def test_a_message_above_the_limit_ends_the_connection(live: Live, big: str | bytes) -> None:
    client = await admin(live)
    await client.socket.send(big)
    assert "4096" in (await client.hear())["message"]
    assert await client.close_code() == 1009


async def test_subscriptions_are_bounded(start: Start) -> None:
    live = await start(limits=replace(LIMITS, max_subscriptions=3))
    client = await (await admin(live)).subscribe("benchmark.created", "benchmark.started", "benchmark.failed")
    await client.say("Subscribe", topics=["benchmark.created"], session_id=str(new_id()))
    assert "at most 3" in (await client.hear())["message"]
    await client.say("Unsubscribe", topics=["benchmark.failed"])
    await client.hear()
    await client.subscribe("metrics.system")


async def test_a_flood_of_messages_ends_the_connection(start: Start) -> None:
    live = await start(limits=replace(LIMITS, max_messages_per_minute=5))
    client = await admin(live)
    for _ in range(5):
        await client.say("Ping")
    assert await client.close_code() == 1008


async def test_connections_are_bounded_and_counted(start: Start) -> None:
    live = await start(max_connections=2)
    first = await admin(live)
    await admin(live)
    assert live.gateway.connection_count == 2
    assert await (await live.client()).close_code() == 1013
    await first.socket.close()
    async with asyncio.timeout(10):
        while live.gateway.connection_count == 2:  # noqa: ASYNC110  (the server notices a moment later)
            await asyncio.sleep(0.01)
    await admin(live)


async def test_the_server_pings_and_closes_who_does_not_answer(start: Start) -> None:
    live = await start(limits=replace(LIMITS, ping_interval_seconds=0.05, pong_timeout_seconds=1.5))
    polite, silent = await admin(live), await admin(live)
    pings = 0
    while pings < 5:
        assert (await polite.hear())["type"] == "Ping"
        await polite.say("Pong")
        pings += 1
    assert await silent.close_code() == 1001
    assert live.gateway.connection_count <= 2


async def test_a_slow_client_loses_old_ticks_and_delays_nobody(start: Start) -> None:
    live = await start(limits=replace(LIMITS, pong_timeout_seconds=30))
    session = new_id()
    slow = await (await admin(live, max_queue=1)).subscribe("benchmark.*")
    quick = await (await admin(live)).subscribe("benchmark.*")
    slow.socket.transport.pause_reading()
    filling = "x" * 50_000
    for number in range(400):
        await live.bus.publish(make_event(session_id=session, payload={"n": number, "filling": filling}))
        assert (await quick.hear())["payload"]["n"] == number
    await live.bus.publish(make_event(Topic.BENCHMARK_COMPLETED, session_id=session))
    assert (await quick.hear())["topic"] == "benchmark.completed"
    assert live.gateway.dropped_ticks > 0
    slow.socket.transport.resume_reading()
    numbers = []
    told = 0
    while (message := await slow.hear()).get("topic") != "benchmark.completed":
        if message["type"] == "Dropped":
            told += message["count"]
        else:
            numbers.append(message["payload"]["n"])
    assert message["topic"] == "benchmark.completed", "the end is never lost"
    assert numbers == sorted(numbers)
    assert numbers[-1] == 399, "the newest progress is kept"
    assert len(numbers) == 400 - live.gateway.dropped_ticks
    assert told == live.gateway.dropped_ticks, "and it is told how many"


async def test_a_client_too_slow_for_lifecycle_events_is_told_to_come_back(start: Start) -> None:
    live = await start(limits=replace(LIMITS, queue_size=8))
    slow = await (await admin(live, max_queue=1)).subscribe("benchmark.*")
    quick = await (await admin(live)).subscribe("metrics.*")
    slow.socket.transport.pause_reading()
    for _ in range(400):
        await live.bus.publish(make_event(Topic.BENCHMARK_CREATED, payload={"filling": "x" * 50_000}))
        await quick.all_until_now()
        if live.gateway.connection_count == 1:
            break
    async with asyncio.timeout(10):
        while live.gateway.connection_count == 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    slow.socket.transport.resume_reading()
    assert await slow.close_code() in {1013, 1006}
    await live.bus.publish(make_event(Topic.METRICS_SYSTEM))
    assert (await quick.hear())["topic"] == "metrics.system"


async def test_an_event_that_is_not_json_harms_nobody(live: Live, caplog: pytest.LogCaptureFixture) -> None:
    client = await (await admin(live)).subscribe("benchmark.*")
    await live.bus.publish(make_event(Topic.BENCHMARK_CREATED, payload={"wrong": object()}))
    await live.bus.publish(make_event(Topic.BENCHMARK_STARTED))
    assert (await client.hear())["topic"] == "benchmark.started"
    assert "not JSON" in caplog.text


async def test_a_gap_on_the_bus_is_told(start: Start) -> None:
    bus = MemoryBus(check=anything)
    live = await start(bus)
    client = await (await admin(live)).subscribe("benchmark.*")
    await bus.publish(make_event(Topic.BENCHMARK_CREATED))
    await client.hear()
    bus.interrupt()
    gap = await client.hear()
    assert gap["type"] == "Gap"
    assert gap["position"] == {"epoch": bus.head.epoch, "seq": 1}
    await bus.publish(make_event(Topic.BENCHMARK_DELETED))
    assert (await client.hear())["topic"] == "benchmark.deleted", "and the connection goes on"


async def test_shutdown_makes_clients_come_back(live: Live) -> None:
    clients = [await (await admin(live)).subscribe("benchmark.*") for _ in range(3)]
    closing = asyncio.create_task(live.stop())
    assert [await client.close_code() for client in clients] == [1012] * 3
    await closing
    assert live.gateway.connection_count == 0


async def test_closing_the_gateway_alone_does_the_same(live: Live) -> None:
    clients = [await admin(live) for _ in range(3)]
    closing = asyncio.create_task(live.gateway.close())
    assert [await client.close_code() for client in clients] == [1012] * 3
    await closing
    assert await (await live.client()).close_code() == 1012


async def test_many_clients_that_vanish_leave_nothing_behind(live: Live) -> None:
    clients = [await (await admin(live)).subscribe("benchmark.*") for _ in range(20)]
    for client in clients:
        client.socket.transport.abort()
    await live.bus.publish(make_event(Topic.BENCHMARK_CREATED))
    async with asyncio.timeout(10):
        while live.gateway.connection_count:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_events_of_another_process_arrive(start: Start, redis_url: str) -> None:
    far: Bus = RedisBus(redis_url, check=anything)
    near = RedisBus(redis_url, check=anything)
    live = await start(near)
    client = await (await admin(live)).subscribe("benchmark.*")
    async with near.subscribe(["benchmark.*"]) as subscription:
        await subscription.ready()
    await far.publish(make_event(Topic.BENCHMARK_CREATED, payload={"from": "afar"}))
    assert (await client.hear())["payload"] == {"from": "afar"}
    await far.close()
