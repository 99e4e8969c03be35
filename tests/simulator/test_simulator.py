"""The simulator, spoken to with httpx: what it answers is what the API's documentation says."""

import json
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from app.simulator.behaviour import Behaviour, course
from tests.loadgen.servers import simulator


def chat(port: int, **fields: Any) -> httpx.Response:
    body = {"model": "m", "messages": [{"role": "user", "content": "one two"}], **fields}
    return httpx.post(f"http://127.0.0.1:{port}/v1/chat/completions", json=body, timeout=10)


def events(response: httpx.Response) -> list[Any]:
    lines = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]
    assert lines.pop() == "[DONE]"
    return [json.loads(line) for line in lines]


def test_stream_and_body_say_the_same() -> None:
    with simulator("--ttft-ms", "1", "--itl-ms", "0", "--tokens", "12") as port:
        stream = events(chat(port, stream=True, stream_options={"include_usage": True}))
        body = chat(port).json()
    text = "".join(choice["delta"].get("content", "") for chunk in stream for choice in chunk["choices"])
    assert text == body["choices"][0]["message"]["content"]
    assert stream[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert stream[-1]["usage"] == body["usage"] == {"prompt_tokens": 2, "completion_tokens": 12, "total_tokens": 14}
    assert stream[-2]["choices"][0]["finish_reason"] == body["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize(
    ("fields", "tokens", "finish"),
    [({}, 12, "stop"), ({"max_tokens": 5}, 5, "length"), ({"max_completion_tokens": 50}, 12, "stop"),
     ({"max_tokens": 50, "ignore_eos": True}, 50, "length")],
)  # fmt: skip
def test_length(fields: dict[str, Any], tokens: int, finish: str) -> None:
    with simulator("--ttft-ms", "0", "--itl-ms", "0", "--tokens", "12") as port:
        body = chat(port, **fields).json()
    assert (body["usage"]["completion_tokens"], body["choices"][0]["finish_reason"]) == (tokens, finish)


def test_https_with_a_certificate_of_ours(tmp_path: Path) -> None:
    authority = trustme.CA()
    pem, trusted = tmp_path / "server.pem", tmp_path / "ca.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(pem)
    authority.cert_pem.write_to_path(trusted)
    context = ssl.create_default_context(cafile=trusted)
    with simulator("--ttft-ms", "1", "--itl-ms", "1", "--tokens", "12", "--certificate", str(pem)) as port:
        with httpx.Client(base_url=f"https://127.0.0.1:{port}", verify=context, timeout=10) as client:
            body = {"model": "m", "messages": [{"role": "user", "content": "x " * 20_000}], "stream": True}
            for _ in range(2):  # the second on the same connection
                assert len(events(client.post("/v1/chat/completions", json=body))) == 14
        with pytest.raises(httpx.ConnectError), httpx.Client() as distrustful:
            distrustful.get(f"https://127.0.0.1:{port}/health")
        with httpx.Client(verify=context) as client:  # nobody else suffers
            assert client.get(f"https://127.0.0.1:{port}/health").status_code == 200


def test_a_certificate_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "app.simulator", "--port", "0", "--certificate", str(tmp_path / "none.pem")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "No such file" in ended.stderr


def test_says_at_its_end_how_late_it_sent() -> None:
    command = [sys.executable, "-m", "app.simulator", "--exit-with-stdin", "--port", "0", "--ttft-ms", "1"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        port = json.loads(process.stdout.readline())["port"]
        assert len(events(chat(port, stream=True))) == 102
        process.stdin.close()
        ending = json.loads(process.stdout.readline())
    assert ending["requests"] == 1
    assert 0 <= ending["send_lag_ns"]["p50"] <= ending["send_lag_ns"]["p99"] <= ending["send_lag_ns"]["max"] < 10**9


def test_usage_only_when_asked() -> None:
    with simulator("--ttft-ms", "0", "--itl-ms", "0", "--tokens", "2") as port:
        assert all("usage" not in chunk for chunk in events(chat(port, stream=True)))


def test_models_health_and_errors() -> None:
    with simulator("--model", "tiny", "--api-key", "k") as port, httpx.Client(
        base_url=f"http://127.0.0.1:{port}", headers={"Authorization": "Bearer k"}
    ) as client:  # fmt: skip
        assert [model["id"] for model in client.get("/v1/models").json()["data"]] == ["tiny"]
        assert client.get("/health").json() == {"status": "ok"}
        assert client.get("/nope").status_code == 404
        wrong = client.post("/v1/chat/completions", content=b"{")
        assert wrong.status_code == 400
        assert "wrong body" in wrong.json()["error"]["message"]
        assert httpx.get(f"http://127.0.0.1:{port}/v1/models").status_code == 401


def test_faults() -> None:
    with simulator("--ttft-ms", "0", "--error-rate", "1", "--errors", "http_429") as port:
        limited = chat(port, stream=True)
    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "1")
    with (
        simulator("--ttft-ms", "0", "--error-rate", "1", "--errors", "truncate") as port,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        chat(port, stream=True)


def test_the_log_tells_when_bytes_left(tmp_path: Path) -> None:
    log = tmp_path / "truth.jsonl"
    with simulator("--ttft-ms", "30", "--itl-ms", "10", "--tokens", "4", "--log", str(log)) as port:
        chat(port, stream=True)
    (line,) = [json.loads(line) for line in log.read_text().splitlines()]
    offsets_ms = [(at - line["request_ns"]) / 1e6 for at in line["chunk_ns"]]
    assert len(offsets_ms) == 4
    assert all(due <= offset < due + 20 for due, offset in zip((30, 40, 50, 60), offsets_ms, strict=True))
    assert line["end_ns"] >= line["chunk_ns"][-1]
    assert line["fault"] is None


def test_a_course_depends_on_seed_and_number_alone() -> None:
    behaviour = Behaviour(jitter=0.2, error_rate=0.3, errors="http_500,stall", seed=5)
    first = [course(behaviour, number, 10) for number in range(50)]
    assert first == [course(behaviour, number, 10) for number in range(50)]
    assert {one.fault for one in first} == {None, "http_500", "stall"}
    assert all(one.offsets_ns == sorted(one.offsets_ns) for one in first)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--error-rate", "2"], "error_rate must be between 0 and 1"),
        (["--errors", "nope"], "unknown fault nope; known are http_400"),
        (["--tokens", "0"], "tokens must be between 1"),
        (["--ttft-ms", "x"], "invalid float value"),
    ],
)
def test_wrong_arguments(arguments: list[str], message: str) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "app.simulator", *arguments], capture_output=True, text=True, check=False
    )
    assert result.returncode == 2
    assert message in result.stderr


def test_it_ends_with_its_owner_when_asked_to(tmp_path: Path) -> None:
    log = tmp_path / "truth.jsonl"
    command = [sys.executable, "-m", "app.simulator", "--port", "0", "--exit-with-stdin", "--log", str(log)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["port"]
        process.stdin.write(b"anything")
        process.stdin.flush()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.stdin.close()
        assert process.wait(30) == 0


def test_it_outlives_standard_input_when_not_asked_to() -> None:
    command = [sys.executable, "-m", "app.simulator", "--port", "0"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["port"]
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.terminate()
        assert process.wait(30) == 0
