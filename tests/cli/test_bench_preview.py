"""`bench --preset`, `--list-presets`, `--print-spec`, `--dry-run`: what would run, without running it."""

import io
import json
from pathlib import Path

import pytest

from app.benchmarks.presets import presets
from app.cli import EXIT_USAGE
from tests.cli.conftest import Cli

AT = ("--base-url", "http://127.0.0.1:9/v1", "--model", "m")


def test_presets_are_listed_with_their_purpose(cli: Cli) -> None:
    done = cli("bench", "--list-presets")
    assert done.returncode == 0
    assert "quick-check" in done.stdout
    assert "does it answer, and about how fast?" in " ".join(done.stdout.split())
    listed = json.loads(cli("bench", "--list-presets", "--json").stdout)
    assert [one["name"] for one in listed["presets"]] == [one.name for one in presets().presets]


def test_a_preset_is_the_spec_that_options_go_over(cli: Cli) -> None:
    printed = json.loads(cli("bench", "--preset", "nightly", *AT, "--requests", "7", "--print-spec").stdout)
    assert printed["targets"] == [{"provider": "openai-compatible", "model": "m"}]
    assert (printed["name"], printed["seed"], printed["load"]["concurrency"]) == ("Nightly regression", 1, 32)
    assert printed["stop"] == {"requests": 7, "duration_seconds": 1800}
    assert printed["slo"]["ttft_ms"] == 500


def test_wrong_uses_are_named(cli: Cli, tmp_path: Path) -> None:
    unknown = cli("bench", "--preset", "nope", *AT)
    assert unknown.returncode == EXIT_USAGE
    assert "there is no preset 'nope'; there are quick-check, " in " ".join(unknown.stderr.split())
    (tmp_path / "s.json").write_text("{}")
    both = cli("bench", "--preset", "soak", "--spec", "s.json", *AT)
    assert "--preset and --spec exclude each other" in both.stderr
    beyond = cli("bench", "--preset", "nightly", *AT, "--workers", "40", "--print-spec")
    assert "--workers: workers (40) must not exceed load.concurrency (32)" in " ".join(beyond.stderr.split())


def test_a_spec_is_read_from_standard_input(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = {"load": {"kind": "closed", "concurrency": 3}, "workload": {"kind": "prompt", "prompt": "it's"}}
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(spec)))
    printed = json.loads(cli("bench", "--spec", "-", *AT, "--requests", "2", "--print-spec").stdout)
    assert (printed["load"]["concurrency"], printed["workload"]["prompt"]) == (3, "it's")


def test_a_dry_run_says_what_it_would_cost_and_starts_nothing(cli: Cli) -> None:
    options = ("--provider", "openai", "--model", "gpt-4o-mini", "--input-tokens", "1000", "--output-tokens", "100")
    done = cli("bench", *options, "--requests", "200", "--dry-run")
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert "nothing was started" in said
    assert "requests 200" in said
    assert "cost $0.042" in said
    assert "$0.15 in, $0.6 out per million tokens (genai-prices" in said
    assert "warning: --requests: 200 requests a target name p99" in said
    unknown = json.loads(cli("bench", *AT, "--requests", "2", "--dry-run", "--json").stdout)
    assert unknown["plan"]["cost"] is None
