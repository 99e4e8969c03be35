"""Pure ASGI middlewares around every request; `app.main` puts them in order.

Pure ASGI because streams and WebSockets must pass through unbuffered.
"""

import logging
import re
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import structlog
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core import tracing
from app.core.errors import (
    ForbiddenError,
    MalformedRequestError,
    PayloadTooLargeError,
    TestBenchError,
    UnauthorizedError,
    UnsupportedEncodingError,
)
from app.core.http import error_response, request_id_of, translate
from app.core.ids import new_id
from app.core.json_gauge import JsonGauge
from app.core.origins import HostPolicy, OriginPolicy, header
from app.core.quotas import QuotaStanding

_access = logging.getLogger("app.access")
log = structlog.get_logger("app.access")

REQUEST_ID_HEADER = "X-Request-ID"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_SAFE_METHODS = {"GET", "HEAD", "OPTIONS", "TRACE"}

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}

_RAW_SECURITY_HEADERS = tuple((name.lower().encode(), value.encode()) for name, value in _SECURITY_HEADERS.items())
_STARTS = {"http.response.start", "websocket.http.response.start"}


async def refuse(error: TestBenchError, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with `error`: the envelope over HTTP, also as the answer to a WebSocket's handshake where that can be."""
    if scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008, "reason": error.code})
        return
    await error_response(error, request_id_of(scope["state"]), scope["path"])(scope, receive, send)


class RequestContext:
    """Gives each request an id and a place in a trace, in the log and in the answer beside the caller's standing.

    Headers are appended to the raw list: this runs for every request, and looking each name up costs most of it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        given = header(scope, b"x-request-id")
        request_id = given if given and _REQUEST_ID.fullmatch(given) else str(new_id())
        trace = tracing.begin(header(scope, b"traceparent"), header(scope, b"tracestate"))
        state: dict[str, Any] = scope.setdefault("state", {})
        state["request_id"] = request_id
        state["trace"] = trace
        started = time.perf_counter()
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] in _STARTS:
                status = message["status"]
                headers = message["headers"] = list(message.get("headers", ()))
                headers.append((b"x-request-id", request_id.encode()))
                headers.append((b"traceparent", trace.parent_header.encode()))
                standing = state.get("rate_limit")
                if isinstance(standing, QuotaStanding) and not any(
                    name.lower() == b"ratelimit-limit" for name, _ in headers
                ):
                    headers.extend(
                        (name.lower().encode(), value.encode()) for name, value in standing.headers().items()
                    )
            await send(message)

        token = tracing.current_trace.set(trace)
        try:
            with structlog.contextvars.bound_contextvars(request_id=request_id, trace_id=trace.trace_id):
                try:
                    await self.app(scope, receive, send_with_id)
                finally:
                    if scope["type"] == "http":
                        _log_request(scope, status, started)
        finally:
            tracing.current_trace.reset(token)


def _log_request(scope: Scope, status: int, started: float) -> None:
    is_notable = status >= 400 or scope["method"] not in _SAFE_METHODS
    if not _access.isEnabledFor(logging.INFO if is_notable else logging.DEBUG):
        return  # asked here because building the line costs as much as a small middleware
    (log.info if is_notable else log.debug)(
        "request",
        method=scope["method"],
        path=scope["path"],
        status=status,
        duration_ms=round((time.perf_counter() - started) * 1000, 1),
        address=(scope.get("client") or ("",))[0],
    )


class SecurityHeaders:
    """Adds the headers that confine the dashboard and keep API answers out of caches."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message["headers"] = list(message.get("headers", ()))
                present = {name.lower() for name, _ in headers}
                headers.extend(item for item in _RAW_SECURITY_HEADERS if item[0] not in present)
                if scope["scheme"] == "https" and b"strict-transport-security" not in present:
                    headers.append((b"strict-transport-security", b"max-age=31536000"))
                # What may be kept says so itself (the dashboard's files); answers, errors and redirects may not.
                if b"cache-control" not in present:
                    headers.append((b"cache-control", b"no-store"))
            await send(message)

        await self.app(scope, receive, send_with_headers)


