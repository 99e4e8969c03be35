"""One shard through as many workers and engines as it takes: each try goes on where the one before it ended."""

import asyncio
import dataclasses
import logging
import time

from app.benchmarks.attending import Attendant
from app.benchmarks.cluster import Cluster, Places, WorkerLostError
from app.benchmarks.observing import RunObserver, ShardKey
from app.benchmarks.remote_cluster import RemoteCluster
from app.benchmarks.runs import Run
from app.benchmarks.shard_preparing import stored_before
from app.benchmarks.shard_reports import ShardOutcome
from app.benchmarks.shard_task import ShardTask
from app.core import leases
from app.core.database import Database
from app.core.errors import TestBenchError
from app.stats.instrument import InstrumentFacts
from app.stats.pace import Pace
from app.stats.run_statistics import RunStatistics

log = logging.getLogger(__name__)

MAX_ENGINE_RESTARTS = 2  # of one shard: an engine that dies again and again has a reason to
MAX_MOVES = 16
_LAST_WORD_SECONDS = 15.0  # a try that cannot be reached hears of the end, or its lease runs out
_LOOK_SECONDS = 0.5


@dataclasses.dataclass
class _Spent:
    engines: int = 0
    moves: int = 0


class ShardTries:
    """Runs shards on a cluster. Clocks of its workers that are off by more than the limit are marked in results."""

    def __init__(
        self,
        database: Database,
        cluster: Cluster | RemoteCluster,
        attendant: Attendant,
        observer: RunObserver,
        *,
        clock_offset_limit_ns: int,
    ) -> None:
        self._database = database
        self._cluster = cluster
        self._attendant = attendant
        self._observer = observer
        self._clock_offset_limit_ns = clock_offset_limit_ns if cluster.is_remote else 0

    async def run(self, run: Run, task: ShardTask, places: Places) -> ShardOutcome:
        """Run a shard to its end; what it measured is in the run's statistics then."""
        before = InstrumentFacts(clock_offset_limit_ns=self._clock_offset_limit_ns)
        pace = Pace()
        spent = _Spent()
        while True:
            offset_ns = places.offset_ns(task.shard) or 0
            before.clock_offset_ns = max(before.clock_offset_ns, offset_ns, key=abs)
            outcome, counts = await self._try(run, dataclasses.replace(task, clock_offset_ns=offset_ns), places)
            if not await self._goes_on(run, task, places, outcome, spent):
                break
            log.warning("shard %d of benchmark %s is taken up again", task.shard, run.session_id)
            before.merge(outcome.instrument)
            before.restarts += 1
            pace.merge(outcome.pace)
            task = dataclasses.replace(task, again=True, is_told=True)
        if outcome.status == "handed_back":  # in the middle of a stop
            outcome.status = "cancelled"
        if not counts:  # and nobody goes on who would count what is stored
            outcome.statistics = await self._stored(run, task)
        before.lost_engines = 0 if outcome.status != "failed" else before.lost_engines
        outcome.instrument.merge(before)
        outcome.pace.merge(pace)
        run.statistics.merge(outcome.statistics)
        key = ShardKey(task.session_id, task.target_index, task.point, task.shard)
        self._observer.take_outcome(key, outcome.statistics)
        run.instrument.merge(outcome.instrument)
        if outcome.status == "failed":
            run.error = run.error or outcome.error or "an engine failed"
            await self._attendant.stop(run, "another engine failed")
        return outcome

    async def _goes_on(self, run: Run, task: ShardTask, places: Places, outcome: ShardOutcome, spent: _Spent) -> bool:
        """Whether there is to be another try, and find its place; where that is a failure, `outcome` says why not."""
        if run.ends:
            return False
        if outcome.status == "failed" and outcome.instrument.lost_engines:
            spent.engines += 1
            return spent.engines <= MAX_ENGINE_RESTARTS
        if outcome.status != "handed_back":
            return False
        spent.moves += 1
        if spent.moves > MAX_MOVES:
            outcome.status, outcome.error = "failed", f"{spent.moves} workers in turn were lost or left"
            return False

        def waits(what: str) -> None:
            run.live.waits_for = what

        try:
            await run.unless_it_ends(self._cluster.move(places, task.shard, waits))
        except TestBenchError as error:
            outcome.status, outcome.error = "failed", error.message
        finally:
            run.live.waits_for = None
        return outcome.status == "handed_back" and not run.ends

    async def _try(self, run: Run, task: ShardTask, places: Places) -> tuple[ShardOutcome, bool]:
        """How one try ended, and whether its statistics count: else whoever goes on counts what it has stored."""
        nothing = RunStatistics(task.origin_ns, run.statistics.slo)
        try:
            outcome = ShardOutcome.decode(await self._cluster.run(task, places))
        except asyncio.CancelledError:
            raise
        except WorkerLostError as error:
            log.warning("shard %d of benchmark %s: %s", task.shard, run.session_id, error.message)
            return ShardOutcome("handed_back", nothing, InstrumentFacts(), error.message), False
        except Exception as error:  # the cluster lost the worker, or cannot reach it
            log.exception("shard %d of benchmark %s was lost", task.shard, run.session_id)
            lost = InstrumentFacts(lost_engines=1)
            return ShardOutcome("failed", nothing, lost, f"a worker was lost: {error}"), False
        if outcome.status == "handed_back":
            outcome.statistics = nothing
            return outcome, False
        return outcome, True

    async def _stored(self, run: Run, task: ShardTask) -> RunStatistics:
        """What tries that did not count have stored, once none of them can store more."""
        give_up_at = time.monotonic() + _LAST_WORD_SECONDS
        try:
            while self._cluster.is_remote and await self._is_held(task) and time.monotonic() < give_up_at:  # noqa: ASYNC110
                await asyncio.sleep(_LOOK_SECONDS)
            statistics, _ = await stored_before(task, self._database, run.spec)
        except Exception:
            log.exception("what shard %d of benchmark %s stored could not be read", task.shard, run.session_id)
            return RunStatistics(task.origin_ns, run.statistics.slo)
        return statistics

    async def _is_held(self, task: ShardTask) -> bool:
        async with self._database.read() as session:
            return any(row.name == task.lease_name for row in await leases.held(session, task.lease_name))
