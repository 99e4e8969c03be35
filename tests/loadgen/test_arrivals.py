"""Arrival schedules: absolute, reproducible, and the same however they are sharded."""

from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest

from app.loadgen.arrivals import constant, offsets, poisson, shard_concurrency
from app.loadgen.plan import Arrivals, Endpoint, Plan, Prompts


def plan(**fields: object) -> Plan:
    return Plan(endpoint=Endpoint("openai", "http://x", "m"), workload=Prompts(("p",)), **fields)  # type: ignore[arg-type]


def test_constant_does_not_drift() -> None:
    assert list(islice(constant(3.0), 7))[-1] == 2_000_000_000
    last = next(islice(constant(7.0), 700_000, None))
    assert last == 100_000 * 10**9


def test_poisson_gaps_are_exponential() -> None:
    gaps = np.diff([0, *islice(poisson(50.0, seed=1), 20_000)]) / 1e9
    assert kstest(gaps, "expon", args=(0, 1 / 50)).pvalue > 0.01
    counts = np.histogram(np.cumsum(gaps), bins=np.arange(0, 400))[0]
    assert counts.var() / counts.mean() == pytest.approx(1, abs=0.2)


@given(
    kind=st.sampled_from(["constant", "poisson", "closed"]),
    shards=st.integers(1, 7),
    requests=st.integers(1, 200),
    seed=st.integers(0, 99),
)
def test_shards_partition_the_run(kind: str, shards: int, requests: int, seed: int) -> None:
    arrivals = Arrivals(kind, concurrency=shards, rate=100.0)  # type: ignore[arg-type]
    whole = list(offsets(plan(arrivals=arrivals, requests=requests, seed=seed)))
    parts = [
        list(offsets(plan(arrivals=arrivals, requests=requests, seed=seed, shard=shard, shards=shards)))
        for shard in range(shards)
    ]
    assert sorted(arrival for part in parts for arrival in part) == whole
    assert [number for number, _ in whole] == list(range(requests))


def test_duration_ends_an_open_schedule() -> None:
    arrivals = Arrivals("constant", concurrency=9, rate=10.0)
    assert len(list(offsets(plan(arrivals=arrivals, duration_ns=10**9)))) == 10


def test_stored_indices_are_skipped() -> None:
    arrivals = Arrivals("closed", concurrency=1)
    left = offsets(plan(arrivals=arrivals, requests=5, index_base=1, index_stride=2, skip=(1, 5)))
    assert [number for number, _ in left] == [1, 3, 4]


@given(concurrency=st.integers(1, 500), shards=st.integers(1, 64))
def test_concurrency_is_split_evenly(concurrency: int, shards: int) -> None:
    shards = min(shards, concurrency)
    parts = [
        shard_concurrency(plan(arrivals=Arrivals("closed", concurrency=concurrency), shard=shard, shards=shards))
        for shard in range(shards)
    ]
    assert sum(parts) == concurrency
    assert max(parts) - min(parts) <= 1
