"""Stages, indices, seeds and shards of benchmarks that explore several levels of load."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.benchmarks import planner
from app.benchmarks.planner import Point
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.spec_parts import STORED
from app.loadgen.plan import Endpoint
from tests.factories import make_spec

ENDPOINT = Endpoint("openai-compatible", "http://127.0.0.1:9/v1", "m")
SEARCH = {"kind": "search", "parameter": "concurrency", "minimum": 1, "maximum": 64, "max_error_rate": 0}


def spec(**fields: Any) -> BenchmarkSpec:
    return BenchmarkSpec.model_validate(make_spec(**fields))


def targets(number: int) -> list[dict[str, str]]:
    return [{"provider": "local", "model": f"m{position}"} for position in range(number)]


def sweep(*values: float, parameter: str = "concurrency") -> dict[str, Any]:
    return {"kind": "sweep", "parameter": parameter, "values": list(values)}


@given(
    st.integers(1, 4),
    st.lists(st.integers(1, 40), min_size=1, max_size=6, unique=True),
    st.integers(1, 8),
    st.integers(1, 30),
)
def test_every_index_of_a_sweep_is_planned_once_and_names_its_point(
    number: int, values: list[int], workers: int, requests: int
) -> None:
    plan = spec(
        targets=targets(number), explore=sweep(*values), workers=min(workers, max(values)), stop={"requests": requests}
    )
    seen: set[int] = set()
    for stage in planner.stages(plan, [ENDPOINT] * number):
        assert stage.index == stage.point.target_index * len(values) + stage.point.point
        assert len(stage.shards) <= min(plan.workers, values[stage.point.point], requests)
        indices = {
            shard.index_base + arrival * shard.index_stride
            for shard in stage.shards
            for arrival in range(shard.shard, requests, shard.shards)
        }
        assert len(indices) == requests
        assert not indices & seen
        assert {planner.point_of_index(plan, index) for index in indices} == {stage.point.point}
        assert {index % planner.index_stride(plan) for index in indices} == {stage.index}
        seen |= indices
    assert len(seen) == planner.requests_planned(plan) == number * len(values) * requests


def test_each_point_has_its_level_and_a_seed_of_its_own() -> None:
    plan = spec(explore=sweep(1, 8), workers=4, seed=7)
    first, second = planner.stages(plan, [ENDPOINT])
    assert [len(first.shards), len(second.shards)] == [1, 4]
    assert [stage.shards[0].arrivals.concurrency for stage in (first, second)] == [1, 8]
    assert first.shards[0].seed == 7
    assert second.shards[0].seed not in {7, planner.point_seed(7, 2)}
    assert all(0 <= planner.point_seed(2**63 - 1, point) < 2**63 for point in range(64))


def test_rates_are_levels_of_open_loops() -> None:
    plan = spec(load={"kind": "gamma", "rate": 1, "burstiness": 0.5}, explore=sweep(2.5, 40, parameter="rate"))
    arrivals = [stage.shards[0].arrivals for stage in planner.stages(plan, [ENDPOINT])]
    assert [(one.kind, one.rate, one.burstiness) for one in arrivals] == [("gamma", 2.5, 0.5), ("gamma", 40, 0.5)]


def test_a_search_keeps_room_for_all_its_points() -> None:
    plan = spec(targets=targets(2), explore=SEARCH | {"max_points": 5})
    assert planner.requests_planned(plan) is None
    assert planner.first_points(plan, 1) == [Point(1, 0, 1)]
    shard = planner.stage(plan, Point(1, 3, 16), ENDPOINT).shards[0]
    assert (shard.index_base, shard.index_stride, shard.arrivals.concurrency) == (8, 10, 16)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"explore": sweep(4, 4)}, "values must differ"),
        ({"explore": sweep(1.5)}, "whole numbers"),
        ({"explore": sweep(30_000)}, "between 1 and 20,000"),
        ({"explore": sweep(0.5, parameter="rate")}, "needs a load of kind constant, poisson or gamma"),
        ({"explore": sweep(1, 2), "workers": 3}, "must not exceed the highest concurrency (2)"),
        ({"explore": SEARCH | {"max_error_rate": None}}, "give criteria, max_error_rate, or both"),
        ({"explore": SEARCH | {"minimum": 64}}, "minimum must be below maximum"),
        ({"explore": SEARCH | {"max_error_rate": 0.01}}, "cannot be met by fewer than 299 requests"),
        (
            {"explore": SEARCH | {"criteria": [{"metric": "ttft_ms", "limit_ms": 5}]}, "stop": {"requests": 58}},
            "fewer than 59",
        ),
    ],
)
def test_what_cannot_be_explored_is_refused(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=r"explore|workers") as error:
        spec(**fields)
    assert says in str(error.value)


def test_limits_that_came_later_do_not_make_stored_specs_unreadable() -> None:
    stored = make_spec(explore=SEARCH | {"max_error_rate": 0.01})
    assert BenchmarkSpec.model_validate(stored, context=STORED).explore is not None


def test_chunk_gaps_are_many_per_request() -> None:
    criteria = [{"metric": "icl_ms", "percentile": 99, "limit_ms": 50}]
    assert spec(explore=SEARCH | {"criteria": criteria}).stop.requests == 10
