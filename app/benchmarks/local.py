"""A benchmark without a server: the same planner, engines and statistics; no database, no cluster, no bus."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from app.benchmarks import planner, token_probe
from app.benchmarks.live import LiveRun
from app.benchmarks.measures import MeasureContext, MeasuredResult
from app.benchmarks.planner import Stage
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.starting import start_at_ns
from app.benchmarks.states import Status
from app.benchmarks.supervisor import (
    EngineFactory,
    Shard,
    ShardOutcome,
    ShardTick,
    StopSignal,
    engine_process,
    slo_of,
    supervise,
)
from app.benchmarks.workload_facts import workload_facts
from app.loadgen.plan import Endpoint
from app.stats.instrument import InstrumentFacts
from app.stats.run_statistics import RunStatistics
from app.stats.summary import summarise

PROGRESS_SECONDS = 0.25


async def run_local(
    spec: BenchmarkSpec,
    endpoint: Endpoint | Sequence[Endpoint],
    *,
    on_progress: Callable[[Mapping[str, Any]], None] = lambda _: None,
    on_results: Callable[[list[MeasuredResult]], None] = lambda _: None,
    stop: asyncio.Event | None = None,
    new_engine: EngineFactory = engine_process,
) -> dict[str, Any]:
    """Run every target and return the summary, with `error` telling what ended the run early, if anything did.

    `endpoint` is one for all targets or one per target. `on_progress` gets a `Progress` document four times a second,
    `on_results` each request once. Setting `stop` winds the run down; what was measured is summarised.
    """
    endpoints = [endpoint] * len(spec.targets) if isinstance(endpoint, Endpoint) else list(endpoint)
    stop = stop or asyncio.Event()
    stages = planner.stages(spec, endpoints)
    probed = await token_probe.probe_all([stage.shards[0] for stage in stages], new_engine=new_engine, stop=stop)
    stages = [
        replace(stage, shards=tuple(token_probe.with_tokens(plan, found.tokens) for plan in stage.shards))
        for stage, found in zip(stages, probed, strict=True)
    ]
    run = _LocalRun(spec, on_progress, on_results, new_engine)
    summary = await run.execute(stages, stop)
    return summary | {"workload": workload_facts(spec.workload, dict(enumerate(probed)))}


class _LocalRun:
    def __init__(
        self,
        spec: BenchmarkSpec,
        on_progress: Callable[[Mapping[str, Any]], None],
        on_results: Callable[[list[MeasuredResult]], None],
        new_engine: EngineFactory,
    ) -> None:
        self._spec = spec
        self._on_progress = on_progress
        self._on_results = on_results
        self._new_engine = new_engine
        self._signal = StopSignal()
        self._origin_ns = start_at_ns(spec)
        self._live = LiveRun(spec, self._origin_ns)

    async def execute(self, stages: list[Stage], stop: asyncio.Event) -> dict[str, Any]:
        """All stages, one after another."""
        statistics = RunStatistics(self._origin_ns, slo_of(self._spec))
        instrument = InstrumentFacts()
        error = None
        helpers = [asyncio.create_task(self._watch(stop)), asyncio.create_task(self._show())]
        try:
            for stage in stages:
                if self._signal.reason is not None:
                    break
                for outcome in await self._run_stage(stage):
                    statistics.merge(outcome.statistics)
                    instrument.merge(outcome.instrument)
                    error = error or outcome.error
        finally:
            for helper in helpers:
                helper.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await helper
        self._on_progress(self._live.progress(self._status(error, stop), time.time_ns()))
        return summarise(statistics, instrument) | {"error": error}

    async def _run_stage(self, stage: Stage) -> list[ShardOutcome]:
        begin_ns = self._origin_ns if stage.index == 0 else start_at_ns(self._spec)
        self._live.begin_stage(stage.index, begin_ns)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._run_shard(stage, position, begin_ns)) for position in _positions(stage)]
        return [task.result() for task in tasks]

    async def _run_shard(self, stage: Stage, position: int, begin_ns: int) -> ShardOutcome:
        plan = planner.starting_at(stage.shards[position], begin_ns)
        target, tags = stage.target, tuple(self._spec.tags)
        context = MeasureContext(target.provider, target.model, plan.endpoint.adapter, tags)
        outcome = await supervise(
            Shard(plan, context, stage.index, self._origin_ns, slo_of(self._spec)),
            on_results=self._take_results,
            on_tick=self._take_tick,
            stop=self._signal,
            new_engine=self._new_engine,
        )
        if outcome.status == "failed":
            self._signal.set("another engine failed")
        return outcome

    async def _take_results(self, results: list[MeasuredResult]) -> None:
        self._on_results(results)

    async def _take_tick(self, tick: ShardTick) -> None:
        self._live.take(tick)

    async def _watch(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._signal.set("cancelled")

    async def _show(self) -> None:
        while True:
            await asyncio.sleep(PROGRESS_SECONDS)
            status = Status.RUNNING if self._signal.reason is None else Status.CANCELLING
            self._on_progress(self._live.progress(status, time.time_ns()))

    @staticmethod
    def _status(error: str | None, stop: asyncio.Event) -> Status:
        if error is not None:
            return Status.FAILED
        return Status.CANCELLED if stop.is_set() else Status.COMPLETED


def _positions(stage: Stage) -> range:
    return range(len(stage.shards))
