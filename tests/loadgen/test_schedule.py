"""Schedules on a clock of their own: every request takes a given time, and the loop is never late."""

import heapq
from array import array
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from app.loadgen.exchange import Exchange
from app.loadgen.plan import Arrivals, Level, RateLimit, Segment
from app.loadgen.rate_limit import RateLimiter
from app.loadgen.schedule import ClosedSchedule, Schedule, new_schedule
from app.loadgen.users import NEVER_NS
from tests.loadgen.runs import plan

SECOND = 10**9
BEGIN, UNIX = 10**12, 10**18


class Start(NamedTuple):
    number: int
    at_ns: int
    intended_ns: int
    due_ns: int
    in_flight: int  # with it


def schedule_of(limits: RateLimit | None = None, **fields: Any) -> tuple[Schedule, RateLimiter | None]:
    made = plan(1, **({"requests": None} | fields))
    limiter = None if limits is None else RateLimiter(limits, lambda _: 10.0, made.shard, made.shards)
    return new_schedule(made, lambda number: b"%d" % number, limiter), limiter


def simulate(lasts_ns: int = SECOND, limits: RateLimit | None = None, **fields: Any) -> list[Start]:
    """Starts, all times from the begin of the run."""
    schedule, limiter = schedule_of(limits, **fields)
    if limiter is not None:
        limiter.begin(BEGIN, UNIX)
    schedule.begin(BEGIN, UNIX)
    now, starts, running = BEGIN, [], list[tuple[int, int, Exchange]]()
    for _ in range(100_000):
        while (exchange := schedule.take(now)) is not None:
            intended, due = exchange.intended_ns - UNIX, exchange.due_ns - UNIX
            starts.append(Start(exchange.index, now - BEGIN, intended, due, schedule.in_flight))
            heapq.heappush(running, (now + lasts_ns, exchange.index, exchange))
        if not running and schedule.is_exhausted(now):
            return starts
        after = min(schedule.next_due_ns(), running[0][0] if running else NEVER_NS, now + 60 * SECOND)
        assert after >= now or after == 0
        now = max(after, now)
        while running and running[0][0] <= now:
            _, _, ended = heapq.heappop(running)
            ended.end_ns = now - BEGIN + UNIX
            schedule.freed(ended, now, unreachable=False)
    raise AssertionError("it does not end")


