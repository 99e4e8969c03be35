from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.benchmarks import planner
from app.benchmarks.schemas import BenchmarkSpec
from app.loadgen.frames import decode_incoming, encode_frame
from app.loadgen.plan import Arrivals, Endpoint, Lengths, Prompts, Synthetic, Workload
from tests.factories import make_spec

ENDPOINT = Endpoint("openai-compatible", "http://127.0.0.1:9/v1", "m")


def spec(**fields: Any) -> BenchmarkSpec:
    return BenchmarkSpec.model_validate(make_spec(**fields))


def targets(number: int) -> list[dict[str, str]]:
    return [{"provider": "local", "model": f"m{position}"} for position in range(number)]


@given(st.integers(1, 5), st.integers(1, 8), st.integers(1, 60))
def test_every_index_is_planned_exactly_once(number: int, workers: int, requests: int) -> None:
    plan = spec(
        targets=targets(number),
        workers=workers,
        load={"kind": "closed", "concurrency": 64},
        stop={"requests": requests},
    )
    stages = planner.stages(plan, [ENDPOINT] * number)
    indices = [
        shard.index_base + arrival * shard.index_stride
        for stage in stages
        for shard in stage.shards
        for arrival in range(shard.shard, shard.requests or 0, shard.shards)
    ]
    assert sorted(indices) == list(range(number * requests))
    assert planner.requests_planned(plan) == number * requests
    assert all(len(stage.shards) <= requests for stage in stages)


@pytest.mark.parametrize(
    ("load", "arrivals"),
    [
        ({"kind": "closed", "concurrency": 7}, Arrivals("closed", 7)),
        ({"kind": "constant", "rate": 2.5, "max_in_flight": 9}, Arrivals("constant", 9, 2.5)),
        ({"kind": "poisson", "rate": 100}, Arrivals("poisson", 20_000, 100.0)),
    ],
)
def test_loads_become_arrivals(load: dict[str, Any], arrivals: Arrivals) -> None:
    assert planner.shard(spec(load=load), 0, ENDPOINT).arrivals == arrivals


@pytest.mark.parametrize(
    ("given_workload", "expected"),
    [
        ({"kind": "prompt", "prompt": "a"}, Prompts(prompts=("a",))),
        ({"kind": "list", "prompts": ["a", "b"]}, Prompts(prompts=("a", "b"))),
        ({"kind": "synthetic", "input_tokens": 5, "output_tokens": 6}, Synthetic(Lengths(mean=5), Lengths(mean=6))),
    ],
)
def test_workloads_become_prompts(given_workload: dict[str, Any], expected: Workload) -> None:
    assert planner.shard(spec(workload=given_workload), 0, ENDPOINT).workload == expected


def test_everything_else_reaches_the_plan_in_its_units() -> None:
    plan = planner.shard(
        spec(
            stop={"duration_seconds": 1.5},
            sampling={"temperature": 0, "stop": ["x"], "stream": False},
            retry={"max_attempts": 3, "base_delay_ms": 250, "max_delay_ms": 1000},
            timeouts={"connect_seconds": 1, "first_token_seconds": 2, "between_chunks_seconds": 3, "total_seconds": 4},
            seed=2**63 - 1,
            save_responses=True,
            save_gaps=False,
        ),
        0,
        ENDPOINT,
        start_at_ns=5,
        skip=(1, 2),
    )
    assert (plan.requests, plan.duration_ns, plan.start_at_ns, plan.skip) == (None, 1_500_000_000, 5, (1, 2))
    assert plan.sampling == {"stream": False, "temperature": 0, "stop": ["x"], "extra": {}}
    limits = plan.limits
    assert (limits.max_attempts, limits.base_delay_ns, limits.max_delay_ns) == (3, 250_000_000, 10**9)
    assert (limits.connect_ns, limits.first_token_ns) == (10**9, 2 * 10**9)
    assert (limits.between_chunks_ns, limits.total_ns) == (3 * 10**9, 4 * 10**9)
    assert plan.save_responses
    assert plan.save_gaps  # statistics need them; the recorder leaves them out
    assert decode_incoming(encode_frame(plan)[4:]) == plan


def test_the_same_spec_gives_the_same_plans() -> None:
    fields = make_spec(workers=2)
    one, other = (planner.stages(BenchmarkSpec.model_validate(fields), [ENDPOINT]) for _ in range(2))
    assert one == other


@pytest.mark.parametrize(
    ("workload", "owners"),
    [
        ({"kind": "conversation", "turns": 2, "input_tokens": 5, "output_tokens": 5}, [0, 0, 1, 1, 2, 2, 0, 0]),
        (
            {
                "kind": "conversation_list",
                "conversations": [
                    [{"role": "user", "content": "a"}],
                    [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}],
                ],
            },
            [0, 1, 1, 2, 0, 0, 1, 2],
        ),
        ({"kind": "prompt", "prompt": "a"}, None),
    ],
)
def test_conversations_stay_with_one_shard(workload: dict[str, Any], owners: list[int] | None) -> None:
    load = {"kind": "closed", "concurrency": 3}
    wanted = BenchmarkSpec.model_validate(make_spec(workload=workload, load=load, workers=3, stop={"requests": 50}))
    owner = planner.shard_of_number(wanted)
    assert (owner and [owner(number) for number in range(8)]) == owners


def test_given_answers_say_how_long_an_answer_to_ask_for() -> None:
    turns = [("user", "a"), ("assistant", "x" * 40), ("user", "b"), ("user", "c"), ("assistant", "y")]
    conversation = [{"role": role, "content": content} for role, content in turns]
    wanted = BenchmarkSpec.model_validate(
        make_spec(workload={"kind": "conversation_list", "conversations": [conversation]})
    )
    (given,) = planner.shard(wanted, 0, ENDPOINT).workload.given  # type: ignore[union-attr]
    assert [turn.output_tokens for turn in given] == [10, 0, 0, 1, 0]
