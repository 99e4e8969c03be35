"""The Dask cluster that shards run on: one inside this process, or an external one. Nothing else knows Dask.

Importing Dask takes 0.3 s and 20 MB, so it is imported when a cluster is first needed.
"""

import asyncio
import importlib
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Self
from uuid import uuid4

from app.benchmarks.probing import ProbeTask, run_probe
from app.benchmarks.shards import ShardTask, run_shard
from app.core.errors import ConstraintViolationError
from app.core.settings import DistributedSettings

_CONNECT_SECONDS = 15
_CAPACITY_PATIENCE_SECONDS = 30.0
_CAPACITY_POLL_SECONDS = 0.5


class Cluster:
    """Runs shards; `slots` makes sure that those of one stage run at the same time."""

    def __init__(self, settings: DistributedSettings) -> None:
        self._settings = settings
        self._client: Any = None
        self._local: Any = None
        self._starting: asyncio.Task[None] | None = None
        self._taken = 0
        self._queue: deque[object] = deque()
        self._changed = asyncio.Condition()

    @classmethod
    async def start(cls, settings: DistributedSettings) -> Self:
        """Connect to the configured scheduler; an in-process cluster (it opens no port) starts with its first use."""
        cluster = cls(settings)
        if settings.enable_distributed:
            await cluster.ready()
        return cluster

    async def ready(self) -> None:
        """Return once shards can be run; only the first call takes time."""
        if self._starting is None:
            self._starting = asyncio.create_task(self._start(), name="cluster start")
        await asyncio.shield(self._starting)  # whoever waits may be cancelled, and half a cluster could not be closed

    async def _start(self) -> None:
        try:
            # Imported in a thread: the server goes on answering meanwhile.
            dask = await asyncio.to_thread(importlib.import_module, "app.benchmarks.dask_cluster")
            dask.log_like_everyone()
            if self._settings.enable_distributed:
                self._client = await dask.connect(self._settings.scheduler_url, timeout=_CONNECT_SECONDS)
                return
            self._local = await dask.embedded_cluster(self._settings.worker_count)
            self._client = await dask.connect(self._local)
        except BaseException:
            self._starting = None  # the next one to ask tries again
            raise

    async def capacity(self) -> int:
        """Shards that can run at once."""
        await self.ready()
        return sum((await self._client.nthreads()).values())

    @asynccontextmanager
    async def slots(self, number: int) -> AsyncIterator[None]:
        """Hold `number` slots, in the order of asking.

        Raises:
            ConstraintViolationError: when the cluster has had too few for half a minute.
        """
        ticket = object()
        self._queue.append(ticket)
        try:
            while not await self._take(ticket, number):
                pass
        finally:
            self._queue.remove(ticket)
            async with self._changed:
                self._changed.notify_all()
        try:
            yield
        finally:
            async with self._changed:
                self._taken -= number
                self._changed.notify_all()

    async def run(self, task: ShardTask) -> bytes:
        """Run a shard somewhere; its encoded outcome. Cancelling this cancels it there."""
        return await self._submit("shard", run_shard, task)

    async def probe(self, task: ProbeTask) -> bytes:
        """Probe a target from somewhere; an encoded `token_probe.Probed`. Cancelling this cancels it there."""
        return await self._submit("probe", run_probe, task)

    async def _submit(self, name: str, function: Callable[[Any], Any], task: object) -> bytes:
        await self.ready()
        future = self._client.submit(function, task, key=f"{name}-{uuid4().hex}", pure=False)
        try:
            outcome: bytes = await future
        except asyncio.CancelledError:
            await future.cancel()
            raise
        finally:
            future.release()
        return outcome

    async def close(self) -> None:
        """Leave the cluster, and end it when it is ours."""
        if self._starting is not None:
            await asyncio.wait({self._starting})
        if self._client is not None:
            await self._client.close()
        if self._local is not None:
            await self._local.close()

    async def _take(self, ticket: object, number: int) -> bool:
        """Wait for this ticket's turn and for room; False when the capacity must be looked at again."""
        capacity = await self._enough_capacity(number)
        async with self._changed:
            try:
                async with asyncio.timeout(_CAPACITY_PATIENCE_SECONDS):
                    await self._changed.wait_for(lambda: self._queue[0] is ticket and self._taken + number <= capacity)
            except TimeoutError:
                return False
            self._taken += number
            return True

    async def _enough_capacity(self, number: int) -> int:
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + _CAPACITY_PATIENCE_SECONDS
        while (capacity := await self.capacity()) < number:
            if loop.time() >= give_up_at:
                raise ConstraintViolationError(
                    f"this benchmark needs {number} worker slots at once; the cluster has {capacity}",
                    needed=number,
                    available=capacity,
                )
            await asyncio.sleep(_CAPACITY_POLL_SECONDS)
        return capacity
