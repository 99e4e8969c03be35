import csv
import json
from pathlib import Path
from uuid import UUID

import pytest

from app.cli import EXIT_FAILED, EXIT_USAGE
from app.core.ids import new_id
from app.core.settings import StorageSettings
from tests.cli.conftest import Cli
from tests.factories import Rows

RESULTS = 5


@pytest.fixture
async def stored(rows: Rows, storage_settings: StorageSettings, tmp_path: Path) -> str:
    """The id of a finished benchmark in the database that `tmp_path/config.toml` names."""
    session = await rows.session(status="completed")
    await rows.results(session, RESULTS)
    (tmp_path / "config.toml").write_text(f"[storage]\ndatabase_url = {json.dumps(storage_settings.url)}\n")
    return str(session.id)


def test_stored_results_become_a_file(stored: str, cli: Cli, tmp_path: Path) -> None:
    done = cli(*f"results export --session {stored} --format csv --output new/results.csv".split())
    assert done.returncode == 0, done.stderr
    with (tmp_path / "new" / "results.csv").open(newline="") as file:
        assert [int(row["index"]) for row in csv.DictReader(file)] == list(range(RESULTS))


def test_results_go_to_standard_output_unless_a_file_is_named(stored: str, cli: Cli) -> None:
    done = cli("results", "export", "--session", stored)
    assert [json.loads(line)["index"] for line in done.stdout.splitlines()] == list(range(RESULTS))


def test_no_database_is_told_and_none_is_made(cli: Cli, tmp_path: Path) -> None:
    done = cli("results", "export", "--session", str(new_id()), "--output", "out.jsonl")
    assert done.returncode == EXIT_FAILED
    assert "there is no database at" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("stored")
def test_an_unknown_benchmark_is_told_and_leaves_no_file(cli: Cli, tmp_path: Path) -> None:
    done = cli("results", "export", "--session", str(new_id()), "--output", "out.jsonl")
    assert done.returncode == EXIT_FAILED
    assert "there is no benchmark" in done.stderr
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize(
    "arguments", [["--session", "nonsense"], ["--session", str(UUID(int=7)), "--format", "xml"], []]
)
def test_bad_usage_exits_with_2(cli: Cli, arguments: list[str]) -> None:
    assert cli("results", "export", *arguments).returncode == EXIT_USAGE


def test_a_server_that_is_not_there_is_told(cli: Cli) -> None:
    done = cli("results", "export", "--session", str(new_id()), "--server", "http://127.0.0.1:1")
    assert done.returncode == EXIT_FAILED
    assert "http://127.0.0.1:1 cannot be reached" in done.stderr


def test_a_server_needs_an_address(cli: Cli) -> None:
    done = cli("results", "export", "--session", str(new_id()), "--server", "nonsense")
    assert (done.returncode, done.stderr.count("must start with http://")) == (EXIT_USAGE, 1)


def measured(simulator: str, cli: Cli, *more: str) -> None:
    options = f"bench --base-url {simulator} --model m --concurrency 4 --requests 12 --quiet --output out".split()
    assert cli(*options, *more).returncode == 0


@pytest.mark.parametrize("tool", ["vllm", "aiperf", "guidellm"])
def test_results_are_shown_as_another_tool_does(tool: str, simulator: str, cli: Cli) -> None:
    measured(simulator, cli, "--save-gaps")
    done = cli("results", "show", "--results", "out", "--as", tool, "--json")
    document = json.loads(done.stdout)
    assert document["tool"] == tool
    if tool == "vllm":
        assert document["figures"]["completed"] == 12
        assert document["figures"]["mean_itl_ms"] == pytest.approx(5, abs=2)
        assert document["missing"] == {"request_goodput": "the run has no service levels"}
    plain = cli("results", "show", "--results", "out", "--as", tool)
    assert plain.returncode == 0
    assert f"as {tool} reports it" in plain.stdout


def test_without_gaps_the_missing_figures_are_named(simulator: str, cli: Cli) -> None:
    measured(simulator, cli)
    shown = cli("results", "show", "--results", "out/results.jsonl", "--as", "vllm").stdout
    assert "mean_itl_ms: the chunk gaps were not kept" in shown


def test_our_own_summary_is_shown_again_also_without_its_file(simulator: str, cli: Cli, tmp_path: Path) -> None:
    measured(simulator, cli)
    assert "12 ok, 0 failed" in cli("results", "show", "--results", "out").stdout
    (tmp_path / "out" / "summary.json").unlink()
    assert "12 ok, 0 failed" in cli("results", "show", "--results", "out").stdout
    exported = cli("results", "export", "--results", "out", "--format", "vllm", "--output", "vllm.json")
    assert exported.returncode == 0
    assert len(json.loads((tmp_path / "vllm.json").read_text())["ttfts"]) == 12


def test_a_stored_benchmark_is_shown_as_another_tool_does(stored: str, cli: Cli) -> None:
    document = json.loads(cli("results", "show", "--session", stored, "--as", "aiperf", "--json").stdout)
    assert document["tool"] == "aiperf"
    file = json.loads(cli("results", "export", "--session", stored, "--format", "vllm").stdout)
    assert file["num_prompts"] == RESULTS


@pytest.mark.parametrize(
    "arguments", [[], ["--session", str(UUID(int=7)), "--results", "out"], ["--results", "nowhere"], ["--as", "k6"]]
)
def test_show_needs_one_source(cli: Cli, arguments: list[str]) -> None:
    assert cli("results", "show", *arguments).returncode == EXIT_USAGE
