"""How many requests the simulator works on at once; the others wait for their turn, in the order of their arrival.

That is what makes time to first token grow with the load, as it does at a real server whose batch is full.
"""

from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Slots(Generic[T]):
    """`limit` slots; 0 is no limit. Whoever enters leaves exactly once, also when it gives up waiting."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._holders: set[T] = set()
        self._queue: deque[T] = deque()

    def enter(self, one: T) -> bool:
        """Take a slot; False when there is none, and it waits."""
        if self._limit and len(self._holders) >= self._limit:
            self._queue.append(one)
            return False
        self._holders.add(one)
        return True

    def leave(self, one: T) -> T | None:
        """Give the slot, or the place in the queue, back; the answer is whose turn it is now."""
        if one not in self._holders:
            if one in self._queue:
                self._queue.remove(one)
            return None
        self._holders.discard(one)
        if not self._queue:
            return None
        following = self._queue.popleft()
        self._holders.add(following)
        return following
