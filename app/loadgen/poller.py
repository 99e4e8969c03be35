"""Which sockets are ready: epoll on Linux, `selectors` elsewhere, behind one small face."""

import select
import selectors
import sys
from typing import Any, Protocol

READABLE = 1  # the values of EPOLLIN, EPOLLOUT, EPOLLERR and EPOLLHUP
WRITABLE = 4
FAILED = 8 | 16

_MAX_EVENTS = 4096


class Poller(Protocol):
    """A set of file descriptors with the conditions waited for.

    `epoll` is the object behind it on Linux, for the native reader; None elsewhere.
    """

    epoll: Any

    def register(self, fd: int, mask: int) -> None: ...
    def modify(self, fd: int, mask: int) -> None: ...
    def unregister(self, fd: int) -> None: ...
    def poll(self, timeout_s: float) -> list[tuple[int, int]]:
        """`(fd, mask)` of the ready ones; waits at most `timeout_s`, not at all for 0."""
        ...

    def close(self) -> None: ...


class _SelectorsPoller:
    def __init__(self) -> None:
        self.epoll = None
        self._selector = selectors.DefaultSelector()

    def register(self, fd: int, mask: int) -> None:
        self._selector.register(fd, _to_events(mask))

    def modify(self, fd: int, mask: int) -> None:
        self._selector.modify(fd, _to_events(mask))

    def unregister(self, fd: int) -> None:
        self._selector.unregister(fd)

    def poll(self, timeout_s: float) -> list[tuple[int, int]]:
        return [
            (
                key.fd,
                (READABLE if events & selectors.EVENT_READ else 0)
                | (WRITABLE if events & selectors.EVENT_WRITE else 0),
            )
            for key, events in self._selector.select(timeout_s)
        ]

    def close(self) -> None:
        self._selector.close()


def _to_events(mask: int) -> int:
    return (selectors.EVENT_READ if mask & READABLE else 0) | (selectors.EVENT_WRITE if mask & WRITABLE else 0)


if sys.platform == "linux":

    class _EpollPoller:
        def __init__(self) -> None:
            self.epoll = select.epoll()
            self.register = self.epoll.register
            self.modify = self.epoll.modify
            self.unregister = self.epoll.unregister
            self.close = self.epoll.close

        def poll(self, timeout_s: float) -> list[tuple[int, int]]:
            return self.epoll.poll(timeout_s, _MAX_EVENTS)


def new_poller(*, portable: bool = False) -> Poller:
    """The best poller of this platform; `portable` forces the one that works everywhere."""
    if sys.platform == "linux" and not portable:
        return _EpollPoller()
    return _SelectorsPoller()
