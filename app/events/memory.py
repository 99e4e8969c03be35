"""The bus of one process."""

from collections.abc import Iterable

from app.events.bus import DEFAULT_QUEUE_SIZE, OnGap, Subscription, tick_key
from app.events.topics import expand
from app.events.types import Event, Topic


class MemoryBus:
    """Implements `Bus` with queues in memory."""

    def __init__(self) -> None:
        self._events: dict[Topic, set[Subscription[Event]]] = {topic: set() for topic in Topic}
        self._raw: dict[str, set[Subscription[bytes]]] = {}

    def post(self, event: Event) -> None:
        for subscription in tuple(self._events[event.topic]):
            subscription.deliver(event, tick_key(event))

    async def publish(self, event: Event) -> None:
        self.post(event)

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

    def _forget(self, topics: Iterable[Topic], subscription: Subscription[Event]) -> None:
        for topic in topics:
            self._events[topic].discard(subscription)

    def post_raw(self, channel: str, payload: bytes) -> None:
        """Hand a frame to this process's subscribers of `channel`."""
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
