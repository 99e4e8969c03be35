"""Each kind of workload through a real engine against the real simulator: what the server really gets."""

import json
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

from app.benchmarks.measures import MeasureContext, measure
from app.loadgen.frames import Record
from app.loadgen.plan import Embeddings, Lengths, Prompts, Synthetic, TokenModel, Trace, Turn, Workload
from tests.loadgen.runs import plan, run
from tests.loadgen.servers import scripted_server, simulator

QUICK = ("--ttft-ms", "5", "--itl-ms", "0", "--tokens", "4")
TWO = Lengths(mean=2)


def sent(log: Path, records: list[Record]) -> list[Any]:
    """The bodies of all requests, in the order of their numbers."""
    bodies = {line["response_id"]: line["body"] for line in map(json.loads, log.read_text().splitlines())}
    return [bodies[record.response_id] for record in sorted(records, key=lambda one: one.index)]


def through(tmp_path: Path, workload: Workload, requests: int, **fields: Any) -> tuple[list[Record], list[Any]]:
    log = tmp_path / "requests.jsonl"
    with simulator(*QUICK, "--requests-log", str(log)) as port:
        records = run(plan(port, requests=requests, concurrency=4, workload=workload, **fields)).records
    assert {record.status for record in records} == {"ok"}
    return sorted(records, key=lambda one: one.index), sent(log, records)


def texts(bodies: list[Any]) -> list[list[str]]:
    return [body["messages"][-1]["content"].split() for body in bodies]


def shared(one: list[str], other: list[str]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def test_prefixes_really_are_shared(tmp_path: Path) -> None:
    records, bodies = through(tmp_path, Synthetic(Lengths(mean=10), TWO, 2, 50), 12)
    prompts = texts(bodies)
    groups = {" ".join(prompt[:50]) for prompt in prompts}
    assert len(groups) == 2
    assert {shared(one, prompts[0]) for one in prompts[1:]} == {0, 50}
    assert {record.uncached_input_tokens for record in records} == {60}


def test_a_trace_has_its_lengths_and_its_blocks(tmp_path: Path) -> None:
    workload = Trace((40, 40, 25), (1, 3, 4), ((1, 2), (1, 3), (8,)), 20)
    records, bodies = through(tmp_path, workload, 4)
    prompts = texts(bodies)
    assert [record.uncached_input_tokens for record in records] == [40, 40, 25, 40]
    assert [record.visible_output_tokens for record in records] == [1, 3, 4, 1]
    assert (shared(prompts[0], prompts[1]), shared(prompts[0], prompts[2]), shared(prompts[0], prompts[3])) == (
        20,
        0,
        0,
    )


def test_message_lists_and_lengths_of_their_own(tmp_path: Path) -> None:
    lists = ((Turn("user", "a"), Turn("assistant", "b"), Turn("user", "c")), (Turn("user", "d"),))
    records, bodies = through(tmp_path, Prompts(message_lists=lists, output_tokens=(0, 2)), 2)
    assert [[message["content"] for message in body["messages"]] for body in bodies] == [["a", "b", "c"], ["d"]]
    assert [record.visible_output_tokens for record in records] == [4, 2]


@pytest.mark.parametrize("batch", [1, 16])
def test_embeddings(tmp_path: Path, batch: int) -> None:
    workload = Embeddings(input_tokens=Lengths("uniform", minimum=5, maximum=9), batch_size=batch)
    records, bodies = through(tmp_path, workload, 6, sampling={"extra": {"dimensions": 3}})
    words = [sum(len(text.split()) for text in body["input"]) for body in bodies]
    assert [len(body["input"]) for body in bodies] == [batch] * 6
    assert [record.uncached_input_tokens for record in records] == words
    for record in records:
        assert (record.first_token_ns, record.first_output_ns, record.chunks, record.gaps) == (0, 0, 0, b"")
        assert record.last_token_ns == record.end_ns > record.started_ns
        result = measure(record, MeasureContext("p", "m", "openai-compatible"))
        assert (result.ttft_ms, result.ttfo_ms, result.tpot_ms, result.output_tokens) == (None, None, None, None)
        assert result.e2e_ms == result.stream_end_ms
        assert result.e2e_ms is not None
        assert result.e2e_ms >= 4


def test_too_few_vectors_are_an_error() -> None:
    body = b'{"data": [{"embedding": [1.0]}]}'

    def reply(connection: Any, _number: int) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        connection.sendall(head + body)

    with scripted_server(reply) as port:
        (record,) = run(plan(port, workload=Embeddings(("a", "b"), batch_size=2))).records
    assert (record.status, record.error_type, record.error) == ("error", "protocol", "1 vectors came for 2 texts")


def test_a_slow_embedding_has_no_first_token_to_wait_for() -> None:
    with simulator("--ttft-ms", "3000") as port:
        (record,) = run(plan(port, workload=Embeddings(("a",)))).records  # its first-token limit is 2 s
    assert record.status == "ok"


def test_faults_of_embeddings_are_classified() -> None:
    with simulator("--ttft-ms", "1", "--error-rate", "1", "--errors", "http_429") as port:
        (record,) = run(plan(port, workload=Embeddings(("a",)))).records
    assert (record.error_type, record.error) == ("http_429", "simulated rate limit")


def test_the_union_of_the_shards_asks_what_one_engine_asks(tmp_path: Path) -> None:
    workload = Synthetic(Lengths("normal", 20, 5, 1, 99), TWO, 3, 10, 0.5, TokenModel(1.2, 3, "usage"))
    whole, parts = tmp_path / "whole.jsonl", tmp_path / "parts.jsonl"
    with simulator(*QUICK, "--requests-log", str(whole)) as port:
        records = run(plan(port, requests=9, workload=workload)).records
    with simulator(*QUICK, "--requests-log", str(parts)) as port:
        sharded = [
            record
            for shard in range(2)
            for record in run(plan(port, requests=9, concurrency=2, workload=workload, shard=shard, shards=2)).records
        ]
    assert sent(whole, records) == sent(parts, sharded)
