"""The instrument's small parts: lag histogram, timing wheel, gap censoring, request bytes, retry rules."""

import random
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.loadgen.exchange import _censor
from app.loadgen.frames import CENSORED, Record
from app.loadgen.http1 import request_bytes
from app.loadgen.lag import LagHistogram
from app.loadgen.plan import Limits
from app.loadgen.retries import retry_delay_ns
from app.loadgen.timeouts import TimingWheel


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=200), st.floats(1, 100))
def test_lag_percentiles_are_within_a_sixteenth(lags: list[int], percent: float) -> None:
    histogram = LagHistogram()
    for lag in lags:
        histogram.record(lag)
    exact = sorted(lags)[max(0, -(-len(lags) * percent // 100).__int__() - 1)]
    assert exact <= histogram.percentile_ns(percent) <= max(exact * 17 // 16 + 1, exact)
    assert histogram.max_ns == max(lags)


@given(
    st.lists(st.tuples(st.integers(0, 5_000), st.booleans()), max_size=60),
    st.lists(st.integers(1, 700), min_size=1, max_size=30),
)
def test_wheel_fires_everything_once_and_never_early(items: list[tuple[int, bool]], steps: list[int]) -> None:
    resolution = 5
    wheel: TimingWheel[int] = TimingWheel(0, resolution)
    deadlines = {}
    for name, (deadline, dropped) in enumerate(items):
        wheel.put(name, deadline)
        if dropped:
            wheel.drop(name)
        else:
            deadlines[name] = deadline
    now = 0
    fired: dict[int, int] = {}
    for step in [*steps, 6_000]:
        before, now = now, now + step
        for name in wheel.due(now):
            assert name not in fired
            fired[name] = now
            assert deadlines[name] <= now
            assert deadlines[name] + 2 * resolution > before or before == 0
    assert fired.keys() == deadlines.keys()
    assert wheel.next_ns() is None


@given(st.lists(st.integers(1, 4), min_size=1, max_size=20))
def test_censored_gaps_add_up_and_hide_nothing(reads: list[int]) -> None:
    stamps = array("q", [1000 * number for number, chunks in enumerate(reads, 1) for _ in range(chunks)])
    gaps = _censor(stamps)
    assert len(gaps) == len(stamps) - 1
    assert sum(gap for gap in gaps if gap != CENSORED) == stamps[-1] - stamps[0]
    assert gaps.count(CENSORED) == sum(chunks - 1 for chunks in reads)
    assert 0 not in gaps


def test_request_bytes() -> None:
    raw = request_bytes("POST", "/v1/x", "host:1", [("A", "b")], b"{}")
    assert (
        raw
        == b"POST /v1/x HTTP/1.1\r\nHost: host:1\r\nA: b\r\nAccept-Encoding: identity\r\nContent-Length: 2\r\n\r\n{}"
    )
    with pytest.raises(ValueError, match="line break"):
        request_bytes("GET", "/", "h", [("A", "b\r\nEvil: 1")], b"")


def failed(
    status: int | None, *, error_kind: str | None = None, error_type: str = "http_5xx", attempts: int = 1
) -> Record:
    return Record(0, "error", 0, http_status=status, error_type=error_type, error_kind=error_kind, attempts=attempts)


LIMITS = Limits(max_attempts=3, base_delay_ns=1000, max_delay_ns=5_000_000_000)


@pytest.mark.parametrize(
    ("record", "headers", "expected"),
    [
        (failed(503), [(b"retry-after", b"2")], 2_000_000_000),
        (failed(503), [(b"retry-after-ms", b"1500.5"), (b"retry-after", b"9")], 1_500_500_000),
        (failed(429), [(b"retry-after", b"Thu, 01 Jan 1970 00:00:03 GMT")], 2_000_000_000),
        (failed(429), [(b"retry-after", b"60")], None),  # longer than we care to wait
        (failed(429, error_kind="quota"), [(b"retry-after", b"1")], None),
        (failed(429, error_kind="rate_limit"), [(b"retry-after", b"1")], 1_000_000_000),
        (failed(400), [], None),
        (failed(400), [(b"x-should-retry", b"true"), (b"retry-after", b"1")], 1_000_000_000),
        (failed(503), [(b"x-should-retry", b"false")], None),
        (failed(503, attempts=3), [(b"retry-after", b"1")], None),
        (failed(None, error_type="timeout_total"), [], None),
        (Record(0, "ok", 0), [], None),
    ],
)
def test_retry_rules(record: Record, headers: list[tuple[bytes, bytes]], expected: int | None) -> None:
    assert retry_delay_ns(record, headers, LIMITS, 1_000_000_000, random.Random(0)) == expected


def test_backoff_has_full_jitter_and_a_ceiling() -> None:
    rng = random.Random(0)
    second = [retry_delay_ns(failed(500, attempts=2), [], LIMITS, 0, rng) for _ in range(200)]
    assert all(delay is not None and 0 <= delay < 2000 for delay in second)
    assert len(set(second)) > 50
    refused = failed(None, error_type="connect")
    assert retry_delay_ns(refused, [], LIMITS, 0, rng) is not None
