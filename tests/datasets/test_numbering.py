from hypothesis import given
from hypothesis import strategies as st

from app.datasets.numbering import TurnNumbers

cycles = st.lists(st.integers(1, 7), min_size=1, max_size=6)


@given(cycle=cycles)
def test_numbers_are_dense(cycle: list[int]) -> None:
    numbers = TurnNumbers(cycle)
    expected = 0
    for conversation in range(3 * len(cycle) + 1):
        assert numbers.first(conversation) == expected
        assert numbers.turns(conversation) == cycle[conversation % len(cycle)]
        for turn in range(numbers.turns(conversation)):
            assert numbers.conversation(expected + turn) == conversation
        expected += numbers.turns(conversation)


@given(cycle=cycles, requests=st.integers(0, 60), shards=st.integers(1, 5))
def test_the_union_of_the_shards_is_the_unsharded_run(cycle: list[int], requests: int, shards: int) -> None:
    numbers = TurnNumbers(cycle)
    found = [
        numbers.first(conversation) + turn
        for shard in range(shards)
        for conversation in range(shard, numbers.begun_by(requests), shards)
        for turn in range(min(numbers.turns(conversation), requests - numbers.first(conversation)))
    ]
    assert sorted(found) == list(range(requests))
