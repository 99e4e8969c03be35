"""One TCP or TLS connection, non-blocking, whose reads carry the kernel's receive stamp.

Linux stamps every TCP segment on arrival when SO_TIMESTAMPNS is set; `recvmsg` hands the stamp of the last segment read
back as ancillary data (Linux, Documentation/networking/timestamping.rst, section 1.1). So a late read does not make a
late measurement. Where the option is missing, stamps are taken in user space and the result says so.
"""

import errno
import os
import socket
import ssl
import struct
import sys
from typing import Any, Literal, NamedTuple

from app.loadgen.clock import monotonic_ns, realtime_ns
from app.loadgen.http1 import Framer

TIMESPEC = struct.Struct("=qq")  # struct timespec of a 64-bit system
ANCILLARY_BYTES = 64 if sys.platform == "linux" else 0
_SO_TIMESTAMPNS = 35
# struct tcp_info (linux/tcp.h): the state first, then 7 bytes and 4 numbers, then segments not yet acknowledged.
_TCP_INFO = struct.Struct("=B7x16xI")
_TCP_CLOSE, _TCP_CLOSE_WAIT = 7, 8
_TLS_READ_BYTES = 65536
_TLS_RECORD_BYTES = 16384  # the most plaintext of one record, RFC 8446, section 5.1

CONNECTING, HANDSHAKING, READY, CLOSED = range(4)
RECORDS = 4  # for readers, beside the modes of an exchange: TLS records, all of them worth a look
ErrorType = Literal["dns", "connect", "tls"]


class Address(NamedTuple):
    """A resolved peer."""

    family: int
    sockaddr: Any  # as getaddrinfo gives it


class ConnectionFailedError(Exception):
    """Opening the connection failed; `error_type` is the class on the record."""

    def __init__(self, error_type: ErrorType, message: str) -> None:
        super().__init__(message)
        self.error_type: ErrorType = error_type


class Tls:
    """TLS between two memory buffers, so that ciphertext is read with its kernel stamp first and decrypted after."""

    __slots__ = ("buffer", "ends", "incoming", "object", "outgoing", "stamps", "user_stamps")
    mode = RECORDS

    def __init__(self, context: ssl.SSLContext, server_name: str) -> None:
        self.buffer = bytearray()  # ciphertext as it was read, with `stamps` and `ends` as in an exchange
        self.stamps = bytearray()
        self.ends = bytearray()
        self.user_stamps = False
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()
        self.object = context.wrap_bio(self.incoming, self.outgoing, server_hostname=server_name)

    def clear(self) -> None:
        """What was read is decrypted."""
        for kept in (self.buffer, self.stamps, self.ends):  # in place: the reader knows them
            kept.clear()


