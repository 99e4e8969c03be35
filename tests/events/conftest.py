"""Buses of both kinds, and events."""

from collections.abc import AsyncIterator

import msgspec
import pytest

from app.events.bus import Bus
from app.events.memory import MemoryBus
from app.events.redis_bus import RedisBus
from app.events.types import Event


def anything(event: Event) -> None:
    """Payloads do not matter to how a bus carries them; `test_catalogue` is about payloads."""


def without_position(event: Event) -> Event:
    """As it was published."""
    return msgspec.structs.replace(event, epoch="", seq=0)


@pytest.fixture(params=["memory", "redis"])
async def bus(request: pytest.FixtureRequest) -> AsyncIterator[Bus]:
    bus: Bus = (
        MemoryBus(check=anything)
        if request.param == "memory"
        else RedisBus(request.getfixturevalue("redis_url"), check=anything)
    )
    yield bus
    await bus.close()


@pytest.fixture
async def two_processes(redis_url: str) -> AsyncIterator[tuple[RedisBus, RedisBus]]:
    """The buses of two processes that share a Redis, apart from being in one process."""
    first, second = RedisBus(redis_url, check=anything), RedisBus(redis_url, check=anything)
    yield first, second
    await first.close()
    await second.close()
