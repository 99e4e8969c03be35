"""The figures of a process, and a disk that fills up."""

import asyncio
from pathlib import Path

from app.core.clock import SystemClock
from app.core.database import Database
from app.events.memory import MemoryBus
from app.events.types import Topic
from app.monitoring.system import Counts, DiskWatch, SystemReporter

GIB = 2**30


async def unfinished() -> int:
    return 5


COUNTS = Counts(
    open_sockets=lambda: 3,
    running_benchmarks=lambda: 2,
    unfinished_benchmarks=unfinished,
    dropped_events=lambda: 1,
)


async def test_figures_are_told_again_and_again(database: Database, tmp_path: Path) -> None:
    bus = MemoryBus()
    reporter = SystemReporter(bus, SystemClock(), database, tmp_path, COUNTS, period_seconds=0.02)
    async with bus.subscribe(["metrics.*"]) as events, asyncio.timeout(20):
        await reporter.start()
        told = [(await anext(events)).payload for _ in range(2)]
        await reporter.close()
    for payload in told:
        assert payload["instance"] == reporter.instance
        assert (payload["open_sockets"], payload["running_benchmarks"], payload["waiting_benchmarks"]) == (3, 2, 3)
        assert payload["memory_bytes"] > 10**6
        assert payload["disk_free_bytes"] > 0
        assert payload["database_pool"]["size"] == (
            5 if database.dialect == "postgresql" else payload["database_pool"]["size"]
        )


def test_a_low_disk_is_told_once_and_resolved_with_room_to_spare() -> None:
    watch = DiskWatch("here:1")
    told = [watch.take(free, 100 * GIB) for free in (3 * GIB, GIB, GIB, 2 * GIB + 1, 3 * GIB)]
    assert [change and change[0] for change in told] == [None, Topic.ALERT_RAISED, None, None, Topic.ALERT_RESOLVED]
    assert told[1] is not None
    assert told[4] is not None
    assert told[1][1].key == told[4][1].key
