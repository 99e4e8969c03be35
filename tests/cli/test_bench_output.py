import csv
import json
import resource
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.cli.bench_output import OutputError, ResultFiles, check_needs_output, parse_formats
from app.cli.usage import UsageProblem
from tests.cli.command import PYTHON
from tests.cli.conftest import Cli

FIELDS = ("index", "status", "error", "ttft_ms")
ROWS = [
    {"index": 0, "status": "ok", "error": None, "ttft_ms": 1.5},
    {"index": 1, "status": "error", "error": "=HYPERLINK(1)", "ttft_ms": None},
]


def test_rows_are_on_disk_as_soon_as_they_are_written(tmp_path: Path) -> None:
    with ResultFiles(tmp_path / "new" / "folder", ("jsonl",), FIELDS) as files:
        files.write(ROWS)
        lines = (files.folder / "results.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == ROWS


def test_the_other_formats_hold_the_same_rows(tmp_path: Path) -> None:
    with ResultFiles(tmp_path, ("csv", "json"), FIELDS) as files:
        files.write(ROWS)
        written = files.finish({"requests": {"total": 2}})
    assert {path.name for path in written} == {"summary.json", "results.jsonl", "results.csv", "results.json"}
    assert json.loads((tmp_path / "results.json").read_text()) == ROWS
    with (tmp_path / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0] == {"index": "0", "status": "ok", "error": "", "ttft_ms": "1.5"}
    assert rows[1]["error"] == "'=HYPERLINK(1)"  # a spreadsheet would run it otherwise
    assert json.loads((tmp_path / "summary.json").read_text()) == {"requests": {"total": 2}}


def test_no_rows_still_make_valid_files(tmp_path: Path) -> None:
    with ResultFiles(tmp_path, ("csv", "json"), FIELDS) as files:
        files.finish({})
    assert json.loads((tmp_path / "results.json").read_text()) == []
    assert (tmp_path / "results.csv").read_text().strip() == ",".join(FIELDS)


def test_files_of_an_earlier_run_do_not_stay_behind(tmp_path: Path) -> None:
    (tmp_path / "results.csv").write_text("old")
    (tmp_path / "notes.md").write_text("mine")
    with ResultFiles(tmp_path, ("jsonl",), FIELDS) as files:
        files.finish({})
    assert not (tmp_path / "results.csv").exists()
    assert (tmp_path / "notes.md").exists()


def test_a_folder_that_cannot_be_made_is_bad_usage(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageProblem, match="--output"):
        ResultFiles(tmp_path / "file" / "folder", ("jsonl",), FIELDS)


def test_formats_are_known_names_separated_by_commas() -> None:
    assert parse_formats("jsonl, csv,csv") == ("jsonl", "csv")
    with pytest.raises(UsageProblem, match="xml"):
        parse_formats("jsonl,xml")


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """As if the disk were full from there on."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


def test_a_full_disk_keeps_whole_lines_and_names_the_file(tmp_path: Path) -> None:
    with ResultFiles(tmp_path, ("jsonl", "csv"), FIELDS) as files:
        with files_of_at_most(150), pytest.raises(OutputError, match=r"results\.jsonl: File too large"):
            files.write(ROWS * 10)
        lines = (tmp_path / "results.jsonl").read_text().splitlines(keepends=True)
        assert all(json.loads(line) in ROWS and line.endswith("\n") for line in lines)
        assert 0 < len(lines) < 4
        with files_of_at_most(10), pytest.raises(OutputError, match=r"summary\.json: File too large"):
            files.finish({"requests": {"total": 2}})
        assert not (tmp_path / "summary.json").exists()
        files.write(ROWS[:1])
    assert len((tmp_path / "results.jsonl").read_text().splitlines()) == len(lines) + 1


@pytest.mark.parametrize("stream", ["--stream", "--no-stream"])
def test_what_the_server_says_about_its_times_is_kept(stream: str, cli: Cli, tmp_path: Path) -> None:
    options = "--port 0 --ttft-ms 12 --itl-ms 2 --tokens 4 --timings both --exit-with-stdin"
    process = subprocess.Popen(
        [*PYTHON, "-m", "app.simulator", *options.split()], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        port = json.loads(process.stdout.readline())["port"]
        target = f"--base-url http://127.0.0.1:{port}/v1 --model m --requests 3 {stream}"
        done = cli(*f"bench {target} --output out --export csv --quiet --json".split())
        process.stdin.close()
    assert done.returncode == 0, done.stderr
    expected = {
        "openai_processing_ms": 12.0,
        "server_timing_prefill_ms": 12.0,
        "server_timing_decode_ms": 6.0,
        "prompt_ms": 12.0,
        "predicted_ms": 6.0,
    }
    lines = [json.loads(line) for line in (tmp_path / "out" / "results.jsonl").read_text().splitlines()]
    assert [line["server_timings_ms"] for line in lines] == [expected] * 3
    summary = json.loads(done.stdout)
    assert {name: metric["mean"] for name, metric in summary["server_timings"].items()} == pytest.approx(expected)
    with (tmp_path / "out" / "results.csv").open(newline="") as file:
        assert json.loads(next(csv.DictReader(file))["server_timings_ms"]) == expected


@pytest.mark.parametrize("name", ["export", "save_gaps"])
def test_what_files_hold_needs_files(name: str) -> None:
    check_needs_output({name}, Path("out"))
    check_needs_output({"requests"}, None)
    with pytest.raises(UsageProblem, match=f"--{name.replace('_', '-')}: needs --output"):
        check_needs_output({name}, None)
