"""Reads every ready socket, with the stamps, before anybody looks at what the reads mean.

Two implementations with one face: this one in Python, which runs everywhere, and `native.py` in C, which is used
where it was built. A plain connection's bytes go to its exchange, ciphertext to the connection's `Tls`, to be decrypted
later. Sockets that are not attached (opening, idle, pipes) are only reported.
"""

import os
from typing import Any, NamedTuple, Protocol

from app.loadgen.clock import realtime_ns
from app.loadgen.connection import ANCILLARY_BYTES, TIMESPEC, Tls
from app.loadgen.exchange import CHUNKED, CHUNKED_END, END, Exchange
from app.loadgen.frames import ReaderKind
from app.loadgen.lag import LagHistogram
from app.loadgen.poller import READABLE, Poller

READ_BYTES = 262_144


class Seen(NamedTuple):
    """What one `wait` brought."""

    look: list[Exchange]  # their responses may be complete
    lost: list[tuple[Exchange, int]]  # the connection ended (0) or failed (errno)
    rest: list[tuple[int, int]]  # `(fd, mask)` that somebody else handles


class Reader(Protocol):
    """Waits for sockets and reads those that are attached."""

    kind: ReaderKind

    @property
    def reads(self) -> int:
        """Reads that brought something, so far."""
        ...

    @property
    def bytes_in(self) -> int:
        """What they brought."""
        ...

    def wait(self, timeout_s: float) -> Seen | None:
        """Read whatever is ready; None when nothing was within `timeout_s`.

        Returns when something concerns somebody, and may return earlier; at the latest after `timeout_s`.
        """
        ...

    def attach(self, exchange: Exchange) -> None:
        """The exchange's request is sent: read its connection from now on."""
        ...

    def detach(self, exchange: Exchange) -> None:
        """Read it no longer; unknown ones are fine."""
        ...

    def update(self, exchange: Exchange) -> None:
        """`mode` or `expected_bytes` changed."""
        ...

    def take_lags(self) -> LagHistogram:
        """Stamp → read of the last socket of every batch, since the last call."""
        ...


class PythonReader:
    """In pure Python: one read a socket, as much as there is."""

    kind: ReaderKind = "python"

    def __init__(self, poller: Poller) -> None:
        self._poll = poller.poll
        self._buffer = bytearray(READ_BYTES)
        self._view = memoryview(self._buffer)
        self._slots: dict[int, tuple[Exchange, Exchange | Tls, Any]] = {}  # by file descriptor
        self.reads = 0
        self.bytes_in = 0
        self._lags = LagHistogram()

    def wait(self, timeout_s: float) -> Seen | None:
        events = self._poll(timeout_s)
        if not events:
            return None
        slots = self._slots
        buffers = [self._buffer]
        view = self._view
        pack = END.pack
        look: list[Exchange] = []
        lost: list[tuple[Exchange, int]] = []
        rest: list[tuple[int, int]] = []
        bytes_in = reads = 0
        stamp = b""
        for event in events:
            slot = slots.get(event[0])
            if slot is None or event[1] != READABLE:
                rest.append(event)
                continue
            exchange, target, receive = slot
            try:
                size, ancillary, _, _ = receive(buffers, ANCILLARY_BYTES)
            except BlockingIOError:
                continue
            except OSError as error:
                lost.append((exchange, error.errno or 0))
                continue
            if not size:
                lost.append((exchange, 0))
                continue
            if ancillary:
                stamp = ancillary[0][2]
            else:
                stamp = now()
                target.user_stamps = True
            buffer = target.buffer
            buffer += view[:size]
            target.stamps += stamp
            target.ends += pack(len(buffer))
            bytes_in += size
            reads += 1
            if target.mode != CHUNKED or buffer.endswith(CHUNKED_END):
                look.append(exchange)
        if reads:
            self.reads += reads
            self.bytes_in += bytes_in
            seconds, nanoseconds = TIMESPEC.unpack(stamp)
            self._lags.record(realtime_ns() - seconds * 1_000_000_000 - nanoseconds)
        return Seen(look, lost, rest)

    def attach(self, exchange: Exchange) -> None:
        connection = exchange.connection
        assert connection is not None
        self._slots[connection.fd] = exchange, connection.tls or exchange, connection.recvmsg_into

    def detach(self, exchange: Exchange) -> None:
        assert exchange.connection is not None
        self._slots.pop(exchange.connection.fd, None)

    def update(self, exchange: Exchange) -> None:
        """Nothing: it looks at the exchange itself."""

    def take_lags(self) -> LagHistogram:
        lags, self._lags = self._lags, LagHistogram()
        return lags


def now() -> bytes:
    """A stamp of our own, in the kernel's form."""
    return TIMESPEC.pack(*divmod(realtime_ns(), 1_000_000_000))


def reason_of(number: int) -> str:
    """Why a connection was lost, in words."""
    return os.strerror(number) if number else "the server closed the connection"