class ErrorBoundary:
    """Turns any exception into the envelope and a log line; nothing reaches the ASGI server."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False

        async def watch(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except Exception as exception:
            error = translate(exception)
            if not isinstance(exception, TestBenchError):
                log.exception("request failed", path=scope["path"], method=scope["method"])
            if begun:
                raise  # too late for an answer: the server must cut the connection so that nobody reads half a body
            await refuse(error, scope, receive, send)


def _is_api(path: str) -> bool:
    return path.startswith(("/api/", "/graphql", "/metrics"))


_ONCE = {b"host": "Host", b"authorization": "Authorization", b"content-type": "Content-Type", b"origin": "Origin"}
"""What must not be there twice: a proxy in front may have looked at the other one (RFC 9112, section 3.2)."""


def _twice(scope: Scope) -> str | None:
    found = [name for name, _ in scope["headers"] if name in _ONCE]
    return next((_ONCE[name] for name in found if found.count(name) > 1), None)


class HostCheck:
    """Refuses requests whose Host header is not a name of this server, and those that say two things at once."""

    def __init__(self, app: ASGIApp, policy: HostPolicy) -> None:
        self.app = app
        self.policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in {"http", "websocket"} and not self.policy.allows(scope):
            error = MalformedRequestError(
                "this server does not answer to the name in the Host header; an administrator can add it to "
                "server.allowed_hosts",
                host=(header(scope, b"host") or "")[:255],
            )
            await refuse(error, scope, receive, send)
            return
        if scope["type"] in {"http", "websocket"} and (name := _twice(scope)):
            await refuse(MalformedRequestError(f"the header {name} is there twice"), scope, receive, send)
            return
        await self.app(scope, receive, send)


STRANGERS_BODY_BYTES = 64 * 1024
"""What anybody may send. The whole body is parsed before a route asks who sends it, which takes the server a second."""

Authenticate = Callable[[Request], Awaitable[object]]


class BodyLimit:
    """Refuses request bodies above a limit, by Content-Length at once and by counting otherwise, and coded ones.

    With `authenticate`, those above `STRANGERS_BODY_BYTES` are taken only of somebody whom it knows.
    """

    def __init__(
        self,
        app: ASGIApp,
        limit_bytes: int,
        max_json_depth: int = 64,
        authenticate: Authenticate | None = None,
    ) -> None:
        self.app = app
        self.limit_bytes = limit_bytes
        self.max_json_depth = max_json_depth
        self.authenticate = authenticate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        coding = header(scope, b"content-encoding") or header(scope, b"transfer-encoding") or ""
        if coding.strip().lower() not in {"", "identity", "chunked"}:
            error = UnsupportedEncodingError("send the body as it is: a Content-Encoding of it is not taken apart here")
            await refuse(error, scope, receive, send)
            return
        is_json = "json" in (header(scope, b"content-type") or "")
        exchange = _CountedExchange(self.limit_bytes, self.max_json_depth if is_json else None, receive, send)
        if self.authenticate is not None:
            exchange.vouch = partial(self.authenticate, Request(scope))
        declared = header(scope, b"content-length")
        if declared is not None and (not declared.isdigit() or int(declared) > self.limit_bytes):
            await refuse(exchange.error, scope, receive, send)
            return
        if declared is not None and int(declared) > STRANGERS_BODY_BYTES and not await exchange.is_known():
            await refuse(exchange.error, scope, receive, send)
            return
        try:
            await self.app(scope, exchange.receive, exchange.send)
        except TestBenchError:
            if exchange.begun or not exchange.exceeded:
                raise
        if exchange.exceeded and not exchange.begun:
            await refuse(exchange.error, scope, receive, send)


class _CountedExchange:
    """One request's receive and send, with the body counted."""

    def __init__(self, limit_bytes: int, max_depth: int | None, receive: Receive, send: Send) -> None:
        self._max_depth = max_depth
        self._gauge = JsonGauge()
        self._limit_bytes = limit_bytes
        self._receive = receive
        self._send = send
        self._seen = 0
        self._is_strange = False
        self.vouch: Callable[[], Awaitable[object]] | None = None
        self.begun = False
        self.error: TestBenchError = PayloadTooLargeError(
            f"the request body is larger than {limit_bytes} bytes (server.max_body_bytes)", limit=limit_bytes
        )

    @property
    def exceeded(self) -> bool:
        too_deep = self._max_depth is not None and self._gauge.deepest > self._max_depth
        return self._is_strange or too_deep or self._seen > self._limit_bytes

    async def is_known(self) -> bool:
        """Whether somebody known sends this; asked once. `error` says what is wrong otherwise."""
        vouch, self.vouch = self.vouch, None
        if vouch is not None:
            try:
                await vouch()
            except UnauthorizedError:
                self._is_strange = True
                self.error = PayloadTooLargeError(
                    f"the request body is larger than {STRANGERS_BODY_BYTES} bytes, which only those may send who are "
                    "signed in, with a token that is valid",
                    limit=STRANGERS_BODY_BYTES,
                )
            except TestBenchError as error:
                self._is_strange, self.error = True, error
        return not self._is_strange

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._seen += len(message.get("body", b""))
            if self._seen > STRANGERS_BODY_BYTES and not await self.is_known():
                raise self.error
            if self._max_depth is not None and self._seen <= self._limit_bytes:
                self._gauge.feed(message.get("body", b""))
                if self._gauge.deepest > self._max_depth:
                    self.error = MalformedRequestError(
                        f"the body nests more deeply than {self._max_depth} levels (server.http.max_json_depth)",
                        limit=self._max_depth,
                        errors=[{"path": "(body)", "message": f"nests more deeply than {self._max_depth} levels"}],
                    )
            if self.exceeded:
                raise self.error
        return message

    async def send(self, message: Message) -> None:
        # Frameworks turn what `receive` raises into a 400 of their own; hold that back and say what it was.
        if self.begun or not self.exceeded:
            self.begun = True
            await self._send(message)


