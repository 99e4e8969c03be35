"""Embeddings of the simulator, and how it counts tokens."""

import base64
import json
import math
import struct
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.loadgen.servers import simulator


def ask(port: int, **fields: Any) -> httpx.Response:
    return httpx.post(f"http://127.0.0.1:{port}/v1/embeddings", json={"model": "m"} | fields, timeout=10)


def test_vectors_have_length_one_and_depend_on_the_text(tmp_path: Path) -> None:
    log = tmp_path / "truth.jsonl"
    with simulator("--ttft-ms", "20", "--log", str(log)) as port:
        answer = ask(port, input=["one two", "three", "one two"], dimensions=16).json()
        single = ask(port, input="one two", dimensions=16, encoding_format="base64").json()
    vectors = [item["embedding"] for item in answer["data"]]
    assert [item["index"] for item in answer["data"]] == [0, 1, 2]
    assert vectors[0] == vectors[2] != vectors[1]
    assert all(math.isclose(math.hypot(*vector), 1, rel_tol=1e-4) for vector in vectors)
    assert answer["usage"] == {"prompt_tokens": 5, "total_tokens": 5}
    decoded = struct.unpack("<16f", base64.b64decode(single["data"][0]["embedding"]))
    assert decoded == pytest.approx(vectors[0], rel=1e-6)
    truth = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["response_id"] for line in truth] == [answer["id"], single["id"]]
    assert all(line["end_ns"] - line["request_ns"] >= 20_000_000 and not line["chunk_ns"] for line in truth)


@pytest.mark.parametrize("fields", [{"input": []}, {"input": ""}, {"input": [1]}, {}, {"input": "a", "dimensions": 0}])
def test_wrong_bodies(fields: dict[str, Any]) -> None:
    with simulator("--ttft-ms", "0") as port:
        answer = ask(port, **fields)
    assert answer.status_code == 400
    assert "wrong body" in answer.json()["error"]["message"]


def test_faults() -> None:
    with simulator("--ttft-ms", "0", "--error-rate", "1", "--errors", "http_500") as port:
        assert ask(port, input="a").status_code == 500


def test_tokens_are_counted_as_a_tokeniser_does(tmp_path: Path) -> None:
    log = tmp_path / "requests.jsonl"
    options = ("--ttft-ms", "0", "--tokens-per-word", "1.5", "--overhead-tokens", "7", "--requests-log", str(log))
    with simulator(*options) as port:
        embedded = ask(port, input=["a b", "a b c d"]).json()
        body = {"model": "m", "messages": [{"role": "user", "content": "a b"}, {"role": "user", "content": "c d"}]}
        chat = httpx.post(f"http://127.0.0.1:{port}/v1/chat/completions", content=json.dumps(body, indent=1)).json()
    assert embedded["usage"]["prompt_tokens"] == (7 + 3) + (7 + 6)
    assert chat["usage"]["prompt_tokens"] == 7 + 6
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["response_id"] for line in lines] == [embedded["id"], chat["id"]]
    assert lines[1]["body"] == body
