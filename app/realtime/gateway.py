"""Hands what the bus says to every WebSocket client that asked for it and may see it.

One listener at the bus serves all clients; each event is encoded once, and costs only the clients that asked for it.
Handing over never waits: a slow client has a mailbox of its own (see `connection.py`). Two tasks watch over all clients
together: one over time limits, one over whether their tokens are still good.
"""

import asyncio
import contextlib
import logging
import random
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from typing import Protocol
from uuid import UUID

import msgspec
from starlette.websockets import WebSocket

from app.accounts.caller import Caller
from app.accounts.cookies import ACCESS
from app.core.errors import RateLimitedError, UnauthorizedError
from app.core.origins import OriginPolicy
from app.core.rate_limit import address_key
from app.core.settings import WebSocketSettings
from app.events.bus import Bus, tick_key
from app.events.types import Event, Position
from app.realtime.connection import Connection
from app.realtime.interests import Index, Interest
from app.realtime.limits import CloseCode, ConnectionLimits
from app.realtime.protocol import encode_event

log = logging.getLogger(__name__)

WEBSOCKET_DEFAULTS = WebSocketSettings()
CLOSE_TIMEOUT_SECONDS = 3.0
KEPT_TEXTS = 4096
FIRST_RECONNECT_MS = 250
RECONNECTS_PER_SECOND = 200
LAST_RECONNECT_MS = 30_000
_UNCONFIRMED_ROUNDS = 8


class Authenticator(Protocol):
    """Knows who a token speaks for."""

    async def caller_from_token(self, token: str) -> Caller:
        """The caller behind an access token or API key.

        Raises:
            UnauthorizedError: when it is not valid now.
        """
        ...


