"""One client of `/ws`, from the handshake to the close code."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Protocol, assert_never
from uuid import UUID

from starlette.websockets import WebSocket, WebSocketDisconnect

from app.accounts.caller import Caller
from app.accounts.visibility import PERMISSION_OF_FAMILY, may_see, permission_for
from app.core.errors import (
    ForbiddenError,
    InvalidRequestError,
    PayloadTooLargeError,
    TestBenchError,
    UnauthorizedError,
)
from app.events.mailbox import Mailbox, MailboxClosedError
from app.events.topics import expand
from app.events.types import Event, Topic
from app.realtime.protocol import Ack, Auth, Ping, Pong, Subscribe, Unsubscribe, decode, encode, encode_error

log = logging.getLogger(__name__)

MAX_SUBSCRIPTIONS = 512
"""Pairs of topic and benchmark per client."""
MAX_MESSAGES_PER_MINUTE = 1200
"""A client that says more is closed; the dashboard says about 15."""
FAREWELL_SECONDS = 1.0


class CloseCode(IntEnum):
    """Why the server closes. Clients connect again after all but 4403; after 4401 with a fresh token."""

    NO_PONG = 1001
    TOO_MANY = 1008
    TOO_BIG = 1009
    RESTARTING = 1012
    TRY_AGAIN = 1013
    UNAUTHENTICATED = 4401
    FORBIDDEN = 4403


@dataclass(frozen=True, slots=True)
class Farewell:
    """How a connection ends."""

    code: CloseCode
    reason: str


class Authenticator(Protocol):
    """Knows who a token speaks for."""

    async def caller_from_token(self, token: str) -> Caller:
        """The caller behind an access token or API key.

        Raises:
            UnauthorizedError: when it is not valid now.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """What one client may cost."""

    queue_size: int
    max_message_bytes: int
    ping_interval_seconds: float
    pong_timeout_seconds: float
    auth_timeout_seconds: float = 10.0
    recheck_seconds: float = 30.0


