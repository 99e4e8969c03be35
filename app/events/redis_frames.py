"""Raw frames of other processes, through Redis publish/subscribe: nothing is kept, nothing is sent twice."""

import asyncio
import logging
import random
from collections import Counter

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from app.events.bus import Subscription
from app.events.ending import end
from app.events.memory import MemoryBus

log = logging.getLogger(__name__)

FIRST_RETRY_SECONDS = 0.1
LAST_RETRY_SECONDS = 5.0


class FrameReader:
    """Listens to the channels that somebody here wants. `origin` marks frames of this process, which came already."""

    def __init__(self, client: Redis, local: MemoryBus, prefix: str, origin: bytes, quiet_seconds: float) -> None:
        self._client = client
        self._local = local
        self._prefix = prefix
        self._origin = origin
        self._quiet_seconds = quiet_seconds
        self._wanted: Counter[str] = Counter()
        self._confirmed: set[str] = set()
        self._commands: set[asyncio.Task[None]] = set()
        self._pubsub: PubSub | None = None
        self._reader: asyncio.Task[None] | None = None
        self._closed = False

    def want(self, channel: str, subscription: Subscription[bytes]) -> None:
        """Deliver frames of `channel` from now on, until the subscription is closed."""
        if channel not in self._confirmed:
            subscription.connected.clear()
        self._wanted[channel] += 1
        subscription.call_on_close(lambda: self._unwant(channel))
        if self._reader is None:
            self._reader = asyncio.create_task(self._read_for_ever(), name="redis-bus-frames")
        elif self._wanted[channel] == 1:
            self._command(channel, wanted=True)

    async def close(self) -> None:
        """Stop listening."""
        self._closed = True
        await end((self._reader, *self._commands))

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
                await pubsub.subscribe(self._prefix + channel)
            else:
                await pubsub.unsubscribe(self._prefix + channel)
        except (RedisError, OSError):
            await pubsub.aclose()  # type: ignore[no-untyped-call]  # the reader notices, connects anew and subscribes to all that is wanted

    async def _read_for_ever(self) -> None:
        retry_seconds = FIRST_RETRY_SECONDS
        connected_before = False
        while True:
            try:
                async with self._client.pubsub() as pubsub:
                    # One channel that nobody uses: a connection without any would have nothing to read.
                    await pubsub.subscribe(f"{self._prefix}.", *(self._prefix + channel for channel in self._wanted))
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
            for subscription in self._local.raw_subscriptions.get(channel, ()):
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
            channel = (message["channel"] or b"").decode().removeprefix(self._prefix)
            if message["type"] == "subscribe":
                self._confirmed.add(channel)
                for subscription in self._local.raw_subscriptions.get(channel, ()):
                    subscription.connected.set()
            elif message["type"] == "message" and not message["data"].startswith(self._origin):
                self._local.post_raw(channel, message["data"][len(self._origin) :])

    def _tell_of_gap(self) -> None:
        for channel in self._wanted:
            for subscription in list(self._local.raw_subscriptions.get(channel, ())):
                subscription.interrupted()
