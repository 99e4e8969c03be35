"""A database that is away or full is told of in one line when that begins, and in one when it is over.

Everything that needs the database fails while it lasts, again and again. Those failures need no tracebacks, which would
bury all else in the log: each is told in one line, and repeated at most once a minute.
"""

import logging
import sqlite3
import sys
import time
from collections.abc import Callable
from typing import Any

import asyncpg
import structlog
from sqlalchemy.exc import DBAPIError
from structlog.typing import EventDict, WrappedLogger

log = logging.getLogger(__name__)

STEADY_SECONDS = 5.0
"""It is over when nothing has failed for so long: on a full disk small changes still fit, now and then."""
REPEAT_SECONDS = 60.0
_MOST_KEPT = 1_000
_SQLITE = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY})
# SQLSTATE classes: connection exceptions, insufficient resources (a full disk), the operator's intervention.
_POSTGRESQL_CLASSES = ("08", "53", "57P")


def outage_in(error: BaseException | None) -> str | None:
    """What keeps the database from working, in a line; None for any other fault, whose traceback is worth having."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if _is_outage(error):
            said = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
            return (str(said).splitlines() or [""])[0][:300] or type(said).__name__
        error = (error.orig if isinstance(error, DBAPIError) else None) or error.__cause__
    return None


def _is_outage(error: BaseException) -> bool:
    if isinstance(error, sqlite3.Error):
        return (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF in _SQLITE
    if isinstance(error, DBAPIError):  # of the socket, or of the driver: no word of the server's
        return error.connection_invalidated or isinstance(error.orig, OSError | asyncpg.InterfaceError)
    state = getattr(error, "sqlstate", None)
    return isinstance(state, str) and state.startswith(_POSTGRESQL_CLASSES)


class Outages:
    """Of one database: hears what failed and what went well, and logs the two changes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: float | None = None
        self._last = 0.0
        self._worked_at: float | None = None  # first, since it failed last

    def failed(self, error: BaseException) -> None:
        """A transaction failed."""
        if (text := outage_in(error)) is None:
            return
        self._last, self._worked_at = self._clock(), None
        if self._since is None:
            self._since = self._last
            log.error("the database does not work, what needs it is tried again or refused: %s", text)

    def worked(self) -> None:
        """A transaction went well."""
        if self._since is None:
            return
        now = self._clock()
        self._worked_at = now if self._worked_at is None else self._worked_at
        if now - self._last >= STEADY_SECONDS:
            log.warning("the database works again, after %.1f s", self._worked_at - self._since)
            self._since = None


class OneLine(logging.Filter):
    """For a handler: outages lose their tracebacks, and their repetitions are left out.

    Its method `event` is the same for structlog, which makes texts of tracebacks before a handler sees them.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._told: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to log a record, which is changed."""
        if isinstance(record.msg, dict):  # from structlog
            return True
        text = outage_in(_exception(record.exc_info))
        words = record.args if isinstance(record.args, tuple) else ()
        plain = tuple((isinstance(one, BaseException) and outage_in(one)) or one for one in words)
        if text is None and plain == words:
            return True
        if words:
            record.args = plain
        told = record.getMessage() + (f": {text}" if text is not None else "")
        left_out = self._left_out(record.name, told)
        record.msg, record.args = told + (f" (and {left_out} times before)" if left_out else ""), ()
        record.exc_info = record.exc_text = None
        return left_out is not None

    def event(self, logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        """The same as a processor of structlog, in front of the one that formats tracebacks."""
        if "_record" in event or (text := outage_in(_exception(event.get("exc_info")))) is None:
            return event
        event.pop("exc_info")
        left_out = self._left_out(str(getattr(logger, "name", "")), f"{event.get('event')} {event.get('path')}")
        if left_out is None:
            raise structlog.DropEvent
        return {**event, "error": text, **({"times_before": left_out} if left_out else {})}

    def _left_out(self, name: str, message: str) -> int | None:
        """How often this was left out since it was told last; None: it is left out now, too."""
        now = self._clock()
        told_at, left_out = self._told.get((name, message), (float("-inf"), 0))
        if now - told_at < REPEAT_SECONDS:
            self._told[name, message] = told_at, left_out + 1
            return None
        if len(self._told) >= _MOST_KEPT:
            self._told.clear()
        self._told[name, message] = now, 0
        return left_out


def _exception(found: Any) -> BaseException | None:
    if found is True:
        found = sys.exc_info()
    if isinstance(found, tuple):
        found = found[1]
    return found if isinstance(found, BaseException) else None
