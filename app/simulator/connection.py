"""One connection of the simulator: the request that is read from it, and the answer that goes out on it."""

import socket
from collections.abc import Callable, Iterator

import httptools

from app.simulator.routes import KEY_HEADERS
from app.simulator.steps import Step
from app.simulator.tls import ServerTls
from app.simulator.truth import Truth

BODY_LIMIT_BYTES = 64 * 2**20


class Client:
    """One connection: its parser, the request being read, the answer being sent."""

    def __init__(self, sock: socket.socket, tls: ServerTls | None, on_request: Callable[["Client"], None]) -> None:
        self.sock = sock
        self.tls = tls
        self.fd = sock.fileno()
        self.outgoing = b""
        self.is_closed = False
        self.closes = False  # after what is outgoing has left
        self.steps: Iterator[Step] | None = None
        self.step: Step | None = None
        self.arrived_mono_ns = 0
        self.begun_mono_ns = 0  # when it got its slot
        self.arrived_unix_ns = 0
        self.truth: Truth | None = None
        self._on_request = on_request
        self.parser = httptools.HttpRequestParser(self)
        self.on_message_begin()

    def on_message_begin(self) -> None:
        self.target = b""
        self.key = b""
        self.host = b""
        self.body = bytearray()
        self.is_too_large = False

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        lower = name.lower()
        if lower in KEY_HEADERS:
            self.key = value
        elif lower == b"host":
            self.host = value

    def on_body(self, data: bytes) -> None:
        if len(self.body) + len(data) > BODY_LIMIT_BYTES:
            self.is_too_large = True
        else:
            self.body += data

    def on_message_complete(self) -> None:
        self._on_request(self)
