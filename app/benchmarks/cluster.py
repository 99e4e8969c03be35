"""The Dask cluster that shards run on: one inside this process, or an external one. Nothing else knows Dask."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self
from uuid import uuid4

from distributed import Client

from app.benchmarks.embedded_cluster import embedded_cluster
from app.benchmarks.shards import ShardTask, run_shard
from app.core.errors import ConstraintViolationError
from app.core.settings import DistributedSettings

_CONNECT_SECONDS = 15
_CAPACITY_PATIENCE_SECONDS = 30.0
_CAPACITY_POLL_SECONDS = 0.5


async def _client(address: Any, **options: Any) -> Any:
    client: Any = Client(address, asynchronous=True, set_as_default=False, **options)  # type: ignore[no-untyped-call]
    return await client


class Cluster:
    """Runs shards; `slots` makes sure that those of one stage run at the same time."""

    def __init__(self, client: Any, local: Any) -> None:
        self._client = client
        self._local = local
        self._taken = 0
        self._queue: deque[object] = deque()
        self._changed = asyncio.Condition()

    @classmethod
    async def start(cls, settings: DistributedSettings) -> Self:
        """Start the in-process cluster (no port is opened), or connect to the configured scheduler."""
        if settings.enable_distributed:
            address = settings.scheduler_url
            return cls(await _client(address, timeout=_CONNECT_SECONDS), None)
        local = embedded_cluster(settings.worker_count)
        await local
        return cls(await _client(local), local)

    async def capacity(self) -> int:
        """Shards that can run at once."""
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
        future = self._client.submit(run_shard, task, key=f"shard-{uuid4().hex}", pure=False)
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
