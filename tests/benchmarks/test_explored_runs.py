"""Sweeps, searches and budgets with the real engine against a simulator with slots, on a server and without one."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from app.accounts.permissions import Role
from app.benchmarks.budget import estimate
from app.benchmarks.local import run_local
from app.benchmarks.measures import MeasuredResult
from app.benchmarks.result_lines import results_line
from app.benchmarks.results_service import ResultFilters
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.summary_views import Summary
from app.benchmarks.supervisor import engine_process
from app.benchmarks.views import Progress
from app.core.errors import InvalidRequestError
from app.loadgen.plan import Endpoint
from tests.benchmarks.conftest import Bench, FakeProviders, Hosting, fake
from tests.factories import Rows, make_caller, make_result, make_spec
from tests.loadgen.servers import simulator

SLOTS = 4
TTFT_MS = 40


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    """40 ms to the first token and 60 ms of work, for four requests at a time."""
    options = ("--ttft-ms", str(TTFT_MS), "--itl-ms", "5", "--tokens", "5", "--slots", str(SLOTS))
    with simulator(*options) as port:
        yield f"http://127.0.0.1:{port}/v1"


def spec(**fields: Any) -> BenchmarkSpec:
    return BenchmarkSpec.model_validate(make_spec(**fields))


def sweep(*values: float) -> dict[str, Any]:
    return {"kind": "sweep", "parameter": "concurrency", "values": list(values)}


# With 16 users on four slots a request waits for three rounds of 60 ms, with 4 for none: 120 ms tell them apart even
# when the machine is busy.
SEARCH = {
    "kind": "search",
    "parameter": "concurrency",
    "minimum": 1,
    "maximum": 32,
    "criteria": [{"metric": "ttft_ms", "percentile": 50, "limit_ms": 120}],
    "max_points": 8,
    "tolerance": 0.5,
}


async def test_a_sweep_without_a_server(base_url: str) -> None:
    seen: list[Mapping[str, Any]] = []
    results: list[MeasuredResult] = []
    summary = await run_local(
        spec(explore=sweep(1, 16), stop={"requests": 32}, workers=2),
        Endpoint("openai-compatible", base_url, "m"),
        on_progress=seen.append,
        on_results=results.extend,
    )
    assert summary["error"] is None
    one, sixteen = Summary.model_validate(summary).points or []
    assert (one.value, one.requests.ok, sixteen.value, sixteen.requests.ok) == (1, 32, 16, 32)
    ttft = [point.metrics["ttft_ms"] for point in (one, sixteen)]
    assert ttft[0] is not None
    assert ttft[1] is not None
    assert (ttft[0].p50 or 0) < 2 * TTFT_MS < 3 * TTFT_MS < (ttft[1].p50 or 0)
    assert sorted(result.index for result in results) == list(range(64))
    lines = [results_line(result) for result in results]
    assert {(line["index"] % 2, line["point"], line["level"]) for line in lines} == {(0, 0, 1), (1, 1, 16)}
    assert {(one["point_index"], one["level"]) for one in seen} >= {(0, 1), (1, 16)}
    assert (seen[-1]["percent"], seen[-1]["planned"], seen[-1]["points"]) == (100, 64, 2)
    assert all(Progress.model_validate(one) for one in seen)
    prompts = {result.response_id for result in results}
    assert len(prompts) == 64


async def test_a_search_without_a_server_finds_the_slots(base_url: str) -> None:
    summary = await run_local(spec(explore=SEARCH, stop={"requests": 30}), Endpoint("openai-compatible", base_url, "m"))
    assert summary["error"] is None
    (found,) = summary["exploration"]["by_target"]
    assert found["answer"] is not None, found["statement"]
    # 120 ms is the wait of a queue of two rounds: from 4 users (no wait) to 12 (two rounds).
    assert SLOTS <= found["answer"] <= 3 * SLOTS
    assert f"concurrency {found['answer']:g} meets p50 ttft_ms ≤ 120 ms" in found["statement"]
    levels = [point["value"] for point in summary["points"]]
    assert levels[:3] == [1, 2, 4]
    assert len(levels) <= 8
    assert summary["requests"]["ok"] == 30 * len(levels)


async def test_a_search_on_a_server(hosting: Hosting, base_url: str) -> None:
    async with hosting(FakeProviders({"local": base_url}), engine_process) as bench:
        session_id = await bench.submit(
            explore=SEARCH | {"max_points": 4}, stop={"requests": 16}, workers=2, save_gaps=False
        )
        benchmark = await bench.ended(session_id)
        results = [result async for result in await bench.service.results.stream(bench.caller, session_id)]
        items = (await bench.service.results.list(bench.caller, ResultFilters(session_id), limit=10)).items
    assert (benchmark.status, benchmark.error) == ("completed", None)
    summary = benchmark.summary
    assert summary is not None
    assert summary.points is not None
    assert summary.exploration is not None
    assert [point.value for point in summary.points][:3] == [1, 2, 4]
    assert summary.exploration.by_target[0].answer is not None
    of_point = {point.point: point.value for point in summary.points}
    assert {result.index % 4 for result in results} == set(of_point)
    assert all((result.point, result.level) == (result.index % 4, of_point[result.index % 4]) for result in results)
    assert [(item.point, item.level) for item in items] == [
        (item.index % 4, of_point[item.index % 4]) for item in items
    ]
    counts = {point.point: point.requests.total for point in summary.points}
    assert counts == {number: sum(result.point == number for result in results) for number in of_point}


async def test_even_the_minimum_may_fail(base_url: str) -> None:
    impossible = SEARCH | {"criteria": [{"metric": "ttft_ms", "percentile": 50, "limit_ms": 1}]}
    summary = await run_local(
        spec(explore=impossible, stop={"requests": 20}), Endpoint("openai-compatible", base_url, "m")
    )
    (found,) = summary["exploration"]["by_target"]
    assert found["answer"] is None
    assert found["statement"].startswith("no concurrency is known to meet p50 ttft_ms ≤ 1 ms: already 1 does not")
    assert len(summary["points"]) == 1


async def test_cancelling_in_the_middle_of_a_sweep_keeps_the_points_so_far(bench: Bench) -> None:
    session_id = await bench.submit(
        explore=sweep(1, 2, 4),
        workload=fake("hold", at=2),
        stop={"requests": 6},
        load={"kind": "closed", "concurrency": 1},
    )
    await bench.until(
        session_id, lambda one: bool(one.progress and one.progress.point_index == 1 and one.progress.ok > 6)
    )
    await bench.service.cancel(bench.caller, session_id)
    benchmark = await bench.ended(session_id)
    assert benchmark.status == "cancelled"
    summary = benchmark.summary
    assert summary is not None
    assert [(point.value, point.requests.ok, point.reason) for point in summary.points or []] == [
        (1, 6, None),
        (2, 1, "cancelled"),
    ]
    assert summary.exploration is not None
    assert summary.exploration.by_target[0].statement.endswith("the sweep is not finished: cancelled")


async def test_an_engine_that_dies_at_a_point_leaves_the_points_before_it(bench: Bench) -> None:
    session_id = await bench.submit(explore=sweep(1, 2, 4), workload=fake("die", at=2), stop={"requests": 6})
    benchmark = await bench.ended(session_id)
    assert benchmark.status == "failed"
    assert "signal 9" in (benchmark.error or "")
    summary = benchmark.summary
    assert summary is not None
    # Each of the two engines after the first one got one request further.
    assert [(point.value, point.requests.ok) for point in summary.points or []] == [(1, 6), (2, 5)]
    assert "signal 9" in ((summary.points or [])[1].reason or "")


async def test_points_of_several_targets_and_workers_through_the_server(bench: Bench) -> None:
    bench_targets = [{"provider": "local", "model": model} for model in ("a", "b")]
    session_id = await bench.submit(
        targets=bench_targets, explore=sweep(1, 3), workload=fake(), stop={"requests": 5}, workers=2
    )
    benchmark = await bench.ended(session_id)
    assert benchmark.status == "completed"
    summary = benchmark.summary
    assert summary is not None
    assert [(point.model, point.point, point.requests.ok) for point in summary.points or []] == [
        *[("a", 0, 5), ("a", 1, 5)],
        *[("b", 0, 5), ("b", 1, 5)],
    ]
    results = [result async for result in await bench.service.results.stream(bench.caller, session_id)]
    assert [result.index for result in results] == list(range(20))
    assert {(result.index % 4, result.model, result.point) for result in results} == {
        *[(0, "a", 0), (1, "a", 1)],
        *[(2, "b", 0), (3, "b", 1)],
    }


PRICED = {
    "targets": [{"provider": "local", "model": "gpt-4o-mini"}],
    "workload": {"kind": "synthetic", "input_tokens": 1_000, "output_tokens": 5, "words_per_token": 1},
    "load": {"kind": "closed", "concurrency": 4},
}


async def test_a_run_ends_before_its_budget_does(base_url: str) -> None:
    results: list[MeasuredResult] = []
    summary = await run_local(
        spec(**PRICED, stop={"duration_seconds": 60}, budget_usd=0.02),
        Endpoint("openai", base_url, "gpt-4o-mini"),
        on_results=results.extend,
    )
    assert summary["error"] is None
    budget = summary["budget"]
    each = summary["cost_usd"] / summary["requests"]["ok"]
    assert budget["stopped"] is True
    assert budget["spent_usd"] == pytest.approx(sum(result.cost_usd or 0 for result in results))
    # Nothing is cut off: requests under way end by themselves, and the limit holds to within those of one tick.
    assert summary["requests"]["failed"] == 0
    assert budget["spent_usd"] <= 0.02 + SLOTS * each
    assert budget["spent_usd"] >= 0.01
    assert "the run was stopped before its end" in summary["warnings"][0]


async def test_a_budget_on_a_server(hosting: Hosting, base_url: str) -> None:
    async with hosting(FakeProviders({"local": base_url}, kind="openai"), engine_process) as bench:
        with pytest.raises(InvalidRequestError, match="is above"):
            await bench.submit(**PRICED, stop={"requests": 1_000}, budget_usd=0.02)
        session_id = await bench.submit(**PRICED, stop={"duration_seconds": 60}, budget_usd=0.02)
        benchmark = await bench.ended(session_id)
    assert (benchmark.status, benchmark.error) == ("completed", None)
    summary = benchmark.summary
    assert summary is not None
    assert summary.budget is not None
    assert summary.budget.stopped
    assert summary.requests.failed == 0
    each = (summary.cost_usd or 0) / summary.requests.ok
    assert 0.01 <= (summary.budget.spent_usd or 0) <= 0.02 + SLOTS * each
    assert summary.warnings


async def test_a_cancel_does_not_wait_for_what_a_budget_lets_end() -> None:
    """Two requests of half a minute use up the budget; then somebody loses patience."""
    fields: dict[str, Any] = PRICED | {"load": {"kind": "closed", "concurrency": 2}, "stop": {"duration_seconds": 60}}
    each = estimate(spec(**fields), ["openai"]).per_request_usd["local", "gpt-4o-mini"]
    assert each is not None
    stop = asyncio.Event()

    def progress(progress: Mapping[str, Any]) -> None:
        if progress["in_flight"] == 2 and progress["elapsed_s"] > 1:
            stop.set()

    with simulator("--ttft-ms", "30000", "--tokens", "2") as port:
        async with asyncio.timeout(25):
            summary = await run_local(
                spec(**fields, budget_usd=2 * each),
                Endpoint("openai", f"http://127.0.0.1:{port}/v1", "gpt-4o-mini"),
                on_progress=progress,
                stop=stop,
            )
    assert summary["budget"]["stopped"] is True
    assert summary["requests"]["by_error_type"] == {"cancelled": 2}


async def test_results_are_listed_by_point(bench: Bench) -> None:
    session_id = await bench.submit(explore=sweep(1, 3), workload=fake(), stop={"requests": 5})
    await bench.ended(session_id)
    for point, level in enumerate((1, 3)):
        page = await bench.service.results.list(bench.caller, ResultFilters(session_id, point=point), limit=3)
        more = await bench.service.results.list(
            bench.caller, ResultFilters(session_id, point=point), limit=3, cursor=page.next_cursor
        )
        items = [*page.items, *more.items]
        assert [item.index for item in items] == list(range(point, 10, 2))
        assert {(item.point, item.level) for item in items} == {(point, level)}
    assert not (await bench.service.results.list(bench.caller, ResultFilters(session_id, point=2), limit=3)).items


def stored(session_id: Any, *indices: int) -> list[Any]:
    """Results of a sweep over two levels, as its shards have stored them."""
    return [
        make_result(index, session_id=session_id, metadata_={"point": index % 2, "level": (1.0, 3.0)[index % 2]})
        for index in indices
    ]


async def test_a_point_that_runs_again_skips_what_is_stored(hosting: Hosting, rows: Rows) -> None:
    spec = make_spec(explore=sweep(1, 3), workload=fake(), workers=2, stop={"requests": 7})
    session = await rows.session(spec=spec)
    await rows.add(stored(session.id, 0, 4, 1, 3, 9))
    admin = make_caller(role=Role.ADMIN)
    async with hosting() as bench:
        benchmark = await bench.until(session.id, lambda one: one.summary is not None, caller=admin)
        items = (await bench.service.results.list(admin, ResultFilters(session.id), limit=100)).items
    assert benchmark.status == "completed"
    assert [item.index for item in items] == list(range(14))
    kept = {item.index for item in items if (item.response_id or "").startswith("chatcmpl-")}
    assert kept == {0, 4, 1, 3, 9}
    assert benchmark.summary is not None
    assert [(point.value, point.requests.ok) for point in benchmark.summary.points or []] == [(1, 7), (3, 7)]


@pytest.mark.parametrize("explore", [sweep(1, 3), SEARCH | {"max_points": 2}])
async def test_a_dead_server_leaves_the_points_that_were_stored(
    hosting: Hosting, rows: Rows, explore: dict[str, Any]
) -> None:
    session = await rows.session(status="running", spec=make_spec(explore=explore))
    await rows.add(stored(session.id, 0, 1, 2, 4))
    admin = make_caller(role=Role.ADMIN)
    async with hosting() as bench:
        benchmark = await bench.until(session.id, lambda one: one.summary is not None, caller=admin)
    assert benchmark.status == "failed"
    summary = benchmark.summary
    assert summary is not None
    assert summary.exploration is not None
    stopped = "the server stopped during the run"
    before = stopped if explore["kind"] == "search" else None  # its verdict died with the server
    found = [(point.value, point.requests.ok, point.verdict, point.reason) for point in summary.points or []]
    assert found == [(1, 3, None, before), (3, 1, None, stopped)]
    assert summary.exploration.by_target[0].answer is None
    assert "the server stopped during the run" in summary.exploration.by_target[0].statement


RATE_SEARCH = {
    "kind": "search",
    "parameter": "rate",
    "minimum": 90,
    "maximum": 200,
    "max_error_rate": 1,
    "max_points": 2,
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("max_in_flight", "stop", "says"),
    [
        (8, {"requests": 300}, "instead of 90/s: the server does not keep up"),
        (2_000, {"duration_seconds": 10}, "requests in flight kept growing"),
    ],
)
async def test_a_rate_above_what_the_server_serves_is_not_met(
    base_url: str, max_in_flight: int, stop: dict[str, Any], says: str
) -> None:
    """Four slots of 60 ms are 66 requests a second; nothing but the rate is asked for."""
    summary = await run_local(
        spec(
            load={"kind": "constant", "rate": 1, "max_in_flight": max_in_flight},
            explore=RATE_SEARCH,
            stop=stop,
            sampling={"max_tokens": 5},
        ),
        Endpoint("openai-compatible", base_url, "m"),
    )
    point = summary["points"][0]
    assert point["value"] == 90
    if point["instrument"]["verdict"] == "client_bound":  # a busy machine; what the test wants cannot be seen then
        assert point["verdict"] == "undecided"
    else:
        assert point["verdict"] == "not_met"
        assert says in point["reason"]
    assert summary["exploration"]["by_target"][0]["answer"] is None
