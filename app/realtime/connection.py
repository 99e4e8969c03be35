"""One client of `/ws`, from the handshake to the close code."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Hashable
from typing import Protocol, assert_never
from uuid import UUID

from starlette.websockets import WebSocket, WebSocketDisconnect

from app.accounts.caller import Caller
from app.accounts.visibility import PERMISSION_OF_FAMILY, may_see, permission_for
from app.core.errors import (
    ForbiddenError,
    InvalidRequestError,
    PayloadTooLargeError,
    RateLimitedError,
    TestBenchError,
    UnauthorizedError,
)
from app.events.mailbox import Mailbox, MailboxClosedError
from app.events.topics import expand
from app.events.types import Event, Position
from app.realtime.interests import Interest, Wanted
from app.realtime.limits import CloseCode, ConnectionLimits, Farewell
from app.realtime.protocol import (
    Ack,
    Auth,
    Dropped,
    Gap,
    Ping,
    Pong,
    Restarting,
    Subscribe,
    Unsubscribe,
    decode,
    encode,
    encode_error,
)
from app.realtime.pulse import Pulse

log = logging.getLogger(__name__)

FAREWELL_SECONDS = 1.0
_PING = encode(Ping())
_PONG = encode(Pong())


class Hub(Protocol):
    """What a connection needs of the gateway."""

    @property
    def head(self) -> Position:
        """The newest event's position."""
        ...

    async def caller_of(self, token: str) -> Caller:
        """Who the token speaks for; raises `UnauthorizedError`."""
        ...

    def admit(self, connection: "Connection", caller: Caller) -> None:
        """Raise `RateLimitedError` when this user has too many connections."""
        ...

    def missed(self, since: Position) -> list[Event] | None:
        """Events since then, as visible as they are now; None when that is not known."""
        ...

    def text_of(self, event: Event) -> str | None:
        """The event's message; None when it cannot be told."""
        ...

    def wants(self, connection: "Connection", interest: Interest, *, wanted: bool) -> None:
        """Note what the connection wants to hear."""
        ...


