"""`bench --sweep`, `--search` and `--budget` as users run them."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.cli import EXIT_FAILED, EXIT_USAGE
from app.cli.bench_view import plain_line, point_line
from tests.cli.command import run
from tests.cli.test_bench_remote import Service, on, service  # noqa: F401  (a fixture)
from tests.cli.test_bench_view import PROGRESS
from tests.loadgen.servers import simulator as start

FAST = "--model m -q --input-tokens 8 --output-tokens 5"


@pytest.fixture(scope="module")
def queueing() -> Iterator[str]:
    """A server that works on four requests at a time, 60 ms on each."""
    with start("--ttft-ms", "40", "--itl-ms", "5", "--tokens", "5", "--slots", "4") as port:
        yield f"http://127.0.0.1:{port}/v1"


def test_a_sweep_prints_a_row_per_point_and_writes_it(queueing: str, tmp_path: Path) -> None:
    arguments = f"{FAST} --sweep concurrency=1,4 --requests 12 --workers 2 --output out --export csv"
    done = run("bench", "--base-url", queueing, *arguments.split(), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "concurrency req/s tok/s TTFT p50 p95 ms TPOT p50 errors" in " ".join(done.stdout.split())
    assert "concurrency 1, 4 measured" in done.stdout
    rows = [json.loads(line) for line in (tmp_path / "out" / "results.jsonl").read_text().splitlines()]
    assert sorted((row["point"], row["level"]) for row in rows) == [(0, 1)] * 12 + [(1, 4)] * 12
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert [(point["point"], point["value"], point["requests"]["ok"]) for point in summary["points"]] == [
        (0, 1, 12),
        (1, 4, 12),
    ]
    assert summary["spec"]["explore"]["values"] == [1, 4]
    with (tmp_path / "out" / "results.csv").open(newline="") as file:
        assert {row["level"] for row in csv.DictReader(file)} == {"1.0", "4.0"}


def search(queueing: str, folder: Path, limit_ms: int, *more: str) -> Any:
    arguments = f"{FAST} --search concurrency=1..16 --requests 24 --max-points 5 --tolerance 0.5"
    require = f"p50 ttft < {limit_ms}"
    return run("bench", "--base-url", queueing, *arguments.split(), "--require", require, *more, cwd=folder)


def test_a_search_answers(queueing: str, tmp_path: Path) -> None:
    done = search(queueing, tmp_path, 130, "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    (found,) = summary["exploration"]["by_target"]
    assert 4 <= found["answer"] <= 12
    assert f"concurrency {found['answer']:g} meets p50 ttft_ms ≤ 130 ms (95 % confidence, " in found["statement"]


def test_a_search_without_an_answer_fails(queueing: str, tmp_path: Path) -> None:
    done = search(queueing, tmp_path, 1)
    assert done.returncode == EXIT_FAILED
    assert "not met" in done.stdout
    assert "error: no concurrency is known to meet p50 ttft_ms ≤ 1 ms: already 1 does not" in done.stderr


def test_a_search_on_a_server(service: Service, queueing: str, tmp_path: Path) -> None:  # noqa: F811
    arguments = f"{FAST} --provider queueing --sweep concurrency=1,4 --requests 6 --output out"
    done = run("bench", "--base-url", queueing, *arguments.split(), cwd=tmp_path, env=on(service))
    assert done.returncode == 0, done.stderr
    assert "concurrency 1, 4 measured" in done.stdout
    rows = [json.loads(line) for line in (tmp_path / "out" / "results.jsonl").read_text().splitlines()]
    assert sorted((row["point"], row["level"]) for row in rows) == [(0, 1)] * 6 + [(1, 4)] * 6
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert [point["value"] for point in summary["points"]] == [1, 4]
    page = service.get(f"/results?session_id={summary['id']}&point=1&limit=50")
    assert [item["level"] for item in page["items"]] == [4] * 6


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            "--provider openai --model gpt-4o-mini --requests 1000 --budget 0.000001",
            "--budget: the run is estimated at",
        ),
        ("--model gpt-4o-mini --requests 1 --budget 5", "--budget: the price of model gpt-4o-mini at provider"),
    ],
)
def test_a_budget_that_cannot_be_kept_is_bad_usage(queueing: str, tmp_path: Path, arguments: str, told: str) -> None:
    done = run("bench", "--base-url", queueing, *arguments.split(), cwd=tmp_path)
    assert done.returncode == EXIT_USAGE
    assert told in done.stderr


def test_a_server_refuses_a_budget_likewise(service: Service, queueing: str, tmp_path: Path) -> None:  # noqa: F811
    arguments = "--provider unpriced --model m --requests 1 --budget 5"
    done = run("bench", "--base-url", queueing, *arguments.split(), cwd=tmp_path, env=on(service))
    assert done.returncode == EXIT_USAGE
    assert "--budget: the price of model m at provider unpriced" in done.stderr


def test_a_run_that_reaches_its_budget_says_so(queueing: str, tmp_path: Path) -> None:
    arguments = "--provider openai --model gpt-4o-mini -q --concurrency 4 --duration 60 --budget 0.002"
    done = run("bench", "--base-url", queueing, *arguments.split(), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "of $0.0020 spent, and the run was stopped for it" in done.stdout


@pytest.mark.parametrize(
    ("explores", "says"),
    [("search", "point 3 of ≤16: concurrency 32"), ("sweep", "point 3 of 16: concurrency 32"), (None, None)],
)
def test_the_live_view_names_the_point(explores: str | None, says: str | None) -> None:
    point = {"point_index": 2, "points": 16, "level": 32.0, "parameter": "concurrency", "explores": explores}
    progress = PROGRESS | (point if explores else {"point_index": None, "level": None})
    assert point_line(progress) == says
    if says:
        assert says in plain_line(progress)
