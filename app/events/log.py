"""The newest events in their order, so that a client that was away for a moment gets what it missed.

Bounded in number and in age. `since` either gives all that followed a position or says that it cannot: never a part of
it. Pure bookkeeping on one event loop; the clock is passed in.
"""

import secrets
import time
from collections import deque
from collections.abc import Callable
from itertools import islice

from app.events.types import Event, Position

DEFAULT_EVENTS = 4096
DEFAULT_SECONDS = 300.0


def new_epoch() -> str:
    """A name for an order of events that nobody else has."""
    return secrets.token_hex(6)


class EventLog:
    """Holds at most `limit` events, none older than `seconds` on `clock`."""

    def __init__(
        self,
        limit: int = DEFAULT_EVENTS,
        seconds: float = DEFAULT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limit = limit
        self.seconds = seconds
        self._clock = clock
        self._items: deque[tuple[float, Event | None]] = deque()
        self.begin(new_epoch(), 0)

    @property
    def head(self) -> Position:
        """The position of the newest event."""
        return Position(self.epoch, self.seq)

    def __len__(self) -> int:
        return len(self._items)

    def begin(self, epoch: str, seq: int) -> None:
        """Forget everything: the order is `epoch` from now on, and its events up to `seq` are not here."""
        self.epoch = epoch
        self.seq = seq
        self._items.clear()

    def append(self, event: Event, age_seconds: float = 0.0) -> None:
        """Add the next event of the order; a leap over numbers makes everything before it unknown.

        Raises:
            ValueError: when it is of another epoch, or not newer than the newest.
        """
        if event.epoch != self.epoch or event.seq <= self.seq:
            raise ValueError(f"event {event.position} does not follow {self.head}")
        self._add(event.seq, event, age_seconds)

    def pass_over(self, seq: int, age_seconds: float = 0.0) -> None:
        """The next number belongs to an event that means nothing here: nobody misses it."""
        self._add(seq, None, age_seconds)

    def _add(self, seq: int, event: Event | None, age_seconds: float) -> None:
        if seq != self.seq + 1:
            self._items.clear()
        self._items.append((self._clock() - age_seconds, event))
        self.seq = seq
        if len(self._items) > self.limit:
            self._items.popleft()

    def since(self, position: Position) -> list[Event] | None:
        """Every event after `position`, oldest first; None when that cannot be told completely any more."""
        oldest_time = self._clock() - self.seconds
        while self._items and self._items[0][0] < oldest_time:
            self._items.popleft()
        floor = self.seq - len(self._items)
        if position.epoch != self.epoch or not floor <= position.seq <= self.seq:
            return None
        return [event for _, event in islice(self._items, position.seq - floor, None) if event is not None]
