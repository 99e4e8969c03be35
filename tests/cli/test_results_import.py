import json
from pathlib import Path

import pytest

from app.cli import EXIT_FAILED, EXIT_USAGE
from app.core.settings import StorageSettings
from tests.cli.conftest import Cli
from tests.factories import Rows
from tests.reports import peer_files


@pytest.fixture
def vllm_file(tmp_path: Path) -> Path:
    path = tmp_path / "bench.json"
    path.write_text(json.dumps(peer_files.VLLM))
    return path


def test_a_file_becomes_a_folder_that_other_commands_read(vllm_file: Path, cli: Cli, tmp_path: Path) -> None:
    done = cli("results", "import", vllm_file, "--output", "out")
    assert done.returncode == 0, done.stderr
    assert "suspect" in done.stdout
    assert "not recorded  ttfb_ms" in done.stdout
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["source"]["tool"] == "vllm"
    assert len(summary["source"]["file_sha256"]) == 64
    assert summary["requests"]["ok"] == 2
    assert summary["spec"]["tags"] == ["imported"]
    shown = json.loads(cli("results", "show", "--results", "out", "--as", "vllm", "--json").stdout)
    assert shown["figures"]["mean_ttft_ms"] == pytest.approx(150)
    assert shown["figures"]["mean_itl_ms"] == pytest.approx(130 / 6)


@pytest.fixture
async def administrator(rows: Rows, storage_settings: StorageSettings, tmp_path: Path) -> None:
    """One in the database that `tmp_path/config.toml` names."""
    await rows.user(username="admin", role="admin")
    (tmp_path / "config.toml").write_text(f"[storage]\ndatabase_url = {json.dumps(storage_settings.url)}\n")


@pytest.mark.usefixtures("administrator")
def test_an_imported_run_is_a_benchmark_of_the_administrator(vllm_file: Path, cli: Cli) -> None:
    done = cli("results", "import", vllm_file, "--store", "--name", "from vLLM")
    assert done.returncode == 0, done.stderr
    session = done.stdout.split("Stored as benchmark ")[1].split()[0]
    lines = [json.loads(line) for line in cli("results", "export", "--session", session).stdout.splitlines()]
    assert [line["status"] for line in lines] == ["ok", "ok", "error"]
    shown = cli("results", "show", "--session", session)
    assert "from vLLM" in shown.stdout
    assert "suspect: imported" in shown.stdout
    seen = json.loads(cli("results", "show", "--session", session, "--as", "vllm", "--json").stdout)
    assert seen["figures"]["mean_itl_ms"] == pytest.approx(130 / 6)


@pytest.mark.usefixtures("rows")
def test_without_an_administrator_nothing_is_stored(
    vllm_file: Path, cli: Cli, storage_settings: StorageSettings, tmp_path: Path
) -> None:
    (tmp_path / "config.toml").write_text(f"[storage]\ndatabase_url = {json.dumps(storage_settings.url)}\n")
    done = cli("results", "import", vllm_file, "--store")
    assert done.returncode == EXIT_FAILED
    assert "no administrator" in done.stderr


def test_aggregates_are_shown_as_claims(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "profile_export_aiperf.json"
    path.write_text(json.dumps(peer_files.AIPERF_AGGREGATES))
    done = cli("results", "import", path, "--output", "out")
    assert done.returncode == 0
    assert "nothing can be computed" in done.stdout
    assert "claimed  request_latency.avg: 2620.71" in done.stdout
    claims = json.loads((tmp_path / "out" / "claims.json").read_text())
    assert claims["recomputed"] is False
    assert not (tmp_path / "out" / "summary.json").exists()
    assert cli("results", "import", path, "--store").returncode == EXIT_FAILED


def test_bad_input_is_told_without_a_traceback(vllm_file: Path, cli: Cli, tmp_path: Path) -> None:
    assert cli("results", "import", vllm_file).returncode == EXIT_USAGE
    assert cli("results", "import", "nowhere.json", "--output", "out").returncode == EXIT_USAGE
    (tmp_path / "strange.json").write_text("[1, 2")
    done = cli("results", "import", "strange.json", "--output", "out")
    assert done.returncode == EXIT_FAILED
    assert "error: strange.json: not JSON" in done.stderr
    assert not (tmp_path / "out").exists()