def test_users_join_over_the_ramp_and_are_never_late_by_it() -> None:
    starts = simulate(arrivals=Arrivals("closed", 4, ramp_up_ns=8 * SECOND), duration_ns=12 * SECOND, lasts_ns=10**8)
    assert all(start.at_ns == start.intended_ns == start.due_ns for start in starts)
    for second in range(12):
        in_flight = [start.in_flight for start in starts if second <= start.at_ns / SECOND < second + 1]
        assert max(in_flight) == min(1 + second // 2, 4)


def test_users_come_and_go_with_the_levels() -> None:
    levels = (Level(0, 2), Level(10 * SECOND, 5), Level(20 * SECOND, 1), Level(30 * SECOND, 3))
    arrivals = Arrivals("closed", 5, levels=levels, levels_end_ns=40 * SECOND)
    starts = simulate(arrivals=arrivals, lasts_ns=300_000_000)
    assert max(start.at_ns for start in starts) < 40 * SECOND
    assert all(start.at_ns == start.intended_ns for start in starts)
    for begin, users in ((0, 2), (11, 5), (21, 1), (30, 3)):
        assert max(s.in_flight for s in starts if begin + 1 < s.at_ns / SECOND < begin + 8) == users
    joined = sorted(start.at_ns for start in starts if start.at_ns == 10 * SECOND)
    assert len(joined) == 3


@given(
    levels=st.lists(st.integers(1, 12), min_size=1, max_size=6),
    shards=st.integers(1, 4),
    lasts_ns=st.integers(10**7, 3 * SECOND),
    ramp_ns=st.sampled_from([0, SECOND // 2]),
)
@settings(max_examples=15, deadline=None)
def test_no_more_users_than_the_level_asks_for(levels: list[int], shards: int, lasts_ns: int, ramp_ns: int) -> None:
    steps = tuple(Level(position * SECOND, users) for position, users in enumerate(levels))
    fields = {"levels": steps, "levels_end_ns": len(levels) * SECOND, "ramp_up_ns": ramp_ns}
    arrivals = Arrivals("closed", max(levels), **fields)  # type: ignore[arg-type]
    starts = [s for shard in range(shards) for s in simulate(lasts_ns, arrivals=arrivals, shard=shard, shards=shards)]
    for instant in (start.at_ns for start in starts):
        running = sum(1 for start in starts if start.at_ns <= instant < start.at_ns + lasts_ns)
        began = sum(1 for start in starts if start.at_ns == instant)
        wanted = levels[instant // SECOND]
        # Those of a higher level before end their requests; while they do, nobody starts in their place.
        assert running <= wanted or began <= wanted
        if instant % SECOND > lasts_ns:
            assert running <= wanted
    assert len({start.number for start in starts}) == len(starts)


def test_requests_end_a_ramp_and_idle_shards_end_at_once() -> None:
    assert len(simulate(arrivals=Arrivals("closed", 8, ramp_up_ns=100 * SECOND), requests=5)) == 5
    nobody = Arrivals("closed", 2, levels=(Level(0, 2),), levels_end_ns=9 * SECOND)
    assert simulate(arrivals=nobody, shard=2, shards=3) == []


def test_a_user_told_to_wait_waits() -> None:
    schedule, _ = schedule_of(arrivals=Arrivals("closed", 1))
    schedule.begin(BEGIN, UNIX)
    exchange = schedule.take(BEGIN)
    assert exchange is not None
    exchange.end_ns = UNIX + 5
    schedule.freed(exchange, BEGIN + 5, unreachable=False, pause_ns=3 * SECOND)
    assert schedule.take(BEGIN + SECOND) is None
    assert schedule.next_due_ns() == BEGIN + 5 + 3 * SECOND
    after = schedule.take(BEGIN + 5 + 3 * SECOND)
    assert after is not None
    assert after.intended_ns == UNIX + 5 + 3 * SECOND


def test_an_open_loop_keeps_its_instants_while_the_limit_holds_it_back() -> None:
    arrivals = Arrivals("constant", 100, 10.0)
    starts = simulate(limits=RateLimit(120), arrivals=arrivals, duration_ns=10 * SECOND)
    assert len(starts) == 20  # two a second; the others never start
    assert [start.intended_ns for start in starts] == [number * SECOND // 10 for number in range(20)]
    assert all(abs(start.at_ns - number * SECOND // 2) < 10**7 * (number + 1) for number, start in enumerate(starts))
    assert all(abs(start.due_ns - start.at_ns) <= 1 for start in starts)
    everything = simulate(limits=RateLimit(120), arrivals=arrivals, requests=100)
    assert len(everything) == 100


def test_a_closed_loop_is_intended_for_when_its_user_was_free() -> None:
    starts = simulate(SECOND // 4, RateLimit(60), arrivals=Arrivals("closed", 1), requests=5)
    assert [round(start.at_ns / SECOND, 1) for start in starts] == [0, 1, 2, 3, 4]
    assert [round(start.intended_ns / SECOND, 2) for start in starts[:2]] == [0, 0.25]
    assert all(abs(start.due_ns - start.at_ns) <= 1 for start in starts)
    ends = simulate(SECOND // 4, RateLimit(60), arrivals=Arrivals("closed", 3), duration_ns=3 * SECOND)
    assert len(ends) == 3


def test_users_of_a_run_that_is_taken_up_again_have_been_free_since_its_last_answer() -> None:
    starts = simulate(arrivals=Arrivals("closed", 2), requests=6, free_since_ns=UNIX - 3 * SECOND)
    assert [start.intended_ns for start in starts[:2]] == [0, 0], "nobody is free before the run begins"
    starts = simulate(arrivals=Arrivals("closed", 2), requests=6, free_since_ns=UNIX + SECOND // 2)
    assert [start.intended_ns for start in starts[:2]] == [SECOND // 2] * 2


def test_limits_in_tokens_hold_starts_back_too() -> None:
    starts = simulate(limits=RateLimit(0, 1_200), arrivals=Arrivals("closed", 50), requests=100)
    assert 47 <= starts[-1].at_ns / SECOND <= 50  # 10 tokens each, 20 a second


def test_what_waits_is_counted() -> None:
    schedule, _ = schedule_of(arrivals=Arrivals("constant", 1, 100.0), duration_ns=20 * SECOND)
    schedule.begin(BEGIN, UNIX)
    assert schedule.waiting(BEGIN) == 0
    assert schedule.take(BEGIN) is not None
    while schedule.prepare():
        pass
    assert schedule.waiting(BEGIN + 500_000_000) == 50
    assert abs(schedule.waiting(BEGIN + 10 * SECOND) - 1000) <= 1
    assert abs(schedule.waiting(BEGIN + 60 * SECOND) - 1999) <= 1
    trace = Arrivals("trace", 1, offsets=array("q", [0, 5, 5, 7, 9]).tobytes())
    replay, _ = schedule_of(arrivals=trace)
    replay.begin(BEGIN, UNIX)
    assert replay.take(BEGIN) is not None
    while replay.prepare():
        pass
    assert [replay.waiting(BEGIN + later) for later in (4, 5, 8, 100)] == [0, 2, 3, 4]


def test_spare_connections_follow_what_comes_next() -> None:
    spike = (Segment(1, 1, 10), Segment(500, 500, 1), Segment(1, 1))
    schedule, _ = schedule_of(arrivals=Arrivals("constant", 400, segments=spike))
    while schedule.prepare():
        pass
    assert schedule.spare_connections(0) == 5  # before the run: the one at 0, and four more
    schedule.begin(BEGIN, UNIX)
    for number in range(10):
        assert schedule.take(BEGIN + number * SECOND) is not None
        schedule.prepare()
    assert schedule.spare_connections(BEGIN + 9 * SECOND) == 4
    assert schedule.spare_connections(BEGIN + 10 * SECOND - 100_000_000) == 80
    trace = Arrivals("trace", 400, offsets=array("q", [0] * 30 + [SECOND] * 30).tobytes())
    replay, _ = schedule_of(arrivals=trace)
    while replay.prepare():
        pass
    assert replay.spare_connections(0) == 34

    everyone, _ = schedule_of(arrivals=Arrivals("closed", 64))
    assert everyone.spare_connections(0) == 64
    everyone.begin(BEGIN, UNIX)
    assert everyone.spare_connections(BEGIN) == 0
    joining = ClosedSchedule(plan(1, arrivals=Arrivals("closed", 100, ramp_up_ns=50 * SECOND), requests=None), bytes)
    assert joining.spare_connections(0) == 3
    joining.begin(BEGIN, UNIX)
    assert joining.spare_connections(BEGIN + 1) == 2
