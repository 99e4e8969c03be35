"""Curves, heatmaps, points and single requests over HTTP, against an independent count of the rows."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from app.accounts.permissions import Role
from app.benchmarks.curve_endpoints import router as curves_router
from app.benchmarks.results_endpoints import router as results_router
from app.core.http import install_error_handlers
from tests.benchmarks.conftest import Bench, Hosting, fake
from tests.factories import make_caller


@pytest.fixture
async def bench(hosting: Hosting) -> AsyncIterator[Bench]:
    async with hosting() as bench:
        yield bench


@pytest.fixture
async def client(bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    install_error_handlers(app)
    app.include_router(curves_router)
    app.include_router(results_router)

    async def authenticate(request: Any) -> Any:
        return bench.caller if request.headers.get("X-Role") != "viewer" else make_caller(role=Role.VIEWER)

    app.state.benchmarks = bench.service
    app.state.authenticate = authenticate
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test/api/v1") as client:
        yield client


async def _rows(client: httpx.AsyncClient, benchmark: UUID) -> list[dict[str, Any]]:
    answer = await client.get("/results", params={"session_id": str(benchmark), "limit": 200})
    return list(answer.json()["items"])


async def test_what_charts_show_is_what_the_rows_say(bench: Bench, client: httpx.AsyncClient) -> None:
    benchmark = await bench.submit(workload=fake(), stop={"requests": 40})
    await bench.ended(benchmark)
    rows = await _rows(client, benchmark)
    at = f"/benchmarks/{benchmark}"

    found = (await client.get(f"{at}/distributions", params={"metric": "ttft_ms", "to_s": 3600})).json()
    values = sorted(row["ttft_ms"] for row in rows)
    run, *_, window = found["curves"]
    assert (run["scope"], run["n"], window["scope"], window["n"]) == ("run", 40, "window", 40)
    assert run["cdf"] == window["cdf"]
    assert (run["min_ms"], run["max_ms"]) == pytest.approx((values[0], values[-1]))
    median = run["spectrum"]["percentile"].index(50.0)
    assert run["spectrum"]["value_ms"][median] == pytest.approx(values[19], rel=2e-3)
    assert found["note"].startswith("there is no steady window")

    heat = (await client.get(f"{at}/heatmap", params={"metric": "ttft_ms"})).json()
    assert (heat["n"], sum(heat["count"]), heat["by"]) == (40, 40, "start")
    for row, count in enumerate(_by(heat["row"], heat["count"], len(heat["edges_ms"]) - 1)):
        low, high = heat["edges_ms"][row] * 0.999, heat["edges_ms"][row + 1] * 1.001
        assert count <= sum(low <= value <= high for value in values)

    points = (await client.get("/results/points", params={"session_id": str(benchmark), "x": "index"})).json()
    assert (points["n"], points["is_sample"]) == (40, False)
    assert points["ys"] == [row["ttft_ms"] for row in rows]
    assert points["index"] == points["xs"] == [row["index"] for row in rows]
    assert [point["y"] for point in points["extremes"]] == values[::-1][:20]
    few = (await client.get("/results/points", params={"session_id": str(benchmark), "limit": 10})).json()
    assert few["is_sample"] is True
    assert 8 <= len(few["index"]) <= 12
    assert f"{len(few['index'])} of 40" in few["sampling"]


def _by(rows: list[int], counts: list[int], length: int) -> list[int]:
    total = [0] * length
    for row, count in zip(rows, counts, strict=True):
        total[row] += count
    return total


async def test_a_request_has_an_address_and_neighbours(bench: Bench, client: httpx.AsyncClient) -> None:
    benchmark = await bench.submit(workload=fake(), stop={"requests": 3})
    await bench.ended(benchmark)
    details = [(await client.get(f"/benchmarks/{benchmark}/requests/{index}")).json() for index in range(3)]
    assert [(one["previous_index"], one["next_index"]) for one in details] == [(None, 1), (0, 2), (1, None)]
    names = [phase["name"] for phase in details[0]["waterfall"]["phases"]]
    assert names[0] == "schedule_delay"
    assert names[-1] in {"stream", "end"}
    assert len(details[0]["waterfall"]["chunk_ms"]) == details[0]["chunks"]
    missing = await client.get(f"/benchmarks/{benchmark}/requests/3")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "NOT_FOUND")


async def test_strangers_see_no_chart_and_wrong_parts_are_named(bench: Bench, client: httpx.AsyncClient) -> None:
    benchmark = await bench.submit(workload=fake(), stop={"requests": 2})
    await bench.ended(benchmark)
    stranger = {"X-Role": "viewer"}
    for path in ("distributions", "heatmap", "errors", "requests/0"):
        assert (await client.get(f"/benchmarks/{benchmark}/{path}", headers=stranger)).status_code == 404
    points = await client.get("/results/points", params={"session_id": str(benchmark)}, headers=stranger)
    assert points.status_code == 404
    for query, path in (
        ({"target": 1}, "target"),
        ({"point": 3}, "point"),
        ({"from_s": 5, "to_s": 5}, "to_s"),
    ):
        answer = await client.get(f"/benchmarks/{benchmark}/distributions", params=query)
        assert answer.status_code == 422
        assert answer.json()["error"]["details"]["errors"][0]["path"] == path
    assert (await client.get(f"/benchmarks/{benchmark}/errors")).json()["t_s"] == []


async def test_levels_of_a_sweep_have_curves_of_their_own(bench: Bench, client: httpx.AsyncClient) -> None:
    explore = {"kind": "sweep", "parameter": "concurrency", "values": [1, 2]}
    benchmark = await bench.submit(workload=fake(), stop={"requests": 5}, explore=explore)
    await bench.ended(benchmark)
    found = (await client.get(f"/benchmarks/{benchmark}/distributions")).json()
    assert [part["level"] for part in found["parts"]] == [1, 2]
    assert [curve["n"] for curve in found["curves"]] == [10]
    one = (await client.get(f"/benchmarks/{benchmark}/distributions", params={"target": 0, "point": 1})).json()
    assert one["curves"][0]["n"] == 5
    heat = (await client.get(f"/benchmarks/{benchmark}/heatmap", params={"point": 1})).json()
    assert heat["n"] == 5
