"""What is said about a spec before it runs: every problem at its field, the plan, the cost and its price, warnings."""

from decimal import Decimal
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.accounts.permissions import Role
from app.benchmarks.cautions import Machine, cautions
from app.benchmarks.checking import SpecChecks, described
from app.benchmarks.endpoints import router
from app.benchmarks.forecast import forecast
from app.benchmarks.preparing_endpoints import router as preparing_router
from app.benchmarks.presets import presets
from app.benchmarks.schemas import BenchmarkSpec
from app.core.errors import InvalidRequestError
from app.core.http import install_error_handlers
from app.core.settings import load_settings
from tests.benchmarks.conftest import Bench, FakeProviders
from tests.factories import make_caller, make_spec

USERS = {"kind": "closed", "concurrency": 8}
TEN_A_SECOND = {"load": {"kind": "constant", "rate": 10}, "stop": {"duration_seconds": 60}}
ROOMY = Machine(descriptors=1_000_000, cores=64)
PRICED = FakeProviders(kind="openai")
MINI = {"provider": "local", "model": "gpt-4o-mini"}
MADE_UP = {"kind": "synthetic", "input_tokens": 1000, "output_tokens": 100}


def spec(**fields: Any) -> BenchmarkSpec:
    return BenchmarkSpec.model_validate(make_spec(**fields))


def paths(found: Any) -> list[str]:
    return [one.path for one in found.problems]


async def test_every_problem_is_told_at_once() -> None:
    checks = SpecChecks(PRICED, max_workers=2)
    found = await checks.validate(
        make_spec(
            targets=[{"provider": "gone", "model": "m"}, {"provider": "local", "model": "m"}],
            load={"kind": "closed", "concurrency": 0},
            surprise=1,
            sampling={"temperature": 3},
        )
    )
    assert not found.is_valid
    assert sorted(paths(found)) == [
        "load.concurrency",
        "sampling.temperature",
        "surprise",
        "targets.0.provider",
    ]
    assert found.plan is None

    # What only the service can know is told together too, and of what exists the plan is there.
    found = await checks.validate(
        make_spec(
            targets=[MINI],
            load={"kind": "closed", "concurrency": 9},
            workers=3,
            budget_usd=1e-9,
            sampling={"max_tokens": 5},
        )
    )
    assert paths(found) == ["workers", "budget_usd"]
    assert found.plan is not None
    with pytest.raises(InvalidRequestError) as refused:
        await checks.check(
            spec(targets=[{"provider": "gone", "model": "m"}], load={"kind": "closed", "concurrency": 9}, workers=3)
        )
    assert [one["path"] for one in refused.value.details["errors"]] == ["workers", "targets.0.provider"]


@pytest.mark.parametrize("document", [None, [], "text", 7, {}, {"targets": 3}, {"name": "\0"}, {"load": {"kind": []}}])
async def test_anything_gets_an_answer(document: Any) -> None:
    found = await SpecChecks(PRICED).validate(document)
    assert (found.is_valid, found.plan) == (False, None)
    assert found.problems


async def test_a_text_that_no_database_takes_is_a_problem() -> None:
    assert paths(await SpecChecks(PRICED).validate(make_spec(name="a\0b"))) == ["name"]


def test_the_cost_says_its_price_and_is_what_the_arithmetic_gives() -> None:
    found = described(spec(targets=[MINI], workload=MADE_UP, stop={"requests": 200}), ["openai"])
    # $0.15 and $0.60 per million tokens, as the table has had them since 2024.
    assert found.cost is not None
    assert (found.cost.low, found.cost.high) == pytest.approx((200 * 0.00021,) * 2)
    assert found.estimate_usd == pytest.approx(200 * 0.00021)
    price = found.costs[0].price
    assert price is not None
    assert (price.input, price.output) == (Decimal("0.15"), Decimal("0.6"))
    assert price.source.startswith("genai-prices ")
    assert (found.input_tokens.low, found.output_tokens.high) == (200_000, 20_000)


