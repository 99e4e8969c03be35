"""`graphql-transport-ws`: who speaks, how much, and for how long.

The identity comes with `connection_init` (`{"Authorization": "Bearer …"}` or `{"token": "…"}`), with the handshake's
`Authorization` header, or from the sign-in cookie of this server's own pages. Close codes are those of the protocol;
4403 is for an identity that is not valid (any more), after which clients may connect again with a fresh one.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, Mapping
from functools import partial
from typing import Any, cast

from starlette.websockets import WebSocket
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.http.exceptions import NonJsonMessageReceived, NonTextMessageReceived, WebSocketDisconnected
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler

from app.accounts.authentication import visitor_of
from app.accounts.cookies import ACCESS
from app.core.errors import ConflictError, TestBenchError, UnauthorizedError
from app.core.http import graphql_error_body, request_id_of
from app.core.origins import OriginPolicy
from app.core.settings import Settings
from app.graphql.context import Identity, Services, SocketContext

log = logging.getLogger(__name__)

MAX_ID_CHARACTERS = 200
INVALID, FORBIDDEN, TOO_MANY = 4400, 4403, 4429
_HELLO = {"authorization", "token", "apikey", "api_key"}


class Socket:
    """Makes the contexts of WebSockets."""

    def __init__(self, settings: Settings) -> None:
        self.origins = OriginPolicy(settings.server.cors_allowed_origins)
        self._limits = settings.server.graphql
        self.max_messages_per_minute = settings.server.websocket.max_messages_per_minute

    def context(self, websocket: WebSocket) -> SocketContext:
        """The context of a new WebSocket, which is nobody's yet."""
        state = websocket.app.state
        visitor = visitor_of(websocket)

        async def authenticate(params: Mapping[str, Any]) -> Identity:
            try:
                token = self._token(websocket, params)
                caller = await state.accounts.caller_from_token(token, visitor)
            except UnauthorizedError:
                await state.gate.count_address(websocket)
                raise

            def verify() -> Any:
                return state.accounts.caller_from_token(token, visitor)

            return Identity(verify, self._limits.recheck_seconds, caller, state.subscribers)

        return SocketContext(
            services=Services.of(websocket.app),
            limits=self._limits,
            request_id=request_id_of(websocket.scope.get("state", {})),
            count=partial(state.gate.count_caller, path=websocket.url.path),
            authenticate=authenticate,
            belongs_to=websocket.state.seat.belongs_to,
        )

    def _token(self, websocket: WebSocket, params: Mapping[str, Any]) -> str:
        headers = params.get("headers")
        for source in (params, headers if isinstance(headers, dict) else {}, dict(websocket.headers)):
            for name, value in source.items():
                if str(name).lower() in _HELLO and isinstance(value, str) and value.strip():
                    scheme, _, rest = value.strip().partition(" ")
                    return rest.strip() if scheme.lower() == "bearer" and rest else value.strip()
        cookie = ACCESS.read(websocket)
        # A browser sends cookies with any page's WebSocket, so a cookie counts only from our own pages.
        if cookie and self.origins.allows(websocket.scope):
            return cookie
        raise UnauthorizedError('give a token in connection_init: {"Authorization": "Bearer <token or API key>"}')


class SocketAdapter(ASGIWebSocketAdapter):
    """Counts messages, and gives up on clients that do not take theirs."""

    send_timeout_seconds = 30.0

    async def iter_json(self, *, ignore_parsing_errors: bool = False) -> AsyncGenerator[object, None]:
        most = cast("Any", self.view).socket.max_messages_per_minute
        minute_ends, messages = time.monotonic() + 60, 0
        async for message in self._messages():
            if time.monotonic() >= minute_ends:
                minute_ends, messages = time.monotonic() + 60, 0
            messages += 1
            if messages > most:
                await self.close(TOO_MANY, f"more than {most} messages in a minute")
                return
            yield message

    async def _messages(self) -> AsyncGenerator[object, None]:
        while True:
            message = await self.ws.receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text")
            if text is None:
                raise NonTextMessageReceived
            try:
                yield self.view.decode_json(text)
            except ValueError as error:
                raise NonJsonMessageReceived from error

    async def send_json(self, message: Mapping[str, object]) -> None:
        try:
            async with asyncio.timeout(self.send_timeout_seconds):
                await self.ws.send_text(cast("bytes", self.view.encode_json(message)).decode())
        except (TimeoutError, RuntimeError, OSError) as error:  # RuntimeError: sent after the close
            raise WebSocketDisconnected from error

    async def close(self, code: int, reason: str) -> None:
        with contextlib.suppress(RuntimeError, OSError):
            # A close frame has room for 123 bytes.
            await self.ws.close(code=code, reason=reason.encode()[:120].decode(errors="ignore"))


