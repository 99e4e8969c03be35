"""A window out of slices must say what the requests say that started in it, computed directly."""

import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.stats.batch import METRICS, REQUEST_METRICS
from app.stats.run_statistics import RunStatistics, Slo, TargetKey
from app.stats.slice_columns import HAPPENED, STARTED
from app.stats.slices import MAX_SLICES, WIDTH_NS, Slices
from tests.stats.batches import ORIGIN, SECOND, batch

KEY = TargetKey("local", "m")
SLO = Slo(ttft_ms=300)

REQUEST = st.fixed_dictionaries(
    {
        "started": st.floats(0, 300),
        "ttft": st.floats(0.0001, 2),
        "stream": st.floats(0, 20),
        "ok": st.sampled_from([True, True, True, False]),
        "attempts": st.sampled_from([1, 1, 1, 2]),
        "tokens": st.integers(0, 50),
        "gaps": st.lists(st.sampled_from([-1, 0, 400, 10**6, 25 * 10**6]), max_size=4),
    }
)
RUNS = st.lists(st.lists(REQUEST, min_size=1, max_size=8), min_size=1, max_size=5)


def built(requests: list[dict[str, Any]]) -> RunStatistics:
    run = RunStatistics(ORIGIN, SLO)
    started = np.array([one["started"] for one in requests])
    first = started + np.array([one["ttft"] for one in requests])
    ended = first + np.array([one["stream"] for one in requests])
    run.add(
        KEY,
        batch(
            list(ended),
            started_s=list(started),
            first_s=list(first),
            ok=[one["ok"] for one in requests],
            attempts=[one["attempts"] for one in requests],
            ttft_ms=[one["ttft"] * 1e3 for one in requests],
            ttft_from_intended_ms=[one["ttft"] * 1e3 for one in requests],
            stream_end_ms=list((ended - started) * 1e3),
            output_tokens=[one["tokens"] for one in requests],
            input_tokens=[7] * len(requests),
            gaps=[one["gaps"] for one in requests],
            error_classes=["http_5xx" for one in requests if not one["ok"]],
        ),
    )
    return run


def assert_same(found: Slices, expected: Slices) -> None:
    """Both know the same. In its last digit a sum depends on the order of its terms, so digits are not compared."""
    assert _state(found) == _state(expected)
    for name in (*STARTED, *HAPPENED):
        assert found.column(name).tolist() == pytest.approx(expected.column(name).tolist(), rel=1e-12, abs=1e-6), name


def _state(slices: Slices) -> dict[str, Any]:
    low, high = slices.first, slices.first + slices.length
    return {
        "shape": (slices.level, slices.first, slices.length),
        "errors": slices.errors,
        "samples": {name: [part.tolist() for part in slices.samples(name, low, high)] for name in METRICS},
    }


@settings(deadline=None, max_examples=40)
@given(RUNS, st.randoms(use_true_random=False))
def test_merging_in_any_order_equals_one_batch(runs: list[list[dict[str, Any]]], random: Any) -> None:
    whole = built([request for part in runs for request in part]).targets[KEY].slices
    shuffled = [*runs]
    random.shuffle(shuffled)
    one_by_one = RunStatistics(ORIGIN, SLO)
    for part in shuffled:
        one_by_one.merge(RunStatistics.decode(built(part).encode()))
    half = len(shuffled) // 2
    left, right = RunStatistics(ORIGIN, SLO), RunStatistics(ORIGIN, SLO)
    for side, parts in ((left, shuffled[:half]), (right, shuffled[half:])):
        for part in parts:
            side.merge(built(part))
    right.merge(left)
    assert_same(one_by_one.targets[KEY].slices, whole)
    assert_same(right.targets[KEY].slices, whole)
    low, high = whole.first, whole.first + whole.length
    for name, metric in whole.distributions(low, high).items():
        merged = right.targets[KEY].slices.distributions(low, high)[name]
        assert (merged.n, merged.moments.minimum, merged.moments.maximum) == (
            metric.n,
            metric.moments.minimum,
            metric.moments.maximum,
        )
        assert (merged.moments.mean, merged.moments.stdev) == pytest.approx(
            (metric.moments.mean, metric.moments.stdev), rel=1e-9, abs=1e-3
        )


