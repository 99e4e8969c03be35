"""Coordinates claimed benchmarks: each is loaded, attended while its stages run, and ended."""

import asyncio
import logging
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from app.benchmarks.attending import Attendant
from app.benchmarks.audience import Audience, audience_query
from app.benchmarks.budget import BudgetWatch, estimate
from app.benchmarks.checking import ProviderDirectory
from app.benchmarks.cluster import Cluster
from app.benchmarks.course import Course
from app.benchmarks.ending import Ending
from app.benchmarks.exploring import Exploration
from app.benchmarks.live import LiveRun, LiveRuns
from app.benchmarks.models import BenchmarkSession
from app.benchmarks.observing import RunObserver, Unobserved
from app.benchmarks.remote_cluster import RemoteCluster
from app.benchmarks.runs import Run
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.shard_tries import ShardTries
from app.benchmarks.spans import SpanSink
from app.benchmarks.spec_parts import STORED
from app.benchmarks.stages import Stages
from app.benchmarks.starting import start_at_ns
from app.benchmarks.stop_signal import HANDED_BACK
from app.benchmarks.supervisor import slo_of
from app.cluster.placement import WorkerInfo
from app.core import leases
from app.core.clock import Clock
from app.core.database import Database
from app.core.errors import TestBenchError
from app.core.leases import Lease
from app.events.bus import Bus
from app.stats.run_statistics import RunStatistics

log = logging.getLogger(__name__)


class Executor:
    """Runs claimed benchmarks. `context` names the worker context that its shards use."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        bus: Bus,
        cluster: Cluster | RemoteCluster,
        live: LiveRuns,
        *,
        context: str,
        providers: ProviderDirectory,
        data_dir: Path | None = None,
        observer: RunObserver | None = None,
        clock_offset_limit_ns: int = 0,
        spans: SpanSink | None = None,
    ) -> None:
        self.observer, self.spans = observer or Unobserved(), spans
        self._database = database
        self._cluster = cluster
        self._live = live
        self._providers = providers
        self._attendant = Attendant(database, clock, bus, live, self.observer)
        tries = ShardTries(
            database, cluster, self._attendant, self.observer, clock_offset_limit_ns=clock_offset_limit_ns
        )
        self._stages = Stages(database, cluster, live, self._attendant, tries, context=context)
        self._ending = Ending(database, clock, self._attendant, self.observer, spans, data_dir)
        self._runs: dict[UUID, Run] = {}

    async def ready(self) -> None:
        """Return once the cluster is there: a run's clock must not begin while its cluster still starts."""
        await self._cluster.ready()

    async def workers(self) -> list[WorkerInfo]:
        """Who could run shards; raises `ServiceUnavailableError` while the scheduler is away."""
        return await self._cluster.workers()

    async def run(self, session_id: UUID, lease: Lease | None = None) -> None:
        """Run a benchmark that has just become `running` (or that another server has left behind) to its end.

        `lease` says that this server coordinates it.
        """
        run = await self._load(session_id, lease)
        self._runs[session_id] = run
        self._live.put(session_id, run.live)
        try:
            await self._estimate_cost(run)
            async with self._attendant.attended(run):
                await self._stages.take_up(run)
                await self._stages.run_all(run)
        except TestBenchError as error:
            run.error = run.error or error.message
        except Exception:
            log.exception("benchmark %s failed", session_id)
            run.error = run.error or "internal error; the server's log has the details"
        finally:
            self._runs.pop(session_id, None)
            try:
                if not run.is_let_go:
                    await self._ending.finish(run)
            finally:
                self._live.drop(session_id)
                self.observer.forget(session_id)

    async def let_go(self, session_id: UUID) -> bool:
        """Leave a run to another server, which goes on with it; False where none could (all is in this process).

        Its shards end what is in flight, and the results are stored; whoever takes it up sends the rest.
        """
        run = self._runs.get(session_id)
        if run is None or run.lease is None or not self._cluster.is_remote or run.is_cancelled:
            return False
        run.is_let_go = True
        with suppress(Exception):  # else it runs out by itself
            async with self._database.write() as session:
                await leases.release(session, run.lease)
        await self._attendant.stop(run, HANDED_BACK)
        for shard in run.shards:
            shard.cancel()
        return True

    async def interrupt(self, session_id: UUID, reason: str) -> None:
        """End a run early as failed (the server stops); what was measured is kept."""
        if (run := self._runs.get(session_id)) is not None:
            run.error = run.error or reason
            await self._attendant.stop(run, reason)

    async def _load(self, session_id: UUID, lease: Lease | None) -> Run:
        async with self._database.read() as session:
            query = audience_query(session_id).add_columns(BenchmarkSession.name, BenchmarkSession.spec)
            row = (await session.execute(query)).one()
            kept = None if lease is None else await leases.find(session, lease.name)
        spec = BenchmarkSpec.model_validate(row.spec, context=STORED)
        course = Course.of(kept.detail if kept is not None else None)
        origin_ns = course.origin_ns or start_at_ns(spec)
        return Run(
            session_id,
            Audience.of(row),
            row.name,
            spec,
            LiveRun(spec, origin_ns),
            RunStatistics(origin_ns, slo_of(spec)),
            Exploration(spec),
            BudgetWatch(spec, None),
            lease=lease,
            course=course,
            has_begun=bool(course.origin_ns),
        )

    async def _estimate_cost(self, run: Run) -> None:
        if run.spec.budget_usd is not None:
            kinds = await self._providers.kinds([target.provider for target in run.spec.targets])
            estimated = await asyncio.to_thread(estimate, run.spec, kinds)  # loading prices takes a second
            run.budget = BudgetWatch(run.spec, estimated)
