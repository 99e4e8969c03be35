"""Requests on the wire: sends them, lets a reader fill their exchanges, notices ends, failures and time-outs.

Nothing is decoded here. Whatever happens to a connection becomes an ended exchange, handed to `on_ended`.

A kept-alive connection may end just as a request goes out on it. Whether the server took the request decides whether it
was one: a server that closes with unread data resets the connection (RFC 1122, section 4.2.2.13), and one that had read
everything does not. Servers that call `shutdown` before `close`, as many do, end the stream first, so the reset is a
moment behind: such an exchange stays in doubt for up to `DOUBT_NS` (`on_doubt` sees to it that `end_doubt` is called
then). A reset proves that the request was not read whole, which RFC 9110, section 9.2.2 wants to be known before it is
sent again; where no reset comes, only the time tells (`Exchange.met_a_closing_connection`). Go's client gives up in
both cases, curl and browsers send again in both, however late the end came.
"""

import ssl
from collections.abc import Callable, Mapping

import httptools

from app.loadgen.clock import monotonic_ns, realtime_ns
from app.loadgen.connection import ANCILLARY_BYTES, READY, TIMESPEC, Connection, ConnectionFailedError, Tls
from app.loadgen.exchange import CHUNKED, CHUNKED_END, COUNTED, END, UNTIL_CLOSE, Exchange
from app.loadgen.health import Health
from app.loadgen.http1 import header
from app.loadgen.poller import WRITABLE
from app.loadgen.pool import Pool
from app.loadgen.reader import READ_BYTES, Reader, now, reason_of

OnEnded = Callable[[Exchange, bool], None]
"""`(exchange, whether its body was complete)`; the exchange's connection is already released or closed."""

DOUBT_NS = 50_000_000
"""From the end of a stream to its reset: two system calls of one thread, and some time slices of a busy machine."""


