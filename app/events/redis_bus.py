"""The bus of several processes: one order of events in Redis, which every process follows.

While Redis answers, an event is delivered when it comes back with its number, here and everywhere in the same order.
While it does not, this process orders its own events under an epoch of its own (nobody in it waits), keeps what the
others must know, bounded, and adds it to the common order when Redis is back, exactly once. Then it reads what the
others published meanwhile; only when that is not all there any more, subscriptions learn of a gap.
"""

import asyncio
import logging
import random
import secrets
from collections.abc import Callable, Iterable

import msgspec
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from app.core.redis import connect
from app.events.bus import DEFAULT_QUEUE_SIZE, OnGap, Subscription, tick_key
from app.events.catalogue import check
from app.events.ending import end
from app.events.log import DEFAULT_EVENTS, DEFAULT_SECONDS, new_epoch
from app.events.mailbox import Mailbox, MailboxClosedError
from app.events.memory import MemoryBus
from app.events.redis_frames import FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS, FrameReader
from app.events.redis_log import Entry, Joined, RedisLog, encode
from app.events.types import Event, Position

log = logging.getLogger(__name__)

OUTGOING_LIMIT = 4096
BATCH_LIMIT = 128
CLOSE_TIMEOUT_SECONDS = 2.0
_ORIGIN_BYTES = 16


