"""Arrival schedules: absolute, reproducible, of the asked distribution, and the same however they are sharded."""

import itertools
import time
import tracemalloc
from array import array
from itertools import islice
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import gamma, kstest

from app.loadgen.arrivals import cumulative_rate, offsets, shard_concurrency, unit_process, user_changes
from app.loadgen.plan import Arrivals, Endpoint, Level, Plan, Prompts, Segment

SECOND = 10**9
RAMP = (Segment(20, 200, 30), Segment(200, 200))
SHRINKING = (Segment(300, 3, 60, "exponential"), Segment(3, 3))
SPIKE = (Segment(20, 20, 30), Segment(400, 400, 10), Segment(20, 20))
STEPS = (Segment(50, 50, 20), Segment(5, 5, 100), Segment(200, 200, 10.5))


def plan(arrivals: Arrivals, **fields: Any) -> Plan:
    return Plan(endpoint=Endpoint("openai", "http://x", "m"), workload=Prompts(("p",)), arrivals=arrivals, **fields)


def at(arrivals: Arrivals, number: int, **fields: Any) -> list[int]:
    return [offset for _, offset in islice(offsets(plan(arrivals, **fields)), number)]


def rescaled_gaps(arrivals: Arrivals, found: list[int]) -> Any:
    """Gaps in units of expected arrivals: those of a process of rate 1."""
    rate = cumulative_rate(arrivals)
    return np.diff([0.0, *(rate.arrivals_by(offset) for offset in found)])