class Connection:
    """Reads messages, sends what waits in its own bounded mailbox, and watches that the client lives and may stay."""

    def __init__(self, websocket: WebSocket, authenticator: Authenticator, limits: ConnectionLimits) -> None:
        self.caller: Caller | None = None
        self._websocket = websocket
        self._authenticator = authenticator
        self._limits = limits
        self._token = ""
        self._wanted: set[tuple[Topic, UUID | None]] = set()
        self._mailbox: Mailbox[str] = Mailbox(limits.queue_size, self._overflow)
        self._farewell: asyncio.Future[Farewell | None] = asyncio.get_running_loop().create_future()
        self._authenticated = asyncio.Event()
        self._heard = asyncio.Event()

    @property
    def dropped(self) -> int:
        """Ticks that this client was too slow for."""
        return self._mailbox.dropped

    # For the gateway

    def wants(self, event: Event) -> bool:
        """Whether the client asked for `event` and may see it."""
        wanted = self._wanted
        if (event.topic, None) not in wanted and (event.topic, event.session_id) not in wanted:
            return False
        return self.caller is not None and may_see(self.caller, event)

    def deliver(self, text: str, tick: Hashable | None) -> None:
        """Queue an encoded event; never waits."""
        self._mailbox.put(text, tick)

    def end(self, code: CloseCode, reason: str) -> None:
        """Close the connection soon."""
        if not self._farewell.done():
            self._farewell.set_result(Farewell(code, reason))

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
        tasks = [
            asyncio.create_task(self._guarded(part), name=f"ws-{part.__name__}")
            for part in (self._receive, self._send, self._keep_alive, self._keep_authenticated)
        ]
        try:
            farewell = await self._farewell
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._mailbox.close()
        if farewell is not None:
            await self._say(farewell)

    async def _guarded(self, part: Callable[[], Coroutine[Any, Any, Farewell | None]]) -> None:
        farewell: Farewell | None = None
        try:
            farewell = await part()
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
                    for text in self._mailbox.take_waiting(self._mailbox.size):
                        await self._websocket.send_text(text)
                await self._websocket.close(farewell.code, farewell.reason)
        except (TimeoutError, WebSocketDisconnect, RuntimeError, OSError) as error:
            log.debug("a WebSocket client did not take its close frame: %r", error)

    # The four parts that run side by side

    async def _receive(self) -> Farewell | None:
        now = asyncio.get_running_loop().time
        minute_ends, messages = now() + 60, 0
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                return None
            data: str | bytes = message.get("text") or message.get("bytes") or ""
            self._heard.set()
            if now() >= minute_ends:
                minute_ends, messages = now() + 60, 0
            messages += 1
            if messages > MAX_MESSAGES_PER_MINUTE:
                return Farewell(CloseCode.TOO_MANY, f"more than {MAX_MESSAGES_PER_MINUTE} messages in a minute")
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

    async def _send(self) -> Farewell | None:
        while True:
            text = await self._mailbox.get()
            try:
                async with asyncio.timeout(self._limits.pong_timeout_seconds):
                    await self._websocket.send_text(text)
            except TimeoutError:
                return Farewell(CloseCode.TRY_AGAIN, "too slow; connect again and read the state anew")

    async def _keep_alive(self) -> Farewell | None:
        while True:
            await asyncio.sleep(self._limits.ping_interval_seconds)
            self._heard.clear()
            self._tell(encode(Ping()))
            try:
                await asyncio.wait_for(self._heard.wait(), self._limits.pong_timeout_seconds)
            except TimeoutError:
                return Farewell(CloseCode.NO_PONG, "no Pong came")

    async def _keep_authenticated(self) -> Farewell | None:
        try:
            await asyncio.wait_for(self._authenticated.wait(), self._limits.auth_timeout_seconds)
        except TimeoutError:
            seconds = self._limits.auth_timeout_seconds
            return Farewell(CloseCode.UNAUTHENTICATED, f"no Auth within {seconds:g} s")
        while True:
            # Also notices a revoked key, a disabled user and a changed role.
            await asyncio.sleep(self._limits.recheck_seconds)
            token = self._token
            try:
                caller = await self._authenticator.caller_from_token(token)
            except UnauthorizedError:
                if token == self._token:
                    return Farewell(CloseCode.UNAUTHENTICATED, "the token is not valid any more")
            except TestBenchError as error:
                log.warning("cannot check a WebSocket client's token now, will try again: %s", error)
            else:
                if token == self._token:
                    self.caller = caller

    # Messages

    async def _handle(self, data: str | bytes) -> None:
        message = decode(data)
        match message:
            case Auth(token=token):
                await self._authenticate(token)
                assert self.caller is not None
                self._tell(encode(Ack("Auth", username=self.caller.username)))
            case Ping():
                self._tell(encode(Pong()))
            case Pong():
                pass
            case Subscribe():
                self._subscribe(message)
            case Unsubscribe():
                self._unsubscribe(message)
            case _:
                assert_never(message)

    async def _authenticate(self, token: str) -> None:
        caller = await self._authenticator.caller_from_token(token)
        if self.caller is not None and caller.user_id != self.caller.user_id:
            raise ForbiddenError("this connection belongs to another user; open a new one")
        if not caller.permissions & set(PERMISSION_OF_FAMILY.values()):
            raise ForbiddenError("this identity may not read any topic")
        self.caller, self._token = caller, token
        self._authenticated.set()

    def _subscribe(self, message: Subscribe) -> None:
        caller = self._known_caller()
        topics = expand(message.topics)
        for topic in topics:
            caller.check(permission_for(topic))
        wanted = self._wanted | {(topic, message.session_id) for topic in topics}
        if len(wanted) > MAX_SUBSCRIPTIONS:
            raise InvalidRequestError(f"a connection has at most {MAX_SUBSCRIPTIONS} subscriptions; unsubscribe first")
        self._wanted = wanted
        self._tell(encode(Ack("Subscribe", topics=message.topics, session_id=message.session_id)))

    def _unsubscribe(self, message: Unsubscribe) -> None:
        self._known_caller()
        self._wanted = self._wanted - {(topic, message.session_id) for topic in expand(message.topics)}
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

    def _tell(self, text: str) -> None:
        self._mailbox.put(text)

    def _overflow(self) -> None:
        self.end(CloseCode.TRY_AGAIN, "too slow; connect again and read the state anew")
