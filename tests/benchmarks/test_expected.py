from typing import Any

import pytest

from app.benchmarks.expected import Tokens, requests_at_least, requests_expected, tokens_expected
from app.benchmarks.planner import Point
from app.benchmarks.schemas import BenchmarkSpec
from tests.factories import make_spec


def spec(**fields: Any) -> BenchmarkSpec:
    return BenchmarkSpec.model_validate(make_spec(**fields))


RAMP = {"kind": "ramp", "from_rate": 2, "to_rate": 8, "seconds": 10}


@pytest.mark.parametrize(
    ("load", "stop", "expected", "least"),
    [
        ({"kind": "closed", "concurrency": 4}, {"requests": 50}, 50, 50),
        ({"kind": "closed", "concurrency": 4}, {"duration_seconds": 9}, None, 4),
        ({"kind": "closed", "concurrency": 4}, {"duration_seconds": 9, "requests": 3}, 3, 3),
        ({"kind": "closed", "concurrency": 4}, {"duration_seconds": 9, "requests": 300}, 300, 4),
        ({"kind": "constant", "rate": 5}, {"duration_seconds": 9}, 45, 45),
        ({"kind": "poisson", "rate": 5}, {"duration_seconds": 9, "requests": 20}, 20, 20),
        (RAMP, {"duration_seconds": 10}, 50, 50),
        (RAMP, {"duration_seconds": 5}, 17.5, 17.5),
        (RAMP, {"duration_seconds": 20}, 130, 130),
        (RAMP | {"curve": "exponential"}, {"duration_seconds": 10}, 43.281, 43.281),
        ({"kind": "steps", "steps": [{"rate": 2, "seconds": 5}, {"rate": 10, "seconds": 1}]}, {}, 20, 20),
        (
            {"kind": "spike", "rate": 1, "spike_rate": 50, "spike_at_seconds": 2, "spike_seconds": 3},
            {"duration_seconds": 10},
            157,
            157,
        ),
        ({"kind": "trace", "at_seconds": [0, 1, 5, 9], "speed": 2}, {"duration_seconds": 3}, 3, 3),
    ],
)
def test_requests(load: dict[str, Any], stop: dict[str, Any], expected: float | None, least: float) -> None:
    plan = spec(load=load, stop=stop)
    found = requests_expected(plan, Point(0))
    assert found is None if expected is None else found == pytest.approx(expected, rel=1e-4)
    assert requests_at_least(plan, Point(0)) == pytest.approx(least, rel=1e-4)


def test_requests_of_a_point_are_those_of_its_level() -> None:
    plan = spec(
        load={"kind": "constant", "rate": 1},
        stop={"duration_seconds": 10},
        explore={"kind": "sweep", "parameter": "rate", "values": [3, 30]},
    )
    assert [requests_expected(plan, Point(0, number, level)) for number, level in enumerate((3, 30))] == [30, 300]


TURNS = [
    {"role": "user", "content": "a" * 40},
    {"role": "assistant", "content": "b" * 80},
    {"role": "user", "content": "c" * 20},
]


@pytest.mark.parametrize(
    ("workload", "max_tokens", "expected"),
    [
        ({"kind": "prompt", "prompt": "a" * 400}, None, Tokens(100, None)),
        ({"kind": "prompt", "prompt": "a" * 400}, 30, Tokens(100, 30)),
        ({"kind": "list", "prompts": ["a" * 40, {"prompt": "b" * 80, "output_tokens": 9}]}, 5, Tokens(15, 7)),
        ({"kind": "list", "prompts": ["a" * 40, {"prompt": "b" * 80, "output_tokens": 9}]}, None, Tokens(15, None)),
        ({"kind": "list", "prompts": [{"messages": TURNS}]}, 5, Tokens(35, 5)),
        ({"kind": "synthetic", "input_tokens": 100, "output_tokens": 20}, None, Tokens(100, 20)),
        ({"kind": "synthetic", "input_tokens": 100, "output_tokens": 20}, 8, Tokens(100, 8)),
        (
            {"kind": "shared_prefix", "prefix_tokens": 900, "input_tokens": 100, "output_tokens": 20},
            None,
            Tokens(1_000, 20),
        ),
        # Inputs of the three turns: 100, 100 + 20 + 100, and that + 20 + 100.
        ({"kind": "conversation", "turns": 3, "input_tokens": 100, "output_tokens": 20}, None, Tokens(220, 20)),
        ({"kind": "conversation_list", "conversations": [TURNS]}, 7, Tokens((10 + 35) / 2, (20 + 7) / 2)),
        ({"kind": "conversation_list", "conversations": [TURNS]}, None, Tokens((10 + 35) / 2, None)),
        ({"kind": "embeddings", "input_tokens": 100, "batch_size": 4}, None, Tokens(400, 0)),
        ({"kind": "embeddings", "texts": ["a" * 8, "b" * 16]}, None, Tokens(3, 0)),
        (
            {"kind": "trace", "requests": [{"input_tokens": 10, "output_tokens": 1}] * 2},
            None,
            Tokens(10, 1),
        ),
    ],
)
def test_tokens(workload: dict[str, Any], max_tokens: int | None, expected: Tokens) -> None:
    assert tokens_expected(spec(workload=workload, sampling={"max_tokens": max_tokens})) == pytest.approx(expected)


def test_a_system_message_is_part_of_every_request() -> None:
    assert tokens_expected(spec(sampling={"system": "s" * 400})).input == pytest.approx(103)
