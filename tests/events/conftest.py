"""Buses of both kinds, and events."""

from collections.abc import AsyncIterator

import pytest

from app.events.bus import Bus
from app.events.memory import MemoryBus
from app.events.redis_bus import RedisBus


@pytest.fixture(params=["memory", "redis"])
async def bus(request: pytest.FixtureRequest) -> AsyncIterator[Bus]:
    bus: Bus = MemoryBus() if request.param == "memory" else RedisBus(request.getfixturevalue("redis_url"))
    yield bus
    await bus.close()


@pytest.fixture
async def two_processes(redis_url: str) -> AsyncIterator[tuple[RedisBus, RedisBus]]:
    """The buses of two processes that share a Redis, apart from being in one process."""
    first, second = RedisBus(redis_url), RedisBus(redis_url)
    yield first, second
    await first.close()
    await second.close()
