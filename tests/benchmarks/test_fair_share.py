from datetime import UTC, datetime, timedelta
from uuid import UUID

from app.benchmarks.fair_share import Waiting, fair_order

START = datetime(2026, 1, 1, tzinfo=UTC)
ANNA, BERT = UUID(int=1), UUID(int=2)


def waiting(owner: UUID | None, *seconds: int) -> list[Waiting]:
    number = 0 if owner is None else owner.int * 1000
    return [Waiting(UUID(int=number + at), owner, START + timedelta(seconds=at)) for at in seconds]


def test_one_who_submits_many_holds_up_nobody() -> None:
    mine, theirs = waiting(ANNA, *range(150)), waiting(BERT, 500, 501)
    order = fair_order([*mine, *theirs], {})
    assert order[:5] == [mine[0].id, theirs[0].id, mine[1].id, theirs[1].id, mine[2].id]
    assert len(order) == 152


def test_what_runs_already_counts() -> None:
    mine, theirs = waiting(ANNA, 0, 1), waiting(BERT, 5, 6, 7)
    assert fair_order([*mine, *theirs], {ANNA: 2})[:3] == [theirs[0].id, theirs[1].id, mine[0].id]


def test_a_limit_per_user_lets_others_go_first() -> None:
    mine, theirs = waiting(ANNA, 0, 1), waiting(BERT, 5)
    both = [*mine, *theirs]
    assert fair_order(both, {ANNA: 1}, per_user=1) == [theirs[0].id, mine[0].id, mine[1].id]
    assert fair_order(both, {ANNA: 1}, per_user=1, only_startable=True) == [theirs[0].id]
    assert fair_order(both, {ANNA: 1, BERT: 1}, per_user=1, only_startable=True) == []


def test_what_belongs_to_nobody_is_one_user_too() -> None:
    mine, nobodys = waiting(ANNA, 1), waiting(None, 0, 2)
    assert fair_order([*mine, *nobodys], {}) == [nobodys[0].id, mine[0].id, nobodys[1].id]
