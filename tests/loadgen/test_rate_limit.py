"""Rate limits of the client, on a clock of their own."""

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.loadgen.exchange import Exchange
from app.loadgen.frames import Record
from app.loadgen.plan import Embeddings, Lengths, Prompts, RateLimit, Synthetic, Trace, Turn
from app.loadgen.rate_limit import MINUTE_NS, RateLimiter
from app.loadgen.token_estimates import estimated_tokens
from tests.loadgen.runs import plan

SECOND = 10**9
UNIX = 10**18


def starts(limiter: RateLimiter, requests: int, *, late_ns: int = 0, dues: list[int] | None = None) -> list[int]:
    """When so many requests start if each does as soon as it may, `late_ns` after that."""
    limiter.begin(0, UNIX)
    now, found = 0, []
    for number in range(requests):
        due = dues[number] if dues else 0
        now = max(now, due, limiter.opens_ns(number)) + late_ns
        limiter.start(Exchange(number, b"", UNIX + due), number, now)
        found.append(now)
    return found


def most_in_a_minute(instants: list[int]) -> int:
    return max(sum(1 for other in instants if at <= other < at + MINUTE_NS) for at in instants)


@given(
    limit=st.integers(1, 240),
    shards=st.integers(1, 4),
    late_ns=st.integers(0, 40_000_000),
    idle=st.lists(st.integers(0, 30 * SECOND), max_size=5),
)
@settings(max_examples=40, deadline=None)
def test_no_minute_has_more_requests_than_allowed(limit: int, shards: int, late_ns: int, idle: list[int]) -> None:
    limit *= shards
    instants = []
    for shard in range(shards):
        limiter = RateLimiter(RateLimit(limit), lambda _: 0.0, shard, shards)
        dues = [0] * 100 + [sum(idle[: number + 1]) for number in range(len(idle)) for _ in range(60)]
        instants += starts(limiter, len(dues), late_ns=late_ns, dues=dues)
    assert most_in_a_minute(sorted(instants)) <= limit


def test_shards_together_are_even_and_use_the_limit_up() -> None:
    limiters = [RateLimiter(RateLimit(600), lambda _: 0.0, shard, 4) for shard in range(4)]
    instants = sorted(at for limiter in limiters for at in starts(limiter, 150))
    gaps = [later - earlier for earlier, later in itertools.pairwise(instants)]
    assert all(99_900_000 < gap < 100_300_000 for gap in gaps)
    assert limiters[0].held == 149


def test_late_starts_are_made_up_for() -> None:
    instants = starts(RateLimiter(RateLimit(6_000), lambda _: 0.0), 2_000, late_ns=200_000)
    assert instants[-1] == pytest.approx(20 * SECOND, rel=0.002)


def test_a_deliberate_wait_is_no_send_lag() -> None:
    limiter = RateLimiter(RateLimit(60), lambda _: 0.0)
    limiter.begin(5, UNIX)
    first, second = Exchange(0, b"", UNIX), Exchange(1, b"", UNIX)
    limiter.start(first, 0, 10)
    opens = limiter.opens_ns(1)
    assert opens == pytest.approx(SECOND, rel=0.002)
    limiter.start(second, 1, opens + 7)
    assert (first.due_ns, second.due_ns) == (UNIX, UNIX + opens - 5)
    assert second.intended_ns == UNIX
    assert limiter.held == 1


def done(index: int, **fields: Any) -> Record:
    return Record(index, "ok", 0, first_byte_ns=1, token_count_source="usage", **fields)


def test_tokens_are_estimated_first_and_corrected_by_usage() -> None:
    limiter = RateLimiter(RateLimit(0, 60_000), lambda _: 1_500.0)  # 1000 a second
    limiter.begin(0, UNIX)
    limiter.start(Exchange(0, b"", UNIX), 0, 0)
    assert limiter.opens_ns(1) == pytest.approx(1.5 * SECOND, rel=1e-6)
    limiter.settle(done(0, uncached_input_tokens=1_000, cache_read_tokens=500, visible_output_tokens=3_000))
    assert limiter.opens_ns(1) == pytest.approx(4.5 * SECOND, rel=1e-6)
    limiter.start(Exchange(1, b"", UNIX), 1, 5 * SECOND)
    limiter.settle(done(1, uncached_input_tokens=10, reasoning_tokens=5))
    assert limiter.opens_ns(2) == pytest.approx(5.015 * SECOND, rel=1e-6)
    limiter.settle(done(7, uncached_input_tokens=10**9))  # none of its own


def test_what_never_got_through_costs_nothing_and_what_failed_costs_its_estimate() -> None:
    limiter = RateLimiter(RateLimit(0, 60_000), lambda _: 1_000.0)
    limiter.begin(0, UNIX)
    limiter.start(Exchange(0, b"", UNIX), 0, 0)
    limiter.settle(Record(0, "error", 0, error_type="connect"))
    assert limiter.opens_ns(1) == 0
    limiter.start(Exchange(1, b"", UNIX), 1, 0)
    limiter.settle(Record(1, "error", 0, first_byte_ns=3, error_type="http_5xx"))
    assert limiter.opens_ns(2) == pytest.approx(SECOND, rel=1e-6)


def test_further_tries_count() -> None:
    limiter = RateLimiter(RateLimit(60, 60_000), lambda _: 500.0)
    limiter.begin(0, UNIX)
    exchange = Exchange(0, b"", UNIX)
    limiter.start(exchange, 0, 0)
    again = limiter.try_again_ns(exchange)
    assert again == pytest.approx(SECOND, rel=0.002)
    exchange.again(UNIX + 100)
    limiter.start_again(exchange, again)
    assert exchange.due_ns == UNIX + again
    assert limiter.opens_ns(1) == pytest.approx(2 * SECOND, rel=0.002)


@given(tokens=st.lists(st.integers(1, 5_000), min_size=2, max_size=60))
def test_tokens_flow_at_the_limit_in_the_long_run(tokens: list[int]) -> None:
    limiter = RateLimiter(RateLimit(0, 60_000), lambda number: float(tokens[number]))
    instants = starts(limiter, len(tokens))
    spent = sum(tokens[:-1])  # what had started when the last one did
    assert spent - 1_000 <= instants[-1] / SECOND * 1_000 + 1
    assert instants[-1] / SECOND * 1_000 <= spent + 1 if spent >= 1_000 else instants[-1] <= SECOND


@pytest.mark.parametrize(
    ("workload", "sampling", "expected"),
    [
        (Prompts(("x" * 400, "y")), {"max_tokens": 50}, 150),
        (Prompts(("x" * 400,), output_tokens=(7,)), {"system": "s" * 40}, 117),
        (Prompts(message_lists=((Turn("system", "a" * 8), Turn("user", "b" * 8)),)), {}, 4),
        (Synthetic(Lengths(mean=100), Lengths(mean=20), prefix_groups=2, prefix_tokens=1_000), {}, 1_120),
        (Trace((30, 40), (3, 4)), {}, 33),
        (Embeddings(("x" * 40, "y" * 80), batch_size=2), {}, 30),
        (Embeddings(input_tokens=Lengths(mean=9), batch_size=3), {}, 27),
    ],
)
def test_estimates(workload: Any, sampling: dict[str, Any], expected: float) -> None:
    assert estimated_tokens(plan(1, workload=workload, sampling=sampling), 0) == expected
