"""How the cluster is: its workers, what runs on them, and who waits."""

import asyncio
from collections import defaultdict
from datetime import UTC, datetime
from typing import Literal, Protocol
from uuid import UUID

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.caller import Caller
from app.accounts.permissions import Permission
from app.accounts.visibility import may_change_owned
from app.benchmarks import repository
from app.benchmarks.audience import visible_to
from app.benchmarks.cluster import Cluster
from app.benchmarks.fair_share import fair_order
from app.benchmarks.models import BenchmarkSession
from app.benchmarks.remote_cluster import RemoteCluster
from app.benchmarks.slot_book import SLOT_PREFIX
from app.benchmarks.view import View
from app.benchmarks.wishes import Wishes
from app.cluster.placement import WorkerInfo, WorkerStatus, impossible
from app.core import leases
from app.core.database import Database
from app.core.errors import ServiceUnavailableError
from app.core.settings import DistributedSettings
from app.core.version import service_version

SHOWN_WAITING = 200
HEARTBEAT_LIMIT_SECONDS = 15.0
"""Workers are heard of every 0.5 s, in clusters of a thousand every 6 s: this is more than two beats late."""

PATIENCE_SECONDS = 3.0
"""How long a request waits for the scheduler: connecting to one that is away takes longer, and holds up everybody."""

WaitReason = Literal["starting", "all_running", "owner_running", "behind_others", "no_worker"]


class RunningShard(View):
    """A slot that is taken."""

    shard: int = Field(description="Number of the shard in its stage.")
    benchmark_id: UUID | None = Field(description="Null when the caller may not see the benchmark.")
    benchmark_name: str | None = Field(description="Likewise.")


class ClusterWorker(View):
    """One worker."""

    name: str = Field(description="Its name.")
    status: WorkerStatus = Field(
        description="`draining` takes nothing new, `mismatch` has another version and gets nothing."
    )
    tags: list[str] = Field(description="What benchmarks may ask for in `placement`.")
    slots: int = Field(description="Shards at once.")
    running: list[RunningShard] = Field(description="Shards that it runs now.")
    version: str = Field(description="Version of its program.")
    clock_offset_ms: float | None = Field(
        description="How far its clock is ahead of the server's; null: not known yet."
    )
    clock_error_ms: float | None = Field(description="By how much that may be wrong.")
    last_heartbeat_at: datetime | None = Field(description="When the scheduler last heard of it.")


class WaitingBenchmark(View):
    """A benchmark in the queue. Its id and name are null when the caller may not see it."""

    position: int = Field(description="1 is next.")
    id: UUID | None = Field(description="Its id.")
    name: str | None = Field(description="Its name.")
    created_at: datetime = Field(description="When it was submitted.")
    reason: WaitReason = Field(
        description="`starting`: there is room, it is about to be claimed; `all_running`: as many run as may; "
        "`owner_running`: as many of its owner's run as may; `behind_others`: others before it take the room; "
        "`no_worker`: the workers that are there could not run it even when idle."
    )
    missing: str | None = Field(description="With `no_worker`, in words: what it needs, and what there is.")
    may_cancel: bool = Field(description="Whether the caller may cancel it.")


class ClusterView(View):
    """The cluster, and the queue before it."""

    mode: Literal["embedded", "distributed"] = Field(description="`embedded`: the server measures by itself.")
    version: str = Field(description="Of the server that answers.")
    problem: str | None = Field(description="Why the workers are not known, such as a scheduler that does not answer.")
    workers: list[ClusterWorker] = Field(description="Who measures.")
    slots: int = Field(description="Shards that all workers together can run at once.")
    slots_taken: int = Field(description="Slots that run a shard now.")
    tags: list[str] = Field(description="Tags of workers that take shards.")
    running: int = Field(description="Benchmarks that run, on all servers.")
    waiting: int = Field(description="Benchmarks that wait.")
    max_running: int = Field(description="Benchmarks that run at once, over all servers.")
    max_running_per_user: int = Field(description="0: no such limit.")
    at: datetime = Field(description="When this was so, by the clock of the server that answers.")
    clock_offset_limit_ms: float = Field(description="Clocks that are further off make results suspect.")
    heartbeat_limit_seconds: float = Field(description="A worker not heard of for longer is probably lost.")
    queue: list[WaitingBenchmark] = Field(description=f"Who is next; at most {SHOWN_WAITING}.")


class Limits(Protocol):
    """Who knows how many benchmarks run at once: `tasks.BenchmarkRunner`."""

    @property
    def limits(self) -> tuple[int, int]:
        """Of all users, and of each (0: no limit)."""
        ...


