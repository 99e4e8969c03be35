"""The Dask cluster inside this process; `remote_cluster` has the external one. Nothing else in this room knows Dask.

Importing Dask takes 0.3 s and 20 MB, so it is imported when a cluster is first needed.
"""

import asyncio
import importlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self
from uuid import UUID, uuid4

from app.benchmarks.probing import ProbeTask, run_probe
from app.benchmarks.shard_task import ShardTask
from app.benchmarks.shards import run_shard
from app.cluster import placement
from app.cluster.placement import WorkerInfo
from app.core.errors import ConstraintViolationError, TestBenchError
from app.core.settings import DistributedSettings
from app.core.version import service_version

_CAPACITY_PATIENCE_SECONDS = 30.0
_CAPACITY_POLL_SECONDS = 0.5


OnWait = Callable[[str], None]
"""Is told, in words, what somebody waits for: again whenever that changes."""


def unheard(what: str) -> None:
    """For those who need not know what they wait for."""


class WorkerLostError(TestBenchError):
    """The worker of a shard (or the scheduler) went away; what it has stored counts, the rest can run elsewhere."""

    code = "SERVICE_UNAVAILABLE"
    http_status = 503
    retryable = True


@dataclass
class Places:
    """Where the shards of a stage run: the worker's address of each, and how far its clock is ahead of ours."""

    workers: list[str]
    tags: Sequence[str]
    session_id: UUID | None
    offsets_ns: list[int | None] = field(default_factory=list)

    def offset_ns(self, shard: int) -> int | None:
        """How far the clock of a shard's worker is ahead of this one's; None when that is not known or the same."""
        return self.offsets_ns[shard] if self.offsets_ns else None


class Cluster:
    """Runs shards; `slots` makes sure that those of one stage run at the same time."""

    is_remote = False

    def __init__(self, settings: DistributedSettings) -> None:
        self._settings = settings
        self._client: Any = None
        self._local: Any = None
        self._starting: asyncio.Task[None] | None = None
        self._taken = 0
        self.holders: list[tuple[UUID, int]] = []  # who holds how many slots
        self._queue: deque[object] = deque()
        self._changed = asyncio.Condition()

    @classmethod
    async def start(cls, settings: DistributedSettings) -> Self:
        """A cluster that opens no port and starts with its first use."""
        return cls(settings)

    async def ready(self) -> None:
        """Return once shards can be run; only the first call takes time."""
        if self._starting is None:
            self._starting = asyncio.create_task(self._start(), name="cluster start")
        await asyncio.shield(self._starting)  # whoever waits may be cancelled, and half a cluster could not be closed

    async def _start(self) -> None:
        try:
            # Imported in a thread: the server goes on answering meanwhile.
            dask = await asyncio.to_thread(importlib.import_module, "app.cluster.dask_parts")
            dask.log_like_everyone()
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
    async def slots(
        self, number: int, session_id: UUID | None = None, tags: Sequence[str] = (), on_wait: OnWait = unheard
    ) -> AsyncIterator[Places]:
        """Hold `number` slots, in the order of asking. Nothing here has tags: `tags` were refused at submission.

        Raises:
            ConstraintViolationError: when the cluster has had too few for half a minute.
        """
        ticket, held = object(), 0
        self._queue.append(ticket)
        try:
            try:
                if self._queue[0] is not ticket or self._taken + number > self._settings.worker_count:
                    on_wait(f"{placement.slots_in_words(number)}; all of this server's are taken or promised to others")
                while not await self._take(ticket, number):
                    pass
                held = number
            finally:
                self._queue.remove(ticket)
                await self._tell_others()
            if session_id is not None:
                self.holders.append((session_id, number))
            try:
                yield Places([""] * number, tags, session_id)
            finally:
                if session_id is not None:
                    self.holders.remove((session_id, number))
        finally:
            self._taken -= held
            await self._tell_others()

    async def workers(self) -> list[WorkerInfo]:
        """This process, as the only worker."""
        slots = self._settings.worker_count
        return [
            WorkerInfo("server", "", (), slots, service_version(), offset_ns=0, offset_error_ns=0, running=self._taken)
        ]

    async def check_possible(self, number: int, tags: Sequence[str]) -> None:
        """Refuse tags: there are no workers that could have any; the number has been checked by the service."""
        if tags:
            raise ConstraintViolationError(
                "this server measures by itself and has no tagged workers (distributed.enable_distributed is off)",
                tags=list(tags),
                known_tags=[],
            )

    async def move(self, places: Places, shard: int, on_wait: OnWait = unheard) -> None:
        """A shard runs again where it ran."""

    async def run(self, task: ShardTask, places: Places | None = None) -> bytes:
        """Run a shard somewhere; its encoded outcome. Cancelling this cancels it there."""
        return await self._submit("shard", run_shard, task)

    async def probe(self, task: ProbeTask, places: Places | None = None) -> bytes:
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

    async def _tell_others(self) -> None:
        async with self._changed:
            self._changed.notify_all()

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
