from typing import Any

import numpy as np
import pytest

from app.stats.criteria import Criteria, LatencyLimit, judge
from app.stats.run_statistics import Slo, TargetStatistics
from tests.stats.batches import batch

P95 = Criteria((LatencyLimit("ttft_ms", 95, 500),))


def statistics(ttft_ms: list[float], failed: int = 0, **fields: Any) -> TargetStatistics:
    found = TargetStatistics()
    n = len(ttft_ms)
    values = {"ttft_ms": [*ttft_ms, *[float("nan")] * failed], "ok": [True] * n + [False] * failed} | fields
    if n + failed:
        found.add(batch([1.0] * (n + failed), **values), Slo())
    return found


@pytest.mark.parametrize(
    ("values", "verdict", "says"),
    [
        ([100.0] * 200, "met", "p95 ttft_ms is at most 100"),
        ([900.0] * 200, "not_met", "p95 ttft_ms is above 500 ms (lower bound 9"),
        ([100.0] * 190 + [900.0] * 10, "undecided", "200 samples do not decide on 500 ms"),
        ([100.0] * 20, "undecided", "20 samples do not decide on 500 ms (that takes at least 59)"),
        ([], "undecided", "no request ended"),
    ],
)
def test_a_verdict_needs_its_bound_on_one_side_of_the_limit(values: list[float], verdict: str, says: str) -> None:
    found = judge(statistics(values), P95)
    assert found.verdict == verdict
    assert says in found.reason


def test_failed_requests_count_as_slow_unless_they_have_a_limit_of_their_own() -> None:
    shedding = statistics([100.0] * 180, failed=20)
    assert judge(shedding, P95).verdict == "not_met"
    assert "too many failed" in judge(shedding, P95).reason
    tolerant = Criteria(P95.latencies, max_error_rate=0.2)
    assert judge(shedding, tolerant).verdict == "met"
    assert judge(shedding, Criteria(P95.latencies, max_error_rate=0.05)).verdict == "not_met"
    assert judge(shedding, Criteria(P95.latencies, max_error_rate=0.1)).verdict == "undecided"


def test_a_retried_request_counts_as_slow_whatever_may_fail() -> None:
    attempts = np.array([1] * 180 + [2] * 20)
    found = TargetStatistics()
    found.add(batch([1.0] * 200, ttft_ms=[100.0] * 200, e2e_from_intended_ms=[9.0] * 200, attempts=attempts), Slo())
    assert found.retried.n == 20
    assert judge(found, Criteria(P95.latencies, max_error_rate=0.5)).verdict == "not_met"


@pytest.mark.parametrize(("failed", "verdict"), [(0, "met"), (1, "not_met")])
def test_an_error_rate_of_zero_is_judged_by_what_was_sent(failed: int, verdict: str) -> None:
    assert judge(statistics([1.0] * 100, failed), Criteria(max_error_rate=0)).verdict == verdict


def test_nothing_is_met_when_nothing_succeeds() -> None:
    found = judge(statistics([], failed=9), Criteria(max_error_rate=1))
    assert (found.verdict, found.reason) == ("not_met", "none of 9 requests succeeded")


def test_a_metric_that_was_never_measured_decides_nothing() -> None:
    found = judge(statistics([1.0] * 100), Criteria((LatencyLimit("tpot_ms", 50, 10),)))
    assert (found.verdict, found.reason) == ("undecided", "tpot_ms was never measured")


def test_a_client_that_was_the_limit_can_meet_nothing_but_break_something() -> None:
    fine, slow = statistics([100.0] * 200), statistics([900.0] * 200)
    assert judge(fine, P95, client_limit="96 % of a core").verdict == "undecided"
    assert "the client was the limit: 96 % of a core" in judge(fine, P95, client_limit="96 % of a core").reason
    assert judge(slow, P95, client_limit="96 % of a core").verdict == "not_met"


def test_a_server_that_falls_behind_meets_nothing() -> None:
    found = judge(statistics([100.0] * 200), P95, falls_behind="in flight kept growing")
    assert (found.verdict, found.reason) == ("not_met", "in flight kept growing")


def test_every_criterion_must_be_met() -> None:
    both = Criteria((LatencyLimit("ttft_ms", 95, 500), LatencyLimit("ttft_ms", 50, 50)), 0.01)
    assert str(both) == "p95 ttft_ms ≤ 500 ms and p50 ttft_ms ≤ 50 ms and error rate ≤ 1 %"
    assert judge(statistics([100.0] * 400), both).verdict == "not_met"
