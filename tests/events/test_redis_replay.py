"""One order of events over several processes and over the deaths of Redis."""

import asyncio

import pytest

from app.core.ids import new_id
from app.events.bus import Subscription
from app.events.redis_bus import RedisBus
from app.events.redis_log import encode
from app.events.types import Event, Topic
from tests.events.conftest import anything
from tests.factories import make_event
from tests.servers import RedisServer

Buses = tuple[RedisBus, RedisBus]


async def take(subscription: Subscription[Event], number: int) -> list[Event]:
    async with asyncio.timeout(20):
        return [await anext(subscription) for _ in range(number)]


async def test_every_process_sees_one_order_and_can_replay_what_another_told(two_processes: Buses) -> None:
    here, there = two_processes
    async with here.subscribe(["benchmark.*"]) as near, there.subscribe(["benchmark.*"]) as far:
        await near.ready()
        await far.ready()
        begin = here.head
        for number in range(20):
            await (here, there)[number % 2].publish(make_event(payload={"n": number}, session_id=new_id()))
        told_near, told_far = await take(near, 20), await take(far, 20)
    assert told_near == told_far
    assert [event.seq for event in told_near] == list(range(begin.seq + 1, begin.seq + 21))
    assert there.since(told_near[4].position) == told_near[5:], "seen here, asked for there"
    assert here.since(begin) == told_near


async def test_a_process_that_starts_later_knows_what_was_told_before(two_processes: Buses, redis_url: str) -> None:
    here, _ = two_processes
    async with here.subscribe(["benchmark.*"]) as near:
        await near.ready()
        for number in range(5):
            await here.publish(make_event(payload={"n": number}, session_id=new_id()))
        told = await take(near, 5)
    late = RedisBus(redis_url, check=anything)
    async with late.subscribe(["benchmark.*"]) as fresh:
        await fresh.ready()
        assert late.since(told[1].position) == told[2:]
        await here.publish(make_event(Topic.BENCHMARK_CREATED))
        assert (await take(fresh, 1))[0].topic == Topic.BENCHMARK_CREATED, "nothing old comes by itself"
    await late.close()


async def test_another_life_of_redis_is_another_epoch(two_processes: Buses, redis_server: RedisServer) -> None:
    here, there = two_processes
    gap = asyncio.Event()
    async with here.subscribe(["benchmark.*"]) as near, there.subscribe(["benchmark.*"], on_gap=gap.set) as far:
        await near.ready()
        await far.ready()
        await here.publish(make_event(Topic.BENCHMARK_CREATED))
        before = (await take(far, 1))[0]
        await take(near, 1)
        redis_server.stop()
        async with asyncio.timeout(20):
            while near.connected.is_set() or far.connected.is_set():  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        await here.publish(make_event(Topic.BENCHMARK_STARTED))
        alone = (await take(near, 1))[0]
        assert alone.epoch != before.epoch, "an order that only this process knows"
        redis_server.start()
        await asyncio.wait_for(gap.wait(), 20)
        after = (await take(far, 1))[0]
        assert after.topic == Topic.BENCHMARK_STARTED
        assert after.epoch not in {before.epoch, alone.epoch}
        await near.ready(20)
        await here.publish(make_event(Topic.BENCHMARK_COMPLETED))
        assert (await take(near, 1))[0].topic == Topic.BENCHMARK_COMPLETED, "what came alone does not come again"
        for stale in (before, alone):
            assert here.since(stale.position) is None
            assert there.since(stale.position) is None


async def test_keys_lost_while_everybody_is_connected_are_another_epoch(
    two_processes: Buses, redis_server: RedisServer
) -> None:
    here, there = two_processes
    gap = asyncio.Event()
    async with there.subscribe(["benchmark.*"], on_gap=gap.set) as far:
        await far.ready()
        for _ in range(3):
            await here.publish(make_event(Topic.BENCHMARK_CREATED))
        old = (await take(far, 3))[-1]
        redis_server.command("FLUSHALL")
        await here.publish(make_event(Topic.BENCHMARK_DELETED))
        new = (await take(far, 1))[0]
    assert (new.topic, new.seq) == (Topic.BENCHMARK_DELETED, 1)
    assert new.epoch != old.epoch
    assert gap.is_set()


async def test_a_log_shorter_than_an_absence_is_a_gap(redis_url: str) -> None:
    here = RedisBus(redis_url, check=anything, replay_events=4)
    there = RedisBus(redis_url, check=anything, replay_events=4)
    async with here.subscribe(["benchmark.*"]) as near, there.subscribe(["benchmark.*"]) as far:
        await near.ready()
        await far.ready()
        begin = there.head
        told = []
        for _ in range(10):
            await here.publish(make_event(Topic.BENCHMARK_CREATED))
            told += await take(far, 1)
        assert there.since(begin) is None
        assert there.since(told[5].position) == told[6:]
    await here.close()
    await there.close()


@pytest.mark.parametrize("batch", [1, 3])
async def test_an_append_whose_answer_got_lost_adds_nothing_again(two_processes: Buses, batch: int) -> None:
    here, there = two_processes
    async with there.subscribe(["benchmark.*"]) as far:
        await far.ready()
        await here.publish(make_event(Topic.BENCHMARK_CREATED))
        await take(far, 1)
        repeated = [("", number, encode(make_event(Topic.BENCHMARK_STARTED))) for number in range(1, 1 + batch)]
        await here._send(repeated)
        await here._send(repeated)
        await there.publish(make_event(Topic.BENCHMARK_DELETED))
        topics = [event.topic for event in await take(far, batch)]
    assert topics == [Topic.BENCHMARK_STARTED] * (batch - 1) + [Topic.BENCHMARK_DELETED]
