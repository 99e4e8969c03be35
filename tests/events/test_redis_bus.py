"""Several processes, and a Redis that goes away."""

import asyncio
import logging
import os
import signal

import pytest

from app.core.errors import ConfigError, ServiceUnavailableError
from app.core.ids import new_id
from app.events.redis_bus import RedisBus
from app.events.types import Topic
from tests.events.conftest import anything, without_position
from tests.factories import make_event
from tests.servers import RedisServer

Buses = tuple[RedisBus, RedisBus]


async def test_events_and_frames_cross_processes_once(two_processes: Buses) -> None:
    here, there = two_processes
    event = make_event(Topic.BENCHMARK_CREATED, session_id=new_id(), owner_id=new_id(), payload={"name": "ü", "n": 1.5})
    async with (
        there.subscribe(["benchmark.*"]) as far,
        here.subscribe(["benchmark.*"]) as near,
        there.subscribe_raw("shard:1") as frames,
    ):
        await far.ready()
        await near.ready()
        await frames.ready()
        await here.publish(event)
        await here.publish_raw("shard:1", b"\x00\xff")
        await there.publish(make_event(Topic.BENCHMARK_DELETED))
        assert await anext(frames) == b"\x00\xff"
        for seen in ([await anext(far), await anext(far)], [await anext(near), await anext(near)]):
            assert sorted(item.topic for item in seen) == [Topic.BENCHMARK_CREATED, Topic.BENCHMARK_DELETED]
            assert event in [without_position(item) for item in seen]
    assert len([item async for item in near]) + len([item async for item in far]) == 0, "nothing came twice"


async def test_a_channel_subscribed_later_works_and_can_be_left_and_joined_again(two_processes: Buses) -> None:
    here, there = two_processes
    async with there.subscribe(["metrics.*"]) as events:
        await events.ready()
        for payload in (b"first", b"second"):
            async with there.subscribe_raw("shard:7") as frames:
                await frames.ready()
                await here.publish_raw("shard:7", payload)
                assert await anext(frames) == payload


async def test_after_a_restart_subscriptions_resume_and_learn_of_the_gap(
    two_processes: Buses, redis_server: RedisServer
) -> None:
    here, there = two_processes
    gap = asyncio.Event()
    async with there.subscribe(["benchmark.*"], on_gap=gap.set) as far, there.subscribe_raw("shard") as frames:
        await far.ready()
        await frames.ready()
        await here.publish(make_event(Topic.BENCHMARK_CREATED))
        assert (await anext(far)).topic == Topic.BENCHMARK_CREATED
        redis_server.stop()
        async with here.subscribe(["benchmark.*"]) as near:
            await here.publish(make_event(Topic.BENCHMARK_STARTED))
            assert (await anext(near)).topic == Topic.BENCHMARK_STARTED, "this process needs no Redis"
        redis_server.start()
        await asyncio.wait_for(gap.wait(), 20)
        assert far.interruptions == 1
        await far.ready(20)
        await frames.ready(20)
        await here.publish(make_event(Topic.BENCHMARK_COMPLETED))
        await here.publish_raw("shard", b"again")
        async with asyncio.timeout(20):
            while (await anext(far)).topic != Topic.BENCHMARK_COMPLETED:
                pass
            assert await anext(frames) == b"again"


async def test_what_was_published_without_redis_is_sent_when_it_is_back(redis_server: RedisServer) -> None:
    redis_server.stop()
    here = RedisBus(redis_server.url, check=anything)
    await here.publish(make_event(Topic.BENCHMARK_CREATED))
    there = RedisBus(redis_server.url, check=anything)
    redis_server.start()
    try:
        async with there.subscribe(["benchmark.*"]) as far:
            await far.ready(20)
            # The first event may have been sent before the other process listened; the order is kept either way.
            await here.publish(make_event(Topic.BENCHMARK_COMPLETED))
            async with asyncio.timeout(20):
                topics = [(await anext(far)).topic]
                if topics == [Topic.BENCHMARK_CREATED]:
                    topics.append((await anext(far)).topic)
            assert topics[-1] == Topic.BENCHMARK_COMPLETED
    finally:
        await here.close()
        await there.close()


async def test_a_redis_that_hangs_holds_up_nobody_for_long_and_loses_nothing(redis_server: RedisServer) -> None:
    here = RedisBus(redis_server.url, quiet_seconds=0.2, check=anything)
    there = RedisBus(redis_server.url, quiet_seconds=0.2, check=anything)
    gap = asyncio.Event()
    try:
        async with here.subscribe(["benchmark.*"]) as near, there.subscribe(["benchmark.*"], on_gap=gap.set) as far:
            await near.ready()
            await far.ready()
            os.kill(redis_server.process_id, signal.SIGSTOP)
            try:
                await here.publish(make_event(Topic.BENCHMARK_CREATED))
                async with asyncio.timeout(10):
                    assert (await anext(near)).topic == Topic.BENCHMARK_CREATED, "this process goes on alone"
            finally:
                os.kill(redis_server.process_id, signal.SIGCONT)
            await here.publish(make_event(Topic.BENCHMARK_DELETED))
            async with asyncio.timeout(20):
                told = [(await anext(far)).topic, (await anext(far)).topic]
                assert told == [Topic.BENCHMARK_CREATED, Topic.BENCHMARK_DELETED], "late, in order, once"
                assert (await anext(near)).topic == Topic.BENCHMARK_DELETED
            assert not gap.is_set(), "nothing was missed"
    finally:
        await here.close()
        await there.close()


async def test_without_a_server_ready_says_so_and_nothing_hangs(redis_server: RedisServer) -> None:
    redis_server.stop()
    bus = RedisBus(redis_server.url, check=anything)
    subscription = bus.subscribe(["benchmark.*"])
    with pytest.raises(ServiceUnavailableError):
        await subscription.ready(0.05)
    await bus.publish(make_event())
    async with asyncio.timeout(30):
        await bus.close()


async def test_strange_messages_on_the_channel_are_ignored(
    redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    bus = RedisBus(redis_server.url, check=anything)
    with caplog.at_level(logging.WARNING):
        async with bus.subscribe(["benchmark.*"]) as subscription:
            await subscription.ready()
            redis_server.command("PUBLISH", "ltb:events", "junk")
            redis_server.command("PUBLISH", "ltb:events", "0123456789abcdef-and-more-junk")
            await bus.publish(make_event())
            assert (await anext(subscription)).topic == Topic.BENCHMARK_PROGRESS
    await bus.close()
    assert not caplog.records


def test_an_address_that_is_none_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match="redis_url"):
        RedisBus("http://127.0.0.1:6379")
