import asyncio
import os
import signal
from uuid import UUID

import pytest
from sqlalchemy import func, select

from app.accounts.permissions import Role
from app.benchmarks import shard_tries
from app.benchmarks.listing import Filters
from app.benchmarks.models import BenchmarkSession, Result
from app.benchmarks.results_service import ResultFilters
from app.benchmarks.service import BenchmarkService
from app.benchmarks.supervisor import Engine, EngineFactory
from app.core.clock import SystemClock
from app.core.database import Database
from app.core.errors import ConflictError, NotFoundError
from app.events.memory import MemoryBus
from app.loadgen.plan import Plan
from app.loadgen.process import EngineProcess
from tests.benchmarks.conftest import Bench, FakeProviders, Hosting, fake
from tests.factories import Rows, make_caller, make_result, make_spec


async def stored(database: Database, session_id: UUID) -> int:
    async with database.read() as session:
        query = select(func.count()).select_from(Result).where(Result.session_id == session_id)
        return await session.scalar(query) or 0


async def test_a_benchmark_runs_from_submission_to_summary(bench: Bench) -> None:
    async with bench.bus.subscribe(["benchmark.*", "test.completed"]) as events:
        session_id = await bench.submit(workload=fake(), stop={"requests": 10}, slo={"ttft_ms": 500}, tags=["a"])
        seen = await bench.collected(events, "benchmark.completed")
    topics = [event.topic for event in seen]
    assert topics[0] == "benchmark.created"
    assert topics[1] == "benchmark.started"
    assert {"benchmark.progress", "test.completed"} <= set(topics)
    assert all(event.session_id == session_id for event in seen)
    assert all(event.owner_id == bench.caller.user_id for event in seen)
    benchmark = await bench.service.get(bench.caller, session_id)
    assert (benchmark.status, benchmark.error, benchmark.progress) == ("completed", None, None)
    assert benchmark.owner is not None
    assert benchmark.owner.username == bench.caller.username
    summary = benchmark.summary
    assert summary is not None
    assert (summary.requests.total, summary.requests.ok) == (10, 10)
    ttft = summary.metrics["ttft_ms"]
    assert ttft is not None
    assert ttft.n == 10
    assert ttft.p50 == pytest.approx(10, rel=1e-3)
    assert summary.rates.good_share == 1
    assert summary.instrument.verdict == "trusted"
    assert await stored(bench.database, session_id) == 10
    timeline = await bench.service.timeline(bench.caller, session_id)
    assert sum(timeline.requests_per_s) == 10
    page = await bench.service.results.list(bench.caller, _of(session_id), limit=500)
    assert [item.index for item in page.items] == list(range(10))


def _of(session_id: UUID) -> ResultFilters:
    return ResultFilters(session_id=session_id)


async def test_targets_and_shards_interleave_their_indices(bench: Bench) -> None:
    session_id = await bench.submit(
        targets=[{"provider": "local", "model": "a"}, {"provider": "local", "model": "b"}],
        workload=fake(),
        workers=2,
        stop={"requests": 5},
    )
    benchmark = await bench.ended(session_id)
    assert benchmark.status == "completed"
    results = (await bench.service.results.list(bench.caller, _of(session_id), limit=500)).items
    assert [(item.index, item.model) for item in results] == [(index, "ab"[index % 2]) for index in range(10)]
    assert benchmark.summary is not None
    assert [(target.model, target.requests.ok) for target in benchmark.summary.by_target] == [("a", 5), ("b", 5)]


async def test_failed_requests_do_not_fail_the_benchmark(bench: Bench) -> None:
    benchmark = await bench.ended(await bench.submit(workload=fake("errors"), stop={"requests": 10}))
    assert benchmark.status == "completed"
    assert benchmark.summary is not None
    assert benchmark.summary.requests.by_error_type == {"http_5xx": 5}
    assert benchmark.summary.error_rate == 0.5


