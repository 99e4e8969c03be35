"""The ASGI side: reads the request whole, runs it once, keeps what was answered."""

from collections.abc import Awaitable, Callable, Collection
from typing import Any, cast

import structlog
from fastapi import FastAPI
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.accounts.caller import Caller
from app.core.errors import MalformedRequestError, TestBenchError
from app.core.middleware import refuse
from app.core.origins import header
from app.idempotency.service import Answer, IdempotencyService, Ticket, checked_key

REPLAYED = (b"idempotent-replayed", b"true")
_KEPT_HEADERS = frozenset({b"content-type", b"content-length", b"etag", b"location", b"link"})

log = structlog.get_logger(__name__)


class Idempotency:
    """Middleware around the routes that create; `paths` are theirs, and `app.state` has the service and the gate."""

    def __init__(self, app: ASGIApp, paths: Collection[str], permission_of: Callable[[str], Any]) -> None:
        self.app = app
        self.paths = frozenset(paths)
        self.permission_of = permission_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] not in self.paths:
            await self.app(scope, receive, send)
            return
        text = header(scope, b"idempotency-key")
        if text is None:
            await self.app(scope, receive, send)
            return
        try:
            await self._once(checked_key(text), scope, receive, send)
        except TestBenchError as error:
            await refuse(error, scope, receive, send)

    async def _once(self, key: str, scope: Scope, receive: Receive, send: Send) -> None:
        state = cast("FastAPI", scope["app"]).state
        authenticate = cast("Callable[[Request], Awaitable[Caller]]", state.authenticate)
        caller = await authenticate(Request(scope))
        caller.check(self.permission_of(scope["path"]))  # what was answered once is for those who may ask now
        body = await _whole_body(receive)
        described = b"\0".join(
            (scope["path"].encode(), scope["query_string"], (header(scope, b"content-type") or "").encode(), body)
        )
        service = cast("IdempotencyService", state.idempotency)
        outcome = await service.begin(caller, f"POST {scope['path']}", key, described)
        if isinstance(outcome, Answer):
            await send(
                {"type": "http.response.start", "status": outcome.status, "headers": [*outcome.headers, REPLAYED]}
            )
            await send({"type": "http.response.body", "body": outcome.body})
            return
        await self._run(service, outcome, body, scope, receive, send)

    async def _run(
        self, service: IdempotencyService, ticket: Ticket, body: bytes, scope: Scope, receive: Receive, send: Send
    ) -> None:
        kept = _Recorder(body, receive)
        try:
            await self.app(scope, kept.receive, kept.send)
        finally:
            try:
                await service.end(ticket, kept.answer)
            except Exception:  # the request itself has ended, well or not; the key stays locked for a minute
                log.exception("the answer to an Idempotency-Key could not be kept")
        for message in kept.messages:
            await send(message)


class _Recorder:
    """Gives the body once, and holds the answer back until it is kept: what was promised must be there."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive
        self.messages: list[Message] = []

    async def receive(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        return await self._receive()

    async def send(self, message: Message) -> None:
        self.messages.append(message)

    @property
    def answer(self) -> Answer | None:
        """What was answered, when it was answered whole."""
        if len(self.messages) < 2 or self.messages[-1].get("more_body"):
            return None
        start, *bodies = self.messages
        headers = tuple((name, value) for name, value in start.get("headers", ()) if name.lower() in _KEPT_HEADERS)
        return Answer(start["status"], headers, b"".join(part.get("body", b"") for part in bodies))


async def _whole_body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise MalformedRequestError("the request ended before its body did")
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)
