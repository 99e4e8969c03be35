"""The bounded queue in front of every slow reader, with one policy for what to give up when it is full.

Ticks (progress, metrics) are worth only their newest value; everything else is told or its loss is counted.
Belongs to one event loop; putting never waits.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class MailboxClosedError(Exception):
    """Nothing is left and nothing will come."""


class Mailbox(Generic[Item]):
    """Holds at most `size` items.

    When it is full, the first of these makes room: the oldest tick with the new tick's key, the oldest tick of all, the
    new item itself if it is a tick. `dropped` counts ticks given up so. If only other items wait, the new one is lost:
    `lost` counts those and `on_loss` is called.
    """

    def __init__(self, size: int, on_loss: Callable[[], None] | None = None) -> None:
        if size < 1:
            raise ValueError("a mailbox holds at least one item")
        self.size = size
        self.dropped = 0
        self.lost = 0
        self._on_loss = on_loss
        self._items: deque[tuple[Item, Hashable | None]] = deque()
        self._changed = asyncio.Event()
        self._closed = False

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: Item, tick: Hashable | None = None) -> None:
        """Add `item`; `tick` is the key under which newer ticks replace older ones, `None` for other items."""
        if self._closed:
            return
        if len(self._items) >= self.size and not self._make_room(tick):
            return
        self._items.append((item, tick))
        self._changed.set()

    def _make_room(self, tick: Hashable | None) -> bool:
        victim = None
        for position, (_, key) in enumerate(self._items):
            if key is None:
                continue
            if tick is None or key == tick:
                victim = position
                break
            if victim is None:
                victim = position
        if victim is not None:
            del self._items[victim]
            self.dropped += 1
            return True
        if tick is not None:
            self.dropped += 1
        else:
            self.lost += 1
            if self._on_loss is not None:
                self._on_loss()
        return False

    async def get(self) -> Item:
        """The oldest item; waits for one.

        Raises:
            MailboxClosedError: when the mailbox is closed and empty.
        """
        await self.wait()
        return self.pop()

    def pop(self) -> Item:
        """The oldest item, where one waits."""
        return self._items.popleft()[0]

    async def wait(self) -> None:
        """Return as soon as an item waits.

        Raises:
            MailboxClosedError: when the mailbox is closed and empty.
        """
        while not self._items:
            if self._closed:
                raise MailboxClosedError
            self._changed.clear()
            await self._changed.wait()

    def take_waiting(self, limit: int) -> list[Item]:
        """Up to `limit` items that wait now, oldest first."""
        return [self._items.popleft()[0] for _ in range(min(limit, len(self._items)))]

    def close(self) -> None:
        """Accept nothing more; what waits can still be read."""
        self._closed = True
        self._changed.set()
