import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.reports import import_vllm, imports
from app.reports.compat import new_view, see
from app.reports.imported import Imported, ImportFileError
from tests.reports import peer_files
from tests.reports.test_compat import RUN, as_vllm_file


def write(folder: Path, document: Any, name: str = "file.json") -> Path:
    path = folder / name
    lines = document if name.endswith("jsonl") else [document]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def summary_of(run: Imported) -> dict[str, Any]:
    source = {"tool": run.tool, "version": run.version, "file_sha256": "0"}
    return imports.summary(run, imports.statistics(run), source)


def test_vllm_with_details_is_recomputed(tmp_path: Path) -> None:
    run = imports.read_file(write(tmp_path, peer_files.VLLM))
    assert (run.tool, run.model, len(run.results)) == ("vllm", "llama", 3)
    first, second, broken = run.results
    assert first.ttft_ms == pytest.approx(100)
    assert first.tpot_ms == pytest.approx(30 / 2)
    assert second.schedule_delay_ms == pytest.approx(250)
    assert second.ttft_from_intended_ms == pytest.approx(450)
    assert (broken.status, broken.error) == ("error", "TimeoutError: too late")
    assert first.ttfb_ms is first.dns_ms is first.stream_end_ms is None
    found = summary_of(run)
    assert found["requests"]["ok"] == 2
    assert found["tokens"]["output"] == 8
    assert found["metrics"]["icl_ms"]["n"] == 6
    assert found["metrics"]["ttft_ms"]["mean"] == pytest.approx(150)
    assert found["metrics"]["ttfb_ms"] is None
    assert found["duration_seconds"] == pytest.approx(1.0)
    assert found["instrument"]["verdict"] == "suspect"
    assert found["instrument"]["reason"].startswith("imported: the error of")
    assert run.load == {"kind": "poisson", "rate": 4.0, "max_in_flight": 8}
    assert imports.spec_of(run, "n", []).load.kind == "poisson"
    assert {"ttfb_ms", "ttfo_ms", "stream_end_ms"} <= set(found["not_recorded"])


def test_older_vllm_files_have_no_instants_and_rates_by_the_recorded_duration(tmp_path: Path) -> None:
    document = copy.deepcopy(peer_files.VLLM)
    for name in ("start_times", "latencies", "queue_times"):
        del document[name]
    run = imports.read_file(write(tmp_path, document))
    found = summary_of(run)
    assert run.results[1].e2e_ms == pytest.approx(300)
    assert found["duration_seconds"] == 2.5
    assert found["rates"]["requests_per_s"] == pytest.approx(2 / 2.5)
    assert found["by_target"][0]["rates"]["output_tokens_per_s"] == pytest.approx(8 / 2.5)
    assert {"started_ns", "schedule_delay_ms"} <= set(found["not_recorded"])
    for part in (found, found["by_target"][0]):
        assert (part["steady"], part["queueing"], part["window"]["method"]) == (None, None, "none")
        assert part["window"]["reason"] == "imported: this version of vLLM did not save start_times"
    del document["duration"]
    assert set(summary_of(imports.read_file(write(tmp_path, document)))["rates"].values()) == {None}


async def test_our_own_vllm_file_comes_back(tmp_path: Path) -> None:
    document = await as_vllm_file(RUN)
    run = import_vllm.read(json.loads(json.dumps(document)))
    before, after = (see(new_view("vllm"), results)["figures"] for results in (RUN, run.results))
    for name in ("completed", "failed", "total_output_tokens"):
        assert after[name] == before[name]
    for name, value in before.items():
        if name.endswith("_ms"):
            assert after[name] == pytest.approx(value, abs=1e-3), name


@pytest.mark.parametrize("document", [peer_files.VLLM_AGGREGATES, peer_files.AIPERF_AGGREGATES])
def test_aggregates_are_only_claims(document: dict[str, Any], tmp_path: Path) -> None:
    run = imports.read_file(write(tmp_path, document))
    assert run.is_aggregate_only
    assert run.claims
    assert all(isinstance(value, str | int | float) for value in run.claims.values())


def test_aiperf_records(tmp_path: Path) -> None:
    warm_up = peer_files.aiperf_line(0)
    warm_up["metadata"]["benchmark_phase"] = "warmup"
    cancelled = peer_files.aiperf_error(4, 499)
    cancelled["metadata"]["was_cancelled"] = True
    lines = [
        warm_up,
        peer_files.aiperf_line(1),
        peer_files.aiperf_line(2, time_to_first_token=(100_000_000, "ns")),
        peer_files.aiperf_error(3),
        cancelled,
    ]
    run = imports.read_file(write(tmp_path, lines, "profile_export.jsonl"))
    assert [result.status for result in run.results] == ["ok", "ok", "error", "error"]
    assert [result.error_type for result in run.results[2:]] == ["http_5xx", "cancelled"]
    first, second = run.results[:2]
    assert (first.ttft_ms, first.chunks, first.input_tokens) == (255, 4, 550)
    assert first.e2e_ms == pytest.approx(300)
    assert first.tpot_ms == pytest.approx(15)
    assert first.ttfb_ms == pytest.approx(5)
    assert first.stream_end_ms == pytest.approx(301)
    assert second.ttft_ms == pytest.approx(100)
    assert first.started_ns == peer_files.START_NS + 10**8
    assert "ttfo_ms" in run.not_recorded
    assert summary_of(run)["metrics"]["icl_ms"]["n"] == 6