class Wire:
    """The active exchanges of one session."""

    def __init__(
        self,
        reader: Reader,
        pool: Pool,
        health: Health,
        on_ended: OnEnded,
        on_doubt: Callable[[Exchange], None] = lambda _exchange: None,
    ) -> None:
        self._reader = reader
        self._pool = pool
        self._health = health
        self._on_ended = on_ended
        self._on_doubt = on_doubt
        self._buffer = bytearray(READ_BYTES)
        self._view = memoryview(self._buffer)
        self.active: dict[int, Exchange] = {}  # by file descriptor

    def start(self, exchange: Exchange, dns_ns: int) -> None:
        """Send a request on an idle connection, or open one for it. A failure ends the exchange."""
        exchange.begun_ns = monotonic_ns()
        if self._pool.unresolved is not None:
            exchange.started_ns = realtime_ns()
            exchange.fail("dns", self._pool.unresolved)
            self._end(exchange, complete=False)
            return
        connection = None if exchange.fresh else self._pool.take()
        if connection is not None:
            exchange.reused = True
            exchange.connection = connection
            self.active[connection.fd] = exchange
            self._send(connection, exchange)
            return
        exchange.dns_ns = dns_ns
        exchange.started_ns = realtime_ns()
        opening = self._pool.open()
        exchange.connection = opening
        if opening.failure is not None:
            exchange.fail(opening.failure.error_type, str(opening.failure))
            self._end(exchange, complete=False)
            return
        self.active[opening.fd] = exchange

    def wait(self, timeout_s: float, watch: Mapping[int, Callable[[int], None]]) -> bool:
        """Read every ready socket first; only then look at what the reads mean. False when nothing was ready."""
        seen = self._reader.wait(timeout_s)
        if seen is None:
            return False
        for exchange in seen.look:
            if exchange.connection is not None and exchange.connection.tls is not None:
                self._decrypt(exchange.connection, exchange.connection.tls, exchange)
            else:
                self.look(exchange)
        for exchange, number in seen.lost:
            self._lost(exchange, reason_of(number))
        for fd, mask in seen.rest:
            handler = watch.get(fd)
            if handler is not None:
                handler(mask)
            elif (connection := self._pool.by_fd.get(fd)) is not None:
                self._service(connection, mask)
        return True

    def time_out(self, exchange: Exchange, error_type: str, error: str) -> None:
        """End an exchange whose time is up (or that is given up) and close its connection."""
        exchange.fail(error_type, error)
        self._end(exchange, complete=False)

    def end_doubt(self, exchange: Exchange) -> None:
        """No reset came: the server took the request and gave no answer."""
        self._end(exchange, complete=False)

    # ---------------------------------------------------------------- one connection

    def _send(self, connection: Connection, exchange: Exchange) -> None:
        try:
            stamp = connection.send(exchange.message)
        except (OSError, ssl.SSLError) as error:
            exchange.started_ns = exchange.started_ns or realtime_ns()
            exchange.unheard = True
            self._lost(exchange, getattr(error, "strerror", None) or str(error))
            return
        if exchange.reused:
            exchange.started_ns = stamp
            self._health.send.record(stamp - exchange.due_ns)
        self._reader.attach(exchange)
        if connection.outgoing:
            self._pool.watch(connection)

    def _service(self, connection: Connection, mask: int) -> None:
        """Everything but a plain read: opening, handshakes, TLS, room to write, idle connections."""
        exchange = self.active.get(connection.fd)
        if connection.state != READY:
            self._advance(connection, exchange)
            return
        if mask & WRITABLE and connection.outgoing:
            try:
                connection.flush()
            except OSError as error:
                if exchange is not None:
                    self._lost(exchange, error.strerror or str(error))
                else:
                    self._pool.close(connection)
                return
            self._pool.watch(connection)
        if mask & ~WRITABLE:
            self._read_slowly(connection, exchange)

    def _advance(self, connection: Connection, exchange: Exchange | None) -> None:
        try:
            is_open = connection.advance()
        except ConnectionFailedError as error:
            if exchange is None:
                self._pool.failed(connection)
            else:
                exchange.fail(error.error_type, str(error))
                self._end(exchange, complete=False)
            return
        self._pool.watch(connection)
        if is_open:
            if exchange is None:
                self._pool.opened(connection)
            else:
                self._send(connection, exchange)

    def _read_slowly(self, connection: Connection, exchange: Exchange | None) -> None:
        try:
            data, stamp, closed = self._receive(connection)
        except BlockingIOError:
            return
        except (OSError, ssl.SSLError) as error:
            if exchange is None:
                self._pool.close(connection)
            else:
                self._lost(exchange, getattr(error, "strerror", None) or str(error))
            return
        if exchange is None:
            if closed or data:  # an idle connection has nothing to say: its server is hanging up
                self._pool.close(connection)
            return
        if data:
            exchange.user_stamps = exchange.user_stamps or not stamp
            exchange.take(data, stamp or now())
            self._look_if_worth_it(exchange)
        if closed and self.active.get(connection.fd) is exchange:
            self._lost(exchange, reason_of(0))

    def _receive(self, connection: Connection) -> tuple[bytes | memoryview, bytes, bool]:
        """`(plaintext, kernel stamp or nothing, whether the peer closed)`."""
        size, ancillary, _, _ = connection.recvmsg_into([self._buffer], ANCILLARY_BYTES)
        stamp = ancillary[0][2] if ancillary and len(ancillary[0][2]) == TIMESPEC.size else b""
        self._health.slow_bytes_in += size
        self._health.slow_reads += 1
        data = self._view[:size]
        if connection.tls is not None and size:
            plaintext, closed = connection.decrypt(data)
            return plaintext, stamp, closed
        return data, stamp, not size

    def _decrypt(self, connection: Connection, tls: Tls, exchange: Exchange) -> None:
        """What the reader read of a TLS connection becomes plaintext, read by read, each with its stamp."""
        closed = False
        start = 0
        try:
            for number, (end,) in enumerate(END.iter_unpack(tls.ends)):
                plaintext, closed = connection.decrypt(
                    tls.buffer if end == len(tls.buffer) and not start else tls.buffer[start:end]
                )
                start = end
                if plaintext:
                    exchange.take(plaintext, tls.stamps[number * TIMESPEC.size : (number + 1) * TIMESPEC.size])
        except ssl.SSLError as error:
            tls.clear()
            self._lost(exchange, error.strerror or str(error))
            return
        exchange.user_stamps = exchange.user_stamps or tls.user_stamps
        tls.clear()
        self._look_if_worth_it(exchange)
        if closed and self.active.get(connection.fd) is exchange:
            self._lost(exchange, reason_of(0))

    # ---------------------------------------------------------------- ends

    def forget_decoded(self, exchange: Exchange) -> None:
        """Drop the bytes of a long stream that are decoded."""
        exchange.forget_decoded()
        self._reader.update(exchange)

    def _look_if_worth_it(self, exchange: Exchange) -> None:
        if exchange.buffer and (exchange.mode != CHUNKED or exchange.buffer.endswith(CHUNKED_END)):
            self.look(exchange)

    def look(self, exchange: Exchange) -> None:
        """Whether the response is complete now."""
        if exchange.mode == COUNTED and len(exchange.buffer) < exchange.expected_bytes:
            return
        try:
            if exchange.frame():
                self._end(exchange, complete=True)
            else:
                self._reader.update(exchange)
        except httptools.HttpParserError as error:
            exchange.fail("protocol", f"not HTTP: {error.__context__ or error}")
            self._end(exchange, complete=False)

    def _lost(self, exchange: Exchange, why: str) -> None:
        """The connection is gone."""
        try:
            exchange.frame()
        except httptools.HttpParserError as error:
            exchange.fail("protocol", f"not HTTP: {error.__context__ or error}")
        if exchange.mode == UNTIL_CLOSE and exchange.status:
            self._end(exchange, complete=True)
            return
        if not exchange.answered:
            exchange.fail("disconnected", f"no answer: {why}")
            if exchange.reused and exchange.connection is not None and (why == reason_of(0) or exchange.doubted):
                exchange.unheard = exchange.connection.closed_before_it_heard()
                exchange.end_ns = exchange.end_ns or realtime_ns()
                if not exchange.met_a_closing_connection() and self._doubt(exchange, exchange.connection):
                    return
        elif not exchange.status:
            exchange.fail("protocol", f"the answer broke off in its head: {why}")
        self._end(exchange, complete=False)

    def _doubt(self, exchange: Exchange, connection: Connection) -> bool:
        """Wait a little for a reset; False where that was done already, or cannot be."""
        if exchange.doubted or not self._pool.await_reset(connection):
            return False
        exchange.doubted = True
        self._reader.detach(exchange)
        self._on_doubt(exchange)
        return True

    def _end(self, exchange: Exchange, *, complete: bool) -> None:
        connection = exchange.connection
        exchange.end_ns = exchange.last_stamp_ns() if complete else exchange.end_ns or realtime_ns()
        if connection is not None:
            self.active.pop(connection.fd, None)
            self._reader.detach(exchange)
            framer = connection.framer
            if (kept := header(exchange.headers, b"keep-alive")) is not None:
                self._pool.heed(kept)
            if complete and framer.complete and framer.keep_alive and not connection.outgoing:
                self._pool.release(connection)
            else:
                self._pool.close(connection)
        self._on_ended(exchange, complete)
