"""A timing wheel: adding and removing a deadline are O(1), so finished requests leave nothing behind.

Source: Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", SOSP 1987, scheme 6. A heap would keep the entry of
every finished request until its deadline: at 5,000 requests a second and ten minutes that is three million entries.
"""

from collections.abc import Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")
_SLOTS = 512


class TimingWheel(Generic[Item]):
    """Deadlines with a resolution of `resolution_ns`; fires at most that late."""

    def __init__(self, now_ns: int, resolution_ns: int) -> None:
        self._resolution_ns = resolution_ns
        self._slots: list[dict[Item, int]] = [{} for _ in range(_SLOTS)]
        self._turn = now_ns // resolution_ns
        self._slot_of: dict[Item, int] = {}

    def put(self, item: Item, deadline_ns: int) -> None:
        """Add an item, or move it to a new deadline."""
        self.drop(item)
        turn = max(deadline_ns // self._resolution_ns + 1, self._turn + 1)
        slot = turn % _SLOTS
        self._slots[slot][item] = turn
        self._slot_of[item] = slot

    def drop(self, item: Item) -> None:
        """Forget an item; unknown ones are fine."""
        slot = self._slot_of.pop(item, None)
        if slot is not None:
            del self._slots[slot][item]

    def next_ns(self) -> int | None:
        """When `due` should be called next, or None when the wheel is empty."""
        return (self._turn + 1) * self._resolution_ns if self._slot_of else None

    def due(self, now_ns: int) -> Iterator[Item]:
        """Take out and yield every item whose deadline has passed."""
        last = now_ns // self._resolution_ns
        first = max(self._turn + 1, last - _SLOTS + 1)
        self._turn = max(last, self._turn)
        for turn in range(first, last + 1):
            slot = self._slots[turn % _SLOTS]
            if slot:
                for item in [item for item, wanted in slot.items() if wanted <= last]:
                    self.drop(item)
                    yield item