def test_constant_is_exact_to_the_nanosecond() -> None:
    for rate in (0.1, 3.0, 7.0, 33.3, 999.9, 100_000.0):
        found = at(Arrivals("constant", 9, rate), 20_000)
        exact = [round(number * SECOND / rate) for number in range(20_000)]
        assert max(abs(offset - true) for offset, true in zip(found, exact, strict=True)) <= 1
    week_later = next(offsets(plan(Arrivals("constant", 9, 7.0), shard=7 * 604_800 // 2, shards=10**9)))
    assert week_later == (7 * 604_800 // 2, 302_400 * SECOND)


@pytest.mark.parametrize("rate", [0.02, 50.0, 40_000.0])
def test_poisson_gaps_are_exponential_and_counts_are_as_dispersed_as_their_mean(rate: float) -> None:
    found = np.array(at(Arrivals("poisson", 9, rate), 20_000, seed=1)) / SECOND
    assert kstest(np.diff([0, *found]), "expon", args=(0, 1 / rate)).pvalue > 0.01
    counts = np.histogram(found * rate, bins=np.arange(0, 19_000, 10))[0]
    # The index of dispersion of n Poisson counts is chi-squared over n - 1: deviation sqrt(2 / n) = 0.03 here.
    assert counts.var(ddof=1) / counts.mean() == pytest.approx(1, abs=0.11)


@pytest.mark.parametrize("shape", [0.1, 0.5, 1.0, 2.0, 20.0])
def test_gamma_gaps_have_their_shape(shape: float) -> None:
    arrivals = Arrivals("gamma", 9, 50.0, burstiness=shape)
    gaps = np.diff([0, *at(arrivals, 20_000, seed=2)]) / SECOND
    assert gaps.mean() == pytest.approx(1 / 50, rel=0.07)
    assert gaps.std() / gaps.mean() == pytest.approx(shape**-0.5, rel=0.05)
    # With a small shape many gaps are shorter than a nanosecond: those above a microsecond can be told apart.
    distribution, least = gamma(shape, scale=1 / shape / 50), 1e-6
    below = distribution.cdf(least)
    assert (gaps <= least).mean() == pytest.approx(below, abs=0.015)
    assert kstest(gaps[gaps > least], lambda gap: (distribution.cdf(gap) - below) / (1 - below)).pvalue > 0.01


def test_gamma_of_shape_1_is_poisson() -> None:
    assert at(Arrivals("gamma", 9, 9.0, 1.0), 100) == at(Arrivals("poisson", 9, 9.0), 100)


@pytest.mark.parametrize("segments", [RAMP, SHRINKING, SPIKE, STEPS], ids=["ramp", "exponential", "spike", "steps"])
def test_varying_rates_become_a_unit_process_when_time_is_rescaled(segments: tuple[Segment, ...]) -> None:
    arrivals = Arrivals("poisson", 9, segments=segments)
    found = at(arrivals, 4_000, seed=3)
    assert len(found) > 3_500
    assert kstest(rescaled_gaps(arrivals, found), "expon").pvalue > 0.01
    bursty = Arrivals("gamma", 9, burstiness=0.5, segments=segments)
    assert kstest(rescaled_gaps(bursty, at(bursty, 3_000, seed=3)), gamma(0.5, scale=2).cdf).pvalue > 0.01
    even = Arrivals("constant", 9, segments=segments)
    gaps = rescaled_gaps(even, at(even, 2_000))
    assert np.allclose(gaps[1:], 1, atol=1e-6)


def test_steps_are_exact_and_end_by_themselves() -> None:
    steps = (Segment(10, 10, 30), Segment(33.3, 33.3, 30), Segment(0.1, 0.1, 30))
    found = at(Arrivals("constant", 9, segments=steps), 10_000)
    assert len(found) == 300 + 999 + 3
    assert (found[0], found[299], found[300], found[1299]) == (0, 29_900_000_000, 30 * SECOND, 60 * SECOND)
    assert found[-1] == 80 * SECOND


def test_a_step_of_rate_0_is_a_pause() -> None:
    steps = (Segment(10, 10, 1), Segment(0, 0, 5), Segment(10, 10, 1), Segment(0, 0))
    found = at(Arrivals("constant", 9, segments=steps), 100)
    assert found == [n * SECOND // 10 for n in range(10)] + [6 * SECOND + n * SECOND // 10 for n in range(10)]


def test_a_trace_is_replayed_as_it_was() -> None:
    recorded = [0, 0, 5, 5, 10**15]
    arrivals = Arrivals("trace", 9, offsets=array("q", recorded).tobytes())
    assert list(offsets(plan(arrivals))) == list(enumerate(recorded))
    assert list(offsets(plan(arrivals, shard=1, shards=2))) == [(1, 0), (3, 5)]
    assert at(arrivals, 9, duration_ns=6) == [0, 0, 5, 5]
    assert at(arrivals, 9, requests=1) == [0]
    with pytest.raises(ValueError, match="64-bit"):
        list(offsets(plan(Arrivals("trace", 9, offsets=b"12345"))))


KINDS = {
    "constant": Arrivals("constant", 9, 100.0),
    "poisson": Arrivals("poisson", 9, 100.0),
    "gamma": Arrivals("gamma", 9, 100.0, 0.3),
    "ramp": Arrivals("poisson", 9, segments=RAMP),
    "exponential": Arrivals("gamma", 9, burstiness=3.0, segments=SHRINKING),
    "spike": Arrivals("constant", 9, segments=SPIKE),
    "steps": Arrivals("poisson", 9, segments=STEPS),
    "trace": Arrivals("trace", 9, offsets=array("q", range(0, 3_000, 7)).tobytes()),
    "closed": Arrivals("closed", 9),
}


@given(kind=st.sampled_from(sorted(KINDS)), shards=st.integers(1, 9), requests=st.integers(1, 300), seed=st.integers(0))
@settings(max_examples=80, deadline=None)
def test_the_union_of_all_shards_is_the_unsharded_run(kind: str, shards: int, requests: int, seed: int) -> None:
    fields: dict[str, Any] = {"requests": requests, "seed": seed, "duration_ns": 50 * SECOND}
    whole = list(offsets(plan(KINDS[kind], **fields)))
    parts = [list(offsets(plan(KINDS[kind], **fields, shard=shard, shards=shards))) for shard in range(shards)]
    assert sorted(itertools.chain.from_iterable(parts)) == whole
    assert [number for number, _ in whole] == list(range(len(whole)))
    assert all(number % shards == shard for shard, part in enumerate(parts) for number, _ in part)
    assert whole == sorted(whole, key=lambda arrival: arrival[1])


def test_another_seed_is_another_schedule() -> None:
    schedules = [tuple(at(Arrivals("poisson", 9, 5.0), 50, seed=seed)) for seed in range(20)]
    assert len(set(schedules)) == 20


def test_duration_ends_an_open_schedule() -> None:
    assert len(at(Arrivals("constant", 9, rate=10.0), 100, duration_ns=SECOND)) == 10
    assert len(at(Arrivals("constant", 9, segments=STEPS), 10**4, duration_ns=20 * SECOND)) == 1000


def test_stored_indices_are_skipped() -> None:
    left = offsets(plan(Arrivals("closed", 1), requests=5, index_base=1, index_stride=2, skip=(1, 5)))
    assert [number for number, _ in left] == [1, 3, 4]
    again = offsets(plan(Arrivals("constant", 1, rate=1.0), requests=4, skip=(0, 2)))
    assert list(again) == [(1, SECOND), (3, 3 * SECOND)]


def test_far_too_low_rates_never_come_due_and_do_no_harm() -> None:
    assert at(Arrivals("constant", 1, rate=1e-300), 5) == [0]
    assert at(Arrivals("poisson", 1, rate=1e-300), 5) == []
    day = at(Arrivals("poisson", 1, rate=0.000_01), 3, seed=4)
    assert len(day) == 3
    assert day[0] > 1_000 * SECOND


def test_a_week_is_neither_kept_nor_slow() -> None:
    fast = Arrivals("gamma", 9, burstiness=0.5, segments=(Segment(1_000, 80_000, 604_800, "exponential"),))
    tracemalloc.start()
    began = time.process_time()
    arrivals = sum(1 for _ in islice(offsets(plan(fast)), 100_000))
    used, (_, peak) = time.process_time() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert arrivals == 100_000
    assert peak < 200_000
    assert used < 20  # about 0.3 s; tracing is several times that


def test_positions_of_a_long_process_keep_their_precision() -> None:
    process = unit_process(Arrivals("poisson"), 0)
    places = list(islice(process, 50_000))
    assert all(0 <= part < 1 for _, part in places)
    assert all(earlier <= later for earlier, later in itertools.pairwise(places))


@given(concurrency=st.integers(1, 500), shards=st.integers(1, 64))
def test_concurrency_is_split_evenly(concurrency: int, shards: int) -> None:
    shards = min(shards, concurrency)
    parts = [
        shard_concurrency(plan(Arrivals("closed", concurrency), shard=shard, shards=shards)) for shard in range(shards)
    ]
    assert sum(parts) == concurrency
    assert max(parts) - min(parts) <= 1


def users_over_time(arrivals: Arrivals, shards: int) -> list[tuple[int, int]]:
    """`(offset, users of all shards)` after every change."""
    changes = [user_changes(plan(arrivals, shard=shard, shards=shards)) for shard in range(shards)]
    instants = sorted({offset for own in changes for offset, _ in own})

    def users(own: list[tuple[int, int]], instant: int) -> int:
        return next((users for offset, users in reversed(own) if offset <= instant), 0)

    return [(instant, sum(users(own, instant) for own in changes)) for instant in instants]


@given(users=st.integers(1, 60), shards=st.integers(1, 9), ramp_ns=st.integers(60, 10**12))
def test_users_join_evenly_over_all_shards(users: int, shards: int, ramp_ns: int) -> None:
    arrivals = Arrivals("closed", users, ramp_up_ns=ramp_ns)
    assert users_over_time(arrivals, shards) == [(ramp_ns * user // users, user + 1) for user in range(users)]


@given(levels=st.lists(st.integers(1, 40), min_size=1, max_size=8), shards=st.integers(1, 9))
def test_levels_are_shared_out(levels: list[int], shards: int) -> None:
    steps = tuple(Level(position * SECOND, users) for position, users in enumerate(levels))
    arrivals = Arrivals("closed", max(levels), levels=steps)
    assert users_over_time(arrivals, shards) == [(step.at_ns, step.concurrency) for step in steps]
