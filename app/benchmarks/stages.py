"""The stages of a run on the cluster, one after another: a place for each shard, probes, one instant, its shards."""

import asyncio
import logging
import time
from contextlib import AsyncExitStack

from app.benchmarks import plan_workloads, planner, token_probe
from app.benchmarks.attending import Attendant
from app.benchmarks.cluster import Cluster, Places
from app.benchmarks.live import LiveRuns
from app.benchmarks.models import Result
from app.benchmarks.planner import Point
from app.benchmarks.probing import ProbeTask
from app.benchmarks.remote_cluster import RemoteCluster
from app.benchmarks.restoring import add_stored
from app.benchmarks.runs import Run
from app.benchmarks.shard_task import ShardTask
from app.benchmarks.shard_tries import ShardTries
from app.benchmarks.starting import lead_ns, start_at_ns
from app.benchmarks.token_probe import Probed
from app.core.database import Database
from app.loadgen.plan import TokenModel
from app.stats.instrument import InstrumentFacts
from app.stats.pace import Pace

log = logging.getLogger(__name__)


class Stages:
    """Runs stages. `context` names the worker context that their shards use."""

    def __init__(
        self,
        database: Database,
        cluster: Cluster | RemoteCluster,
        live: LiveRuns,
        attendant: Attendant,
        tries: ShardTries,
        *,
        context: str,
    ) -> None:
        self._database = database
        self._cluster = cluster
        self._live = live
        self._attendant = attendant
        self._tries = tries
        self._context = context

    async def take_up(self, run: Run) -> None:
        """Count the stages that an earlier coordinator has finished."""
        for done in run.course.done:
            point = run.exploration.next()
            if point is None:
                return
            stage = point.target_index * planner.point_count(run.spec) + point.point
            mine = Result.index % planner.index_stride(run.spec) == stage
            await add_stored(run.statistics, self._database, run.session_id, mine)
            instrument, pace = done.facts()
            run.instrument.merge(instrument)
            run.exploration.take(point, run.statistics, instrument, pace)

    async def run_all(self, run: Run) -> None:
        """Run what is left, until the exploration or the run ends.

        Raises:
            ConstraintViolationError: the cluster could not have run a stage for too long.
        """
        while not run.ends and (point := run.exploration.next()) is not None:
            async with AsyncExitStack() as held:
                places = await self._take_places(run, point, held)
                if places is not None:
                    await self._probe(run, point.target_index, places)
                if places is not None and not run.ends:
                    await self._run_stage(run, point, places)
        if (reason := run.error or run.stop_reason) is not None:
            run.exploration.end(reason)

    async def _take_places(self, run: Run, point: Point, held: AsyncExitStack) -> Places | None:
        """A slot for each shard of a stage, given back with `held`; None when the run ends before it gets them."""
        number = planner.shard_count(run.spec, point.level)

        def waits(what: str) -> None:
            run.live.waits_for = what
            if not run.has_begun:
                run.live.prepare()

        slots = self._cluster.slots(number, run.session_id, run.spec.placement, waits)
        try:
            places = await run.unless_it_ends(held.enter_async_context(slots))
        finally:
            run.live.waits_for = None
        if run.live.is_preparing:
            self._restart_clock(run)
        return places

    def _restart_clock(self, run: Run) -> None:
        """Nothing was measured yet: the clock of the run need not have begun."""
        run.restart_clock(start_at_ns(run.spec))
        self._live.put(run.session_id, run.live)

    async def _probe(self, run: Run, target_index: int, places: Places) -> None:
        """Find out what a word is in tokens at a target, unless that is asked already or nothing depends on it."""
        if target_index in run.probed or not token_probe.needs_probes(plan_workloads.workload(run.spec.workload)):
            return
        if not run.has_begun:
            run.live.prepare()
        task = ProbeTask(self._context, run.session_id, target_index)
        try:
            told = await run.unless_it_ends(self._cluster.probe(task, places))
            if told is not None:
                run.probed[target_index] = Probed.decode(told)
        except Exception:  # the cluster lost the worker: if it is not back, the shards will say so
            log.exception("target %d of benchmark %s could not be probed", target_index, run.session_id)
        if not run.has_begun:
            self._restart_clock(run)

    async def _run_stage(self, run: Run, point: Point, places: Places) -> None:
        begin_ns = run.course.begin_ns(point.target_index, point.point)
        again = begin_ns is not None
        if begin_ns is None:
            lead = lead_ns(planner.at_level(run.spec, point.level), is_remote=self._cluster.is_remote)
            begin_ns = time.time_ns() + lead
        run.has_begun = True
        run.live.begin_stage(point.target_index, begin_ns, point)
        run.course.begin(run.statistics.timeline.origin_ns, point.target_index, point.point, begin_ns)
        await self._attendant.note_course(run)
        tasks = self._tasks(run, point, begin_ns, again=again)
        outcomes = run.shards = [asyncio.create_task(self._tries.run(run, task, places)) for task in tasks]
        try:
            await asyncio.gather(*outcomes)
        except asyncio.CancelledError:
            if not run.is_let_go:
                raise
            return
        finally:
            for outcome in outcomes:
                outcome.cancel()
            await asyncio.gather(*outcomes, return_exceptions=True)
        instrument, pace = InstrumentFacts(restarts=len(tasks) if again else 0), Pace()
        for ended in outcomes:
            instrument.merge(ended.result().instrument)
            pace.merge(ended.result().pace)
        if again:
            run.instrument.restarts += len(tasks)
        run.exploration.take(point, run.statistics, instrument, pace, cut_short=run.error or run.stop_reason)
        run.course.end(instrument, pace)
        await self._attendant.note_course(run)

    def _tasks(self, run: Run, point: Point, begin_ns: int, *, again: bool) -> list[ShardTask]:
        probed = run.probed.get(point.target_index)
        return [
            ShardTask(
                self._context,
                run.session_id,
                point.target_index,
                position,
                begin_ns,
                run.statistics.timeline.origin_ns,
                point.point,
                point.level,
                probed.tokens if probed else TokenModel(),
                run.lease.epoch if run.lease else 0,
                again=again,
            )
            for position in range(planner.shard_count(run.spec, point.level))
        ]
