"""Words per token, found out from a server's usage: right within 2 %, and never in the way of a run."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.benchmarks import planner, token_probe
from app.benchmarks.local import run_local
from app.benchmarks.measures import MeasuredResult
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.supervisor import engine_process
from app.loadgen.plan import Endpoint, Plan, TokenModel
from tests.benchmarks.conftest import FakeProviders, Hosting
from tests.factories import make_spec
from tests.loadgen.servers import STREAM_END, STREAM_HEAD, chunk, event, scripted_server, simulator

QUICK = ("--ttft-ms", "1", "--itl-ms", "0", "--tokens", "2")
TOKENISER = ("--tokens-per-word", "1.3", "--overhead-tokens", "7")
MADE_UP: dict[str, dict[str, Any]] = {
    "synthetic": {"kind": "synthetic", "input_tokens": 512, "output_tokens": 2},
    "embeddings": {"kind": "embeddings", "input_tokens": 512},
    "trace": {"kind": "trace", "requests": [{"input_tokens": 512, "output_tokens": 2}]},
    "long": {"kind": "synthetic", "input_tokens": 8000, "output_tokens": 2},
    "conversation": {"kind": "conversation", "turns": 1, "input_tokens": 512, "output_tokens": 2},
}


def endpoint(port: int) -> Endpoint:
    return Endpoint("openai-compatible", f"http://127.0.0.1:{port}/v1", "m")


def spec(**fields: Any) -> BenchmarkSpec:
    return BenchmarkSpec.model_validate(
        make_spec(**({"load": {"kind": "closed", "concurrency": 1}, "stop": {"requests": 5}} | fields))
    )


def a_plan(port: int, **fields: Any) -> Plan:
    return planner.shard(spec(**fields), 0, endpoint(port))


@pytest.mark.parametrize("kind", MADE_UP)
async def test_made_up_texts_are_as_long_as_asked_in_the_servers_own_tokens(kind: str) -> None:
    results: list[MeasuredResult] = []
    wanted = 8000 if kind == "long" else 512
    with simulator(*QUICK, *TOKENISER) as port:
        summary = await run_local(spec(workload=MADE_UP[kind]), endpoint(port), on_results=results.extend)
    assert summary["requests"]["ok"] == len(results) == 5
    assert all(abs((result.input_tokens or 0) - wanted) <= 0.02 * wanted for result in results)
    facts = summary["workload"]
    assert facts["source"] == "usage"
    assert facts["probe_requests"] == 4
    assert facts["words_per_token"] == pytest.approx(1 / 1.3, rel=0.01)
    assert facts["overhead_tokens"] == pytest.approx(7, abs=1)


async def test_without_probes_a_word_is_taken_for_a_token(tmp_path: Path) -> None:
    answered = 0

    def no_usage(connection: Any, number: int) -> None:
        nonlocal answered
        answered += 1
        connection.sendall(STREAM_HEAD + chunk(event("fine")) + STREAM_END)

    with scripted_server(no_usage) as port:
        summary = await run_local(spec(workload=MADE_UP["synthetic"]), endpoint(port))
    assert summary["workload"]["source"] == "assumed"
    assert summary["workload"]["words_per_token"] == 1
    assert summary["workload"]["probe_requests"] == 1, "the first request decides"
    assert answered == 6


async def test_given_words_per_token_are_not_asked_for(tmp_path: Path) -> None:
    log = tmp_path / "requests.jsonl"
    workload = MADE_UP["synthetic"] | {"words_per_token": 0.5}
    with simulator(*QUICK, "--requests-log", str(log)) as port:
        summary = await run_local(spec(workload=workload), endpoint(port))
    assert summary["workload"] | {"uniqueness": ""} == {
        "words_per_token": 0.5, "overhead_tokens": 0, "source": "given", "probe_requests": 0, "uniqueness": "",
        "by_target": [],
    }  # fmt: skip
    prompts = [json.loads(line)["body"]["messages"][0]["content"] for line in log.read_text().splitlines()]
    assert [len(prompt.split()) for prompt in prompts] == [256] * 5


@pytest.mark.parametrize(
    "workload",
    [{"kind": "prompt", "prompt": "hi"}, {"kind": "list", "prompts": ["a", "b"]},
     {"kind": "embeddings", "texts": ["a"]},
     {"kind": "conversation_list", "conversations": [[{"role": "user", "content": "hi"}]]}],
)  # fmt: skip
async def test_given_texts_need_no_probes(tmp_path: Path, workload: dict[str, Any]) -> None:
    log = tmp_path / "requests.jsonl"
    with simulator(*QUICK, "--requests-log", str(log)) as port:
        summary = await run_local(spec(workload=workload), endpoint(port))
    assert summary["requests"]["ok"] == len(log.read_text().splitlines()) == 5
    assert summary["workload"]["words_per_token"] is None
    assert summary["workload"]["probe_requests"] == 0


async def test_probes_ask_for_one_token_and_leave_the_system_message_out(tmp_path: Path) -> None:
    log = tmp_path / "requests.jsonl"
    with simulator(*QUICK, "--requests-log", str(log)) as port:
        probed = await token_probe.probe(
            a_plan(port, workload=MADE_UP["synthetic"], sampling={"system": "long words", "temperature": 0.5})
        )
    sent = [json.loads(line)["body"] for line in log.read_text().splitlines()]
    assert len(sent) == probed.requests == 4
    assert {len(body["messages"][0]["content"].split()) for body in sent} == {32, 128, 256}
    assert {(len(body["messages"]), body["max_tokens"], body["temperature"]) for body in sent} == {(1, 1, 0.5)}
    assert len({body["messages"][0]["content"].split()[0] for body in sent}) == 4


async def test_a_failing_server_is_left_to_the_run() -> None:
    began = time.monotonic()
    summary = await run_local(spec(workload=MADE_UP["synthetic"]), Endpoint("openai", "http://127.0.0.1:9/v1", "m"))
    assert summary["error"] is None
    assert summary["requests"]["by_error_type"] == {"connect": 5}
    assert summary["workload"]["source"] == "assumed"
    assert time.monotonic() - began < 30
    wrong = await token_probe.probe(planner.shard(spec(workload=MADE_UP["synthetic"]), 0, Endpoint("no", "x", "m")))
    assert wrong.tokens == TokenModel()


async def test_stopping_ends_the_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    stop = asyncio.Event()
    with simulator("--ttft-ms", "60000", "--tokens", "1") as port:
        began = time.monotonic()
        probing = asyncio.create_task(token_probe.probe(a_plan(port, workload=MADE_UP["synthetic"]), stop=stop))
        await asyncio.sleep(0)
        stop.set()
        probed = await probing
        assert time.monotonic() - began < 15
        assert probed.tokens == TokenModel()
        monkeypatch.setattr(token_probe, "PROBE_SECONDS", 2.0)
        late = await token_probe.probe(a_plan(port, workload=MADE_UP["synthetic"]))
        assert late.tokens == TokenModel()
        assert time.monotonic() - began < 30


@given(
    per_word=st.floats(0.1, 10),
    overhead=st.integers(0, 200),
    words=st.sets(st.integers(1, 3000), min_size=2, max_size=4),
)
def test_a_line_is_found_again(per_word: float, overhead: int, words: set[int]) -> None:
    model = token_probe.fitted([(count, round(overhead + per_word * count)) for count in words])
    if model.source == "usage":
        rounding = 1 / (sorted(words)[1] - min(words))
        assert abs(model.per_word - per_word) <= rounding + 1e-9


def test_a_server_that_cuts_texts_off_does_not_bend_the_line() -> None:
    model = token_probe.fitted([(32, 49), (128, 173), (256, 200), (32, 49)])
    assert model.per_word == pytest.approx(1.3, abs=0.02)
    assert token_probe.fitted([(32, 10), (256, 10)]) == TokenModel()
    assert token_probe.fitted([(32, 10)]) == TokenModel()


async def test_on_a_server_a_target_is_probed_once_for_all_its_shards(hosting: Hosting, tmp_path: Path) -> None:
    log = tmp_path / "requests.jsonl"
    with simulator(*QUICK, *TOKENISER, "--requests-log", str(log)) as port:
        providers = FakeProviders({"local": f"http://127.0.0.1:{port}/v1"})
        async with hosting(providers, engine_process) as bench:
            session_id = await bench.submit(
                workload=MADE_UP["synthetic"],
                load={"kind": "closed", "concurrency": 4},
                stop={"requests": 8},
                workers=2,
            )
            benchmark = await bench.ended(session_id)
            stream = await bench.service.results.stream(bench.caller, session_id)
            inputs = [result.input_tokens or 0 async for result in stream]
            async with bench.database.read() as session:
                from app.benchmarks.models import BenchmarkSession  # noqa: PLC0415

                row = await session.get(BenchmarkSession, session_id)
                assert row is not None
                assert row.summary is not None
                facts = row.summary["workload"]
    assert (benchmark.status, benchmark.error) == ("completed", None)
    assert len(log.read_text().splitlines()) == 12
    assert all(abs(count - 512) <= 10 for count in inputs)
    assert (facts["source"], facts["probe_requests"]) == ("usage", 4)
