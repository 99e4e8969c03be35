"""Events leave after the commit, from this one place; a transaction that rolls back tells nobody anything.

Services call `record` inside their transaction; `publish_on_commit` is called once, where the rooms are wired.
"""

import logging
from collections.abc import Callable

from sqlalchemy import event as sqlalchemy_event
from sqlalchemy.orm import Session, SessionTransaction

from app.core.database import Database, WriteSession
from app.events.bus import Bus
from app.events.types import Event

log = logging.getLogger(__name__)

_WAITING = "events waiting for the commit"
_MARKS = "number of events waiting when each open savepoint began"


def record(session: WriteSession, event: Event) -> None:
    """Publish `event` when the transaction of `session` has been committed, and never if it is not."""
    session.sync_session.info.setdefault(_WAITING, []).append(event)


def publish_on_commit(database: Database, bus: Bus) -> Callable[[], None]:
    """Publish on `bus` what is recorded in transactions of `database`; returns how to stop that."""

    def after_commit(session: Session) -> None:
        if session.in_nested_transaction():  # a savepoint was released; the transaction goes on
            return
        for event in session.info.pop(_WAITING, ()):
            try:
                bus.post(event)
            except Exception:  # the commit has happened: whatever goes wrong here must not look like its failure
                log.exception("the event %s of %s could not be published", event.topic, event.session_id)

    listeners = (
        ("after_commit", after_commit),
        ("after_transaction_create", _remember_mark),
        ("after_soft_rollback", _forget_rolled_back),
    )
    for name, listener in listeners:
        sqlalchemy_event.listen(database.write_session_class, name, listener)

    def stop() -> None:
        for name, listener in listeners:
            sqlalchemy_event.remove(database.write_session_class, name, listener)

    return stop


def _remember_mark(session: Session, transaction: SessionTransaction) -> None:
    if transaction.nested:
        session.info.setdefault(_MARKS, {})[transaction] = len(session.info.get(_WAITING, ()))


def _forget_rolled_back(session: Session, transaction: SessionTransaction) -> None:
    if transaction.nested:
        mark = session.info.get(_MARKS, {}).pop(transaction, 0)
    elif transaction.parent is None:
        mark = 0
    else:  # a failed flush: the transaction around it must be rolled back next
        return
    del session.info.get(_WAITING, [])[mark:]
