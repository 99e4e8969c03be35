"""The event catalogue: one frozen envelope, and the topics that exist."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec


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


class Event(msgspec.Struct, frozen=True):
    """One event; `session_id` is the benchmark it belongs to, if any.

    `owner_id`, `visibility` (`private`, `team` or `all`) and `team` decide who may see it.
    """

    topic: Topic
    payload: dict[str, Any]
    timestamp: datetime
    session_id: UUID | None = None
    owner_id: UUID | None = None
    visibility: str = "private"
    team: str | None = None
