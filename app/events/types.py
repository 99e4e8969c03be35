"""The envelope of every event, the topics that exist, and an event's position among all. Payloads: `catalogue`."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import msgspec

from app.core.errors import MalformedRequestError


class Topic(StrEnum):
    """Every topic. A subscription may also name a family with a trailing wildcard, e.g. `benchmark.*`."""

    BENCHMARK_CREATED = "benchmark.created"
    BENCHMARK_STARTED = "benchmark.started"
    BENCHMARK_PROGRESS = "benchmark.progress"
    BENCHMARK_UPDATED = "benchmark.updated"
    BENCHMARK_COMPLETED = "benchmark.completed"
    BENCHMARK_FAILED = "benchmark.failed"
    BENCHMARK_CANCELLED = "benchmark.cancelled"
    BENCHMARK_DELETED = "benchmark.deleted"
    TEST_COMPLETED = "test.completed"
    METRICS_SYSTEM = "metrics.system"
    ALERT_RAISED = "alert.raised"
    ALERT_RESOLVED = "alert.resolved"
    SETTINGS_CHANGED = "settings.changed"


class Position(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A place in the order of all events. Numbers count up by one within an `epoch`; another epoch, another order."""

    epoch: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    seq: Annotated[int, msgspec.Meta(ge=0, lt=2**53)]

    def __str__(self) -> str:
        return f"{self.epoch}-{self.seq}"


def parse_position(text: str) -> Position:
    """The position that `str(position)` wrote.

    Raises:
        MalformedRequestError: when it is none.
    """
    epoch, _, seq = text.rpartition("-")
    if not epoch or len(epoch) > 64 or not (seq.isascii() and seq.isdigit()) or len(seq) > 15:
        raise MalformedRequestError(
            "since: not a position", errors=[{"path": "since", "message": "use EPOCH-SEQ as an event carried it"}]
        )
    return Position(epoch, int(seq))


class Event(msgspec.Struct, frozen=True):
    """One event; `session_id` is the benchmark it belongs to, if any.

    `owner_id`, `visibility` (`private`, `team` or `all`) and `team` decide who may see it. `epoch` and `seq` are its
    position, given by the bus that carries it.
    """

    topic: Topic
    payload: dict[str, Any]
    timestamp: datetime
    session_id: UUID | None = None
    owner_id: UUID | None = None
    visibility: str = "private"
    team: str | None = None
    epoch: str = ""
    seq: int = 0

    @property
    def position(self) -> Position:
        """Where it stands among all events."""
        return Position(self.epoch, self.seq)
