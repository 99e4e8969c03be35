"""One shard as a cluster task: finds its plan and its provider by itself, so that no key or prompt travels in it.

A task that runs again (its worker died) skips what is stored already and counts it as measured.
"""

import asyncio
import contextlib
import logging

from app.benchmarks.measures import MeasuredResult
from app.benchmarks.recorder import Recorder
from app.benchmarks.shard_preparing import Prepared, prepare
from app.benchmarks.shard_reports import ShardOutcome
from app.benchmarks.shard_task import ShardTask
from app.benchmarks.shard_teller import ShardTeller
from app.benchmarks.shard_watch import Watch, counted
from app.benchmarks.spooling import PATIENCE_SECONDS, SpoolingRecorder
from app.benchmarks.stop_signal import HANDED_BACK, StopSignal
from app.benchmarks.supervisor import Shard, supervise
from app.benchmarks.worker_context import WorkerContext, installed
from app.core.errors import TestBenchError
from app.stats.instrument import InstrumentFacts
from app.stats.run_statistics import RunStatistics

log = logging.getLogger(__name__)


async def run_shard(task: ShardTask) -> bytes:
    """Run one shard to its end; the answer is an encoded `ShardOutcome`, also when it failed."""
    try:
        outcome = await _run(task, installed(task.context))
    except TestBenchError as error:
        outcome = _failed(task, error.message)
    except Exception:
        log.exception("shard %d of benchmark %s failed", task.shard, task.session_id)
        outcome = _failed(task, "internal error in a worker; its log has the details")
    return outcome.encode()


def _failed(task: ShardTask, message: str) -> ShardOutcome:
    return ShardOutcome("failed", RunStatistics(task.origin_ns), InstrumentFacts(), message)


async def _run(task: ShardTask, context: WorkerContext) -> ShardOutcome:
    stop = StopSignal()
    name = task.lease_name if context.is_shared else None
    watch = Watch(context.database, context.bus, task.session_id, stop, epoch=task.epoch, lease_name=name)
    async with counted(stop), watch.alone():
        outcome = await _run_alone(task, await prepare(task, context), context, stop, watch)
    if outcome.status == "cancelled" and stop.reason == HANDED_BACK:
        outcome.status = "handed_back"
    return outcome


async def _run_alone(
    task: ShardTask, prepared: Prepared, context: WorkerContext, stop: StopSignal, watch: Watch
) -> ShardOutcome:
    teller = ShardTeller(context.bus, task.session_id, prepared.audience, watch)
    watcher = asyncio.create_task(watch.watch())
    try:
        return await _supervise(task, context, prepared.shard, stop, teller, keep_gaps=prepared.keep_gaps)
    finally:
        watcher.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watcher


async def _supervise(
    task: ShardTask, context: WorkerContext, shard: Shard, stop: StopSignal, teller: "ShardTeller", *, keep_gaps: bool
) -> ShardOutcome:
    outcome = None
    trace = context.spans.of_shard(shard.plan, shard.context) if context.spans is not None else None
    try:
        async with _recorder(task, context, keep_gaps=keep_gaps) as recorder:

            async def keep(results: list[MeasuredResult]) -> None:
                await recorder.add(results)
                teller.remember(results)
                if trace is not None:
                    trace(results)

            outcome = await supervise(
                shard, on_results=keep, on_tick=teller.tell, stop=stop, new_engine=context.new_engine
            )
    except TestBenchError as error:  # the last results could not be stored
        if outcome is None:
            raise
        outcome.status, outcome.error = "failed", error.message
    return outcome


def _recorder(task: ShardTask, context: WorkerContext, *, keep_gaps: bool) -> Recorder:
    if context.spool_folder is None:
        return Recorder(context.database, task.session_id, keep_gaps=keep_gaps, patience_seconds=PATIENCE_SECONDS)
    return SpoolingRecorder(context.database, task.session_id, context.spool_folder, keep_gaps=keep_gaps)
