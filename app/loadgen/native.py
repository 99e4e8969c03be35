"""The reader in C (`_reader.c`), where hatch_build.py could compile it; half the CPU time a chunk.

It does one thing more than the Python one. While the loop is not busy it asks for no more than the current chunk of a
chunked response and goes on if more is waiting. A read that ends where a chunk ends carries the stamp of that chunk's
last segment (tcp_recvmsg stamps with the last segment that it touches), so the last output chunk keeps its own stamp
although the end of the stream is already behind it. What the kernel has merged into one segment stays merged: on
loopback that is everything after the first segment in the queue (tcp_try_coalesce spares one that is not acknowledged).
"""

import contextlib
import os
import select
import socket
from typing import Any

from app.loadgen.exchange import Exchange
from app.loadgen.frames import ReaderKind
from app.loadgen.lag import LagHistogram
from app.loadgen.poller import Poller
from app.loadgen.reader import PythonReader, Reader, Seen

try:
    from app.loadgen import _reader  # type: ignore[attr-defined,unused-ignore]
except ImportError:
    _reader = None

CHOICE = "LOADGEN_READER"
"""Environment variable: `python` keeps the native reader out, `native` makes its absence an error."""

_INTERFACE = 1
_TCP_INQ = 36  # <linux/tcp.h>: recvmsg says how many bytes are left


class NativeReader:
    """Waits and reads in C."""

    kind: ReaderKind = "native"

    def __init__(self, epoll_fd: int) -> None:
        self._reader: Any = _reader.Reader(epoll_fd)
        self._wait = self._reader.wait

    @property
    def reads(self) -> int:
        return int(self._reader.reads)

    @property
    def bytes_in(self) -> int:
        return int(self._reader.bytes_in)

    def wait(self, timeout_s: float) -> Seen | None:
        seen = self._wait(timeout_s)
        return None if seen is None else Seen(*seen)

    def attach(self, exchange: Exchange) -> None:
        connection = exchange.connection
        assert connection is not None
        if not connection.tells_rest:
            connection.tells_rest = True
            with contextlib.suppress(OSError):  # an old kernel: what is left is read in the next turn
                connection.sock.setsockopt(socket.IPPROTO_TCP, _TCP_INQ, 1)
        target = connection.tls or exchange
        self._reader.attach(connection.fd, exchange, target.buffer, target.stamps, target.ends)
        self._reader.set_mode(connection.fd, target.mode, 0)

    def detach(self, exchange: Exchange) -> None:
        assert exchange.connection is not None
        self._reader.detach(exchange.connection.fd)

    def update(self, exchange: Exchange) -> None:
        assert exchange.connection is not None
        if exchange.connection.tls is None:
            self._reader.set_mode(exchange.connection.fd, exchange.mode, exchange.expected_bytes)

    def take_lags(self) -> LagHistogram:
        counts, max_ns = self._reader.take_lags()
        return LagHistogram(counts, max_ns)


def is_available() -> bool:
    """Whether the compiled reader is here and fits this version."""
    return _reader is not None and _reader.INTERFACE == _INTERFACE


def new_reader(poller: Poller) -> Reader:
    """The fastest reader there is for this poller.

    Raises:
        ValueError: the environment asks for one that does not exist or is not here.
    """
    choice = os.environ.get(CHOICE, "")
    if choice not in {"", "native", "python"}:
        raise ValueError(f"{CHOICE} must be native or python, not {choice!r}")
    epoll = poller.epoll
    if choice == "python" or epoll is None or not is_available():
        if choice == "native":
            raise ValueError(f"{CHOICE} is native, but the native reader is not built for this installation")
        return PythonReader(poller)
    assert isinstance(epoll, select.epoll)
    return NativeReader(epoll.fileno())
