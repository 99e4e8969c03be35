"""`bench` with loads that change or end by themselves: a process of its own, the real engine, the simulator."""

import json
from pathlib import Path
from typing import Any

from app.cli import EXIT_USAGE
from tests.cli.command import run


def rows_of(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "results.jsonl").read_text().splitlines()
    return sorted((json.loads(line) for line in lines), key=lambda row: row["intended_ns"])


def test_rate_steps_end_by_themselves_over_two_workers(simulator: str, tmp_path: Path) -> None:
    arguments = "--model m --rate-steps 20:0.5,60:0.5 --arrival constant --workers 2 --output out --quiet"
    done = run("bench", "--base-url", simulator, *arguments.split(), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = rows_of(tmp_path / "out")
    assert len(rows) == 40
    offsets_ms = [(row["intended_ns"] - rows[0]["intended_ns"]) / 1e6 for row in rows]
    expected = [50.0 * n for n in range(10)] + [500 + n / 0.06 for n in range(30)]
    assert all(abs(offset - wanted) < 1e-3 for offset, wanted in zip(offsets_ms, expected, strict=True))


def test_a_run_can_be_repeated_from_its_own_summary(simulator: str, tmp_path: Path) -> None:
    first = "--model m --rate 40 --arrival gamma --burstiness 0.5 --requests 10 --seed 5 --output first --quiet"
    assert run("bench", "--base-url", simulator, *first.split(), cwd=tmp_path).returncode == 0
    again = "--spec first/summary.json --requests 12 --output again --quiet"
    done = run("bench", "--base-url", simulator, *again.split(), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    schedules = []
    for name in ("first", "again"):
        instants = [row["intended_ns"] for row in rows_of(tmp_path / name)]
        schedules.append([instant - instants[0] for instant in instants])
    assert len(schedules[1]) == 12
    # A Unix instant in nanoseconds is exact; its offset is too.
    assert schedules[1][:10] == schedules[0]


def test_a_limit_of_the_client_is_kept(simulator: str, tmp_path: Path) -> None:
    arguments = "--model m --concurrency 8 --requests 6 --max-requests-per-minute 300 --output out --quiet"
    done = run("bench", "--base-url", simulator, *arguments.split(), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    started = sorted(row["started_ns"] for row in rows_of(tmp_path / "out"))
    assert 0.9 < (started[-1] - started[0]) / 1e9 < 6


def test_wrong_options_are_told_in_one_line_each(tmp_path: Path) -> None:
    for arguments, says in (
        ("--model m --requests 1 --rate 5 --spike nonsense", "--spike: 'nonsense' is not RATE@BEGIN+SECONDS"),
        ("--requests 1", "--model: give the model to ask for"),
        ("--model m --trace absent.csv", "--trace: absent.csv: No such file"),
        ("--spec absent.json", "--spec: absent.json: No such file"),
        ("--model m --rate 5", "give --requests, --duration, or both"),
        ("--model m --requests 1 --arrival gamma --rate 5", "--arrival gamma: needs --burstiness"),
        ("--model m --requests 1 --arrival weird --rate 5", "--arrival"),
    ):
        done = run("bench", "--base-url", "http://127.0.0.1:9/v1", *arguments.split(), cwd=tmp_path)
        assert done.returncode == EXIT_USAGE
        assert says in " ".join(done.stderr.replace("│", " ").split())
        assert "Traceback" not in done.stderr


def test_a_trace_is_replayed_with_its_lengths(simulator: str, tmp_path: Path) -> None:
    requests = [
        {"timestamp": 1_000, "input_length": 60, "output_length": 7, "hash_ids": [1]},
        {"timestamp": 1_000, "input_length": 600, "output_length": 3, "hash_ids": [1, 2]},
        {"timestamp": 1_400, "input_length": 30, "output_length": 5, "hash_ids": [9]},
    ]
    (tmp_path / "trace.jsonl").write_text("".join(json.dumps(request) + "\n" for request in requests))
    arguments = "--model m --trace trace.jsonl --trace-speed 2 --words-per-token 1 --output out --quiet"
    done = run("bench", "--base-url", simulator, *arguments.split(), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = rows_of(tmp_path / "out")
    begin = rows[0]["intended_ns"]
    assert [row["intended_ns"] - begin for row in rows] == [0, 0, 200_000_000]
    by_index = sorted(rows, key=lambda row: row["index"])
    assert [row["output_tokens"] for row in by_index] == [7, 3, 5]
    assert [round(row["input_tokens"], -1) for row in by_index] == [60, 600, 30]
