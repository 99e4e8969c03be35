"""uvicorn's HTTP/1.1 protocol with the limits that it lacks: sizes, deadlines, connections.

A client that sends slowly, or nothing, costs a connection for a bounded time (slowloris): `head_timeout_seconds` for a
whole request head, `body_timeout_seconds` for each pause within a body and `min_body_bytes_per_second` over all of it.
"""

import asyncio
from http import HTTPStatus
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.core.http_settings import HttpSettings

MAX_HEAD_BYTES = HttpSettings().max_head_bytes


class BoundedHttpProtocol(HttpToolsProtocol):
    """Answers and cuts what goes beyond `limits`; `bounded_by` makes one with other limits."""

    limits: ClassVar[HttpSettings] = HttpSettings()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = True
        self._head_bytes = 0
        self._read_bytes = 0
        self._body_bytes = 0
        self._body_since = 0.0
        self._refused = False
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.limits.max_connections:
            self._refuse(503, "Too many connections are open", b"retry-after: 1\r\n")
            return
        self._arm(self.limits.head_timeout_seconds, self._head_is_late)

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        self._read_bytes = len(data)
        if self._in_head and self._deadline is None:
            self._arm(self.limits.head_timeout_seconds, self._head_is_late)
        super().data_received(data)
        if self._in_head and not self._refused:
            self._head_bytes += len(data)
            if self._head_bytes > self.limits.max_head_bytes and not self.transport.is_closing():
                self._refuse(431, "The request headers are too large")

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > self.limits.max_target_bytes:
            self._refuse(414, "The path and query are too long")

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        if len(self.headers) > self.limits.max_headers:
            self._refuse(431, "The request has too many header fields")

    def on_headers_complete(self) -> None:
        if self._refused:
            return
        if self.parser.get_http_version() not in {"1.0", "1.1"}:  # a line without a version reads as HTTP/0.9
            self._refuse(505, "Say HTTP/1.1 in the request line")
            return
        self._in_head = False
        self._body_bytes = 0
        self._body_since = self.loop.time()
        self._arm(self.limits.body_timeout_seconds, self._body_is_late)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if self._refused:
            return
        self._body_bytes += len(body)
        super().on_body(body)
        elapsed = self.loop.time() - self._body_since
        if (
            elapsed > self.limits.body_timeout_seconds
            and self._body_bytes < elapsed * self.limits.min_body_bytes_per_second
        ):
            self._refuse(408, "The request body comes too slowly")
        else:
            self._arm(self.limits.body_timeout_seconds, self._body_is_late)

    def on_message_complete(self) -> None:
        if self._refused:
            return
        self._disarm()
        self._in_head = True
        self._head_bytes = -self._read_bytes  # what this read still holds of the message before
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        self._disarm()
        super().handle_websocket_upgrade()

    def _head_is_late(self) -> None:
        self._deadline = None
        self._refuse(408, "The request did not arrive in time")

    def _body_is_late(self) -> None:
        self._deadline = None
        if self.flow.read_paused:  # the service reads slowly, which is not the client's fault
            self._body_since = self.loop.time()
            self._body_bytes = 0
            self._arm(self.limits.body_timeout_seconds, self._body_is_late)
            return
        self._refuse(408, "The request body did not arrive in time")

    def _refuse(self, status: int, message: str, headers: bytes = b"") -> None:
        if self._refused:
            return
        self._refused = True
        self._disarm()
        if self.transport.is_closing():
            return
        # In the middle of an answer there is nothing to say; the connection is cut.
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            phrase = HTTPStatus(status).phrase.encode()
            self.transport.write(
                b"HTTP/1.1 %d %s\r\ncontent-type: text/plain; charset=utf-8\r\n%scontent-length: %d\r\n"
                b"connection: close\r\n\r\n%s" % (status, phrase, headers, len(message), message.encode())
            )
        self.transport.close()

    def _arm(self, seconds: float, late: Any) -> None:
        self._disarm()
        self._deadline = self.loop.call_later(seconds, late)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def bounded_by(settings: HttpSettings) -> type[BoundedHttpProtocol]:
    """The protocol with these limits."""
    return type("ConfiguredHttpProtocol", (BoundedHttpProtocol,), {"limits": settings})