class RedisBus:
    """Implements `Bus` over Redis. Connects when it is first used.

    `quiet_seconds` is how long Redis may be silent before it is asked, and then how long the answer may take: about
    twice that long events wait when it hangs.
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "ltb",
        quiet_seconds: float = 1.5,
        replay_events: int = DEFAULT_EVENTS,
        replay_seconds: float = DEFAULT_SECONDS,
        check: Callable[[Event], None] = check,
    ) -> None:
        origin = secrets.token_bytes(_ORIGIN_BYTES)
        self._client = connect(url, client_name="llm-test-bench-bus")
        self._local = MemoryBus(replay_events=replay_events, replay_seconds=replay_seconds)
        self._check = check
        self._origin = origin
        self._log = RedisLog(self._client, prefix, origin.hex(), replay_events)
        self._frames = FrameReader(self._client, self._local, f"{prefix}:raw:", origin, quiet_seconds)
        self._raw_prefix = f"{prefix}:raw:"
        self._quiet_seconds = quiet_seconds
        self._outgoing: Mailbox[tuple[str, int, bytes]] = Mailbox(OUTGOING_LIMIT, self._log_loss)
        self._number = 0
        self._undelivered: dict[int, Event] = {}  # sent to the common order, not back from it yet; by own number
        self._attached = False
        self._rejoin = False
        self._told_alone = False  # subscribers know events that are not in the common order yet
        self._last: Position | None = None  # in the common order, the newest that subscribers were given
        self._sender: asyncio.Task[None] | None = None
        self._reader: asyncio.Task[None] | None = None
        self._closed = False

    def post(self, event: Event) -> None:
        if self._closed:
            return
        self._check(event)
        self._number += 1
        self._outgoing.put(("", self._number, encode(event)), tick_key(event))
        if self._attached and len(self._undelivered) >= OUTGOING_LIMIT:
            self._detach()
        if self._attached:
            self._undelivered[self._number] = event
        else:
            self._deliver_alone(event)
        self._start()

    async def publish(self, event: Event) -> None:
        self.post(event)

    def post_raw(self, channel: str, payload: bytes) -> None:
        if self._closed:
            return
        self._local.post_raw(channel, payload)
        self._outgoing.put((channel, 0, self._origin + payload), channel)
        self._start()

    async def publish_raw(self, channel: str, payload: bytes) -> None:
        self.post_raw(channel, payload)

    @property
    def head(self) -> Position:
        return self._local.head

    def since(self, position: Position) -> list[Event] | None:
        return self._local.since(position)

    def subscribe(
        self, patterns: Iterable[str], *, queue_size: int = DEFAULT_QUEUE_SIZE, on_gap: OnGap | None = None
    ) -> Subscription[Event]:
        subscription = self._local.subscribe(patterns, queue_size=queue_size, on_gap=on_gap)
        if not self._attached:
            subscription.connected.clear()
        self._start()
        return subscription

    def listen(self, listener: Callable[[Event], None], on_gap: OnGap) -> Callable[[], None]:
        self._start()
        return self._local.listen(listener, on_gap)

    def subscribe_raw(self, channel: str, *, queue_size: int = DEFAULT_QUEUE_SIZE) -> Subscription[bytes]:
        subscription = self._local.subscribe_raw(channel, queue_size=queue_size)
        self._frames.want(channel, subscription)
        return subscription

    async def close(self) -> None:
        self._closed = True
        self._outgoing.close()
        if self._sender is not None:
            await asyncio.wait({self._sender}, timeout=CLOSE_TIMEOUT_SECONDS)
        await end((self._sender, self._reader))
        await self._frames.close()
        await self._local.close()
        await self._client.aclose()

    def _start(self) -> None:
        if self._sender is None and not self._closed:
            self._sender = asyncio.create_task(self._send_for_ever(), name="redis-bus-sender")
            self._reader = asyncio.create_task(self._follow_for_ever(), name="redis-bus-follower")

    # Sending

    async def _send_for_ever(self) -> None:
        retry_seconds = FIRST_RETRY_SECONDS
        batch: list[tuple[str, int, bytes]] = []
        while True:
            if not batch:
                try:
                    batch = [await self._outgoing.get()]
                except MailboxClosedError:
                    return
                batch += self._outgoing.take_waiting(BATCH_LIMIT - 1)
            try:
                await self._send(batch)
            except (RedisError, OSError) as error:
                log.warning("cannot publish %d events to Redis, will try again: %s", len(batch), error)
                await asyncio.sleep(retry_seconds * random.uniform(0.5, 1))  # noqa: S311  (spreads retries)
                retry_seconds = min(2 * retry_seconds, LAST_RETRY_SECONDS)
            else:
                batch = []
                retry_seconds = FIRST_RETRY_SECONDS

    async def _send(self, batch: list[tuple[str, int, bytes]]) -> None:
        events = [(number, payload) for channel, number, payload in batch if not channel]
        async with self._client.pipeline(transaction=False) as pipeline:
            for channel, _, payload in batch:
                if channel:
                    pipeline.publish(self._raw_prefix + channel, payload)
            if events:
                pipeline.execute_command(*self._log.append_command(new_epoch(), events))
            answers = await pipeline.execute()
        if events and self._attached and answers[-1].decode() != self._local.head.epoch:
            self._rejoin = True  # the keys were lost while everybody was connected

    def _log_loss(self) -> None:
        log.error("more than %d events wait for Redis; one was not sent to the other processes", OUTGOING_LIMIT)

    # Following the common order

    async def _follow_for_ever(self) -> None:
        retry_seconds = FIRST_RETRY_SECONDS
        while True:
            try:
                async with self._client.client() as connection:
                    while True:
                        async with asyncio.timeout(self._quiet_seconds):
                            joined = await self._log.join(connection, new_epoch())
                        self._attach(joined)
                        retry_seconds = FIRST_RETRY_SECONDS
                        await self._follow(connection, joined)
            except TimeoutError:
                log.warning("Redis did not answer within %g s, will connect again", self._quiet_seconds)
            except (RedisError, OSError) as error:
                log.warning("lost the connection to Redis, will connect again: %s", error)
            except Exception:
                log.exception("following the events in Redis failed, will connect again")
            finally:
                if self._attached:
                    self._detach()
            await asyncio.sleep(retry_seconds * random.uniform(0.5, 1))  # noqa: S311  (spreads retries)
            retry_seconds = min(2 * retry_seconds, LAST_RETRY_SECONDS)

    async def _follow(self, connection: Redis, joined: Joined) -> None:
        """Take entries until the order ends; raises when the connection does."""
        drift = asyncio.get_running_loop().time() - joined.now
        while self._attached and not self._rejoin:
            async with asyncio.timeout(2 * self._quiet_seconds):
                entries = await self._log.follow(connection, self._local.head.seq, self._quiet_seconds)
                if not entries and await self._log.epoch(connection) != joined.epoch:
                    return
            for entry in entries:
                if entry.seq != self._local.head.seq + 1:  # the log is shorter than what we missed
                    self._local.interrupt()
                self._take(joined.epoch, entry, asyncio.get_running_loop().time() - drift - entry.at)
        if not self._attached:
            raise RedisConnectionError("too many events wait for Redis")

    def _attach(self, joined: Joined) -> None:
        """Stand in the common order: learn its newest events, and deliver those that subscribers do not know."""
        last, first_time = self._last, self._last is None
        floor = joined.entries[0].seq - 1 if joined.entries else joined.seq
        self._local.log.begin(joined.epoch, floor)
        self._attached, self._rejoin = True, False
        if first_time:
            known = joined.seq  # subscribers get events from now on
        elif last is not None and last.epoch == joined.epoch:
            known = last.seq
        else:
            known = 0
        is_other = last is not None and (last.epoch != joined.epoch or floor > known)
        if not first_time and (is_other or self._told_alone):
            self._local.interrupt()
        self._told_alone = False
        for entry in joined.entries:
            self._take(joined.epoch, entry, joined.now - entry.at, known_up_to=known)
        self._last = self._local.head
        for subscription in self._local.event_subscriptions:
            subscription.connected.set()

    def _take(self, epoch: str, entry: Entry, age_seconds: float, *, known_up_to: int = 0) -> None:
        age_seconds = max(age_seconds, 0.0)
        if entry.event is None:
            self._local.log.pass_over(entry.seq, age_seconds)
            return
        event = msgspec.structs.replace(entry.event, epoch=epoch, seq=entry.seq)
        self._local.log.append(event, age_seconds)
        is_mine = entry.origin == self._origin.hex()
        is_news = self._undelivered.pop(entry.number, None) is not None if is_mine else entry.seq > known_up_to
        if is_news:
            self._local.deliver(event)
        self._last = event.position

    def _detach(self) -> None:
        """Order the own events alone, beginning with those that have not come back."""
        self._attached = False
        waiting, self._undelivered = list(self._undelivered.values()), {}
        self._local.log.begin(new_epoch(), 0)
        for event in waiting:
            self._deliver_alone(event)
        for subscription in self._local.event_subscriptions:
            subscription.connected.clear()

    def _deliver_alone(self, event: Event) -> None:
        head = self._local.head
        self._told_alone = True
        self._local.accept(msgspec.structs.replace(event, epoch=head.epoch, seq=head.seq + 1))
