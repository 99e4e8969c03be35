"""Tells open connections, on every replica, that somebody may do less than before.

A request asks the database who it is for, each time. What stays open (WebSockets, streams) asks again now and then, and
at once when it hears of such a change here. The word travels as a frame of the bus, which may get lost while Redis is
away, and another process without a bus says nothing; then the next regular time comes.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from sqlalchemy import event
from sqlalchemy.orm import Session

from app.core.database import Database, WriteSession
from app.events.bus import Bus
from app.events.ending import end

CHANNEL = "rights"
LEAST_PAUSE_SECONDS = 1.0
"""Between two times that all connections ask: somebody who signs out in a loop must not keep the database busy."""

_CHANGED = "somebody may do less after the commit"
_FAMILIES = ("auth.", "user.", "api_key.")
_HARMLESS = frozenset(
    {"auth.login", "auth.login_failed", "auth.change_password_failed", "user.create", "user.link", "api_key.create"}
)


def note(session: WriteSession, action: str) -> None:
    """Tell everybody when the transaction of `session` is committed, if the audited `action` may take rights away."""
    if action.startswith(_FAMILIES) and action not in _HARMLESS:
        session.sync_session.info[_CHANGED] = True


class RightsWatch:
    """Calls its listeners when rights were taken away, from `start` to `close`."""

    def __init__(self, database: Database, bus: Bus) -> None:
        self._database = database
        self._bus = bus
        self._listeners: list[Callable[[], None]] = []
        self._stack = ExitStack()
        self._reader: asyncio.Task[None] | None = None

    def call(self, listener: Callable[[], None]) -> None:
        """Call `listener` at each change; it must not wait or raise."""
        self._listeners.append(listener)

    def start(self) -> None:
        """Begin to tell and to listen."""
        self._stack.enter_context(self.telling())
        self._reader = asyncio.create_task(self._read(), name="rights-watch")

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Tell of the database's commits while the block runs."""
        written = self._database.write_session_class
        event.listen(written, "after_commit", self._tell)
        event.listen(written, "after_soft_rollback", _forget)
        try:
            yield
        finally:
            event.remove(written, "after_commit", self._tell)
            event.remove(written, "after_soft_rollback", _forget)

    async def close(self) -> None:
        """Stop both."""
        self._stack.close()
        await end((self._reader,))

    async def _read(self) -> None:
        async with self._bus.subscribe_raw(CHANNEL, queue_size=1) as frames:
            async for _ in frames:  # of frames that come together only the last one waits
                for listener in self._listeners:
                    listener()
                await asyncio.sleep(LEAST_PAUSE_SECONDS)

    def _tell(self, session: Session) -> None:
        if not session.in_nested_transaction() and session.info.pop(_CHANGED, False):
            self._bus.post_raw(CHANNEL, b"")


def _forget(session: Session, _transaction: object) -> None:
    if not session.in_nested_transaction():
        session.info.pop(_CHANGED, None)