class OriginCheck:
    """Refuses what a foreign web page asks of this server with its user's cookies, address or network.

    Writes and WebSocket handshakes by their Origin; reads of the API by Fetch Metadata (a page on another port of the
    same host is same-site, so that cookies go along). Navigations are let through: links to the dashboard, and the
    identity provider that sends the browser back.
    """

    def __init__(self, app: ASGIApp, policy: OriginPolicy, cookie_names: tuple[str, ...]) -> None:
        self.app = app
        self.policy = policy
        self.cookie_names = cookie_names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in {"http", "websocket"} and self._is_foreign(scope):
            error = ForbiddenError(
                "this came from a web page of another origin, which may not use this server (Origin and "
                "Sec-Fetch-Site headers); an administrator can list the origin in server.cors_allowed_origins"
            )
            await refuse(error, scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _is_foreign(self, scope: Scope) -> bool:
        if scope["type"] == "websocket":
            return header(scope, b"origin") is not None and self.policy.allows(scope) is False
        if scope["method"] in _SAFE_METHODS:
            return self._is_foreign_read(scope)
        allowed = self.policy.allows(scope)
        # Without Origin and Sec-Fetch-Site no browser of today sent it; then only cookies make it suspicious.
        return allowed is False or (allowed is None and self._by_cookie(scope))

    def _is_foreign_read(self, scope: Scope) -> bool:
        if header(scope, b"sec-fetch-site") not in {"cross-site", "same-site"} or not _is_api(scope["path"]):
            return False
        if header(scope, b"sec-fetch-mode") == "navigate" and header(scope, b"sec-fetch-dest") == "document":
            return False
        return header(scope, b"origin") is None or self.policy.allows(scope) is False

    def _by_cookie(self, scope: Scope) -> bool:
        if header(scope, b"authorization") is not None:
            return False
        cookies = header(scope, b"cookie") or ""
        return any(part.strip().split("=", 1)[0] in self.cookie_names for part in cookies.split(";"))
