"""Events of a benchmark's life, and the names of the raw channels on which its parts talk."""

from datetime import datetime
from typing import Any
from uuid import UUID

from app.benchmarks.audience import Audience
from app.benchmarks.states import Status
from app.core.database import WriteSession
from app.events import outbox
from app.events.types import Event, Topic

ENDED_TOPIC = {
    Status.COMPLETED: Topic.BENCHMARK_COMPLETED,
    Status.FAILED: Topic.BENCHMARK_FAILED,
    Status.CANCELLED: Topic.BENCHMARK_CANCELLED,
}


def announce(
    session: WriteSession,
    topic: Topic,
    *,
    session_id: UUID,
    audience: Audience,
    name: str,
    status: Status,
    at: datetime,
    **more: Any,
) -> None:
    """Tell listeners, once the transaction has been committed, that a benchmark's state has changed."""
    payload = {"id": str(session_id), "name": name, "status": status.value, **more}
    outbox.record(session, Event(topic, payload, at, session_id=session_id, **audience._asdict()))


def tick_channel(session_id: UUID) -> str:
    """Where shards report to their coordinator."""
    return f"benchmark.{session_id}.ticks"


def control_channel(session_id: UUID) -> str:
    """Where a coordinator and its shards hear that they should stop."""
    return f"benchmark.{session_id}.control"
