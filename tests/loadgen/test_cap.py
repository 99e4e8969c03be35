"""What the cap on requests in flight holds back is schedule delay, but not a send that the client was late with."""

from app.loadgen.plan import Arrivals, Endpoint, Plan, Prompts
from app.loadgen.schedule import new_schedule

MS = 10**6
START = 1_800_000_000 * 10**9


def test_a_request_is_due_when_the_cap_lets_it_go() -> None:
    endpoint = Endpoint("openai-compatible", "http://127.0.0.1:9/v1", "m")
    plan = Plan(endpoint, Prompts(("a",)), Arrivals("constant", 1, 100.0), requests=3)
    schedule = new_schedule(plan, lambda _: b"request")
    schedule.begin(0, START)
    first = schedule.take(0)
    assert first is not None
    assert (first.intended_ns, first.due_ns) == (START, START)
    assert schedule.take(50 * MS) is None
    first.end_ns = START + 50 * MS
    schedule.freed(first, 51 * MS, unreachable=False)
    second = schedule.take(51 * MS)
    assert second is not None
    assert (second.intended_ns, second.due_ns) == (START + 10 * MS, START + 50 * MS)
    second.end_ns = START + 55 * MS
    schedule.freed(second, 56 * MS, unreachable=False)
    third = schedule.take(56 * MS)
    assert third is not None
    assert (third.intended_ns, third.due_ns) == (START + 20 * MS, START + 55 * MS)


def test_a_request_that_nothing_held_back_is_due_as_intended() -> None:
    endpoint = Endpoint("openai-compatible", "http://127.0.0.1:9/v1", "m")
    plan = Plan(endpoint, Prompts(("a",)), Arrivals("constant", 1, 100.0), requests=2)
    schedule = new_schedule(plan, lambda _: b"request")
    schedule.begin(0, START)
    first = schedule.take(0)
    assert first is not None
    first.end_ns = START + 2 * MS
    schedule.freed(first, 3 * MS, unreachable=False)
    second = schedule.take(15 * MS)  # late, and that is the client's own doing
    assert second is not None
    assert second.due_ns == START + 10 * MS
