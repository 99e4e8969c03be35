"""What every bus does, on memory and on a real Redis."""

import asyncio

import pytest

from app.core.errors import InvalidRequestError
from app.core.ids import new_id
from app.events.bus import Bus
from app.events.types import Topic
from tests.events.conftest import without_position
from tests.factories import make_event


async def test_subscribers_get_what_they_asked_for_in_order(bus: Bus) -> None:
    async with bus.subscribe(["benchmark.*"]) as benchmarks, bus.subscribe([Topic.METRICS_SYSTEM]) as metrics:
        await benchmarks.ready()
        events = [make_event(topic, session_id=new_id()) for topic in ("benchmark.created", "benchmark.started")]
        await bus.publish(events[0])
        await bus.publish(make_event(Topic.METRICS_SYSTEM, payload={"cpu": 0.5}))
        await bus.publish(events[1])
        assert [without_position(await anext(benchmarks)) for _ in events] == events
        assert (await anext(metrics)).payload == {"cpu": 0.5}


async def test_nothing_from_before_the_subscription_or_after_its_end(bus: Bus) -> None:
    await bus.publish(make_event(Topic.BENCHMARK_CREATED))
    async with bus.subscribe(["benchmark.*"]) as subscription:
        await subscription.ready()
        await bus.publish(make_event(Topic.BENCHMARK_STARTED))
        assert (await anext(subscription)).topic == Topic.BENCHMARK_STARTED
    await bus.publish(make_event(Topic.BENCHMARK_COMPLETED))
    assert [event.topic async for event in subscription] == []


@pytest.mark.parametrize("steps", range(6))
async def test_a_cancellation_is_not_lost_when_the_bus_is_ready_in_that_step(bus: Bus, steps: int) -> None:
    async with bus.subscribe(["benchmark.*"]) as subscription:
        await subscription.ready()

        async def reader() -> None:
            await subscription.ready()
            await anext(subscription)

        reading = asyncio.create_task(reader())
        for _ in range(steps):
            await asyncio.sleep(0)
        reading.cancel()
        await asyncio.wait({reading}, timeout=30)
        assert reading.cancelled()


async def test_a_slow_reader_keeps_the_newest_progress_and_every_other_event(bus: Bus) -> None:
    session = new_id()
    async with bus.subscribe(["benchmark.*"], queue_size=4) as slow:
        await bus.publish(make_event(Topic.BENCHMARK_STARTED, session_id=session))
        for number in range(100):
            await bus.publish(make_event(session_id=session, payload={"n": number}))
        await bus.publish(make_event(Topic.BENCHMARK_COMPLETED, session_id=session))
        seen = [await anext(slow) for _ in range(4)]
    assert [event.topic for event in (seen[0], seen[-1])] == [Topic.BENCHMARK_STARTED, Topic.BENCHMARK_COMPLETED]
    assert [event.payload["n"] for event in seen[1:-1]] == [98, 99]
    assert (slow.dropped, slow.lost, slow.overflowed) == (98, 0, False)


async def test_losing_a_lifecycle_event_is_counted_and_told(bus: Bus) -> None:
    gaps: list[str] = []
    async with bus.subscribe(["benchmark.*"], queue_size=2, on_gap=lambda: gaps.append("gap")) as slow:
        for _ in range(5):
            await bus.publish(make_event(Topic.BENCHMARK_CREATED))
    assert (slow.lost, slow.overflowed, len(gaps)) == (3, True, 3)


async def test_an_unknown_topic_is_refused(bus: Bus) -> None:
    with pytest.raises(InvalidRequestError):
        bus.subscribe(["benchmark.exploded"])


async def test_raw_frames_reach_their_channel_only(bus: Bus) -> None:
    async with bus.subscribe_raw("shard:1") as first, bus.subscribe_raw("shard:2") as second:
        await bus.publish_raw("shard:2", b"\x00two")
        await bus.publish_raw("shard:1", b"\xffone")
        assert (await anext(first), await anext(second)) == (b"\xffone", b"\x00two")
        await bus.publish_raw("nobody", b"lost")


async def test_raw_frames_are_bounded(bus: Bus) -> None:
    async with bus.subscribe_raw("shard", queue_size=2) as frames:
        for number in range(5):
            await bus.publish_raw("shard", bytes([number]))
        assert [await anext(frames), await anext(frames)] == [b"\x03", b"\x04"]
        assert frames.dropped == 3


async def test_closing_the_bus_ends_its_subscriptions(bus: Bus) -> None:
    subscription = bus.subscribe(["metrics.*"])
    frames = bus.subscribe_raw("shard")
    waiting = asyncio.create_task(anext(subscription, None))
    await bus.publish_raw("shard", b"last")
    await bus.close()
    assert await waiting is None
    assert [frame async for frame in frames] == [b"last"]
    await bus.publish(make_event(Topic.METRICS_SYSTEM))


async def test_one_reader_may_close_another_on_a_gap(bus: Bus) -> None:
    victim = bus.subscribe(["benchmark.*"])
    async with bus.subscribe(["benchmark.*"], queue_size=1, on_gap=victim.close):
        await bus.publish(make_event(Topic.BENCHMARK_CREATED))
        await bus.publish(make_event(Topic.BENCHMARK_CREATED))
    async with asyncio.timeout(30):
        assert len([event async for event in victim]) in {1, 2}