def test_guidellm_requests(tmp_path: Path) -> None:
    run = imports.read_file(write(tmp_path, peer_files.guidellm(peer_files.guidellm_benchmark())))
    assert (run.version, run.model, len(run.results)) == ("0.7.3", "llama", 3)
    assert [result.index for result in run.results] == [0, 1, 2]
    first = run.results[0]
    assert first.ttft_ms == pytest.approx(100, abs=1e-3)
    assert first.tpot_ms == pytest.approx(100, abs=1e-3)
    assert first.stream_end_ms == pytest.approx(600, abs=1e-3)
    assert first.schedule_delay_ms == pytest.approx(2, abs=1e-2)
    assert run.results[2].status == "error"
    found = summary_of(run)
    assert found["metrics"]["icl_ms"] is None
    assert "icl_ms" in found["not_recorded"]
    assert found["rates"]["requests_per_s"] == pytest.approx(2 / 2.6, rel=1e-3)
    assert run.load == {"kind": "constant", "rate": 1.0}


def test_a_sample_of_the_requests_has_no_rates(tmp_path: Path) -> None:
    run = imports.read_file(write(tmp_path, peer_files.guidellm(peer_files.guidellm_benchmark(total=1000))))
    found = summary_of(run)
    assert set(found["rates"].values()) == {None}
    assert "3 of 1000" in found["not_recorded"]["rates"]
    assert found["metrics"]["ttft_ms"]["n"] == 2


def test_one_of_several_benchmarks_is_chosen(tmp_path: Path) -> None:
    path = write(tmp_path, peer_files.guidellm(peer_files.guidellm_benchmark(), peer_files.guidellm_benchmark()))
    with pytest.raises(ImportFileError, match="--benchmark 1 … 2"):
        imports.read_file(path)
    assert len(imports.read_file(path, benchmark=2).results) == 3
    with pytest.raises(ImportFileError, match="no benchmark 3"):
        imports.read_file(path, benchmark=3)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[1]", "is not vLLM"),
        ('{"a": 1}', "is not vLLM"),
        ("null", "is not vLLM"),
        ('{"a": 1}\n{"b": 2}\n', "append-result"),
        ("[" * 200_000, "not JSON"),
        (json.dumps(peer_files.VLLM | {"itls": [[]]}), "itls has 1 entries and ttfts has 3"),
        (json.dumps(peer_files.VLLM | {"ttfts": [0.1, "x", 0]}), "request 1: ttfts must be a number"),
        (json.dumps(peer_files.VLLM | {"ttfts": [0.1, -1, 0]}), "between 0"),
        (json.dumps(peer_files.VLLM | {"start_times": [0, 1e300, 0]}), "start_times.1"),
        (json.dumps(peer_files.guidellm({"requests": {"successful": [{"info": {}}]}})), "info.timings"),
        (json.dumps(peer_files.aiperf_line(1, request_latency=(1, "parsec"))), "unit"),
        (json.dumps(peer_files.aiperf_line(1)) + "\n{}\n", "line 2"),
    ],
)
def test_what_cannot_be_imported_says_why(content: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_text(content)
    with pytest.raises(ImportFileError, match=words):
        imports.read_file(path)


def test_the_wrong_format_is_told(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match="format guidellm"):
        imports.read_file(write(tmp_path, peer_files.VLLM), "guidellm")


_strange = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.just([]),
    st.just({}),
    st.just([None]),
    st.just({"value": [1, None], "unit": "ms"}),
)


def _paths(value: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path for key, part in inner for path in ((*before, key), *_paths(part, (*before, key)))]


_FILES = {
    "vllm.json": peer_files.VLLM,
    "aiperf.jsonl": [peer_files.aiperf_line(1), peer_files.aiperf_error(2)],
    "aggregates.json": peer_files.AIPERF_AGGREGATES,
    "guidellm.json": peer_files.guidellm(peer_files.guidellm_benchmark()),
}


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_hostile_files_are_imported_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(_FILES)))
    document = copy.deepcopy(_FILES[name])
    for _ in range(data.draw(st.integers(1, 2))):
        path = data.draw(st.sampled_from(_paths(document)))
        place: Any = document
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = copy.deepcopy(data.draw(_strange))  # it may be changed in the next round
        if not isinstance(document, dict | list):
            break
    try:
        run = imports.read_file(write(tmp_path, document, name))
    except ImportFileError:
        return
    if not run.is_aggregate_only:
        found = summary_of(run)
        json.dumps(found)
        imports.spec_of(run, "n", [])
        for metric in found["metrics"].values():
            assert metric is None or np.isfinite(metric["mean"])