class SocketHandler(BaseGraphQLTransportWSHandler[SocketContext, None]):
    """Refuses messages that the protocol does not know, and keeps an eye on the identity."""

    _identity_watch: asyncio.Task[None] | None = None

    async def handle(self) -> None:
        try:
            await super().handle()
        finally:
            if self._identity_watch is not None:
                self._identity_watch.cancel()
                await asyncio.gather(self._identity_watch, return_exceptions=True)

    async def _watch(self, identity: Identity) -> None:
        """Close the socket soon after its identity has ended, also while nothing happens on it."""
        while True:
            await identity.due()
            try:
                await identity.caller()
            except UnauthorizedError as error:
                # First the subscriptions say why, then the socket ends.
                await asyncio.sleep(0.05)
                await self.websocket.close(FORBIDDEN, error.message)
                return
            except TestBenchError as error:
                log.warning("cannot check a GraphQL client's token now, will try again: %s", error)
                await asyncio.sleep(1)

    async def handle_message(self, message: Any) -> None:
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            await self.handle_invalid_message("a message is an object with a type")
            return
        if problem := _problem(message):
            await self.handle_invalid_message(problem)
            return
        await super().handle_message(cast("Any", message))

    async def handle_connection_init(self, message: Any) -> None:
        if message.get("payload") is None:
            message["payload"] = {}
        if isinstance(message["payload"], dict) and not self.connection_init_received:
            try:
                identity = await self.context.authenticate(message["payload"])
                self.context.belongs_to((await identity.caller()).user_id)
                self.context.identity = identity
                self._identity_watch = asyncio.create_task(self._watch(identity), name="graphql-ws-identity")
            except TestBenchError as error:
                self.connection_init_received = True
                if self.connection_init_timeout_task:
                    self.connection_init_timeout_task.cancel()
                await self.websocket.close(TOO_MANY if isinstance(error, ConflictError) else FORBIDDEN, error.message)
                return
        await super().handle_connection_init(message)

    async def handle_subscribe(self, message: Any) -> None:
        most = self.max_subscriptions_per_connection
        if self.connection_acknowledged and most is not None and len(self.operations) >= most:
            setting = "server.graphql.max_subscriptions_per_connection"
            error = ConflictError(
                f"this connection has {most} operations; end one first ({setting})", limit=most, setting=setting
            )
            errors = graphql_error_body(error, self.context.request_id)["errors"]
            await self.send_message({"id": message["id"], "type": "error", "payload": errors})
            return
        await super().handle_subscribe(message)

    async def handle_task_exception(self, error: Exception) -> None:
        if not isinstance(error, WebSocketDisconnected):
            log.error("a GraphQL operation on a WebSocket failed", exc_info=error)

    async def handle_invalid_message(self, error_message: str) -> None:
        await self.websocket.close(INVALID, error_message)


def _problem(message: dict[str, Any]) -> str | None:
    if message["type"] in {"subscribe", "complete"}:
        id_ = message.get("id")
        if not isinstance(id_, str) or not 1 <= len(id_) <= MAX_ID_CHARACTERS:
            return f"id must be a text of 1 to {MAX_ID_CHARACTERS} characters"
    if message["type"] == "subscribe":
        payload = message.get("payload")
        if not isinstance(payload, dict) or not isinstance(payload.get("query"), str):
            return "the payload of subscribe must be an object with a query"
        if not isinstance(payload.get("variables"), dict | None) or not isinstance(
            payload.get("operationName"), str | None
        ):
            return "variables must be an object and operationName a text"
    return None