async def test_cancelling_keeps_what_was_measured(bench: Bench) -> None:
    session_id = await bench.submit(workload=fake("hold"), stop={"duration_seconds": 3600})
    running = await bench.until(session_id, lambda b: b.progress is not None and b.progress.ok > 0)
    assert running.status == "running"
    assert running.progress is not None
    assert running.progress.in_flight == 2
    assert bench.service.live.progress(session_id) is not None
    (listed,) = (await bench.service.list(bench.caller, Filters(), limit=5)).items
    assert listed.progress is not None
    # A second is told when the requests that began in it have ended.
    await bench.until(session_id, lambda b: b.progress is not None and b.progress.point is not None)
    assert sum((await bench.service.timeline(bench.caller, session_id)).requests_per_s) == 1
    with pytest.raises(ConflictError, match="cancel it first"):
        await bench.service.delete(bench.caller, session_id)
    cancelling = await bench.service.cancel(bench.caller, session_id)
    assert cancelling.status in {"cancelling", "cancelled"}
    ended = await bench.ended(session_id)
    assert (ended.status, ended.error) == ("cancelled", None)
    assert ended.summary is not None
    assert ended.summary.requests.ok == 1
    assert await stored(bench.database, session_id) == 1
    with pytest.raises(ConflictError, match="already ended"):
        await bench.service.cancel(bench.caller, session_id)
    await bench.service.delete(bench.caller, session_id)
    assert await stored(bench.database, session_id) == 0
    with pytest.raises(NotFoundError):
        await bench.service.get(bench.caller, session_id)


async def test_only_so_many_run_at_once_and_waiting_ones_are_cancelled_at_once(bench: Bench) -> None:
    first = await bench.submit(workload=fake("hold"))
    second = await bench.submit(workload=fake())
    await bench.until(first, lambda b: b.status == "running")
    waiting = await bench.service.get(bench.caller, second)
    assert waiting.status == "pending"
    third = await bench.submit(workload=fake())
    assert (await bench.service.cancel(bench.caller, third)).status == "cancelled"
    await bench.service.cancel(bench.caller, first)
    assert (await bench.ended(second)).status == "completed"


async def test_an_engine_that_is_killed_again_and_again_fails_the_benchmark_and_keeps_its_results(bench: Bench) -> None:
    session_id = await bench.submit(workload=fake("die"), stop={"requests": 8})
    benchmark = await bench.ended(session_id)
    assert benchmark.status == "failed"
    assert benchmark.error == "the engine was killed by signal 9"
    assert benchmark.summary is not None
    # Half of what is left is measured by each of three engines: 4, 2 and 1.
    assert benchmark.summary.requests.ok == await stored(bench.database, session_id) == 7
    assert benchmark.summary.instrument.verdict == "suspect"


@pytest.mark.parametrize(("mode", "error"), [("garbage", "cannot be read"), ("refuse", "the plan is bad")])
async def test_an_engine_that_misbehaves_fails_the_benchmark(bench: Bench, mode: str, error: str) -> None:
    benchmark = await bench.ended(await bench.submit(workload=fake(mode)))
    assert benchmark.status == "failed"
    assert error in (benchmark.error or "")


async def test_one_lost_engine_stops_the_others(
    hosting: Hosting, fake_engine: EngineFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shard_tries, "MAX_ENGINE_RESTARTS", 0)
    engines: list[EngineProcess] = []

    def remember(plan: Plan) -> Engine:
        engine = fake_engine(plan)
        assert isinstance(engine, EngineProcess)
        engines.append(engine)
        return engine

    async with hosting(new_engine=remember) as bench:
        session_id = await bench.submit(workload=fake("hold"), workers=2)
        await bench.until(session_id, lambda b: b.progress is not None and b.progress.ok == 2)
        assert engines[0].pid is not None
        os.kill(engines[0].pid, signal.SIGKILL)
        benchmark = await bench.ended(session_id)
    assert benchmark.status == "failed"
    assert "signal 9" in (benchmark.error or "")
    assert benchmark.summary is not None
    assert benchmark.summary.requests.ok == 2


async def test_a_provider_that_is_gone_fails_the_benchmark(hosting: Hosting) -> None:
    providers = FakeProviders({"local": "http://127.0.0.1:9/v1"})
    async with hosting(providers) as bench:
        first = await bench.submit(workload=fake("hold"))
        second = await bench.submit(workload=fake())
        await bench.until(first, lambda b: b.status == "running")
        providers.base_urls.clear()
        await bench.service.cancel(bench.caller, first)
        benchmark = await bench.ended(second)
    assert (benchmark.status, benchmark.error) == ("failed", "there is no provider local")


