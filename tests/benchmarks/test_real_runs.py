"""The real engine against the built-in simulator, through the whole room and without it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from app.benchmarks.demo import MODEL, simulator
from app.benchmarks.local import run_local
from app.benchmarks.measures import MeasuredResult
from app.benchmarks.results_service import ResultFilters
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.supervisor import engine_process
from app.loadgen.plan import Endpoint
from tests.benchmarks.conftest import FakeProviders, Hosting
from tests.factories import make_spec


@pytest.fixture
async def base_url() -> AsyncIterator[str]:
    async with simulator() as base_url:
        yield base_url


def spec(**fields: Any) -> BenchmarkSpec:
    return BenchmarkSpec.model_validate(make_spec(**fields))


async def test_the_simulator_is_measured_as_it_behaves(hosting: Hosting, base_url: str) -> None:
    async with hosting(FakeProviders({"local": base_url}), engine_process) as bench:
        session_id = await bench.submit(
            targets=[{"provider": "local", "model": MODEL}],
            load={"kind": "closed", "concurrency": 4},
            stop={"requests": 8},
            workers=2,
            sampling={"max_tokens": 10},
            save_responses=True,
        )
        benchmark = await bench.ended(session_id)
        items = (await bench.service.results.list(bench.caller, ResultFilters(session_id), limit=100)).items
        detail = await bench.service.results.get(bench.caller, items[0].id)
        stream = await bench.service.results.stream(bench.caller, session_id)
        streamed = [result.index async for result in stream]
    assert (benchmark.status, benchmark.error) == ("completed", None)
    summary = benchmark.summary
    assert summary is not None
    assert summary.requests.ok == 8
    assert summary.tokens.output == 80
    assert summary.tokens.source == "usage"
    ttft, gap = summary.metrics["ttft_ms"], summary.metrics["icl_ms"]
    assert ttft is not None
    assert gap is not None
    assert 100 < (ttft.p50 or 0) < 350
    assert 10 < (gap.p50 or 0) < 40
    assert streamed == [item.index for item in items] == list(range(8))
    assert detail.response_text
    assert detail.gaps_ms is not None
    assert len(detail.gaps_ms) == detail.chunks - 1 == 9
    assert detail.usage is not None


async def test_a_local_run_needs_no_server(base_url: str) -> None:
    seen: list[Mapping[str, Any]] = []
    results: list[MeasuredResult] = []
    summary = await run_local(
        spec(load={"kind": "constant", "rate": 20}, stop={"requests": 10}, workers=2, sampling={"max_tokens": 5}),
        Endpoint("openai-compatible", base_url, MODEL),
        on_progress=seen.append,
        on_results=results.extend,
    )
    assert summary["error"] is None
    assert summary["requests"]["ok"] == len(results) == 10
    assert {result.index for result in results} == set(range(10))
    assert seen[-1]["status"] == "completed"
    assert seen[-1]["percent"] == 100
    assert seen[-1]["ok"] == 10


async def test_stopping_a_local_run_keeps_what_was_measured(base_url: str) -> None:
    stop = asyncio.Event()

    def progress(progress: Mapping[str, Any]) -> None:
        if progress["ok"]:
            stop.set()

    summary = await run_local(
        spec(stop={"duration_seconds": 600}, sampling={"max_tokens": 5}),
        Endpoint("openai-compatible", base_url, MODEL),
        on_progress=progress,
        stop=stop,
    )
    assert summary["error"] is None
    assert summary["requests"]["ok"] > 0


async def test_a_local_run_that_cannot_start_says_why() -> None:
    summary = await run_local(spec(), Endpoint("no-such-kind", "http://127.0.0.1:9/v1", "m"))
    assert "no-such-kind" in summary["error"]
    assert summary["requests"]["total"] == 0
