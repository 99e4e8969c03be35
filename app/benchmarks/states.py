"""The life of a benchmark, as one table. Pure: whoever changes a status asks here first and then obeys.

pending ──▶ running ──▶ completed
│           ├──────▶ failed
│           └──▶ cancelling ──▶ cancelled
│                    └────────▶ failed
└──────▶ cancelled
"""

from enum import StrEnum

from app.core.errors import ConflictError


class Status(StrEnum):
    """Where a benchmark is in its life."""

    PENDING = "pending"
    RUNNING = "running"
    CANCELLING = "cancelling"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.PENDING: frozenset({Status.RUNNING, Status.CANCELLED, Status.FAILED}),
    Status.RUNNING: frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLING}),
    Status.CANCELLING: frozenset({Status.CANCELLED, Status.FAILED}),
    Status.COMPLETED: frozenset(),
    Status.FAILED: frozenset(),
    Status.CANCELLED: frozenset(),
}
LIVE = frozenset({Status.RUNNING, Status.CANCELLING})
FINAL = frozenset(status for status, following in TRANSITIONS.items() if not following)
REMOVED = "removed"
"""In place of the status of a benchmark that was deleted and whose results are still being taken away.

No `Status`, because nobody sees one: for readers it is gone. `results_removal` ends what has it.
"""


def transition(current: str, wanted: Status) -> Status:
    """The status after a change.

    Raises:
        ConflictError: when the table does not have it; `details["allowed"]` lists what it has.
    """
    allowed = TRANSITIONS[Status(current)]
    if wanted not in allowed:
        raise ConflictError(f"a {current} benchmark cannot become {wanted}", status=current, allowed=sorted(allowed))
    return wanted


def after_cancel(current: str) -> Status:
    """What a request to cancel makes of a benchmark: pending ones end at once, running ones wind down.

    Asking again while it winds down changes nothing.

    Raises:
        ConflictError: when it has already ended.
    """
    if current == Status.CANCELLING:
        return Status.CANCELLING
    if current in FINAL:
        raise ConflictError(f"the benchmark has already ended ({current})", status=current, allowed=[])
    return transition(current, Status.CANCELLED if current == Status.PENDING else Status.CANCELLING)


def check_deletable(current: str) -> None:
    """Raise `ConflictError` while a benchmark runs: its workers would store results without a session."""
    if current in LIVE:
        raise ConflictError(f"a {current} benchmark cannot be deleted; cancel it first", status=current)
