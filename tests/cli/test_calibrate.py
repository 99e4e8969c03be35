import json
from pathlib import Path

import pytest

from app.cli import EXIT_USAGE
from tests.cli.command import run
from tests.cli.conftest import Cli


def test_a_calibration_is_kept_and_a_comparable_run_shows_it(simulator: str, cli: Cli, tmp_path: Path) -> None:
    options = "--concurrency 4 --ttft-ms 20 --chunk-ms 5 --tokens 10 --seconds 1.5 --data-dir data"
    done = run("calibrate", *options.split(), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "start → arrival" in done.stdout
    assert "at most this" in " ".join(done.stdout.split())
    stored = json.loads((tmp_path / "data" / "calibration.json").read_text())
    assert stored["points"][0]["concurrency"] == 4
    bench = cli(
        *f"bench --base-url {simulator} --model m --concurrency 4 --requests 60 --quiet --json".split(),
        env={"LTB_STORAGE__DATA_DIR": str(tmp_path / "data")},
    )
    instrument = json.loads(bench.stdout)["instrument"]
    assert instrument["calibration_reason"] is None
    assert instrument["calibration"]["concurrency"] == 4
    assert set(instrument["calibration"]["errors_ms"]) == {"ttft_ms", "icl_ms", "e2e_ms"}
    other = cli(
        *f"bench --base-url {simulator} --model m --concurrency 40 --requests 400 --quiet".split(),
        env={"LTB_STORAGE__DATA_DIR": str(tmp_path / "data")},
    )
    assert "± error" in other.stdout
    assert "factor of 2" in other.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["--concurrency", "x"],
        ["--concurrency", "0"],
        ["--concurrency", ""],
        ["--concurrency", "1,999999"],
        ["--tokens", "0"],
    ],
)
def test_bad_usage_exits_with_2(cli: Cli, arguments: list[str]) -> None:
    assert cli("calibrate", *arguments).returncode == EXIT_USAGE
