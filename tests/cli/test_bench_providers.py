"""`bench --provider KIND` against the simulator, in each of the formats that are not OpenAI's chat."""

import json
from pathlib import Path

import pytest

from tests.cli.command import run


@pytest.mark.parametrize(
    "kind",
    ["anthropic", "openai-responses", "gemini", "cohere", "bedrock", "azure-openai", "ollama", "llamacpp-completion"],
)
def test_a_benchmark_of_each_format(kind: str, simulator: str, tmp_path: Path) -> None:
    base_url = simulator if kind == "openai-responses" else simulator.removesuffix("/v1")
    arguments = f"--provider {kind} --base-url {base_url} --model m --concurrency 4 --requests 12 --output out"
    done = run("bench", *arguments.split(), "--api-key-env", "KEY", cwd=tmp_path, env={"KEY": "AKID:secret"})
    assert done.returncode == 0, done.stderr
    assert "12 ok, 0 failed" in done.stdout
    rows = [json.loads(line) for line in (tmp_path / "out" / "results.jsonl").read_text().splitlines()]
    tokens = 128 if kind == "llamacpp-completion" else 10  # that one can be made to go on
    assert {row["output_tokens"] for row in rows} == {tokens}
    assert {row["token_count_source"] for row in rows} == {"usage"}
    assert {row["chunks"] for row in rows} == {tokens}
    assert all(19 < row["ttft_ms"] < 2000 for row in rows)


def test_a_version_in_the_address_is_taken_too(simulator: str, tmp_path: Path) -> None:
    arguments = f"--provider anthropic --base-url {simulator} --model m --requests 2 --concurrency 1"
    done = run("bench", *arguments.split(), cwd=tmp_path)
    assert "2 ok, 0 failed" in done.stdout
