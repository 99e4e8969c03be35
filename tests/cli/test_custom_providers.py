"""Custom providers on the command line, with the example files, against the simulator."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.loadgen.servers import simulator

FOLDER = Path(__file__).parents[2] / "docs" / "providers"
QUICK = ("--ttft-ms", "5", "--itl-ms", "1", "--tokens", "8", "--reasoning", "3", "--cache-read", "0.5",
         "--api-key", "k")  # fmt: skip


# The simulator does not speak the format of `named-sse.toml`; `tests/adapters/test_custom_odd.py` decodes it.
SPOKEN = sorted(path.name for path in FOLDER.glob("*.toml") if path.name != "named-sse.toml")


@pytest.mark.parametrize("name", SPOKEN)
def test_an_example_file_and_its_replay(name: str, cli: Cli, tmp_path: Path) -> None:
    with simulator(*QUICK) as port:
        address = f"http://127.0.0.1:{port}" + ("/v1" if name == "chat-sse.toml" else "")
        options = f"--base-url {address} --api-key-env K --quiet"
        made = "--model m --concurrency 2 --requests 6 --output out --input-tokens 16"
        done = cli("bench", "--provider-file", FOLDER / name, *made.split(), *options.split(), env={"K": "k"})
        assert done.returncode == 0, done.stderr + done.stdout
        rows = [json.loads(line) for line in (tmp_path / "out/results.jsonl").read_text().splitlines()]
        assert {(row["provider"], row["token_count_source"]) for row in rows} == {("custom", "usage")}
        assert {row["chunks"] for row in rows} == {1 if name == "whole-json.toml" else 8}
        assert {row["output_tokens"] for row in rows} == {8}
        assert {row["reasoning_tokens"] for row in rows} == {None if name == "lines-ndjson.toml" else 3}
        again = cli("bench", "--replay", tmp_path / "out", *options.split(), "--output", "again", env={"K": "k"})
        assert again.returncode == 0, again.stderr
        before, after = (json.loads((tmp_path / one / "bundle.json").read_text()) for one in ("out", "again"))
        assert before["targets"][0]["requests"] == after["targets"][0]["requests"]
        assert before["targets"][0]["endpoint"]["definition"]["request"]["path"]


def test_a_provider_from_a_file(cli: Cli) -> None:
    with simulator(*QUICK) as port:
        address = f"http://127.0.0.1:{port}/v1"
        file = FOLDER / "chat-sse.toml"
        added = cli("providers", "add", "--file", file, "--base-url", address, "--key-env", "K", env={"K": "k"})
        assert added.stdout == f"added custom provider 'acme-chat' at {address}, with a stored key\n", added.stderr
        assert cli("providers", "test", "acme-chat").returncode == 0
        models = json.loads(cli("providers", "models", "acme-chat", "--json").stdout)
        assert [model["id"] for model in models] == ["simulated"]
        paid = cli("providers", "test", "acme-chat", "--completion", "--model", "m")
        assert "m said: " in paid.stdout
        assert "acme-chat" in cli("providers", "list").stdout


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x = ", "not TOML"),
        ("a = 1", "a: is unknown; allowed here are request, select"),
        ('[request]\npath="/x"\nbody={x="{prompt}"}\n[select]\ntext="x"', "select.text: 'x' is no selector"),
        ('[request]\npath="/x"\nheaders={X-Api-Key="abc"}\nbody={x="{prompt}"}\n[select]\ntext="$.x"', "a secret"),
    ],
)
def test_a_wrong_file(text: str, says: str, cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(text)
    added = cli("providers", "add", "own", "--file", "own.toml")
    asked = cli("bench", "--provider-file", "own.toml", "--model", "m", "--requests", "1")
    for outcome, option in ((added, "--file: own.toml: "), (asked, "--provider-file: own.toml: ")):
        assert outcome.returncode == 2
        assert says in outcome.stderr
        assert option in outcome.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("providers add", "NAME: is required"),
        ("providers add x", "--kind: is required"),
        ("providers add x --kind openai --file own.toml", "--kind: leave it out"),
        ("providers add x --file nowhere.toml", "No such file"),
        ("bench --provider custom --base-url http://127.0.0.1:9 --model m --requests 1", "--provider-file"),
        ("bench --provider openai --provider-file own.toml --model m --requests 1", "--provider: leave it out"),
    ],
)
def test_wrong_options(arguments: str, says: str, cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text((FOLDER / "chat-sse.toml").read_text(encoding="utf-8"))
    outcome = cli(*arguments.split())
    assert outcome.returncode == 2
    assert says in outcome.stderr


def test_a_simulator_of_some_formats(cli: Cli) -> None:
    with simulator(*QUICK, "--formats", "anthropic,ollama") as port:
        base = f"--base-url http://127.0.0.1:{port} --api-key-env K --model m --requests 2 --concurrency 1 --quiet"
        work = "--input-tokens 16 --words-per-token 1"
        for kind, ok in (("anthropic", True), ("ollama", True), ("openai", False), ("gemini", False)):
            done = cli("bench", "--provider", kind, *base.split(), *work.split(), env={"K": "k"})
            assert (done.returncode == 0) is ok, done.stdout + done.stderr
            assert ok or "spoken here: anthropic, ollama" in done.stdout + done.stderr
    refused = cli("simulate", "--format", "nope")
    assert refused.returncode == 2
    assert "known are openai, openai-responses, anthropic" in refused.stderr