class Gateway:
    """Every open WebSocket of this process. `start` after the bus, `close` before it."""

    def __init__(
        self,
        bus: Bus,
        authenticator: Authenticator,
        limits: ConnectionLimits,
        *,
        allowed_origins: Iterable[str] = (),
        max_connections: int = WEBSOCKET_DEFAULTS.max_connections,
        max_per_user: int = WEBSOCKET_DEFAULTS.max_connections_per_user,
    ) -> None:
        self._bus = bus
        self._authenticator = authenticator
        self._limits = limits
        self._origins = OriginPolicy(allowed_origins)
        self._max_connections = max_connections
        self._max_per_user = max_per_user
        self._connections: dict[Connection, asyncio.Task[None] | None] = {}
        self._of_user: Counter[UUID] = Counter()
        self._strangers: Counter[str] = Counter()  # connected and not signed in, by address
        self._index: Index[Connection] = Index()
        self._texts: OrderedDict[Position, str | None] = OrderedDict()
        self._stop_listening: Callable[[], None] | None = None
        self._duties: list[asyncio.Task[None]] = []
        self._closing = False
        self._recheck_wanted = asyncio.Event()
        self._dropped_before = 0

    @property
    def connection_count(self) -> int:
        """Clients connected now."""
        return len(self._connections)

    @property
    def dropped_ticks(self) -> int:
        """Ticks that clients were too slow for, since the start."""
        return self._dropped_before + sum(connection.dropped for connection in self._connections)

    async def start(self) -> None:
        """Begin to listen to the bus."""
        self._stop_listening = self._bus.listen(self._hand_over, self._gap)
        self._duties = [
            asyncio.create_task(self._watch(), name="ws-gateway-watch"),
            asyncio.create_task(self._recheck(), name="ws-gateway-recheck"),
        ]

    def recheck(self) -> None:
        """Ask about every token now: somebody may do less than before."""
        self._recheck_wanted.set()

    async def close(self) -> None:
        """Tell every client when to come back, and stop."""
        self._closing = True
        spread_ms = min(1000 * len(self._connections) // RECONNECTS_PER_SECOND, LAST_RECONNECT_MS)
        for connection in self._connections:
            connection.restart(FIRST_RECONNECT_MS + random.randint(0, FIRST_RECONNECT_MS + spread_ms))  # noqa: S311
        if tasks := [task for task in self._connections.values() if task is not None]:
            await asyncio.wait(tasks, timeout=CLOSE_TIMEOUT_SECONDS)
        if self._stop_listening is not None:
            self._stop_listening()
            self._stop_listening = None
        for duty in self._duties:
            duty.cancel()
        await asyncio.gather(*self._duties, return_exceptions=True)

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one client until it goes."""
        address = address_key(websocket.client.host if websocket.client else "")
        full = len(self._connections) >= self._max_connections or self._strangers[address] >= self._max_per_user
        if self._closing or full:
            await websocket.accept()
            code = CloseCode.RESTARTING if self._closing else CloseCode.TRY_AGAIN
            await websocket.close(code, "shutting down" if self._closing else "too many connections")
            return
        connection = Connection(websocket, self, self._limits, asyncio.get_running_loop().time)
        self._connections[connection] = asyncio.current_task()
        self._strangers[address] += 1
        try:
            await connection.run(self._cookie_token(websocket))
        finally:
            del self._connections[connection]
            if connection.caller is None:
                self._discount(self._strangers, address)
            else:
                self._discount(self._of_user, connection.caller.user_id)
            for interest in connection.wanted:
                self._index.remove(connection, interest)
            self._dropped_before += connection.dropped

    # What connections ask

    @property
    def head(self) -> Position:
        """The newest event's position."""
        return self._bus.head

    async def caller_of(self, token: str) -> Caller:
        """Who the token speaks for; raises `UnauthorizedError`."""
        return await self._authenticator.caller_from_token(token)

    def admit(self, connection: Connection, caller: Caller) -> None:
        """Count the connection for its user; raises `RateLimitedError` when there are too many."""
        if self._of_user[caller.user_id] >= self._max_per_user:
            raise RateLimitedError(
                f"a user has at most {self._max_per_user} connections; close one first", retry_after_seconds=30
            )
        self._of_user[caller.user_id] += 1
        self._discount(self._strangers, address_key(connection.address))

    def missed(self, since: Position) -> list[Event] | None:
        """Events since then; each is as visible as its benchmark is by the newest of them."""
        events = self._bus.since(since)
        if not events:
            return events
        newest: dict[UUID | None, Event] = {event.session_id: event for event in events if event.session_id}
        return [_as_visible_as(event, newest.get(event.session_id)) for event in events]

    def text_of(self, event: Event) -> str | None:
        """The event's message, encoded once for all clients."""
        position = event.position
        if position not in self._texts:
            try:
                self._texts[position] = encode_event(event)
            except (TypeError, ValueError):
                log.exception("the payload of an event on %s is not JSON", event.topic)
                self._texts[position] = None
            if len(self._texts) > KEPT_TEXTS:
                self._texts.popitem(last=False)
        return self._texts[position]

    def wants(self, connection: Connection, interest: Interest, *, wanted: bool) -> None:
        """Note what the connection wants to hear."""
        (self._index.add if wanted else self._index.remove)(connection, interest)

    # What the bus says

    def _hand_over(self, event: Event) -> None:
        receivers = [connection for connection in self._index.of(event) if connection.may_see(event)]
        if not receivers or (text := self.text_of(event)) is None:
            return
        tick = tick_key(event)
        for connection in receivers:
            connection.deliver(text, tick)

    def _gap(self) -> None:
        log.warning("events were missed; every WebSocket client is told to read the state anew")
        for connection in self._connections:
            connection.tell_gap("events of other processes were missed; read the state anew")

    # Duties

    async def _watch(self) -> None:
        limits = self._limits
        shortest = min(limits.ping_interval_seconds, limits.pong_timeout_seconds, limits.auth_timeout_seconds)
        pause = min(max(shortest / 4, 0.01), 1.0)
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(pause)
            now = loop.time()
            for connection in tuple(self._connections):
                connection.watch(now)

    async def _recheck(self) -> None:
        """Notice a revoked key, a disabled user and a changed role: each token is asked about once a round."""
        loop = asyncio.get_running_loop()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._limits.recheck_seconds):
                    await self._recheck_wanted.wait()
            self._recheck_wanted.clear()
            by_token: dict[str, list[Connection]] = {}
            for connection in self._connections:
                if connection.caller is not None:
                    by_token.setdefault(connection.token, []).append(connection)
            for token, connections in by_token.items():
                await self._recheck_token(token, connections, loop.time())

    async def _recheck_token(self, token: str, connections: list[Connection], now: float) -> None:
        caller: Caller | None = None
        try:
            caller = await self._authenticator.caller_from_token(token)
        except UnauthorizedError:
            pass
        except Exception as error:  # noqa: BLE001  (whatever a database raises while it is away)
            log.warning("cannot check a WebSocket client's token now, will try again: %s", error)
            too_long = _UNCONFIRMED_ROUNDS * self._limits.recheck_seconds
            for connection in connections:
                if now - connection.confirmed_at > too_long:
                    connection.end(CloseCode.TRY_AGAIN, "the token cannot be checked; connect again")
            return
        for connection in connections:
            if connection.token != token:  # it has said Auth again meanwhile
                continue
            if caller is None:
                connection.end(CloseCode.UNAUTHENTICATED, "the token is not valid any more")
            else:
                connection.caller, connection.confirmed_at = caller, now

    def _cookie_token(self, websocket: WebSocket) -> str | None:
        # A browser sends cookies with any page's WebSocket, so a cookie counts only from our own pages.
        token = ACCESS.read(websocket)
        return token if token and self._origins.allows(websocket.scope) else None

    @staticmethod
    def _discount(counts: Counter[UUID] | Counter[str], key: UUID | str) -> None:
        counts[key] -= 1  # type: ignore[index]
        if counts[key] <= 0:  # type: ignore[index]
            del counts[key]


def _as_visible_as(event: Event, newest: Event | None) -> Event:
    if newest is None or newest is event:
        return event
    access = {"owner_id": newest.owner_id, "visibility": newest.visibility, "team": newest.team}
    return msgspec.structs.replace(event, **access)
