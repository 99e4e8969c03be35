"""`bench` as users run it: a process of its own, the real engine, the built-in simulator."""

import csv
import json
import re
import signal
import socket
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from app.cli import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_USAGE
from tests.cli.command import PYTHON, environment, run

ISSUE_FIELDS = (
    *("index", "response_id", "status", "error_type", "error", "attempts", "clock"),
    *("intended_ns", "started_ns", "first_byte_ns", "first_token_ns", "last_token_ns", "end_ns"),
    *("schedule_delay_ms", "dns_ms", "connect_ms", "tls_ms", "ttfb_ms", "ttft_ms", "ttfo_ms", "tpot_ms", "e2e_ms"),
    *("input_tokens", "output_tokens", "reasoning_tokens", "token_count_source"),
    *("chunks", "coalesced_chunks", "cost_usd"),
)
STATISTICS = {"n", "min", "max", "mean", "stdev", "p50", "p75", "p90", "p95", "p99", "p99.9"}


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]


def summary(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    return found


def test_a_benchmark_measures_and_writes_every_file(simulator: str, tmp_path: Path) -> None:
    arguments = "--model m --concurrency 8 --requests 60 --output out --export jsonl,csv,json --slo-ttft-ms 1000"
    done = run("bench", "--base-url", simulator, *arguments.split(), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "60 ok, 0 failed" in done.stdout
    assert "instrument" in done.stdout

    rows = lines(tmp_path / "out")
    assert sorted(row["index"] for row in rows) == list(range(60))
    assert {row["status"] for row in rows} == {"ok"}
    assert len({row["response_id"] for row in rows}) == 60
    assert set(rows[0]) >= set(ISSUE_FIELDS)
    assert all(19 < row["ttft_ms"] < 500 for row in rows)
    assert {row["output_tokens"] for row in rows} == {10}

    found = summary(tmp_path / "out")
    assert found["requests"] == {"total": 60, "ok": 60, "failed": 0, "by_error_type": {}, "by_finish": {"stop": 60}}
    assert set(found["metrics"]["ttft_ms"]) >= STATISTICS
    assert found["metrics"]["ttft_ms"]["n"] == 60
    assert found["instrument"]["verdict"] in {"trusted", "suspect", "client_bound"}
    assert found["status"] == "completed"

    assert json.loads((tmp_path / "out" / "results.json").read_text()) == rows
    with (tmp_path / "out" / "results.csv").open(newline="") as file:
        assert [int(row["index"]) for row in csv.DictReader(file)] == [row["index"] for row in rows]


def test_json_is_the_only_thing_on_standard_output(simulator: str, tmp_path: Path) -> None:
    arguments = "--model m --requests 3 --prompt hello --json --quiet"
    done = run("bench", "--base-url", simulator, *arguments.split(), cwd=tmp_path)
    assert json.loads(done.stdout)["requests"]["ok"] == 3
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


def test_an_open_loop_over_two_workers_runs_for_its_duration(simulator: str, tmp_path: Path) -> None:
    arguments = "--model m --rate 40 --arrival constant --duration 1 --workers 2 --output out --save-responses"
    done = run("bench", "--base-url", simulator, *arguments.split(), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = lines(tmp_path / "out")
    assert len(rows) == 40
    intended = sorted(row["intended_ns"] for row in rows)
    gaps = {later - earlier for earlier, later in pairwise(intended)}
    assert all(abs(gap - 25_000_000) < 1_000_000 for gap in gaps)  # one schedule over both workers
    assert all(row["response_text"] for row in rows)


def test_a_folder_with_another_app_package_does_no_harm(simulator: str, tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "__init__.py").write_text("raise RuntimeError('the wrong one')\n")
    command = Path(PYTHON[0]).with_name("llm-test-bench")
    done = subprocess.run(
        [command, *f"bench --base-url {simulator} --model m --requests 1".split()],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_more_users_than_file_descriptors_are_failed_requests(simulator: str, tmp_path: Path) -> None:
    arguments = "--model m --concurrency 200 --requests 600 --output out"
    done = subprocess.run(
        ["bash", "-c", 'ulimit -n 100; exec "$@"', "bash", *PYTHON, "-m", "app.cli", "bench",
         "--base-url", simulator, *arguments.split()],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = lines(tmp_path / "out")
    assert len(rows) == 600
    failed = [row for row in rows if row["status"] == "error"]
    assert {(row["error_type"], row["error"]) for row in failed} == {("connect", "Too many open files")}
    assert 100 < len(failed) < 600


def test_ctrl_c_stops_cleanly_and_keeps_what_was_measured(simulator: str, tmp_path: Path) -> None:
    arguments = "--model m --concurrency 4 --requests 1000000 --output out"
    process = subprocess.Popen(
        [*PYTHON, "-m", "app.cli", "bench", "--base-url", simulator, *arguments.split()],
        cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    while re.search(r"[1-9]\d*/1000000 done", process.stderr.readline()) is None:
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == EXIT_INTERRUPTED, stderr
    assert "Stopping" in stderr
    rows = lines(tmp_path / "out")
    assert rows
    found = summary(tmp_path / "out")
    assert found["status"] == "interrupted"
    assert found["requests"]["total"] == len(rows)
    assert f"{found['requests']['ok']:,} ok" in stdout


def test_a_server_that_is_not_there_fails_with_classified_errors(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    arguments = f"--base-url http://127.0.0.1:{port}/v1 --model m --concurrency 2 --requests 6 --output out"
    done = run("bench", *arguments.split(), cwd=tmp_path)
    assert done.returncode == EXIT_FAILED
    assert "connect 6" in done.stdout
    assert "first connect: Connection refused" in done.stderr
    rows = lines(tmp_path / "out")
    assert [(row["status"], row["error_type"]) for row in rows] == [("error", "connect")] * 6
    assert all(row["error"] for row in rows)
    assert summary(tmp_path / "out")["requests"]["by_error_type"] == {"connect": 6}


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ("--requests 1", "--model"),
        ("--model m --base-url http://127.0.0.1:1", "--requests, --duration"),
        ("--model m --requests 1", "--base-url"),
        ("--model m --requests 1 --provider nope", "unknown provider kind 'nope'"),
        ("--model m --requests many", "--requests"),
        ("--model m --requests 1 --base-url http://127.0.0.1:1 --concurrency 0", "--concurrency"),
        ("--model m --requests 1 --base-url http://127.0.0.1:1 --rate 1 --arrival uniform", "--arrival"),
        ("--model m --requests 1 --base-url http://127.0.0.1:1 --export xml --output out", "--export"),
        ("--model m --requests 1 --base-url http://127.0.0.1:1 --dataset absent.txt", "absent.txt"),
        ("--model m --requests 1 --base-url http://127.0.0.1:1 --frobnicate", "--frobnicate"),
    ],
)
def test_bad_usage_names_the_option_and_exits_with_2(cli: Any, tmp_path: Path, arguments: str, named: str) -> None:
    done = cli("bench", *arguments.split())
    assert done.returncode == EXIT_USAGE
    assert named in done.stderr
    assert list(tmp_path.iterdir()) == []
