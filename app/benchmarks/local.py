"""A benchmark without a server: the same planner, engines and statistics; no database, no cluster, no bus."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.benchmarks import planner, token_probe
from app.benchmarks.budget import BudgetWatch, estimate
from app.benchmarks.exploring import Exploration, completed
from app.benchmarks.live import LiveRun
from app.benchmarks.measures import MeasureContext, MeasuredResult
from app.benchmarks.planner import Point, Stage
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.shard_reports import ShardOutcome, ShardTick
from app.benchmarks.spans import Execution, SpanSink
from app.benchmarks.starting import start_at_ns
from app.benchmarks.states import Status
from app.benchmarks.stop_signal import BUDGET_REACHED, StopSignal
from app.benchmarks.supervisor import EngineFactory, Shard, engine_process, slo_of, supervise, window_of
from app.benchmarks.token_probe import Probed
from app.benchmarks.workload_facts import workload_facts
from app.core import tracing
from app.core.ids import new_id
from app.loadgen.plan import Endpoint, TokenModel
from app.stats.instrument import InstrumentFacts
from app.stats.pace import Pace
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
    tokens: Sequence[TokenModel] | None = None,
    spans: SpanSink | None = None,
) -> dict[str, Any]:
    """Run every target and return the summary, with `error` telling what ended the run early, if anything did.

    `endpoint` is one for all targets or one per target. `on_progress` gets a `Progress` document four times a second,
    `on_results` each request once. Setting `stop` winds the run down; what was measured is summarised. `tokens` says
    for each target how words become tokens; then no probes are sent to find that out. `spans` exports its trace.

    Raises:
        InvalidRequestError: when the spec has a budget that cannot be kept.
    """
    endpoints = [endpoint] * len(spec.targets) if isinstance(endpoint, Endpoint) else list(endpoint)
    watch = BudgetWatch(spec, None)
    if spec.budget_usd is not None:
        kinds = [one.adapter for one in endpoints]
        watch = BudgetWatch(spec, await asyncio.to_thread(estimate, spec, kinds))  # loading prices takes a second
    stop = stop or asyncio.Event()
    if tokens is not None:
        probed = [Probed(model) for model in tokens]
    else:
        plans = [planner.shard(spec, index, one) for index, one in enumerate(endpoints)]
        probed = await token_probe.probe_all(plans, new_engine=new_engine, stop=stop)
    run = _LocalRun(spec, endpoints, probed, watch, on_progress, on_results, new_engine, spans)
    began_ns = time.time_ns()
    summary = await run.execute(stop)
    run.tell_execution(summary, began_ns, stop)
    return summary | {"workload": workload_facts(spec.workload, dict(enumerate(probed)))}


class _LocalRun:
    def __init__(
        self,
        spec: BenchmarkSpec,
        endpoints: Sequence[Endpoint],
        probed: Sequence[Probed],
        budget: BudgetWatch,
        on_progress: Callable[[Mapping[str, Any]], None],
        on_results: Callable[[list[MeasuredResult]], None],
        new_engine: EngineFactory,
        spans: SpanSink | None,
    ) -> None:
        self._spec = spec
        self._endpoints = endpoints
        self._probed = probed
        self._budget = budget
        self._on_progress = on_progress
        self._on_results = on_results
        self._new_engine = new_engine
        self._signal = StopSignal()
        self._origin_ns = start_at_ns(planner.at_level(spec, planner.first_points(spec, 0)[0].level))
        self._live = LiveRun(spec, self._origin_ns)
        self._trace = tracing.from_environment()
        self._scope = new_id().hex  # many runs may be of the trace of one CI job
        self._spans = spans

    async def execute(self, stop: asyncio.Event) -> dict[str, Any]:
        """All stages, one after another."""
        statistics = RunStatistics(self._origin_ns, slo_of(self._spec))
        instrument = InstrumentFacts()
        exploration = Exploration(self._spec)
        error = None
        helpers = [asyncio.create_task(self._watch(stop)), asyncio.create_task(self._show())]
        try:
            while self._signal.reason is None and (point := exploration.next()) is not None:
                stage = planner.stage(self._spec, point, self._endpoints[point.target_index])
                facts, pace = InstrumentFacts(), Pace()
                for outcome in await self._run_stage(stage):
                    statistics.merge(outcome.statistics)
                    facts.merge(outcome.instrument)
                    pace.merge(outcome.pace)
                    error = error or outcome.error
                instrument.merge(facts)
                exploration.take(point, statistics, facts, pace, cut_short=error or self._signal.reason)
            if (reason := error or self._signal.reason) is not None:
                exploration.end(reason)
        finally:
            for helper in helpers:
                helper.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await helper
        self._on_progress(self._live.progress(self._status(error, stop), time.time_ns()))
        summary = completed(
            summarise(statistics, instrument, window=window_of(self._spec)), statistics, exploration, self._budget
        )
        return summary | {"error": error}

    def tell_execution(self, summary: Mapping[str, Any], began_ns: int, stop: asyncio.Event) -> None:
        """Let the run's own span be exported."""
        if self._spans is None:
            return
        self._spans.execution(
            Execution(
                self._trace.trace_id,
                self._scope,
                self._trace.parent_span_id or None,
                self._spec,
                self._status(summary["error"], stop),
                began_ns,
                time.time_ns(),
                summary["requests"]["ok"],
                summary["requests"]["total"] - summary["requests"]["ok"],
                error=summary["error"],
            )
        )

    async def _run_stage(self, stage: Stage) -> list[ShardOutcome]:
        first = stage.point == Point(0, 0, stage.point.level)
        begin_ns = self._origin_ns if first else start_at_ns(planner.at_level(self._spec, stage.point.level))
        self._live.begin_stage(stage.point.target_index, begin_ns, stage.point)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._run_shard(stage, position, begin_ns)) for position in _positions(stage)]
        return [task.result() for task in tasks]

    async def _run_shard(self, stage: Stage, position: int, begin_ns: int) -> ShardOutcome:
        tokens = self._probed[stage.point.target_index].tokens
        plan = token_probe.with_tokens(planner.starting_at(stage.shards[position], begin_ns), tokens)
        ratio = None if self._spans is None else self._spans.sample_ratio
        plan = planner.traced(self._spec, plan, self._trace.trace_id, self._scope, 1.0 if ratio is None else ratio)
        target, tags = stage.target, tuple(self._spec.tags)
        point = stage.point
        context = MeasureContext(
            target.provider,
            target.model,
            plan.endpoint.adapter,
            tags,
            point.point,
            point.level,
            self._trace.trace_id,
            self._spec.propagate_trace,
            self._scope,
            ratio,
        )
        trace = self._spans.of_shard(plan, context) if self._spans is not None else None

        async def take(results: list[MeasuredResult]) -> None:
            self._on_results(results)
            if trace is not None:
                trace(results)

        outcome = await supervise(
            Shard(plan, context, point.target_index, self._origin_ns, slo_of(self._spec)),
            on_results=take,
            on_tick=self._take_tick,
            stop=self._signal,
            new_engine=self._new_engine,
        )
        if outcome.status == "failed":
            self._signal.set("another engine failed")
        return outcome

    async def _take_tick(self, tick: ShardTick) -> None:
        self._live.take(tick)
        if self._budget.is_reached(self._live, tick.at_ns):
            self._signal.set(BUDGET_REACHED)

    async def _watch(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._signal.set("cancelled")

    async def _show(self) -> None:
        while True:
            await asyncio.sleep(PROGRESS_SECONDS)
            status = Status.RUNNING if self._signal.reason in {None, BUDGET_REACHED} else Status.CANCELLING
            self._on_progress(self._live.progress(status, time.time_ns()))

    @staticmethod
    def _status(error: str | None, stop: asyncio.Event) -> Status:
        if error is not None:
            return Status.FAILED
        return Status.CANCELLED if stop.is_set() else Status.COMPLETED


def _positions(stage: Stage) -> range:
    return range(len(stage.shards))