def test_a_cost_has_no_upper_end_where_nothing_caps_answers_or_requests() -> None:
    found = described(spec(targets=[MINI], stop={"requests": 10}), ["openai"])
    assert found.cost is not None
    assert found.cost.low > 0
    assert found.cost.high is None
    timed = described(spec(targets=[MINI], workload=MADE_UP, stop={"duration_seconds": 60}), ["openai"])
    assert timed.cost is not None
    assert timed.cost.high is None
    assert timed.requests.low == 2
    assert (timed.duration_seconds.low, timed.duration_seconds.high) == (60, 60)


def test_an_unknown_price_is_unknown_and_never_nothing() -> None:
    both = spec(targets=[MINI, {"provider": "local", "model": "nobody-knows"}], workload=MADE_UP)
    found = described(both, ["openai", "openai-compatible"])
    assert found.cost is None
    assert found.estimate_usd is None
    assert "is not known" in str(found.estimate_note)
    assert found.costs[0].usd is not None
    assert (found.costs[1].usd, found.costs[1].price) == (None, None)


def test_a_prompt_cache_lowers_the_low_end_only() -> None:
    shared = {"kind": "shared_prefix", "prefix_tokens": 900, "input_tokens": 100, "output_tokens": 10}
    found = described(spec(targets=[MINI], workload=shared, stop={"requests": 1_000}), ["openai"])
    assert found.cost is not None
    # 900 of 1,000 tokens at the cached price, $0.075.
    assert found.cost.low == pytest.approx(1_000 * (100 * 0.15 + 900 * 0.075 + 10 * 0.6) / 1e6)
    assert found.cost.high == pytest.approx(1_000 * (1_000 * 0.15 + 10 * 0.6) / 1e6)


@pytest.mark.parametrize(
    ("fields", "requests", "seconds"),
    [
        ({"load": {"kind": "constant", "rate": 4}, "stop": {"duration_seconds": 25}}, (100, 100), (25, 25)),
        ({"load": {"kind": "constant", "rate": 4}, "stop": {"requests": 101}}, (101, 101), (25, 25)),
        ({"load": {"kind": "poisson", "rate": 4}, "stop": {"duration_seconds": 25}}, (80, 120), (25, 25)),
        ({"load": USERS, "stop": {"requests": 40}}, (40, 40), (0, None)),
        (
            {"load": USERS, "stop": {"requests": 40}, "limits": {"requests_per_minute": 60}},
            (40, 40),
            (40, None),
        ),
        (
            {"load": USERS, "stop": {"requests": 40, "duration_seconds": 9}},
            (8, 40),
            (0, 9),
        ),
        (
            {"load": {"kind": "closed_steps", "steps": [{"concurrency": 2, "seconds": 5}] * 3}, "stop": {}},
            (0, None),
            (15, 15),
        ),
        ({"load": {"kind": "trace", "at_seconds": [0, 2, 8], "speed": 2}, "stop": {}}, (3, 3), (4, 4)),
        (
            {
                "load": {"kind": "closed", "concurrency": 1},
                "explore": {"kind": "sweep", "parameter": "concurrency", "values": [1, 2, 4]},
                "stop": {"requests": 50},
                "targets": [MINI, {"provider": "local", "model": "b"}],
            },
            (300, 300),
            (0, None),
        ),
        (
            {
                "load": {"kind": "constant", "rate": 1},
                "explore": {
                    "kind": "search", "parameter": "rate", "minimum": 1, "maximum": 10, "max_error_rate": 0.5,
                    "max_points": 4,
                },
                "stop": {"duration_seconds": 10},
            },
            (10, 400),
            (10, 40),
        ),
        (
            {
                "workload": {"kind": "conversation", "turns": 3, "input_tokens": 5, "output_tokens": 5},
                "load": {"kind": "constant", "rate": 2},
                "stop": {"duration_seconds": 10},
            },
            (20, 60),
            (10, 10),
        ),
    ],
)  # fmt: skip
def test_requests_and_time(
    fields: dict[str, Any], requests: tuple[float, float | None], seconds: tuple[float, float | None]
) -> None:
    found = described(spec(**fields), ["openai"] * len(fields.get("targets", [1])))
    assert (found.requests.low, found.requests.high) == pytest.approx(requests)
    assert (found.duration_seconds.low, found.duration_seconds.high) == pytest.approx(seconds)


