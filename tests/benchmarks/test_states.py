import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.benchmarks.states import FINAL, LIVE, TRANSITIONS, Status, after_cancel, check_deletable, transition
from app.core.errors import ConflictError

STATUSES = st.sampled_from(Status)


@given(STATUSES, STATUSES)
def test_only_the_table_is_allowed(current: Status, wanted: Status) -> None:
    if wanted in TRANSITIONS[current]:
        assert transition(current.value, wanted) is wanted
    else:
        with pytest.raises(ConflictError) as caught:
            transition(current, wanted)
        assert caught.value.details["allowed"] == sorted(TRANSITIONS[current])


@given(st.lists(STATUSES, max_size=12))
def test_every_life_ends_and_no_end_is_left(wishes: list[Status]) -> None:
    status = Status.PENDING
    for wish in wishes:
        before = status
        try:
            status = transition(status, wish)
        except ConflictError:
            assert status is before
        else:
            assert before not in FINAL
    assert status in FINAL or TRANSITIONS[status]


@given(STATUSES)
def test_cancelling_is_idempotent_until_the_end(current: Status) -> None:
    if current in FINAL:
        with pytest.raises(ConflictError, match="already ended"):
            after_cancel(current)
        return
    wanted = after_cancel(current)
    assert wanted == (Status.CANCELLED if current == Status.PENDING else Status.CANCELLING)


@given(STATUSES)
def test_only_live_benchmarks_cannot_be_deleted(current: Status) -> None:
    if current in LIVE:
        with pytest.raises(ConflictError):
            check_deletable(current)
    else:
        check_deletable(current)


def test_the_final_states() -> None:
    assert {"completed", "failed", "cancelled"} == FINAL
