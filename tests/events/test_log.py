"""The window of events that can be told again: all that followed, or an honest no."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.errors import MalformedRequestError
from app.events.log import EventLog
from app.events.types import Position, parse_position
from tests.factories import make_event

Steps = st.lists(st.one_of(st.just("event"), st.floats(0.1, 4.0), st.integers(2, 5)), max_size=60)


@settings(max_examples=150)
@given(steps=Steps, limit=st.integers(1, 12), asked=st.integers(0, 60))
def test_a_replay_is_complete_and_without_doubles_or_it_is_refused(
    steps: list[str | float | int], limit: int, asked: int
) -> None:
    now = 0.0
    log = EventLog(limit, seconds=5.0, clock=lambda: now)
    happened: list[tuple[int, float]] = []
    lost_up_to = 0
    for step in steps:
        if isinstance(step, float):
            now += step
            continue
        leap = step if isinstance(step, int) else 1  # numbers that never came
        seq = log.seq + leap
        if leap > 1:
            lost_up_to = seq - 1
        log.append(msgspec.structs.replace(make_event(), epoch=log.epoch, seq=seq))
        happened.append((seq, now))
    asked = min(asked, log.seq)
    missed = [(seq, at) for seq, at in happened if seq > asked]
    found = log.since(Position(log.epoch, asked))
    complete = asked >= lost_up_to and len(missed) <= limit and all(at >= now - 5.0 for _, at in missed)
    assert (found is not None) == complete
    if found is not None:
        assert [event.seq for event in found] == [seq for seq, _ in missed]


def test_positions_that_nobody_gave_are_refused() -> None:
    log = EventLog()
    log.append(msgspec.structs.replace(make_event(), epoch=log.epoch, seq=1))
    assert log.since(Position(log.epoch, 1)) == []
    assert log.since(Position(log.epoch, 2)) is None, "from the future"
    assert log.since(Position("another", 0)) is None
    log.begin("next", 7)
    assert log.since(Position("next", 7)) == []
    assert log.since(Position("next", 6)) is None


def test_only_what_follows_can_be_added() -> None:
    log = EventLog()
    with pytest.raises(ValueError, match="does not follow"):
        log.append(msgspec.structs.replace(make_event(), epoch=log.epoch, seq=0))
    with pytest.raises(ValueError, match="does not follow"):
        log.append(msgspec.structs.replace(make_event(), epoch="other", seq=1))


def test_a_number_without_meaning_is_no_gap() -> None:
    log = EventLog()
    log.pass_over(1)
    log.append(msgspec.structs.replace(make_event(), epoch=log.epoch, seq=2))
    found = log.since(Position(log.epoch, 0))
    assert found is not None
    assert [event.seq for event in found] == [2]


def test_a_position_as_text() -> None:
    position = Position("ab-12", 34)
    assert parse_position(str(position)) == position
    for wrong in ("", "7", "-7", "ab-", "ab-x", "ab-\u0661", "a" * 70 + "-1", "ab-" + "9" * 16):
        with pytest.raises(MalformedRequestError, match="since"):
            parse_position(wrong)