def warned(machine: Machine = ROOMY, **fields: Any) -> dict[str, str]:
    one = spec(**{"workload": MADE_UP, "stop": {"requests": 1_000}} | fields)
    return {caution.path: caution.message for caution in cautions(one, forecast(one), machine)}


def test_a_sound_spec_has_no_warning() -> None:
    assert warned() == {}


@pytest.mark.parametrize(
    ("fields", "path", "part"),
    [
        ({"stop": {"requests": 60}}, "stop.requests", "60 requests a target are too few for p99, which needs 100"),
        ({"stop": {"requests": 200}}, "stop.requests", "its 95 % interval needs 368"),
        (
            {
                "load": {"kind": "constant", "rate": 10},
                "stop": {"duration_seconds": 60},
                "window": {"warmup_seconds": 55},
            },
            "window.warmup_seconds",
            "the steady window of 5 s holds about 50 requests",
        ),
        (
            {
                "load": {"kind": "constant", "rate": 10},
                "stop": {"duration_seconds": 60},
                "window": {"cooldown_seconds": 60},
            },
            "window.cooldown_seconds",
            "nothing is left",
        ),
        (
            {"load": {"kind": "constant", "rate": 10}, "limits": {"requests_per_minute": 60}},
            "limits.requests_per_minute",
            "offers up to 600 requests a minute, and 60 may start",
        ),
        ({"workload": {"kind": "prompt", "prompt": "x"}, "sampling": {"max_tokens": 4}}, "workload.prompt", "caches"),
        ({"workload": {"kind": "list", "prompts": ["x"]}}, "sampling.max_tokens", "nothing caps"),
    ],
)
def test_warnings(fields: dict[str, Any], path: str, part: str) -> None:
    assert part in warned(**fields)[path]


def test_engines_are_held_against_the_machine() -> None:
    users = {"load": {"kind": "closed", "concurrency": 1_000}}
    assert (
        "an engine here may open 960 connections, and 1,000 are wanted" in warned(Machine(1_024, 8), **users)["workers"]
    )
    assert warned(Machine(1_024, 8), workers=2, **users) == {}
    assert "this machine has 1" in warned(Machine(1_024, 1), workers=2, **users)["workers"]
    # The cap of 20,000 that every open loop has is no plan to reach it.
    assert warned(Machine(1_024, 8), load={"kind": "constant", "rate": 5}) == {}
    assert "workers" in warned(Machine(1_024, 8), load={"kind": "constant", "rate": 5, "max_in_flight": 5_000})


async def test_over_http_it_needs_the_right_to_create_and_stores_nothing(bench: Bench) -> None:
    app = FastAPI()
    install_error_handlers(app)
    app.include_router(preparing_router)
    app.include_router(router)

    async def authenticate(request: Any) -> Any:
        return bench.caller if request.headers.get("X-Role") != "viewer" else make_caller(role=Role.VIEWER)

    app.state.settings = load_settings()
    app.state.benchmarks = bench.service
    app.state.authenticate = authenticate
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test/api/v1") as client:
        answer = await client.post("/benchmarks/validate", json=make_spec())
        assert (answer.status_code, answer.json()["is_valid"]) == (200, True)
        assert answer.json()["plan"]["requests"] == {"low": 10, "high": 10}
        assert (await client.post("/benchmarks/validate", json={"name": 3})).status_code == 200
        assert (
            await client.post("/benchmarks/validate", content=b"{", headers={"Content-Type": "application/json"})
        ).status_code == 400
        assert (await client.post("/benchmarks/validate", json={}, headers={"X-Role": "viewer"})).status_code == 403
        assert (await client.get("/benchmarks")).json()["items"] == []
        listed = (await client.get("/benchmarks/presets")).json()["presets"]
        assert [one["name"] for one in listed] == [one.name for one in presets().presets]
