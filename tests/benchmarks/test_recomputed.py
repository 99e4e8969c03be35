"""The summary of a real run, recomputed from the lines of `results.jsonl` with numpy and scipy as the docs say."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from app.benchmarks.demo import MODEL, simulator
from app.benchmarks.local import run_local
from app.benchmarks.measures import MeasuredResult
from app.benchmarks.result_lines import results_line
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.summary_views import Summary
from app.loadgen.plan import Endpoint
from app.stats.batch import CONNECTION_METRICS, REQUEST_METRICS
from tests.factories import make_spec


async def test_every_figure_can_be_recomputed() -> None:
    results: list[MeasuredResult] = []
    spec = BenchmarkSpec.model_validate(
        make_spec(
            load={"kind": "poisson", "rate": 60},
            stop={"duration_seconds": 5},
            window={"warmup_seconds": 1, "cooldown_seconds": 1},
            sampling={"max_tokens": 12},
            slo={"ttft_ms": 260},
        )
    )
    async with simulator() as base_url:
        summary = await run_local(spec, Endpoint("openai-compatible", base_url, MODEL), on_results=results.extend)
    assert summary["error"] is None
    Summary.model_validate(summary)
    lines = [results_line(result) for result in results]
    window = summary["window"]
    assert window["method"] == "given"
    low, high = window["from_s"] * 1e9, window["to_s"] * 1e9
    inside = [line for line in lines if low <= line["started_ns"] - window["origin_ns"] < high]
    check(summary, lines)
    check(summary["steady"], inside)
    check_rates(summary["steady"], lines, window["origin_ns"], low, high)
    spent = np.mean([(line["end_ns"] - line["started_ns"]) / 1e6 for line in inside])
    assert summary["queueing"]["time_in_system_mean_ms"] == pytest.approx(spent)
    assert summary["by_target"][0]["steady"] == summary["steady"]


def check(figures: dict[str, Any], lines: list[dict[str, Any]]) -> None:
    ok = [line for line in lines if line["status"] == "ok"]
    assert figures["requests"]["total"] == len(lines) > 30
    assert figures["requests"]["ok"] == len(ok)
    assert figures["tokens"]["output"] == sum(line["output_tokens"] for line in ok)
    good = sum(line["ttft_ms"] <= 260 for line in ok)
    assert figures["rates"]["good_share"] == pytest.approx(good / len(lines))
    speeds = [1e3 / line["tpot_ms"] for line in ok if line["tpot_ms"]]
    assert figures["rates"]["user_output_tokens_per_s"]["mean"] == pytest.approx(np.mean(speeds))
    for name in REQUEST_METRICS:
        found = figures["metrics"][name]
        values = np.sort(
            [
                line[name]
                for line in ok
                if line[name] is not None and not (name in CONNECTION_METRICS and line["connection_reused"])
            ]
        )
        if not len(values):
            assert found is None
            continue
        assert found["n"] == len(values)
        assert found["mean"] == pytest.approx(values.mean(), abs=1e-6)
        assert found["stdev"] == pytest.approx(values.std(ddof=1) if len(values) > 1 else 0, abs=1e-6)
        for percentile in (50, 75, 90, 95, 99, 99.9):
            check_percentile(found, f"p{percentile:g}", percentile / 100, values)


def check_percentile(found: dict[str, Any], name: str, p: float, values: np.typing.NDArray[np.float64]) -> None:
    n = len(values)
    if n < round(1 / (1 - p)):
        assert found[name] is None
        assert found["needs_n"][name] == round(1 / (1 - p))
        return
    assert found[name] == pytest.approx(np.percentile(values, p * 100, method="inverted_cdf"), rel=1.1e-3, abs=1e-3)
    low, high = int(binom.ppf(0.025, n, p)), int(binom.ppf(0.975, n, p)) + 1
    if low < 1 or high > n:
        assert found["ci"][name] is None
    else:
        assert found["ci"][name] == pytest.approx([values[low - 1], values[high - 1]], rel=1.1e-3, abs=1e-3)


def check_rates(figures: dict[str, Any], lines: list[dict[str, Any]], origin: int, low: float, high: float) -> None:
    ok = [line for line in lines if line["status"] == "ok"]
    seconds = (high - low) / 1e9
    assert figures["duration_seconds"] == seconds
    ended = sum(low <= line["end_ns"] - origin < high for line in ok)
    assert figures["rates"]["requests_per_s"] == pytest.approx(ended / seconds)
    first = np.array([line["first_token_ns"] - origin for line in ok])
    last = np.array([line["last_token_ns"] - origin for line in ok])
    tokens = np.array([line["output_tokens"] for line in ok])
    overlap = np.maximum(np.minimum(last, high) - np.maximum(first, low), 0)
    shares = np.where(last > first, overlap / np.maximum(last - first, 1), (low <= first) & (first < high))
    assert figures["rates"]["output_tokens_per_s"] == pytest.approx((tokens * shares).sum() / seconds)
    inputs = sum(line["input_tokens"] for line, at in zip(ok, first, strict=True) if low <= at < high)
    total = inputs + (tokens * shares).sum()
    assert figures["rates"]["total_tokens_per_s"] == pytest.approx(total / seconds)
