"""How this server process is, told every five seconds as `metrics.system`; and the alert of a disk that fills up."""

import asyncio
import logging
import os
import shutil
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy.pool import QueuePool

from app.core.clock import Clock
from app.core.database import Database
from app.events.bus import Bus
from app.events.catalogue import as_payload
from app.events.payloads import Alert, DatabasePool, SystemMetrics
from app.events.types import Event, Topic

log = logging.getLogger(__name__)

PERIOD_SECONDS = 5.0
DISK_LOW_BYTES = 2 * 2**30
DISK_LOW_SHARE = 0.05
DISK_FINE_FACTOR = 1.2
"""Resolved above this many times the threshold, so that it does not flap."""


@dataclass(kw_only=True)
class Counts:
    """What other rooms say about themselves now."""

    open_sockets: Callable[[], int]
    running_benchmarks: Callable[[], int]
    unfinished_benchmarks: Callable[[], Awaitable[int]]
    dropped_events: Callable[[], int]


@dataclass
class DiskWatch:
    """Whether the disk under the data folder is low: less than 2 GiB or 5 % free, whichever is less."""

    instance: str
    is_low: bool = field(default=False, init=False)

    def take(self, free: int, total: int) -> tuple[Topic, Alert] | None:
        """What the newest figures mean."""
        threshold = min(DISK_LOW_BYTES, int(total * DISK_LOW_SHARE))
        if not self.is_low and free < threshold:
            self.is_low = True
            return Topic.ALERT_RAISED, self._alert(f"{free / 2**20:,.0f} MiB are free on disk", free, threshold)
        if self.is_low and free > threshold * DISK_FINE_FACTOR:
            self.is_low = False
            return Topic.ALERT_RESOLVED, self._alert(f"{free / 2**30:,.1f} GiB are free again", free, threshold)
        return None

    def _alert(self, text: str, free: int, threshold: int) -> Alert:
        return Alert(
            key=f"disk_low:{self.instance}",
            kind="disk_low",
            severity="critical",
            message=f"{self.instance}: {text} in the data folder",
            is_lasting=True,
            instance=self.instance,
            value=float(free),
            threshold=float(threshold),
        )


class SystemReporter:
    """Publishes this process's figures for as long as it runs."""

    def __init__(
        self,
        bus: Bus,
        clock: Clock,
        database: Database,
        data_dir: Path,
        counts: Counts,
        *,
        period_seconds: float = PERIOD_SECONDS,
    ) -> None:
        self.instance = f"{socket.gethostname()}:{os.getpid()}"
        self._bus = bus
        self._clock = clock
        self._database = database
        self._data_dir = data_dir
        self._counts = counts
        self._period_seconds = period_seconds
        self._process = psutil.Process()
        self._disk = DiskWatch(self.instance)
        self._task: asyncio.Task[None] | None = None
        self.latest: SystemMetrics | None = None
        """What was told last; None in the first seconds."""

    async def start(self) -> None:
        """Begin."""
        self._process.cpu_percent()  # the first answer is always 0: it counts from here on
        self._task = asyncio.create_task(self._report_for_ever(), name="system metrics")

    async def close(self) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _report_for_ever(self) -> None:
        due = time.monotonic()
        while True:
            due = max(due + self._period_seconds, time.monotonic())  # absolute, so that the period does not drift
            await asyncio.sleep(due - time.monotonic())
            try:
                await self._report()
            except Exception:
                log.warning("the figures of this process could not be told", exc_info=True)

    async def _report(self) -> None:
        disk = await asyncio.to_thread(shutil.disk_usage, self._data_dir if self._data_dir.exists() else ".")
        payload = SystemMetrics(
            instance=self.instance,
            uptime_s=round(time.time() - self._process.create_time(), 1),
            cpu_percent=self._process.cpu_percent(),
            memory_bytes=self._process.memory_info().rss,
            open_sockets=self._counts.open_sockets(),
            running_benchmarks=self._counts.running_benchmarks(),
            waiting_benchmarks=await self._waiting(),
            database_pool=_pool_of(self._database),
            disk_free_bytes=disk.free,
            dropped_events=self._counts.dropped_events(),
        )
        self.latest = payload
        self._tell(Topic.METRICS_SYSTEM, as_payload(payload))
        if (change := self._disk.take(disk.free, disk.total)) is not None:
            topic, alert = change
            self._tell(topic, as_payload(alert))

    async def _waiting(self) -> int | None:
        """Benchmarks that wait for their turn anywhere; None while the database cannot say."""
        try:
            async with asyncio.timeout(2):
                return max(await self._counts.unfinished_benchmarks() - self._counts.running_benchmarks(), 0)
        except Exception as error:  # noqa: BLE001  (the other figures are the more wanted when the database is away)
            log.debug("waiting benchmarks cannot be counted: %s", error)
            return None

    def _tell(self, topic: Topic, payload: dict[str, Any]) -> None:
        self._bus.post(Event(topic, payload, self._clock.now()))


def _pool_of(database: Database) -> DatabasePool:
    pool = database.engine.pool
    if isinstance(pool, QueuePool):
        return DatabasePool(size=pool.size(), in_use=pool.checkedout())
    return DatabasePool(size=None, in_use=None)