async def test_stopping_the_server_ends_runs_with_a_reason(hosting: Hosting) -> None:
    async with hosting() as bench:
        session_id = await bench.submit(workload=fake("hold"))
        waiting = await bench.submit(workload=fake())
        await bench.until(session_id, lambda b: b.progress is not None and b.progress.ok > 0)
    async with hosting() as bench:
        benchmark = await bench.service.get(bench.caller, session_id)
        assert benchmark.status == "failed"
        assert (benchmark.error or "").startswith("the server was stopped during the run at ")
        assert benchmark.summary is not None
        assert benchmark.summary.requests.ok == 1
        assert (await bench.ended(waiting)).status == "completed"


async def test_runs_of_a_dead_server_are_closed_and_summarised(hosting: Hosting, rows: Rows) -> None:
    session = await rows.session(status="running")
    cancelling = await rows.session(status="cancelling")
    await rows.results(session, 3)
    admin = make_caller(role=Role.ADMIN)
    async with hosting() as bench:
        await bench.until(session.id, lambda b: b.summary is not None, caller=admin)
        benchmark = await bench.service.get(admin, session.id)
        assert benchmark.status == "failed"
        assert "3 results are kept" in (benchmark.error or "")
        assert benchmark.summary is not None
        assert benchmark.summary.requests.ok == 3
        assert benchmark.summary.instrument.verdict == "suspect"
        ended = await bench.until(cancelling.id, lambda b: b.status == "cancelled", caller=admin)
        assert ended.error is None, "it was cancelled before its server died"


async def test_a_run_with_a_fresh_heartbeat_belongs_to_another_server(hosting: Hosting, rows: Rows) -> None:
    async with hosting(max_running_benchmarks=2) as bench:
        if bench.database.dialect == "sqlite":
            pytest.skip("an SQLite file has one server")
        now = SystemClock().now()
        other = await rows.session(status="running", heartbeat_at=now, created_at=now)
        await bench.ended(await bench.submit(workload=fake()))
        async with bench.database.read() as session:
            row = await session.get_one(BenchmarkSession, other.id)
        assert row.status == "running"


async def test_shards_that_run_again_skip_what_is_stored(hosting: Hosting, rows: Rows) -> None:
    spec = make_spec(workload=fake(), workers=2, stop={"requests": 10})
    session = await rows.session(spec=spec)
    for index in (0, 1, 5):
        await rows.add([make_result(index, session_id=session.id)])
    admin = make_caller(role=Role.ADMIN)
    async with hosting() as bench:
        benchmark = await bench.until(session.id, lambda b: b.summary is not None, caller=admin)
        results = (await bench.service.results.list(admin, _of(session.id), limit=100)).items
    assert benchmark.status == "completed"
    assert [item.index for item in results] == list(range(10))
    assert [item.response_id for item in results[:2]] == ["chatcmpl-0", "chatcmpl-1"]
    assert benchmark.summary is not None
    assert benchmark.summary.requests.ok == 10


async def test_another_server_shows_progress_and_timeline_of_a_run(hosting: Hosting) -> None:
    async with hosting() as bench:
        session_id = await bench.submit(workload=fake("hold"), stop={"duration_seconds": 3600})
        await bench.until(session_id, lambda b: b.progress is not None and b.progress.ok > 0)
        elsewhere = BenchmarkService(bench.database, SystemClock(), MemoryBus(), FakeProviders())
        async with asyncio.timeout(20), bench.bus.subscribe(["benchmark.progress"]) as ticks:
            while not (seen := (await elsewhere.get(bench.caller, session_id)).progress) or not seen.ok:
                await anext(ticks)
        assert sum((await elsewhere.timeline(bench.caller, session_id)).requests_per_s) == 1
        # Its bus does not reach the coordinator, which finds out by the database.
        assert (await elsewhere.cancel(bench.caller, session_id)).status == "cancelling"
        assert (await bench.ended(session_id)).status == "cancelled"
