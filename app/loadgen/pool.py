"""The connections of one session: opened before the clock starts, kept alive, topped up in the background.

A request that finds an idle connection pays no connect time; one that does not opens its own and its record shows what
that took.
"""

import re
import ssl

from app.loadgen.clock import monotonic_ns
from app.loadgen.connection import CONNECTING, Address, Connection, Tls
from app.loadgen.poller import READABLE, WRITABLE, Poller

# Half-open connections at once: a listen queue of 128 is common, and what overflows it waits a second for its next SYN.
_OPENING_AT_ONCE = 64
_RETRY_NS = 250_000_000
# `Keep-Alive: timeout=5, max=100` (RFC 2068, section 19.7.1.1); llama.cpp, Apache and Node.js send it.
_KEEP_ALIVE = re.compile(rb"(?i)(?:^|[,;\s])timeout\s*=\s*\"?(\d{1,6})")
_MARGIN_NS = 1_000_000_000


class Pool:
    """Idle and opening connections to one endpoint, last used first."""

    def __init__(
        self,
        poller: Poller,
        addresses: list[Address],
        context: ssl.SSLContext | None,
        server_name: str,
        unresolved: str | None = None,
    ) -> None:
        self._poller = poller
        self.unresolved = unresolved  # why there are no addresses
        self._addresses = addresses
        self._context = context
        self._server_name = server_name
        self._quiet_until_ns = 0
        self._kept_ns: int | None = None  # how long an idle connection can be relied on; None: the server does not say
        self.by_fd: dict[int, Connection] = {}
        self.idle: list[Connection] = []
        self.opening: dict[Connection, None] = {}  # in the background, for nobody in particular

    def open(self) -> Connection:
        """Start opening a connection for a request. It may already carry a `failure`."""
        tls = Tls(self._context, self._server_name) if self._context else None
        connection = Connection(self._addresses[0], tls)
        if connection.failure is None:
            self.by_fd[connection.fd] = connection
            self._poller.register(connection.fd, WRITABLE)
        return connection

    def top_up(self, wanted: int) -> None:
        """Open connections in the background until `wanted` are idle or opening; gently after a failure."""
        if self.unresolved is not None or monotonic_ns() < self._quiet_until_ns:
            return
        while len(self.opening) < _OPENING_AT_ONCE and len(self.idle) + len(self.opening) < wanted:
            connection = self.open()
            if connection.failure is not None:
                self.failed(connection)
                return
            self.opening[connection] = None

    def take(self) -> Connection | None:
        """An idle connection that the server still keeps, if there is one."""
        while self.idle:
            connection = self.idle.pop()
            if self._kept_ns is None or monotonic_ns() - connection.idle_since_ns < self._kept_ns:
                return connection
            self.close(connection)  # the server is about to, and a request on its way then would be lost
        return None

    def heed(self, keep_alive: bytes) -> None:
        """Believe a `Keep-Alive` header, less a second (or half of it) for the way there and a busy server."""
        if (found := _KEEP_ALIVE.search(keep_alive)) is not None:
            told_ns = int(found[1]) * 1_000_000_000
            self._kept_ns = max(told_ns - _MARGIN_NS, told_ns // 2)

    def opened(self, connection: Connection) -> None:
        """A background connection became usable."""
        self.opening.pop(connection, None)
        connection.idle_since_ns = monotonic_ns()
        self.idle.append(connection)
        self.watch(connection)

    def release(self, connection: Connection) -> None:
        """A request is over and its connection can serve the next."""
        connection.framer.reset()
        connection.idle_since_ns = monotonic_ns()
        self.idle.append(connection)

    def watch(self, connection: Connection) -> None:
        """Wait for what the connection now waits for."""
        if connection.state == CONNECTING:
            mask = WRITABLE
        elif connection.outgoing:
            mask = READABLE | WRITABLE
        else:
            mask = READABLE
        self._poller.modify(connection.fd, mask)

    def await_reset(self, connection: Connection) -> bool:
        """Wait for nothing but a reset: the peer has ended its stream. False where that cannot be waited for."""
        if self._poller.epoll is None:
            return False
        self._poller.modify(connection.fd, 0)  # errors and hang-ups are told all the same
        return True

    def failed(self, connection: Connection) -> None:
        """A background connection could not be opened: try the next address, and not at once."""
        self.opening.pop(connection, None)
        self._quiet_until_ns = monotonic_ns() + _RETRY_NS
        self._addresses.append(self._addresses.pop(0))
        self.close(connection)

    def close(self, connection: Connection) -> None:
        """Close one connection and forget it."""
        if self.by_fd.pop(connection.fd, None) is not None:
            self._poller.unregister(connection.fd)
        self.opening.pop(connection, None)
        if connection in self.idle:
            self.idle.remove(connection)
        connection.close()

    def close_late(self, limit_ns: int) -> None:
        """Give up background connections that have been opening for longer than `limit_ns`."""
        now = monotonic_ns()
        for connection in [late for late in self.opening if now - late.began_ns > limit_ns]:
            self.failed(connection)

    def close_all(self) -> None:
        """Close everything."""
        for connection in list(self.by_fd.values()):
            self.close(connection)