@settings(deadline=None, max_examples=40)
@given(st.lists(REQUEST, min_size=1, max_size=30), st.data())
def test_a_window_equals_direct_computation(requests: list[dict[str, Any]], data: st.DataObject) -> None:
    slices = built(requests).targets[KEY].slices
    assert slices.length <= MAX_SLICES
    low = data.draw(st.integers(slices.first, slices.first + slices.length - 1))
    high = data.draw(st.integers(low + 1, slices.first + slices.length))
    width_ns = WIDTH_NS << slices.level
    from_ns, to_ns = low * width_ns, high * width_ns
    starts = np.array([round(one["started"] * SECOND) for one in requests])
    firsts = np.rint(np.array([one["started"] + one["ttft"] for one in requests]) * SECOND)
    ends = np.rint(np.array([one["started"] + one["ttft"] + one["stream"] for one in requests]) * SECOND)
    inside = (from_ns <= starts) & (starts < to_ns)
    ok = np.array([one["ok"] for one in requests])
    tokens = np.where(ok, [one["tokens"] for one in requests], 0)
    assert slices.total("ok", low, high) == (inside & ok).sum()
    assert slices.total("failed", low, high) == (inside & ~ok).sum()
    assert slices.total("output_tokens", low, high) == tokens[inside].sum()
    assert slices.total("retried_requests", low, high) == sum(
        one["attempts"] > 1 for one, here in zip(requests, inside, strict=True) if here
    )
    assert sum(slices.errors_in(low, high).values()) == (inside & ~ok).sum()
    assert slices.total("ended_ok", low, high) == (ok & (from_ns <= ends) & (ends < to_ns)).sum()
    spans = ends - firsts
    overlap = np.maximum(np.minimum(ends, to_ns) - np.maximum(firsts, from_ns), 0) / np.where(spans > 0, spans, 1)
    shares = np.where(spans > 0, overlap, (from_ns <= firsts) & (firsts < to_ns))
    assert slices.total("output_tokens_then", low, high) == pytest.approx((tokens * shares).sum(), abs=1e-6)
    ttft = np.array([one["ttft"] for one in requests])[
        inside & ok & (np.array([one["attempts"] for one in requests]) == 1)
    ]
    found = slices.distributions(low, high)["ttft_ms"]
    assert found.n == len(ttft)
    if len(ttft):
        exact = np.percentile(ttft * 1e3, [50, 95, 99], method="inverted_cdf")
        assert found.percentiles_ms(50, 95, 99) == pytest.approx(exact.tolist(), rel=1.1e-3, abs=1e-3)
        assert found.moments.mean == pytest.approx(ttft.mean() * 1e9, rel=1e-6, abs=1)
    others = slices.distributions(slices.first, slices.first + slices.length)
    whole = built(requests).targets[KEY].metrics
    for name in METRICS:
        assert others[name].n == whole[name].n
        assert others[name].histogram.percentiles(50, 99.9) == whole[name].histogram.percentiles(50, 99.9)


def test_values_out_of_the_histograms_range_are_kept_at_its_ends() -> None:
    run = RunStatistics(ORIGIN)
    run.add(KEY, batch([1, 1, 1], started_s=[0, 0, 0], schedule_delay_ms=[-1.0, 5.0, 3 * 3_600_000.0]))
    histogram = run.targets[KEY].slices.distributions(0, 128)["schedule_delay_ms"].histogram
    assert (histogram.below, histogram.above, histogram.total) == (1, 1, 3)


def test_requests_in_flight_are_request_seconds_wherever_they_came_from() -> None:
    sampled, known = RunStatistics(ORIGIN), RunStatistics(ORIGIN)
    sampled.add_in_flight(KEY, ORIGIN - SECOND, ORIGIN + 3 * SECOND // 2, 2)
    starts = np.array([ORIGIN, ORIGIN - SECOND])
    known.add_open(KEY, starts, np.array([ORIGIN + 3 * SECOND // 2] * 2))
    for run in (sampled, known):
        slices = run.targets[KEY].slices
        assert slices.total("in_flight_s", 0, 10**6) == pytest.approx(3)
        assert slices.total("in_flight_s", 0, slices.number(ORIGIN + SECOND)) == pytest.approx(2)


def test_slices_of_other_origins_do_not_merge() -> None:
    one, other = Slices(ORIGIN), Slices(ORIGIN + 1)
    other.add_in_flight(ORIGIN, ORIGIN + SECOND, 1)
    with pytest.raises(ValueError, match="origins"):
        one.merge(other)


def test_deltas_for_live_views_carry_no_slices() -> None:
    run = built([{"started": 1.0, "ttft": 0.1, "stream": 1.0, "ok": True, "attempts": 1, "tokens": 3, "gaps": []}])
    delta = RunStatistics.decode(run.encode(with_slices=False))
    assert delta.targets[KEY].slices.length == 0
    assert delta.targets[KEY].counters.ok == 1


def heavy(n: int, gaps: int, at_s: float, rng: np.random.Generator) -> Any:
    started = at_s + rng.uniform(0, 0.25, n)
    ttft = rng.lognormal(-1.6, 0.3, n)
    between = rng.lognormal(np.log(20e6), 0.2, (n, gaps)).astype(np.int64)
    whole = ttft + between.sum(axis=1) / 1e9 + rng.lognormal(0, 0.2, n)
    metrics = {name: (whole if "e2e" in name or "end" in name else ttft) * 1e3 for name in REQUEST_METRICS}
    return batch(
        list(started + whole),
        started_s=list(started),
        first_s=list(started + ttft),
        gaps=between.tolist(),
        output_tokens=[gaps + 1] * n,
        chunks=[gaps + 1] * n,
        **{name: list(values) for name, values in metrics.items()},
    )


def test_a_batch_costs_little() -> None:
    """512 requests of 100 gaps each: 5 ms on an idle core; the bound is wide enough for a busy machine."""
    rng = np.random.default_rng(1)
    batches = [heavy(512, 100, number / 4, rng) for number in range(8)]
    for one in batches:
        one.samples  # noqa: B018 - shared with the histograms of the whole run, so not the slices' own cost
    costs = []
    for _ in range(3):
        slices = Slices(ORIGIN)
        began = time.process_time()
        for one in batches:
            slices.add(one, one.ok)
        costs.append((time.process_time() - began) / len(batches))
    assert min(costs) < 0.03


def test_many_requests_stay_small() -> None:
    """200,000 requests of half an hour; the size grows with buckets in use, not with requests."""
    rng = np.random.default_rng(2)
    run = RunStatistics(ORIGIN)
    for number in range(100):
        run.add(KEY, heavy(2_000, 0, number * 18, rng))
    slices = run.targets[KEY].slices
    assert slices.length <= MAX_SLICES
    assert len(run.encode()) < 10 * 2**20
