"""The bus: what rooms publish to and subscribe at. `memory.py` and `redis_bus.py` implement it."""

import asyncio
from collections.abc import Callable, Hashable, Iterable
from typing import Generic, Protocol, Self, TypeVar

from app.core.errors import ServiceUnavailableError
from app.events.mailbox import Mailbox, MailboxClosedError
from app.events.topics import TICKS
from app.events.types import Event, Position

Item = TypeVar("Item")

DEFAULT_QUEUE_SIZE = 1024
READY_TIMEOUT_SECONDS = 5.0

OnGap = Callable[[], None]


class Subscription(Generic[Item]):
    """An endless asynchronous iterator over what was published since; also an `async with` block that closes it.

    A reader that falls behind loses old ticks (`dropped`). Anything worse is a gap: an event lost because the queue was
    full of events that may not be dropped (`lost`), or a time without connection (`interruptions`); then `on_gap` is
    called, and the reader should read the state anew.
    """

    def __init__(self, queue_size: int, *, on_gap: OnGap | None = None) -> None:
        self._mailbox: Mailbox[Item] = Mailbox(queue_size, on_gap)
        self._on_gap = on_gap
        self._on_close: list[Callable[[], None]] = []
        self.interruptions = 0
        self.connected = asyncio.Event()

    @property
    def dropped(self) -> int:
        """Ticks that this reader was too slow for."""
        return self._mailbox.dropped

    @property
    def lost(self) -> int:
        """Other events that this reader was too slow for."""
        return self._mailbox.lost

    @property
    def overflowed(self) -> bool:
        """Whether an event that may not be dropped was lost."""
        return self.lost > 0

    def deliver(self, item: Item, tick: Hashable | None = None) -> None:
        """Put `item` in the queue (for buses)."""
        self._mailbox.put(item, tick)

    def interrupted(self) -> None:
        """Note a time without connection (for buses)."""
        self.interruptions += 1
        if self._on_gap is not None:
            self._on_gap()

    def call_on_close(self, callback: Callable[[], None]) -> None:
        """Call `callback` once when the subscription is closed (for buses)."""
        self._on_close.append(callback)

    async def ready(self, timeout_seconds: float = READY_TIMEOUT_SECONDS) -> None:
        """Wait until events published anywhere from now on will arrive.

        Raises:
            ServiceUnavailableError: when the bus cannot be reached in time.
        """
        try:
            async with asyncio.timeout(timeout_seconds):
                await self.connected.wait()
        except TimeoutError:
            raise ServiceUnavailableError(f"the event bus did not answer within {timeout_seconds:g} s") from None

    def close(self) -> None:
        """Stop; what is queued can still be read."""
        self._mailbox.close()
        callbacks, self._on_close = self._on_close, []
        for callback in callbacks:
            callback()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        try:
            return await self._mailbox.get()
        except MailboxClosedError:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()


class Bus(Protocol):
    """Carries events to every process of the service, and raw frames between its parts.

    Publishing never waits for a reader, a network or another process. Everything belongs to one event loop.
    """

    def post(self, event: Event) -> None:
        """Publish `event` now; to be called after the commit that made it true (see `outbox.py`).

        Raises:
            InvalidEventError: when the payload is not what the catalogue promises.
        """
        ...

    async def publish(self, event: Event) -> None:
        """`post`, for callers that await."""
        ...

    @property
    def head(self) -> Position:
        """The position of the newest event that subscribers were given."""
        ...

    def since(self, position: Position) -> list[Event] | None:
        """Every event after `position` up to `head`, oldest first; None when they are not known completely any more.

        Whoever missed events asks in the same step of the event loop in which it subscribes: what follows `head` comes
        through the subscription, which may still hold events up to it (`Event.seq` tells).
        """
        ...

    def subscribe(
        self, patterns: Iterable[str], *, queue_size: int = DEFAULT_QUEUE_SIZE, on_gap: OnGap | None = None
    ) -> Subscription[Event]:
        """Events of the topics that `patterns` name, from now on.

        Raises:
            InvalidRequestError: when a pattern names no topic.
        """
        ...

    def listen(self, listener: Callable[[Event], None], on_gap: OnGap) -> Callable[[], None]:
        """Call `listener` with every event from now on, in the step in which it becomes `head`; returns how to stop.

        It must not wait, raise or publish. `on_gap` is called where events were missed.
        """
        ...

    def post_raw(self, channel: str, payload: bytes) -> None:
        """Send a frame to the subscribers of `channel`; frames are ticks and may be dropped."""
        ...

    async def publish_raw(self, channel: str, payload: bytes) -> None:
        """`post_raw`, for callers that await."""
        ...

    def subscribe_raw(self, channel: str, *, queue_size: int = DEFAULT_QUEUE_SIZE) -> Subscription[bytes]:
        """Frames of `channel`, from now on."""
        ...

    async def close(self) -> None:
        """End every subscription; what was published before has been handed on, if the network lets it."""
        ...


def tick_key(event: Event) -> Hashable | None:
    """The key under which a newer event replaces `event`; `None` if it must not be replaced."""
    return (event.topic, event.session_id, event.payload.get("instance")) if event.topic in TICKS else None
