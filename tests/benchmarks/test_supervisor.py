import asyncio
from typing import Any

import msgspec
import pytest

from app.benchmarks import planner, supervisor
from app.benchmarks.measures import MeasuredResult
from app.benchmarks.result_columns import columns
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.shard_reports import ShardOutcome, ShardTick
from app.benchmarks.stop_signal import StopSignal
from app.benchmarks.supervisor import EngineFactory, Shard, supervise
from app.core.errors import DatabaseError
from app.loadgen.plan import Endpoint
from app.loadgen.process import EngineProcess
from app.stats.run_statistics import RunStatistics, Slo, TargetKey
from tests.benchmarks.conftest import fake
from tests.benchmarks.records import CONTEXT, ORIGIN_NS, make_measured
from tests.factories import make_spec

ENDPOINT = Endpoint("openai-compatible", "http://127.0.0.1:9/v1", "small")


class Run:
    """A supervised shard whose results and ticks are kept here."""

    def __init__(self, mode: str, new_engine: EngineFactory, known: RunStatistics | None = None, **plan: Any) -> None:
        spec = BenchmarkSpec.model_validate(make_spec(workload=fake(mode)))
        self.results: list[MeasuredResult] = []
        self.ticks: list[ShardTick] = []
        self.stop = StopSignal()
        self.has_ticked = asyncio.Event()
        self.shard = Shard(planner.shard(spec, 0, ENDPOINT, **plan), CONTEXT, 0, ORIGIN_NS, Slo(), known)
        self._new_engine = new_engine

    async def keep(self, results: list[MeasuredResult]) -> None:
        self.results += results

    async def tell(self, tick: ShardTick) -> None:
        self.ticks.append(tick)
        self.has_ticked.set()

    async def to_the_end(self) -> ShardOutcome:
        return await supervise(
            self.shard, on_results=self.keep, on_tick=self.tell, stop=self.stop, new_engine=self._new_engine
        )


async def test_ticks_add_up_to_the_outcome(fake_engine: EngineFactory) -> None:
    run = Run("good", fake_engine)
    outcome = ShardOutcome.decode((await run.to_the_end()).encode())
    assert outcome.status == "completed"
    told = RunStatistics(ORIGIN_NS)
    for tick in run.ticks:
        told.merge(RunStatistics.decode(tick.delta))
    assert told.overall().counters == outcome.statistics.overall().counters
    assert outcome.statistics.overall().counters.ok == len(run.results) == 10
    assert (run.ticks[-1].started, run.ticks[-1].in_flight) == (10, 0)


async def test_what_an_earlier_try_stored_is_counted_but_not_run(fake_engine: EngineFactory) -> None:
    known = RunStatistics(ORIGIN_NS)
    known.add(TargetKey("local", "small"), columns(make_measured(0, 3)))
    run = Run("good", fake_engine, known, skip=(0, 3))
    outcome = await run.to_the_end()
    assert [result.index for result in run.results] == [1, 2, 4, 5, 6, 7, 8, 9]
    assert outcome.statistics.overall().counters.ok == 10
    assert run.ticks[-1].started == 10


async def test_what_was_overdue_when_a_shard_was_taken_up_again_is_an_interruption(fake_engine: EngineFactory) -> None:
    outcome = await Run("good", fake_engine).to_the_end()
    assert [target.slices.interruptions for target in outcome.statistics.targets.values()] == [[]]
    run = Run("good", fake_engine)
    run.shard.plan = msgspec.structs.replace(run.shard.plan, keeps_start=True)
    outcome = await run.to_the_end()
    (target,) = outcome.statistics.targets.values()
    ((from_ns, to_ns),) = target.slices.interruptions
    assert from_ns == min(result.intended_ns for result in run.results)
    assert from_ns < to_ns <= max(result.end_ns or 0 for result in run.results)


async def test_an_engine_that_will_not_stop_is_ended(
    fake_engine: EngineFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "_PATIENCE_SECONDS", -4.5)  # of the five seconds of grace
    run = Run("stubborn", fake_engine)
    ending = asyncio.create_task(run.to_the_end())
    await run.has_ticked.wait()
    run.stop.set("cancelled")
    outcome = await ending
    assert (outcome.status, outcome.error) == ("failed", "the engine did not stop when it was asked to")
    assert outcome.instrument.lost_engines == 1
    assert outcome.statistics.overall().counters.ok == 1


async def test_a_stop_before_the_start_is_not_lost(fake_engine: EngineFactory) -> None:
    run = Run("hold", fake_engine)
    run.stop.set("cancelled")
    assert (await run.to_the_end()).status == "cancelled"


async def test_results_that_cannot_be_kept_fail_the_shard_and_are_still_counted(fake_engine: EngineFactory) -> None:
    run = Run("good", fake_engine)

    async def refuse(results: list[MeasuredResult]) -> None:
        raise DatabaseError("the disk is full")

    run.keep = refuse  # type: ignore[method-assign]
    outcome = await run.to_the_end()
    assert (outcome.status, outcome.error) == ("failed", "the disk is full")
    assert (outcome.instrument.lost_engines, outcome.instrument.abandoned_engines) == (0, 1)
    assert "results could not be stored" in outcome.instrument.certificate(0, 0)["reason"]
    assert outcome.statistics.overall().counters.ok == 1


async def test_a_view_that_is_away_does_not_stop_a_run(fake_engine: EngineFactory) -> None:
    run = Run("good", fake_engine)

    async def away(tick: ShardTick) -> None:
        raise ConnectionError("no bus")

    run.tell = away  # type: ignore[method-assign]
    outcome = await run.to_the_end()
    assert (outcome.status, outcome.statistics.overall().counters.ok) == ("completed", 10)


async def test_an_engine_that_cannot_be_started_is_a_reason() -> None:
    run = Run("good", lambda plan: EngineProcess(plan, python="/nonexistent"))
    outcome = await run.to_the_end()
    assert outcome.status == "failed"
    assert (outcome.error or "").startswith("the engine could not be started")
