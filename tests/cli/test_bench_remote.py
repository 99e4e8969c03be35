"""`bench --server` and `results export --server` against a real service with a real simulator behind it."""

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from app.cli import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_USAGE
from tests.cli.command import PYTHON, environment, run

pytestmark = pytest.mark.slow


class Service(NamedTuple):
    """A running service and a key of its administrator."""

    url: str
    key: str

    def get(self, path: str) -> Any:
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx.get(f"{self.url}/api/v1{path}", headers=headers, timeout=10).raise_for_status().json()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*PYTHON, "-m", "app.cli", "serve", "--port", "0"],
            cwd=folder, env=environment({"LTB_DEMO__ENABLE": "false"}), stdout=subprocess.PIPE, stderr=log, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        try:
            ready = re.search(r"http://\S+", process.stdout.readline())
            assert ready is not None, (folder / "log").read_text()
            key = run("auth", "generate-key", "admin", "--name", "tests", cwd=folder)
            assert key.returncode == 0, key.stderr
            yield Service(ready[0], key.stdout.strip())
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
            process.stdout.close()


def on(service: Service) -> dict[str, str]:
    return {"LLM_TEST_BENCH_SERVER": service.url, "LLM_TEST_BENCH_API_KEY": service.key}


def test_a_benchmark_runs_on_the_server_and_its_results_come_back(
    service: Service, simulator: str, tmp_path: Path
) -> None:
    arguments = "--provider first --model m --concurrency 4 --requests 40 --output out --export jsonl,csv"
    done = run("bench", "--base-url", simulator, *arguments.split(), cwd=tmp_path, env=on(service))
    assert done.returncode == 0, done.stderr
    assert "40 ok, 0 failed" in done.stdout
    rows = [json.loads(line) for line in (tmp_path / "out" / "results.jsonl").read_text().splitlines()]
    assert sorted(row["index"] for row in rows) == list(range(40))
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert (summary["status"], summary["requests"]["ok"]) == ("completed", 40)
    assert service.get(f"/benchmarks/{summary['id']}")["summary"]["requests"]["ok"] == 40

    exported = run("results", "export", "--session", summary["id"], cwd=tmp_path, env=on(service))
    assert [json.loads(line) for line in exported.stdout.splitlines()] == rows

    known = "--provider first --model m --requests 1 -q"
    again = run("bench", *known.split(), cwd=tmp_path, env=on(service))
    assert again.returncode == 0, again.stderr
    other = "--provider first --base-url http://127.0.0.1:1/v1 --model m --requests 1"
    refused = run("bench", *other.split(), cwd=tmp_path, env=on(service))
    assert refused.returncode == EXIT_USAGE
    assert "--base-url: provider 'first'" in refused.stderr


def test_files_have_the_same_fields_wherever_a_run_was(service: Service, simulator: str, tmp_path: Path) -> None:
    arguments = "--model m --turns 2 --requests 4 --input-tokens 8 --output-tokens 2 --export jsonl,csv --quiet"
    for where, more, env in (("here", "", {}), ("there", "--provider fields", on(service))):
        options = f"{arguments} --output {where} {more}".split()
        done = run("bench", "--base-url", simulator, *options, cwd=tmp_path, env=env)
        assert done.returncode == 0, done.stderr
    here, there = (json.loads((tmp_path / name / "summary.json").read_text()) for name in ("here", "there"))
    assert list(here) == list(there)
    assert here["instrument"]["reader"] in {"native", "python"}
    assert here["instrument"]["reader"] == there["instrument"]["reader"]
    for part in ("workload", "instrument", "window", "rates", "requests", "by_target"):
        assert _names(here[part]) == _names(there[part])
    mine, theirs = (
        [json.loads(line) for line in (tmp_path / name / "results.jsonl").read_text().splitlines()]
        for name in ("here", "there")
    )
    assert set(theirs[0]) - set(mine[0]) == {"tags"}
    assert set(mine[0]) <= set(theirs[0])
    for lines in (mine, theirs):
        assert sorted((line["conversation"], line["turn"]) for line in lines) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    header = (tmp_path / "there" / "results.csv").read_text().splitlines()[0].split(",")
    assert {"conversation", "turn"} <= set(header)


def _names(part: Any) -> Any:
    if isinstance(part, list):
        return [_names(item) for item in part]
    return sorted(part)


def test_ctrl_c_cancels_on_the_server_and_keeps_what_was_measured(
    service: Service, simulator: str, tmp_path: Path
) -> None:
    arguments = "--provider second --model m --concurrency 4 --requests 1000000 --output out"
    process = subprocess.Popen(
        [*PYTHON, "-m", "app.cli", "bench", "--base-url", simulator, *arguments.split()],
        cwd=tmp_path, env=environment(on(service)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    while re.search(r"[1-9]\d*/1000000 done", process.stderr.readline()) is None:
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == EXIT_INTERRUPTED, stderr
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["status"] == "cancelled"
    lines = (tmp_path / "out" / "results.jsonl").read_text().splitlines()
    assert len(lines) == summary["requests"]["total"] > 0


def test_what_the_server_refuses_is_told_by_option(service: Service, simulator: str, tmp_path: Path) -> None:
    arguments = "--provider third --model m --concurrency 64 --requests 64 --workers 64"
    refused = run("bench", "--base-url", simulator, *arguments.split(), cwd=tmp_path, env=on(service))
    assert refused.returncode == EXIT_USAGE
    assert "--workers: " in refused.stderr


@pytest.mark.parametrize(
    ("changed", "arguments", "told"),
    [
        ({"LLM_TEST_BENCH_API_KEY": "ltb_nonsense"}, "--provider first", "LLM_TEST_BENCH_API_KEY"),
        ({"LLM_TEST_BENCH_SERVER": "http://127.0.0.1:1"}, "--provider first", "cannot be reached"),
        ({}, "--provider never-seen", "give --base-url to add it"),
    ],
)
def test_failures_are_told(
    service: Service, tmp_path: Path, changed: dict[str, str], arguments: str, told: str
) -> None:
    done = run("bench", *f"{arguments} --model m --requests 1".split(), cwd=tmp_path, env=on(service) | changed)
    assert done.returncode in {EXIT_FAILED, EXIT_USAGE}
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_provider_file_goes_to_the_server(service: Service, simulator: str, tmp_path: Path) -> None:
    file = Path(__file__).parents[2] / "docs" / "providers" / "chat-sse.toml"
    arguments = f"--provider-file {file} --base-url {simulator} --model m --concurrency 2 --requests 8"
    for _ in range(2):  # the second time it is there already
        done = run("bench", *arguments.split(), cwd=tmp_path, env=on(service))
        assert "8 ok, 0 failed" in done.stdout, done.stderr
    kept = service.get("/providers/acme-chat")
    assert (kept["kind"], kept["definition"]["request"]["path"]) == ("custom", "/chat/completions")
    other = tmp_path / "other.toml"
    other.write_text(file.read_text(encoding="utf-8").replace('title = "Acme chat"', ""))
    refused = run("bench", *arguments.replace(str(file), str(other)).split(), cwd=tmp_path, env=on(service))
    assert refused.returncode == EXIT_USAGE
    assert "is described otherwise" in refused.stderr
