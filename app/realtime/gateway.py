"""Hands what the bus says to every WebSocket client that asked for it and may see it.

One subscription to the bus serves all clients; each event is encoded once. Handing over never waits: a slow client has
a mailbox of its own (see `connection.py`).
"""

import asyncio
import logging
from collections.abc import Iterable

from starlette.websockets import WebSocket

from app.accounts.cookies import ACCESS
from app.core.origins import OriginPolicy
from app.core.settings import WebSocketSettings
from app.events.bus import Bus, Subscription, tick_key
from app.events.types import Event, Topic
from app.realtime.connection import Authenticator, CloseCode, Connection, ConnectionLimits
from app.realtime.protocol import encode_event

log = logging.getLogger(__name__)

MAX_CONNECTIONS = 4096
BUS_QUEUE_SIZE = 8192
CLOSE_TIMEOUT_SECONDS = 3.0


def limits_from(settings: WebSocketSettings) -> ConnectionLimits:
    """The limits that the configuration asks for."""
    return ConnectionLimits(
        queue_size=settings.queue_size,
        max_message_bytes=int(settings.max_message_size_mb * 2**20),
        ping_interval_seconds=settings.ping_interval_seconds,
        pong_timeout_seconds=settings.pong_timeout_seconds,
    )


class Gateway:
    """Every open WebSocket of this process. `start` after the bus, `close` before it."""

    def __init__(
        self,
        bus: Bus,
        authenticator: Authenticator,
        limits: ConnectionLimits,
        *,
        allowed_origins: Iterable[str] = (),
        max_connections: int = MAX_CONNECTIONS,
    ) -> None:
        self._bus = bus
        self._authenticator = authenticator
        self._limits = limits
        self._origins = OriginPolicy(allowed_origins)
        self._max_connections = max_connections
        self._connections: dict[Connection, asyncio.Task[None] | None] = {}
        self._pump: asyncio.Task[None] | None = None
        self._subscription: Subscription[Event] | None = None
        self._closing = False
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
        self._subscription = self._bus.subscribe(tuple(Topic), queue_size=BUS_QUEUE_SIZE, on_gap=self._gap)
        self._pump = asyncio.create_task(self._hand_over(self._subscription), name="ws-gateway")

    async def close(self) -> None:
        """Tell every client that the server goes away, and stop."""
        self._closing = True
        for connection in self._connections:
            connection.end(CloseCode.RESTARTING, "the server is shutting down")
        if tasks := [task for task in self._connections.values() if task is not None]:
            await asyncio.wait(tasks, timeout=CLOSE_TIMEOUT_SECONDS)
        if self._subscription is not None and self._pump is not None:
            self._subscription.close()
            await self._pump

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one client until it goes."""
        if self._closing or len(self._connections) >= self._max_connections:
            await websocket.accept()
            code = CloseCode.RESTARTING if self._closing else CloseCode.TRY_AGAIN
            await websocket.close(code, "shutting down" if self._closing else "too many connections")
            return
        connection = Connection(websocket, self._authenticator, self._limits)
        self._connections[connection] = asyncio.current_task()
        try:
            await connection.run(self._cookie_token(websocket))
        finally:
            del self._connections[connection]
            self._dropped_before += connection.dropped

    def _cookie_token(self, websocket: WebSocket) -> str | None:
        # A browser sends cookies with any page's WebSocket, so a cookie counts only from our own pages.
        token = ACCESS.read(websocket)
        return token if token and self._origins.allows(websocket.scope) else None

    async def _hand_over(self, subscription: Subscription[Event]) -> None:
        async for event in subscription:
            receivers = [connection for connection in self._connections if connection.wants(event)]
            if not receivers:
                continue
            try:
                text = encode_event(event)
            except (TypeError, ValueError):
                log.exception("the payload of an event on %s is not JSON", event.topic)
                continue
            for connection in receivers:
                connection.deliver(text, tick_key(event))

    def _gap(self) -> None:
        log.warning("events were missed; every WebSocket client is told to connect again")
        for connection in self._connections:
            connection.end(CloseCode.TRY_AGAIN, "events were missed; connect again and read the state anew")
