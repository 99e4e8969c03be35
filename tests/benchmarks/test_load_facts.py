"""What is known about a load before it runs, and what progress makes of it."""

from typing import Any

import pytest

from app.benchmarks import load_facts, planner
from app.benchmarks.live import LiveRun
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.starting import lead_ns
from app.benchmarks.states import Status
from app.loadgen.plan import Endpoint
from tests.factories import make_spec

SECOND = 10**9
CLOSED = {"kind": "closed", "concurrency": 4}
CONSTANT = {"kind": "constant", "rate": 33.3}
STEPS = {"kind": "steps", "arrival": "constant", "steps": [{"rate": 10, "seconds": 30}, {"rate": 0.5, "seconds": 30}]}
USERS = {"kind": "closed_steps", "steps": [{"concurrency": 8, "seconds": 20}, {"concurrency": 2, "seconds": 10}]}
TRACE = {"kind": "trace", "at_seconds": [0, 1, 1, 40], "speed": 2}
RAMP = {"kind": "ramp", "from_rate": 10, "to_rate": 20, "seconds": 10, "arrival": "constant"}


def spec(load: dict[str, Any], **fields: Any) -> BenchmarkSpec:
    return BenchmarkSpec.model_validate(make_spec(load=load, **({"stop": {}} | fields)))


@pytest.mark.parametrize(
    ("load", "stop", "seconds", "requests"),
    [
        (CLOSED, {"requests": 7}, None, 7),
        (CLOSED, {"duration_seconds": 5}, 5, None),
        (CONSTANT, {"duration_seconds": 10}, 10, 333),
        (CONSTANT, {"duration_seconds": 10, "requests": 20}, 10, 20),
        (CONSTANT | {"kind": "poisson"}, {"duration_seconds": 10}, 10, None),
        (STEPS, {}, 60, 315),
        (STEPS, {"duration_seconds": 31}, 31, 301),
        (STEPS | {"arrival": "poisson"}, {}, 60, None),
        (RAMP, {"duration_seconds": 20}, 20, 350),
        (USERS, {}, 30, None),
        (USERS, {"requests": 3, "duration_seconds": 10}, 10, 3),
        (TRACE, {}, 20, 4),
        (TRACE, {"duration_seconds": 0.6}, 0.6, 3),
        (TRACE, {"requests": 1}, 20, 1),
    ],
)
def test_how_long_and_how_many(load: Any, stop: Any, seconds: float | None, requests: int | None) -> None:
    made = spec(load, stop=stop)
    assert load_facts.seconds(made) == seconds
    assert load_facts.requests(made) == requests
    targets = [{"provider": "local", "model": model} for model in "ab"]
    assert planner.requests_planned(spec(load, stop=stop, targets=targets)) == (requests and 2 * requests)


def test_what_holds_arrivals_back_makes_their_number_unknown() -> None:
    assert load_facts.requests(spec(CONSTANT, stop={"duration_seconds": 9}, limits={"requests_per_minute": 6})) is None
    talks = {"kind": "conversation", "turns": 3, "input_tokens": 9, "output_tokens": 9}
    assert load_facts.requests(spec(CONSTANT, stop={"duration_seconds": 9}, workload=talks)) is None


def test_workers_without_work_are_not_started() -> None:
    assert load_facts.workers(spec(CONSTANT, stop={"requests": 3}, workers=8)) == 3
    assert load_facts.workers(spec(CONSTANT | {"max_in_flight": 2}, stop={"requests": 99}, workers=8)) == 2
    assert load_facts.workers(spec(TRACE, workers=8)) == 4
    shards = planner.stages(spec(TRACE, workers=8), [Endpoint("openai", "http://x", "m")])[0].shards
    assert [plan.shards for plan in shards] == [4] * 4


def test_engines_get_time_for_the_users_of_the_beginning_and_for_a_long_trace() -> None:
    everyone = {"kind": "closed", "concurrency": 2000}
    stop = {"requests": 10**4}
    assert lead_ns(spec(everyone, stop=stop)) == 3 * SECOND
    assert lead_ns(spec(everyone | {"ramp_up_seconds": 100}, stop=stop)) == pytest.approx(1.02 * SECOND)
    assert lead_ns(spec(USERS)) == pytest.approx(1.008 * SECOND)
    assert lead_ns(spec(CONSTANT, stop=stop)) == SECOND
    assert lead_ns(spec({"kind": "trace", "at_seconds": [0] * 500_000})) == 2 * SECOND


@pytest.mark.parametrize(("load", "halfway"), [(STEPS, 30), (USERS, 15), (TRACE, 10)])
def test_progress_of_loads_that_end_by_themselves(load: Any, halfway: float) -> None:
    run = LiveRun(spec(load), SECOND)
    assert run.progress(Status.RUNNING, SECOND)["percent"] == 0
    document = run.progress(Status.RUNNING, SECOND + round(halfway * SECOND))
    assert document["percent"] == pytest.approx(50)
    assert document["eta_s"] == pytest.approx(halfway)
    assert run.progress(Status.RUNNING, 10**4 * SECOND)["percent"] == 100


def test_a_trace_of_one_instant_has_no_length_to_divide_by() -> None:
    run = LiveRun(spec({"kind": "trace", "at_seconds": [0, 0]}), SECOND)
    assert run.progress(Status.RUNNING, SECOND)["percent"] == 100
    assert run.progress(Status.RUNNING, SECOND)["planned"] == 2
