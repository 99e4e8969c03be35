"""Requests whose bytes are good for a while only: those made ahead of time are made again when they are too old."""

from app.loadgen.clock import monotonic_ns
from app.loadgen.schedule import new_schedule
from tests.loadgen.runs import plan


def made(lifetime_ns: int | None, waited_ns: int) -> list[int]:
    numbers: list[int] = []

    def message(number: int) -> bytes:
        numbers.append(number)
        return b"x"

    schedule = new_schedule(plan(1, requests=3, concurrency=3, message_lifetime_ns=lifetime_ns), message)
    while schedule.prepare():
        pass
    now = monotonic_ns() + waited_ns
    schedule.begin(now, 0)
    while schedule.take(now) is not None:
        pass
    return numbers


def test_old_ones_are_made_again() -> None:
    assert made(10**9, 2 * 10**9) == [0, 1, 2, 0, 1, 2]


def test_fresh_ones_are_not() -> None:
    assert made(10**12, 2 * 10**9) == [0, 1, 2]
    assert made(None, 10**15) == [0, 1, 2]