class ClusterService:
    """Answers `GET /cluster`; other transports may ask it too."""

    def __init__(
        self, database: Database, cluster: Cluster | RemoteCluster, runner: Limits, settings: DistributedSettings
    ) -> None:
        self._database = database
        self._cluster = cluster
        self._runner = runner
        self._settings = settings
        self._wishes = Wishes()
        self._asking: asyncio.Task[list[WorkerInfo]] | None = None

    async def get(self, caller: Caller) -> ClusterView:
        """The cluster as it is now; one that cannot be reached is a `problem`, not an error."""
        problem, workers = await self._workers()
        max_running, per_user = self._runner.limits
        async with self._database.read() as session:
            by_owner = await repository.running_by_owner(session)
            waiting = await repository.waiting(session)
            taken = self._here() if isinstance(self._cluster, Cluster) else await _elsewhere(session)
            wishes = await self._wishes.of(session, [one.id for one in waiting])
            homeless = {} if problem else impossible(workers, wishes)  # who is there is not known with a problem
            placeable = [one for one in waiting if one.id not in homeless]
            order = fair_order(placeable, by_owner, per_user=per_user)
            order += [one.id for one in waiting if one.id in homeless]
            startable = set(fair_order(placeable, by_owner, per_user=per_user, only_startable=True))
            wanted = {*order[:SHOWN_WAITING], *(session_id for slots in taken.values() for session_id, _ in slots)}
            query = select(BenchmarkSession.id, BenchmarkSession.name)
            found = await session.execute(query.where(BenchmarkSession.id.in_(wanted), visible_to(caller)))
            names = {row.id: row.name for row in found}
        waits = {one.id: one for one in waiting}
        running = sum(by_owner.values())
        room = max(max_running - running, 0)
        return ClusterView(
            mode="distributed" if self._cluster.is_remote else "embedded",
            version=service_version(),
            problem=problem,
            workers=[_worker(worker, taken.get(worker.name, []), names) for worker in workers],
            slots=sum(worker.slots for worker in workers if worker.status == "running"),
            slots_taken=sum(len(slots) for slots in taken.values()),
            tags=sorted({tag for worker in workers if worker.status == "running" for tag in worker.tags}),
            running=running,
            waiting=len(waiting),
            max_running=max_running,
            max_running_per_user=per_user,
            at=datetime.now(UTC),
            clock_offset_limit_ms=self._settings.clock_offset_limit_ms,
            heartbeat_limit_seconds=HEARTBEAT_LIMIT_SECONDS,
            queue=[
                WaitingBenchmark(
                    position=number,
                    id=session_id if session_id in names else None,
                    name=names.get(session_id),
                    created_at=waits[session_id].created_at,
                    reason="no_worker"
                    if session_id in homeless
                    else why_it_waits(
                        number, room, running=running, max_running=max_running, startable=session_id in startable
                    ),
                    missing=homeless.get(session_id) if session_id in names else None,
                    may_cancel=session_id in names
                    and Permission.BENCHMARK_CANCEL in caller.permissions
                    and may_change_owned(caller, waits[session_id].owner_id),
                )
                for number, session_id in enumerate(order[:SHOWN_WAITING], 1)
            ],
        )

    async def _workers(self) -> tuple[str | None, list[WorkerInfo]]:
        """What is wrong, and the workers. Whoever asks while a scheduler is silent shares one question to it."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._cluster.workers(), name="workers of the cluster")
            self._asking.add_done_callback(_heard)
        asking = self._asking
        await asyncio.wait({asking}, timeout=PATIENCE_SECONDS)
        if not asking.done():
            return f"the scheduler has not answered for {PATIENCE_SECONDS:g} s", []
        try:
            return None, asking.result()
        except ServiceUnavailableError as error:
            return error.message, []

    def _here(self) -> dict[str, list[tuple[UUID, int]]]:
        assert isinstance(self._cluster, Cluster)
        shards = [(session_id, shard) for session_id, number in self._cluster.holders for shard in range(number)]
        return {"server": shards}


def _heard(asking: asyncio.Task[list[WorkerInfo]]) -> None:
    """Take note of an error that came too late for everybody who asked, so that asyncio does not complain of it."""
    if not asking.cancelled():
        asking.exception()


def why_it_waits(position: int, room: int, *, running: int, max_running: int, startable: bool) -> WaitReason:
    """Why a benchmark at `position` (from 1) waits, where `room` more may run now. Pure."""
    if not startable:
        return "owner_running"
    if position <= room:
        return "starting"
    return "all_running" if running >= max_running else "behind_others"


async def _elsewhere(session: AsyncSession) -> dict[str, list[tuple[UUID, int]]]:
    taken: dict[str, list[tuple[UUID, int]]] = defaultdict(list)
    for row in await leases.held(session, SLOT_PREFIX):
        if row.detail:
            taken[row.detail["worker"]].append((UUID(row.name.split("/")[1]), int(row.detail["shard"])))
    return taken


def _worker(worker: WorkerInfo, taken: list[tuple[UUID, int]], names: dict[UUID, str]) -> ClusterWorker:
    return ClusterWorker(
        name=worker.name,
        status=worker.status,
        tags=list(worker.tags),
        slots=worker.slots,
        running=[
            RunningShard(
                shard=shard,
                benchmark_id=session_id if session_id in names else None,
                benchmark_name=names.get(session_id),
            )
            for session_id, shard in taken
        ],
        version=worker.version,
        clock_offset_ms=None if worker.offset_ns is None else worker.offset_ns / 1e6,
        clock_error_ms=None if worker.offset_error_ns is None else worker.offset_error_ns / 1e6,
        last_heartbeat_at=datetime.fromtimestamp(worker.last_seen, UTC) if worker.last_seen else None,
    )
