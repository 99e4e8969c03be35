"""The bus of one process."""

import time
from collections.abc import Callable, Iterable

import msgspec

from app.events.bus import DEFAULT_QUEUE_SIZE, OnGap, Subscription, tick_key
from app.events.catalogue import check
from app.events.log import DEFAULT_EVENTS, DEFAULT_SECONDS, EventLog
from app.events.topics import expand
from app.events.types import Event, Position, Topic


class MemoryBus:
    """Implements `Bus` with queues in memory. Its order of events lives as long as it does."""

    def __init__(
        self,
        *,
        replay_events: int = DEFAULT_EVENTS,
        replay_seconds: float = DEFAULT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        check: Callable[[Event], None] = check,
    ) -> None:
        self.log = EventLog(replay_events, replay_seconds, clock)
        self._check = check
        self._events: dict[Topic, set[Subscription[Event]]] = {topic: set() for topic in Topic}
        self._raw: dict[str, set[Subscription[bytes]]] = {}
        self._listeners: list[tuple[Callable[[Event], None], OnGap]] = []

    def post(self, event: Event) -> None:
        self._check(event)
        self.accept(msgspec.structs.replace(event, epoch=self.log.epoch, seq=self.log.seq + 1))

    def accept(self, event: Event, age_seconds: float = 0.0) -> None:
        """Take an event that has its position already."""
        self.log.append(event, age_seconds)
        self.deliver(event)

    def deliver(self, event: Event) -> None:
        """Hand an event to listeners and subscribers."""
        for listener, _ in tuple(self._listeners):
            listener(event)
        for subscription in tuple(self._events[event.topic]):
            subscription.deliver(event, tick_key(event))

    async def publish(self, event: Event) -> None:
        self.post(event)

    @property
    def head(self) -> Position:
        return self.log.head

    def since(self, position: Position) -> list[Event] | None:
        return self.log.since(position)

    def subscribe(
        self, patterns: Iterable[str], *, queue_size: int = DEFAULT_QUEUE_SIZE, on_gap: OnGap | None = None
    ) -> Subscription[Event]:
        topics = expand(patterns)
        subscription: Subscription[Event] = Subscription(queue_size, on_gap=on_gap)
        subscription.connected.set()
        for topic in topics:
            self._events[topic].add(subscription)
        subscription.call_on_close(lambda: self._forget(topics, subscription))
        return subscription

    def listen(self, listener: Callable[[Event], None], on_gap: OnGap) -> Callable[[], None]:
        entry = (listener, on_gap)
        self._listeners.append(entry)
        return lambda: self._listeners.remove(entry)

    def interrupt(self) -> None:
        """Tell all who listen that events were missed."""
        for _, on_gap in tuple(self._listeners):
            on_gap()
        for subscription in self.event_subscriptions:
            subscription.interrupted()

    def _forget(self, topics: Iterable[Topic], subscription: Subscription[Event]) -> None:
        for topic in topics:
            self._events[topic].discard(subscription)

    def post_raw(self, channel: str, payload: bytes) -> None:
        for subscription in tuple(self._raw.get(channel, ())):
            subscription.deliver(payload, channel)

    async def publish_raw(self, channel: str, payload: bytes) -> None:
        self.post_raw(channel, payload)

    def subscribe_raw(self, channel: str, *, queue_size: int = DEFAULT_QUEUE_SIZE) -> Subscription[bytes]:
        subscription: Subscription[bytes] = Subscription(queue_size)
        subscription.connected.set()
        self._raw.setdefault(channel, set()).add(subscription)
        subscription.call_on_close(lambda: self._forget_raw(channel, subscription))
        return subscription

    def _forget_raw(self, channel: str, subscription: Subscription[bytes]) -> None:
        remaining = self._raw.get(channel, set())
        remaining.discard(subscription)
        if not remaining:
            self._raw.pop(channel, None)

    @property
    def event_subscriptions(self) -> set[Subscription[Event]]:
        """Every open subscription to events."""
        return set().union(*self._events.values())

    @property
    def raw_subscriptions(self) -> dict[str, set[Subscription[bytes]]]:
        """Every open subscription to frames, by channel."""
        return self._raw

    async def close(self) -> None:
        for subscription in self.event_subscriptions:
            subscription.close()
        for frames in list(self._raw.values()):
            for subscription_raw in list(frames):
                subscription_raw.close()
