"""Which turn of which conversation has which request number.

Numbers are dense: conversation n's turns follow those of conversation n - 1. Conversations are taken in turn from a
cycle of given lengths. A shard owns whole conversations: shard k of K those with n mod K = k.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate


class TurnNumbers:
    """`cycle` has the number of turns, at least 1, of each conversation before they repeat."""

    def __init__(self, cycle: Sequence[int]) -> None:
        self._cycle = tuple(cycle)
        self._starts = (0, *accumulate(self._cycle))  # of each conversation in the cycle, and the cycle's length

    def turns(self, conversation: int) -> int:
        """How many turns it has."""
        return self._cycle[conversation % len(self._cycle)]

    def first(self, conversation: int) -> int:
        """The number of its first turn."""
        rounds, position = divmod(conversation, len(self._cycle))
        return rounds * self._starts[-1] + self._starts[position]

    def conversation(self, number: int) -> int:
        """The conversation that a request belongs to."""
        rounds, rest = divmod(number, self._starts[-1])
        return rounds * len(self._cycle) + bisect_right(self._starts, rest) - 1

    def begun_by(self, requests: int) -> int:
        """How many conversations the first `requests` requests are of; the last of them may be cut short."""
        return self.conversation(requests - 1) + 1 if requests > 0 else 0
