"""Conversations and embeddings through the whole room, with real engines."""

from typing import Any

import pytest

from app.benchmarks.results_service import ResultFilters
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.shard_preparing import stored_before
from app.benchmarks.shard_task import ShardTask
from app.benchmarks.supervisor import engine_process
from app.benchmarks.workload_facts import workload_facts
from tests.benchmarks.conftest import FakeProviders, Hosting
from tests.factories import make_spec
from tests.loadgen.servers import simulator

QUICK = ("--ttft-ms", "2", "--itl-ms", "0", "--tokens", "3")


async def test_turns_are_told_and_a_lost_shard_knows_its_own(hosting: Hosting) -> None:
    with simulator(*QUICK) as port:
        async with hosting(FakeProviders({"local": f"http://127.0.0.1:{port}/v1"}), engine_process) as bench:
            session_id = await bench.submit(
                workload={"kind": "conversation", "turns": 3, "input_tokens": 5, "output_tokens": 2},
                load={"kind": "closed", "concurrency": 2},
                stop={"requests": 10},
                workers=2,
            )
            benchmark = await bench.ended(session_id)
            items = (await bench.service.results.list(bench.caller, ResultFilters(session_id), limit=100)).items
            details = [await bench.service.results.get(bench.caller, item.id) for item in items]
            spec = benchmark.spec
            stored = [
                await stored_before(ShardTask("x", session_id, 0, shard, 0, 1), bench.database, spec)
                for shard in range(2)
            ]
    assert (benchmark.status, benchmark.error) == ("completed", None)
    assert [detail.metadata for detail in details] == [
        {"conversation": number // 3, "turn": number % 3} for number in range(10)
    ]
    assert [indices for _, indices in stored] == [[0, 1, 2, 6, 7, 8], [3, 4, 5, 9]]
    assert [statistics.overall().counters.total for statistics, _ in stored] == [6, 4]
    summary = benchmark.summary
    assert summary is not None
    assert summary.workload is not None
    assert (summary.workload.source, summary.workload.words_per_token) == ("usage", 1.0)
    assert "unique from its first word on" in summary.workload.uniqueness


async def test_metrics_that_embeddings_do_not_have_are_null(hosting: Hosting) -> None:
    with simulator(*QUICK) as port:
        async with hosting(FakeProviders({"local": f"http://127.0.0.1:{port}/v1"}), engine_process) as bench:
            session_id = await bench.submit(
                workload={"kind": "embeddings", "input_tokens": 9, "batch_size": 4},
                load={"kind": "closed", "concurrency": 2},
                stop={"requests": 6},
            )
            benchmark = await bench.ended(session_id)
            timeline = await bench.service.timeline(bench.caller, session_id)
    summary = benchmark.summary
    assert summary is not None
    assert (summary.requests.ok, summary.tokens.input, summary.tokens.output, summary.chunks) == (6, 216, 0, 0)
    assert {name for name, metric in summary.metrics.items() if metric is None} >= {
        "ttft_ms", "ttfo_ms", "tpot_ms", "icl_ms", "ttft_from_intended_ms"
    }  # fmt: skip
    e2e = summary.metrics["e2e_ms"]
    assert e2e is not None
    assert e2e.n == 6
    assert timeline.requests_per_s


@pytest.mark.parametrize(
    ("workload", "said"),
    [
        (
            {"kind": "shared_prefix", "groups": 2, "prefix_tokens": 20, "input_tokens": 5, "output_tokens": 2},
            "one of 2 shared prefixes of about 20 tokens; each goes on with text that no other prompt has.",
        ),
        (
            {"kind": "trace", "requests": [{"input_tokens": 30, "output_tokens": 2, "blocks": [1]}]},
            "share the text of equal leading blocks",
        ),
        (
            {"kind": "conversation_list", "conversations": [[{"role": "user", "content": "a"}]]},
            "1 given conversations, taken in turn",
        ),
        ({"kind": "list", "prompts": ["a", "b"]}, "2 given prompts, taken in turn"),
        ({"kind": "prompt", "prompt": "a"}, "Every request sends the same prompt"),
        ({"kind": "embeddings", "texts": ["a"]}, "1 given texts"),
    ],
)
def test_every_kind_says_which_prompts_repeat(workload: dict[str, Any], said: str) -> None:
    spec = BenchmarkSpec.model_validate(make_spec(workload=workload))
    assert said in workload_facts(spec.workload, {})["uniqueness"]
