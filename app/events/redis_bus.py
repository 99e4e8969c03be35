"""The bus of several processes: each delivers to its own subscribers at once and tells the others through Redis.

So a Redis that is down never delays a run nor silences the process that the event happened in. What the others must
know waits here, bounded, and is sent when Redis is back (at least once: a batch whose answer got lost is sent again).
What the others published while this process was cut off is not replayed: subscriptions learn of it as a gap.
"""

import asyncio
import contextlib
import logging
import random
import secrets
from collections import Counter
from collections.abc import Iterable

import msgspec
from redis.asyncio.client import PubSub
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from app.core.redis import connect
from app.events.bus import DEFAULT_QUEUE_SIZE, OnGap, Subscription, tick_key
from app.events.mailbox import Mailbox, MailboxClosedError
from app.events.memory import MemoryBus
from app.events.types import Event

log = logging.getLogger(__name__)

OUTGOING_LIMIT = 4096
BATCH_LIMIT = 128
CLOSE_TIMEOUT_SECONDS = 2.0
FIRST_RETRY_SECONDS = 0.1
LAST_RETRY_SECONDS = 5.0
_ORIGIN_BYTES = 16

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Event)


class RedisBus:
    """Implements `Bus` over Redis publish/subscribe. Connects when it is first used.

    `quiet_seconds` is how long the connection may be silent before it is probed, and then how long the probe may take.
    """

    def __init__(self, url: str, *, prefix: str = "ltb", quiet_seconds: float = 10.0) -> None:
        self._client = connect(url, client_name="llm-test-bench-bus")
        self._local = MemoryBus()
        self._origin = secrets.token_bytes(_ORIGIN_BYTES)
        self._outgoing: Mailbox[tuple[str, bytes]] = Mailbox(OUTGOING_LIMIT, self._log_loss)
        self._events_channel = f"{prefix}:events"
        self._raw_prefix = f"{prefix}:raw:"
        self._quiet_seconds = quiet_seconds
        self._wanted: Counter[str] = Counter()
        self._confirmed: set[str] = set()
        self._commands: set[asyncio.Task[None]] = set()
        self._pubsub: PubSub | None = None
        self._sender: asyncio.Task[None] | None = None
        self._reader: asyncio.Task[None] | None = None
        self._closed = False

    def post(self, event: Event) -> None:
        if self._closed:
            return
        self._local.post(event)
        self._send(self._events_channel, _encoder.encode(event), tick_key(event))

    async def publish(self, event: Event) -> None:
        self.post(event)

    async def publish_raw(self, channel: str, payload: bytes) -> None:
        if self._closed:
            return
        self._local.post_raw(channel, payload)
        self._send(self._raw_prefix + channel, payload, channel)

    def subscribe(
        self, patterns: Iterable[str], *, queue_size: int = DEFAULT_QUEUE_SIZE, on_gap: OnGap | None = None
    ) -> Subscription[Event]:
        subscription = self._local.subscribe(patterns, queue_size=queue_size, on_gap=on_gap)
        self._want(self._events_channel, subscription)
        return subscription

    def subscribe_raw(self, channel: str, *, queue_size: int = DEFAULT_QUEUE_SIZE) -> Subscription[bytes]:
        subscription = self._local.subscribe_raw(channel, queue_size=queue_size)
        self._want(self._raw_prefix + channel, subscription)
        return subscription

    async def close(self) -> None:
        self._closed = True
        self._outgoing.close()
        if self._sender is not None:
            await asyncio.wait({self._sender}, timeout=CLOSE_TIMEOUT_SECONDS)
        running = {task for task in (self._sender, self._reader, *self._commands) if task is not None}
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self._local.close()
        await self._client.aclose()

    # Sending

    def _send(self, channel: str, payload: bytes, tick: object) -> None:
        self._outgoing.put((channel, self._origin + payload), tick)
        if self._sender is None:
            self._sender = asyncio.create_task(self._send_for_ever(), name="redis-bus-sender")

    async def _send_for_ever(self) -> None:
        retry_seconds = FIRST_RETRY_SECONDS
        batch: list[tuple[str, bytes]] = []
        while True:
            if not batch:
                try:
                    batch = [await self._outgoing.get()]
                except MailboxClosedError:
                    return
                batch += self._outgoing.take_waiting(BATCH_LIMIT - 1)
            try:
                async with self._client.pipeline(transaction=False) as pipeline:
                    for channel, payload in batch:
                        pipeline.publish(channel, payload)
                    await pipeline.execute()
            except (RedisError, OSError) as error:
                log.warning("cannot publish %d events to Redis, will try again: %s", len(batch), error)
                await asyncio.sleep(retry_seconds * random.uniform(0.5, 1))  # noqa: S311  (spreads retries)
                retry_seconds = min(2 * retry_seconds, LAST_RETRY_SECONDS)
            else:
                batch = []
                retry_seconds = FIRST_RETRY_SECONDS

    def _log_loss(self) -> None:
        log.error("more than %d events wait for Redis; one was not sent to the other processes", OUTGOING_LIMIT)

    # Receiving

    def _want(self, channel: str, subscription: Subscription[Event] | Subscription[bytes]) -> None:
        if channel not in self._confirmed:
            subscription.connected.clear()
        self._wanted[channel] += 1
        subscription.call_on_close(lambda: self._unwant(channel))
        if self._reader is None:
            self._reader = asyncio.create_task(self._read_for_ever(), name="redis-bus-reader")
        elif self._wanted[channel] == 1:
            self._command(channel, wanted=True)

    def _unwant(self, channel: str) -> None:
        self._wanted[channel] -= 1
        if not self._wanted[channel]:
            del self._wanted[channel]
            self._confirmed.discard(channel)
            self._command(channel, wanted=False)

    def _command(self, channel: str, *, wanted: bool) -> None:
        # Without a connection there is nothing to say: the reader subscribes to all that is wanted when it connects.
        if self._pubsub is None or self._closed:
            return
        task = asyncio.create_task(self._tell(self._pubsub, channel, wanted=wanted), name="redis-bus-command")
        self._commands.add(task)
        task.add_done_callback(self._commands.discard)

    async def _tell(self, pubsub: PubSub, channel: str, *, wanted: bool) -> None:
        try:
            if wanted:
                await pubsub.subscribe(channel)
            else:
                await pubsub.unsubscribe(channel)
        except (RedisError, OSError):
            await pubsub.aclose()  # type: ignore[no-untyped-call]  # the reader notices, connects anew and subscribes to all that is wanted

    async def _read_for_ever(self) -> None:
        retry_seconds = FIRST_RETRY_SECONDS
        connected_before = False
        while True:
            try:
                async with self._client.pubsub() as pubsub:
                    await pubsub.subscribe(self._events_channel, *self._wanted)
                    self._pubsub = pubsub
                    if connected_before:
                        self._tell_of_gap()
                    connected_before = True
                    retry_seconds = FIRST_RETRY_SECONDS
                    await self._read(pubsub)
            except (RedisError, OSError, RuntimeError) as error:  # RuntimeError: closed below us by `_tell`
                log.warning("lost the connection to Redis, will connect again: %s", error)
            finally:
                self._disconnected()
            await asyncio.sleep(retry_seconds * random.uniform(0.5, 1))  # noqa: S311  (spreads retries)
            retry_seconds = min(2 * retry_seconds, LAST_RETRY_SECONDS)

    def _disconnected(self) -> None:
        self._pubsub = None
        self._confirmed.clear()
        for channel in self._wanted:
            for subscription in self._subscriptions(channel):
                subscription.connected.clear()

    async def _read(self, pubsub: PubSub) -> None:
        probing = False
        while True:
            message = await pubsub.get_message(timeout=self._quiet_seconds)
            if message is None:
                if probing:
                    raise RedisConnectionError(f"no answer for {self._quiet_seconds:g} s")
                await pubsub.ping()
                probing = True
                continue
            probing = False
            if message["type"] == "subscribe":
                self._confirm(message["channel"].decode())
            elif message["type"] == "message":
                self._receive(message["channel"].decode(), message["data"])

    def _confirm(self, channel: str) -> None:
        self._confirmed.add(channel)
        for subscription in self._subscriptions(channel):
            subscription.connected.set()

    def _receive(self, channel: str, data: bytes) -> None:
        if data[:_ORIGIN_BYTES] == self._origin:
            return  # delivered when it was posted
        payload = data[_ORIGIN_BYTES:]
        if channel != self._events_channel:
            self._local.post_raw(channel.removeprefix(self._raw_prefix), payload)
            return
        with contextlib.suppress(msgspec.DecodeError):  # from a newer or older version of this service
            self._local.post(_decoder.decode(payload))

    def _subscriptions(self, channel: str) -> Iterable[Subscription[Event] | Subscription[bytes]]:
        if channel == self._events_channel:
            return self._local.event_subscriptions
        return self._local.raw_subscriptions.get(channel.removeprefix(self._raw_prefix), ())

    def _tell_of_gap(self) -> None:
        for channel in self._wanted:
            for subscription in list(self._subscriptions(channel)):
                subscription.interrupted()