class Connection:
    """Reads messages, and sends what waits in its own bounded mailbox. The gateway watches over its time limits."""

    def __init__(self, websocket: WebSocket, hub: Hub, limits: ConnectionLimits, now: Callable[[], float]) -> None:
        self.caller: Caller | None = None
        self.token = ""
        self.wanted = Wanted()
        self.confirmed_at = now()
        self._websocket = websocket
        self._hub = hub
        self._limits = limits
        self._now = now
        self._mailbox: Mailbox[str] = Mailbox(limits.queue_size, self._overflow)
        self._backlog: deque[str] = deque()
        self._dropped_told = 0
        self._farewell: asyncio.Future[Farewell | None] = asyncio.get_running_loop().create_future()
        self._pulse = Pulse(limits, now)

    @property
    def address(self) -> str:
        """Where the client is."""
        return self._websocket.client.host if self._websocket.client else ""

    @property
    def dropped(self) -> int:
        """Ticks that this client was too slow for."""
        return self._mailbox.dropped

    # For the gateway

    def may_see(self, event: Event) -> bool:
        """Whether the client may be told of `event`."""
        return self.caller is not None and may_see(self.caller, event)

    def deliver(self, text: str, tick: Hashable | None) -> None:
        """Queue an encoded event; never waits."""
        self._mailbox.put(text, tick)

    def tell_gap(self, reason: str) -> None:
        """Say that events were missed."""
        if self.caller is not None and len(self.wanted):
            self._tell(encode(Gap(reason, self._hub.head)))

    def end(self, code: CloseCode, reason: str) -> None:
        """Close the connection soon."""
        if not self._farewell.done():
            self._farewell.set_result(Farewell(code, reason))

    def restart(self, reconnect_after_ms: int) -> None:
        """Say when to come back, and close."""
        self._tell(encode(Restarting(reconnect_after_ms)))
        self.end(CloseCode.RESTARTING, f"restarting; connect again in {reconnect_after_ms} ms")

    def watch(self, now: float) -> None:
        """Apply the time limits: sign-in, taking what is sent, and an answer to each ping."""
        farewell = self._pulse.late(now, is_known=self.caller is not None)
        if farewell is not None:
            self.end(farewell.code, farewell.reason)
        elif self.caller is not None and self._pulse.wants_ping(now):
            self._tell(_PING)

    async def run(self, cookie_token: str | None) -> None:
        """Serve the client until either side ends it."""
        await self._websocket.accept()
        if cookie_token:
            try:
                await self._authenticate(cookie_token)
            except UnauthorizedError:
                log.debug("the cookie of a WebSocket client is not valid; waiting for Auth")
            except TestBenchError as error:
                self._refuse(error)
        tasks = [asyncio.create_task(self._guarded(part)) for part in (self._receive, self._send)]
        try:
            farewell = await self._farewell
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._mailbox.close()
        if farewell is not None:
            await self._say(farewell)

    async def _guarded(self, part: Callable[[], object]) -> None:
        farewell: Farewell | None = None
        try:
            farewell = await part()  # type: ignore[misc]
        except (WebSocketDisconnect, MailboxClosedError, OSError, RuntimeError) as error:
            log.debug("a WebSocket client has gone: %r", error)  # RuntimeError: sent after the close
        except Exception:
            log.exception("a WebSocket connection failed")
            farewell = Farewell(CloseCode.TRY_AGAIN, "internal error")
        if not self._farewell.done():
            self._farewell.set_result(farewell)

    async def _say(self, farewell: Farewell) -> None:
        try:
            async with asyncio.timeout(FAREWELL_SECONDS):
                if farewell.code != CloseCode.TRY_AGAIN:
                    for text in (*self._backlog, *self._mailbox.take_waiting(self._mailbox.size)):
                        await self._websocket.send_text(text)
                await self._websocket.close(farewell.code, farewell.reason)
        except (TimeoutError, WebSocketDisconnect, RuntimeError, OSError) as error:
            log.debug("a WebSocket client did not take its close frame: %r", error)

    # The two parts that run side by side

    async def _receive(self) -> Farewell | None:
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                return None
            data: str | bytes = message.get("text") or message.get("bytes") or ""
            if (farewell := self._pulse.heard()) is not None:
                return farewell
            limit = self._limits.max_message_bytes
            if len(data) > limit or (isinstance(data, str) and len(data.encode()) > limit):
                self._tell(encode_error(PayloadTooLargeError(f"messages have at most {limit} bytes", limit=limit)))
                return Farewell(CloseCode.TOO_BIG, "message too big")
            try:
                await self._handle(data)
            except TestBenchError as error:
                self._refuse(error)
            if self._farewell.done():
                return None

    async def _send(self) -> None:
        while True:
            await self._mailbox.wait()  # a backlog always has its Ack there
            text = self._backlog.popleft() if self._backlog else self._mailbox.pop()
            self._pulse.sending_since = self._now()
            await self._websocket.send_text(text)
            if self._mailbox.dropped != self._dropped_told:
                count = self._mailbox.dropped - self._dropped_told
                self._dropped_told = self._mailbox.dropped
                await self._websocket.send_text(encode(Dropped(count)))
            self._pulse.sending_since = None

    # Messages

    async def _handle(self, data: str | bytes) -> None:
        message = decode(data)
        match message:
            case Auth(token=token):
                await self._authenticate(token)
                assert self.caller is not None
                self._tell(encode(Ack("Auth", username=self.caller.username, position=self._hub.head)))
            case Ping():
                self._tell(_PONG)
            case Pong():
                pass
            case Subscribe():
                self._subscribe(message)
            case Unsubscribe():
                self._unsubscribe(message)
            case _:
                assert_never(message)

    async def _authenticate(self, token: str) -> None:
        caller = await self._hub.caller_of(token)
        if self.caller is not None and caller.user_id != self.caller.user_id:
            raise ForbiddenError("this connection belongs to another user; open a new one")
        if not caller.permissions & set(PERMISSION_OF_FAMILY.values()):
            raise ForbiddenError("this identity may not read any topic")
        if self.caller is None:
            self._hub.admit(self, caller)
        self.caller, self.token = caller, token
        self.confirmed_at = self._now()

    def _subscribe(self, message: Subscribe) -> None:
        caller = self._known_caller()
        topics = expand(message.topics)
        for topic in topics:
            caller.check(permission_for(topic))
        interests: set[Interest] = {(topic, message.session_id) for topic in topics}
        most = self._limits.max_subscriptions
        if self.wanted.count_with(interests) > most:
            raise InvalidRequestError(
                f"a connection has at most {most} subscriptions (server.websocket.max_subscriptions); unsubscribe first"
            )
        head = self._hub.head
        told_from, replayed = head, None
        if message.since is not None:
            texts = self._replay(message.since, interests, message.session_id)
            if texts is None:
                reason = "not everything since then is known any more; read the state anew"
                self._tell(encode(Gap(reason, head, message.topics, message.session_id)))
            else:
                told_from, replayed = message.since, len(texts)
                self._backlog.extend(texts)
        for interest in interests:
            self.wanted.add(interest, told_from)
            self._hub.wants(self, interest, wanted=True)
        ack = Ack("Subscribe", None, message.topics, message.session_id, head, replayed)
        self._tell(encode(ack))

    def _replay(self, since: Position, interests: set[Interest], session_id: UUID | None) -> list[str] | None:
        """Messages of what this client missed, without what another interest has told it; None for a gap."""
        events = self._hub.missed(since)
        if events is None or len(self._backlog) + len(events) > 2 * self._limits.max_replay:
            return None
        wanted = [
            event
            for event in events
            if (event.topic, session_id) in interests
            and session_id in {None, event.session_id}
            and not self.wanted.covers(event)
            and self.may_see(event)
        ]
        return [text for event in wanted if (text := self._hub.text_of(event)) is not None]

    def _unsubscribe(self, message: Unsubscribe) -> None:
        self._known_caller()
        for topic in expand(message.topics):
            if self.wanted.remove((topic, message.session_id)):
                self._hub.wants(self, (topic, message.session_id), wanted=False)
        self._tell(encode(Ack("Unsubscribe", topics=message.topics, session_id=message.session_id)))

    def _known_caller(self) -> Caller:
        if self.caller is None:
            raise UnauthorizedError("say Auth with a token first")
        return self.caller

    def _refuse(self, error: TestBenchError) -> None:
        self._tell(encode_error(error))
        if isinstance(error, UnauthorizedError):
            self.end(CloseCode.UNAUTHENTICATED, error.message)
        elif isinstance(error, ForbiddenError) and "permission" not in error.details:
            self.end(CloseCode.FORBIDDEN, error.message)
        elif isinstance(error, RateLimitedError):
            self.end(CloseCode.TRY_AGAIN, error.message)

    def _tell(self, text: str) -> None:
        self._mailbox.put(text)

    def _overflow(self) -> None:
        self.end(CloseCode.TRY_AGAIN, "too slow; connect again with since")
