import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.benchmarks.measures import MeasuredResult, measure
from app.loadgen.frames import CENSORED
from app.reports.compat import TOOLS, Spans, gaps_as_read_ms, new_view, see
from app.reports.exports import ExportFormat, stream_results
from tests.benchmarks.records import CONTEXT, MS, ORIGIN_NS, make_error, make_measured


def request(
    index: int, start_ms: float, ttft_ms: int, gaps_ms: list[int], tokens: int, **fields: Any
) -> MeasuredResult:
    """A request at `start_ms` with a body that ends 1 ms after its last chunk."""
    start = ORIGIN_NS + round(start_ms * MS)
    first = start + ttft_ms * MS
    last = first + sum(gap for gap in gaps_ms if gap > 0) * MS
    gaps = np.array([gap if gap == CENSORED else gap * MS for gap in gaps_ms], dtype="<i8")
    return make_measured(
        index,
        **{
            "intended_ns": start,
            "started_ns": start,
            "first_byte_ns": first,
            "first_token_ns": first,
            "first_output_ns": first,
            "last_token_ns": last,
            "end_ns": last + MS,
            "chunks": len(gaps_ms) + 1,
            "gaps": gaps.tobytes(),
            "visible_output_tokens": tokens,
            "reasoning_tokens": None,
        }
        | fields,
    )[0]


def failed(index: int, **fields: Any) -> MeasuredResult:
    return measure(make_error(index, **fields), CONTEXT)


RUN = [
    request(0, 0, 100, [10, 20, 30], 4),
    request(1, 50, 200, [10, CENSORED, 40], 8),
    request(2, 1500, 50, [], 1),
    failed(3),
    failed(4, error_type="cancelled"),
]
SECONDS = 1.551  # from the first start to the end of request 2


def test_as_vllm() -> None:
    document = see(new_view("vllm", {"ttft_ms": 150, "tpot_ms": None, "e2e_ms": None}), RUN)
    figures = document["figures"]
    expected: dict[str, list[float]] = {
        "ttft": [100, 200, 50],
        "e2el": [160, 250, 50],
        "tpot": [60 / 3, 50 / 7],
        "itl": [10, 20, 30, 10, 40, 0],
    }
    assert (figures["completed"], figures["failed"]) == (3, 2)
    assert figures["duration"] == pytest.approx(SECONDS)
    assert figures["total_input_tokens"] == 15
    assert figures["total_output_tokens"] == 13
    assert figures["output_throughput"] == pytest.approx(13 / SECONDS)
    assert figures["request_goodput"] == pytest.approx(2 / SECONDS)
    for name, values in expected.items():
        assert figures[f"mean_{name}_ms"] == pytest.approx(np.mean(values))
        assert figures[f"median_{name}_ms"] == pytest.approx(np.median(values))
        assert figures[f"std_{name}_ms"] == pytest.approx(np.std(values))
        assert figures[f"p99_{name}_ms"] == pytest.approx(np.percentile(values, 99))
    assert figures["max_output_tokens_per_s"] == 8
    assert figures["max_concurrent_requests"] == 2
    assert document["missing"] == {}


def test_as_aiperf() -> None:
    document = see(new_view("aiperf", {"tpot_ms": 10}), RUN)
    figures = document["figures"]
    assert figures["inter_token_latency"]["avg"] == pytest.approx(np.mean([60 / 3, 50 / 7]))
    assert figures["inter_token_latency"]["count"] == 2
    assert figures["output_token_throughput_per_user"]["max"] == pytest.approx(1000 / (50 / 7))
    assert figures["time_to_second_token"]["p50"] == pytest.approx(10)
    assert figures["inter_chunk_latency"]["p90"] == pytest.approx(np.percentile([10, 20, 30, 10, 40, 0], 90))
    assert figures["request_latency"]["std"] == pytest.approx(np.std([160, 250, 50]))
    assert figures["benchmark_duration"] == {"unit": "sec", "avg": pytest.approx(1.55)}
    assert figures["request_count"]["avg"] == 3
    assert figures["error_request_count"]["avg"] == 2
    assert figures["good_request_count"]["avg"] == 1  # undefined breaks a limit there
    assert figures["reasoning_token_count"] is None


