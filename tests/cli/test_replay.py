import gzip
import json
from pathlib import Path

import pytest

from app.cli import EXIT_USAGE
from tests.cli.conftest import Cli
from tests.loadgen.servers import simulator as server


@pytest.fixture
def recorded(simulator: str, cli: Cli, tmp_path: Path) -> Path:
    options = f"--base-url {simulator} --model m --rate 40 --requests 12 --seed 5 --input-tokens 16 --output-tokens 3"
    done = cli("bench", *options.split(), "--header", "X-Team: blue", "--output", "out", "--quiet")
    assert done.returncode == 0, done.stderr
    return tmp_path / "out" / "bundle.json"


def test_a_bundle_repeats_the_run(recorded: Path, cli: Cli, tmp_path: Path) -> None:
    assert "blue" not in recorded.read_text()
    done = cli("bench", "--replay", recorded, "--output", "again", "--quiet", "--json")
    assert done.returncode == 0, done.stderr
    assert "X-Team" in done.stderr
    assert json.loads(done.stdout)["requests"]["ok"] == 12
    before, after = (json.loads((tmp_path / name / "bundle.json").read_text()) for name in ("out", "again"))
    assert before["machine"] == after["machine"]
    for part in ("schedule", "requests"):
        assert before["targets"][0][part] == after["targets"][0][part]
    assert after["spec"] == before["spec"]


def test_a_replay_sends_what_the_probes_of_the_run_led_to(cli: Cli, tmp_path: Path) -> None:
    logs = [tmp_path / f"requests-{name}.jsonl" for name in ("before", "after")]
    bodies = []
    for log, tokeniser, options in (
        (
            logs[0],
            "1.3",
            "--rate 60 --requests 12 --seed 5 --input-tokens uniform:40-90 --output-tokens 3 --output before",
        ),
        (logs[1], "2", "--replay before --output after"),
    ):
        with server(
            "--ttft-ms", "2", "--itl-ms", "1", "--tokens-per-word", tokeniser, "--requests-log", str(log)
        ) as port:
            done = cli(
                "bench", "--base-url", f"http://127.0.0.1:{port}/v1", "--model", "m", *options.split(), "--quiet"
            )
        assert done.returncode == 0, done.stderr
        bodies.append(sorted(json.dumps(json.loads(line)["body"]) for line in log.read_text().splitlines()))
    probes = [body for body in bodies[0] if body not in bodies[1]]
    assert (len(probes), len(bodies[1])) == (4, 12)
    assert sorted(probes + bodies[1]) == bodies[0]
    before, after = (json.loads((tmp_path / name / "bundle.json").read_text()) for name in ("before", "after"))
    for part in ("schedule", "tokens", "requests"):
        assert before["targets"][0][part] == after["targets"][0][part]
    words = json.loads((tmp_path / "after" / "summary.json").read_text())["workload"]
    assert (words["source"], words["probe_requests"]) == ("usage", 0)
    assert words["words_per_token"] == pytest.approx(1 / 1.3, rel=0.01)


def test_target_options_are_taken_and_told(recorded: Path, cli: Cli, tmp_path: Path) -> None:
    done = cli("bench", "--replay", recorded.parent, "--model", "other", "--output", "again", "--quiet")
    assert done.returncode == 0, done.stderr
    assert "model is other, it was m" in done.stderr
    assert json.loads((tmp_path / "again" / "bundle.json").read_text())["targets"][0]["endpoint"]["model"] == "other"


def test_a_run_that_would_be_another_is_refused(recorded: Path, cli: Cli, tmp_path: Path) -> None:
    bundle = json.loads(recorded.read_text())
    bundle["spec"]["seed"] = 6
    (tmp_path / "other.json.gz").write_bytes(gzip.compress(json.dumps(bundle).encode()))
    done = cli("bench", "--replay", "other.json.gz", "--output", "again")
    assert done.returncode == EXIT_USAGE
    assert "schedule differs" in done.stderr
    assert "request 0 differs" in done.stderr
    assert not (tmp_path / "again").exists()


def test_other_options_do_not_go_with_it(recorded: Path, cli: Cli) -> None:
    done = cli("bench", "--replay", recorded, "--rate", "3", "--seed", "1")
    assert done.returncode == EXIT_USAGE
    assert "--rate, --seed: given by the bundle" in done.stderr


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"format": "x"}', b"\x1f\x8bbroken", b"[" * 100_000])
def test_a_file_that_is_no_bundle_is_told(content: bytes, cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "bundle.json").write_bytes(content)
    for path in ("bundle.json", "nowhere.json"):
        done = cli("bench", "--replay", path)
        assert done.returncode == EXIT_USAGE
        assert "--replay" in done.stderr


def test_without_a_bundle_the_model_is_needed(cli: Cli) -> None:
    done = cli("bench", "--base-url", "http://127.0.0.1:9/v1", "--requests", "1")
    assert done.returncode == EXIT_USAGE
    assert "--model" in done.stderr
