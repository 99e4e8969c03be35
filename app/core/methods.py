"""HEAD wherever GET is (RFC 9110, section 9.3.2), in one place: the app runs the GET, and its content is not sent.

So a HEAD has the status and header fields of the GET (`ETag`, `Content-Length` where it is known, `Content-Encoding`)
and needs the same identity and permission. OPTIONS is answered where 405 is: see `core.http`.
"""

import asyncio
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LEARNED = ("endpoint", "route", "path_params")
"""What routing writes into the scope, which middlewares around this one look at."""


class HeadAsGet:
    """Runs a HEAD as the GET of the same address, and keeps its content back. Goes around what compresses."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return
        exchange = _Headless(receive, send)
        # Up to version 2.3 of ASGI a stream listens for the end of its client, by which `_Headless` ends it early: a
        # HEAD of an export must not read ten million rows.
        as_get: dict[str, Any] = {**scope, "method": "GET", "asgi": {**scope["asgi"], "spec_version": "2.3"}}
        try:
            await self.app(as_get, exchange.receive, exchange.send)
        finally:
            scope.update({name: as_get[name] for name in _LEARNED if name in as_get})


class _Headless:
    """One exchange whose answer ends behind its head."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._ended = asyncio.Event()

    async def receive(self) -> Message:
        ending = asyncio.create_task(self._ended.wait())
        arriving = asyncio.ensure_future(self._receive())
        try:
            await asyncio.wait({ending, arriving}, return_when=asyncio.FIRST_COMPLETED)
            return arriving.result() if arriving.done() else {"type": "http.disconnect"}
        finally:
            ending.cancel()
            arriving.cancel()

    async def send(self, message: Message) -> None:
        if message["type"] != "http.response.body":
            await self._send(message)
        elif not self._ended.is_set():
            self._ended.set()
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