def test_as_guidellm() -> None:
    figures = see(new_view("guidellm"), RUN)["figures"]
    assert figures["request_totals"] == {"successful": 3, "incomplete": 1, "errored": 1, "total": 5}
    tpots, weights = [160 / 4, 250 / 8, 50 / 1], [4, 8, 1]
    assert figures["time_per_output_token_ms"]["mean"] == pytest.approx(np.average(tpots, weights=weights))
    assert figures["time_per_output_token_ms"]["count"] == 13
    assert figures["time_per_output_token_ms"]["percentiles"]["p50"] == pytest.approx(250 / 8)
    assert figures["inter_token_latency_ms"]["mean"] == pytest.approx(np.average([60 / 3, 50 / 7], weights=[3, 7]))
    assert figures["request_latency"]["max"] == pytest.approx(0.251)
    assert figures["requests_per_second"]["mean"] == pytest.approx(3 / SECONDS)
    assert figures["request_concurrency"]["mean"] == pytest.approx((0.161 + 0.251 + 0.051) / SECONDS)


def test_without_gaps_what_needs_them_is_missing() -> None:
    without = [request(0, 0, 100, [10], 2, gaps=b"")]
    vllm, aiperf = (see(new_view(tool), without) for tool in ("vllm", "aiperf"))
    assert vllm["figures"]["mean_itl_ms"] is None
    assert vllm["figures"]["mean_tpot_ms"] == pytest.approx(10)
    assert {"mean_itl_ms", "max_output_tokens_per_s", "request_goodput"} <= set(vllm["missing"])
    assert aiperf["figures"]["inter_chunk_latency"] is None
    assert "save-gaps" in aiperf["missing"]["inter_chunk_latency"]


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("run", [[], [failed(0)], [request(0, 0, 5, [], 1)]])
def test_runs_with_next_to_nothing_have_figures(tool: Any, run: list[MeasuredResult]) -> None:
    assert json.loads(json.dumps(see(new_view(tool), run)))["tool"] == tool


@settings(deadline=None)
@given(st.lists(st.one_of(st.just(CENSORED), st.integers(0, 10**9)), max_size=30))
def test_a_reader_sees_every_gap_and_the_whole_time(gaps: list[int]) -> None:
    while gaps and gaps[-1] == CENSORED:
        gaps.pop()  # the engine always closes a run of shared stamps
    seen = gaps_as_read_ms(np.array(gaps, dtype="<i8").tobytes())
    assert len(seen) == len(gaps)
    assert seen.sum() * 1e6 == pytest.approx(sum(gap for gap in gaps if gap >= 0), abs=1)
    for number, gap in enumerate(gaps):
        if gap == CENSORED and number + 1 < len(gaps):
            assert seen[number + 1] == 0


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 100), st.integers(0, 30)), max_size=40))
def test_peak_concurrency(spans: list[tuple[int, int]]) -> None:
    kept = Spans()
    for start, length in spans:
        kept.add(start, start + length)
    counted = max((sum(s <= at < s + max(n, 0) for s, n in spans) for at in range(140)), default=0)
    zero = any(n == 0 for _, n in spans)
    assert kept.most_at_once() == counted or zero


async def as_vllm_file(results: list[MeasuredResult], spec: dict[str, Any] | None = None) -> dict[str, Any]:
    async def rows() -> Any:
        for result in results:
            yield result

    pieces = [piece async for piece in stream_results(rows(), ExportFormat.VLLM, spec=spec)]
    document: dict[str, Any] = json.loads(b"".join(pieces))
    return document


async def test_the_vllm_file_has_its_names_and_units() -> None:
    spec = {"name": "n", "load": {"kind": "poisson", "rate": 5.0, "max_in_flight": 9}, "slo": {"ttft_ms": 150}}
    document = await as_vllm_file(RUN, spec)
    assert document["request_rate"] == 5.0
    assert document["burstiness"] == 1.0
    assert document["max_concurrency"] == 9
    assert document["num_prompts"] == 5
    assert document["ttfts"] == pytest.approx([0.1, 0.2, 0.05, 0, 0])
    assert document["itls"] == [pytest.approx([0.01, 0.02, 0.03]), pytest.approx([0.01, 0.04, 0]), [], [], []]
    assert document["output_lens"] == [4, 8, 1, 0, 0]
    assert document["errors"] == ["", "", "", "it broke", "it broke"]
    assert document["generated_texts"] == [""] * 5
    assert document["start_times"][0] == pytest.approx(ORIGIN_NS / 1e9)
    assert document["median_ttft_ms"] == pytest.approx(100)
    for ttft, itls, latency in zip(document["ttfts"], document["itls"], document["latencies"], strict=True):
        assert ttft + sum(itls) == pytest.approx(latency)


async def test_the_vllm_file_leaves_out_gaps_that_were_not_kept() -> None:
    document = await as_vllm_file([request(0, 0, 100, [10], 2, gaps=b"", response_text="hi")])
    assert "itls" not in document
    assert "itls" in document["llm_test_bench"]["missing"]
    assert "mean_itl_ms" not in document
    assert document["generated_texts"] == ["hi"]
    assert (await as_vllm_file([]))["ttfts"] == []
