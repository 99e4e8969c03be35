"""What may have disturbed an engine: garbage collection, other users of the cores, the hypervisor."""

import gc
import time

import pytest

from app.loadgen import machine
from app.loadgen.machine import Core, Disturbances, parse_cores, shares

STAT = """cpu  30 0 30 300 0 0 0 10 0 0
cpu0 10 1 2 200 20 3 4 5 6 7
cpu1 20 0 20 100 0
intr 12345
"""


def test_cores_of_a_proc_stat() -> None:
    assert parse_cores(STAT) == [Core(20, 220, 5), Core(40, 100, 0)]
    assert parse_cores("") == []


def test_shares_of_the_time_between() -> None:
    before = [Core(100, 100, 0), Core(5, 5, 5)]
    after = [Core(150, 140, 10), Core(5, 105, 5)]
    assert shares(before, after) == ((0.5, 0.0), 0.05)


@pytest.mark.parametrize(
    ("before", "after"), [([], []), ([], [Core(1, 1, 1)]), ([Core(1, 1, 1)], [Core(2, 2, 2), Core(2, 2, 2)])]
)
def test_nothing_is_claimed_when_cores_come_or_go(before: list[Core], after: list[Core]) -> None:
    assert shares(before, after) == ((), 0.0)


def test_no_time_at_all_divides_by_nothing() -> None:
    assert shares([Core(7, 7, 7)], [Core(7, 7, 7)]) == ((0.0,), 0.0)


def test_collections_are_counted_between_begin_and_end_only() -> None:
    watch = Disturbances()
    gc.collect()
    watch.begin()
    gc.collect()
    gc.collect()
    facts = watch.end()
    gc.collect()
    assert facts["gc_pauses"] >= 2
    assert watch.gc_pauses == facts["gc_pauses"]
    assert 0 < facts["gc_pause_max_ns"] <= facts["gc_pause_total_ns"]


def test_own_work_shows_on_a_core() -> None:
    watch = Disturbances()
    watch.begin()
    until = time.process_time() + 0.2
    while time.process_time() < until:
        pass
    facts = watch.end()
    if facts["core_shares"]:  # Linux
        assert max(facts["core_shares"]) > 0
    assert all(0 <= share <= 1 for share in (*facts["core_shares"], facts["steal_share"]))
    assert facts["involuntary_switches"] >= 0


def test_a_platform_without_proc_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_PROC_STAT", "/nonexistent/stat")
    watch = Disturbances()
    watch.begin()
    facts = watch.end()
    assert (facts["core_shares"], facts["steal_share"]) == ((), 0.0)