class Connection:
    """A socket with its state; decides nothing about requests."""

    __slots__ = (
        "began_ns",
        "connect_ns",
        "failure",
        "fd",
        "framer",
        "idle_since_ns",
        "kernel_stamps",
        "outgoing",
        "recvmsg_into",
        "sock",
        "state",
        "tells_rest",
        "tls",
        "tls_ns",
    )

    def __init__(self, address: Address, tls: Tls | None) -> None:
        self.tls = tls
        self.framer = Framer()
        self.outgoing = b""  # bytes that the socket would not take yet
        self.failure: ConnectionFailedError | None = None
        self.tells_rest = False  # TCP_INQ is on
        self.connect_ns = 0
        self.idle_since_ns = 0  # monotonic, while it waits for a request
        self.tls_ns = 0
        self.began_ns = monotonic_ns()
        try:
            self.sock = socket.socket(address.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        except OSError as error:  # out of file descriptors, mostly: fewer connections, but no end of the run
            self.fd = -1
            self.kernel_stamps = sys.platform == "linux"
            self.state = CLOSED
            self.failure = ConnectionFailedError("connect", error.strerror or str(error))
            return
        self.fd = self.sock.fileno()
        self.recvmsg_into = self.sock.recvmsg_into
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.kernel_stamps = _ask_for_stamps(self.sock)
        self.state = CONNECTING
        code = self.sock.connect_ex(address.sockaddr)
        if code not in {0, errno.EINPROGRESS}:
            self.state = CLOSED
            self.failure = ConnectionFailedError("connect", os.strerror(code))

    def advance(self) -> bool:
        """Go on with connecting or the handshake after the socket became ready; whether the connection is now usable.

        Raises:
            ConnectionFailedError: refused, unreachable, or the handshake failed.
        """
        if self.state == CONNECTING:
            code = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code:
                raise ConnectionFailedError("connect", os.strerror(code))
            self.connect_ns = monotonic_ns() - self.began_ns
            self.state = HANDSHAKING if self.tls else READY
        if self.state == HANDSHAKING:
            self._handshake()
        return self.state == READY

    def send(self, data: bytes) -> int:
        """Hand bytes to the socket; what it does not take waits in `outgoing`. Returns the stamp just before.

        Raises:
            OSError: the connection is gone.
        """
        if self.tls is not None:
            self.tls.object.write(data)
            data = self.tls.outgoing.read()
        if self.outgoing:
            self.outgoing += data
            return realtime_ns()
        stamp = realtime_ns()
        try:
            sent = self.sock.send(data)
        except BlockingIOError:
            sent = 0
        if sent < len(data):
            self.outgoing = data[sent:]
        return stamp

    def flush(self) -> None:
        """Send what waits; raises OSError when the connection is gone."""
        try:
            sent = self.sock.send(self.outgoing)
        except BlockingIOError:
            return
        self.outgoing = self.outgoing[sent:]

    def closed_before_it_heard(self) -> bool:
        """After the end of the stream: whether the peer had closed before what was sent last arrived.

        A closed socket answers data with a reset, which takes this end from CLOSE-WAIT to CLOSED (RFC 9293, section
        3.10.7.4); until that is here, the data is not acknowledged. A peer that took the data and closed afterwards
        leaves this end in CLOSE-WAIT with all of it acknowledged. False where the kernel does not tell.
        """
        if sys.platform != "linux":
            return False
        try:
            state, unacknowledged = _TCP_INFO.unpack(
                self.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
            )
        except (OSError, struct.error):
            return False
        return bool(state == _TCP_CLOSE or (state == _TCP_CLOSE_WAIT and unacknowledged > 0))

    def decrypt(self, ciphertext: bytes | bytearray | memoryview) -> tuple[bytes, bool]:
        """`(plaintext, whether the peer closed)`.

        Another read that finds nothing costs an exception, 6 µs, so it is not tried when every byte was used up.

        Raises:
            ssl.SSLError: a damaged record.
        """
        assert self.tls is not None
        incoming, read = self.tls.incoming, self.tls.object.read
        incoming.write(ciphertext)
        pieces = []
        closed = False
        try:
            while piece := read(_TLS_RECORD_BYTES):
                pieces.append(piece)
                if not incoming.pending:
                    return piece if len(pieces) == 1 else b"".join(pieces), False
            closed = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            closed = True
        return (pieces[0] if len(pieces) == 1 else b"".join(pieces)), closed

    def close(self) -> None:
        """Close the socket; a second call does nothing."""
        if self.fd >= 0 and self.sock.fileno() >= 0:
            self.state = CLOSED
            self.sock.close()
            self.framer.close()

    def _handshake(self) -> None:
        assert self.tls is not None
        try:
            data = self.sock.recv(_TLS_READ_BYTES)
            if not data:
                raise ConnectionFailedError("tls", "the peer closed the connection during the handshake")
            self.tls.incoming.write(data)
        except BlockingIOError:
            pass
        except OSError as error:
            raise ConnectionFailedError("tls", error.strerror or str(error)) from None
        try:
            self.tls.object.do_handshake()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            raise ConnectionFailedError("tls", getattr(error, "verify_message", None) or str(error)) from None
        else:
            self.state = READY
            self.tls_ns = monotonic_ns() - self.began_ns - self.connect_ns
        self.outgoing += self.tls.outgoing.read()
        if self.outgoing:
            try:
                self.flush()
            except OSError as error:
                raise ConnectionFailedError("tls", error.strerror or str(error)) from None


def _ask_for_stamps(sock: socket.socket) -> bool:
    if sys.platform != "linux":
        return False
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    except OSError:
        return False
    return True
