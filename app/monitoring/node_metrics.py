"""What Prometheus reads of workers and of the scheduler: each tells of itself only, so there is nothing to bound."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from prometheus_client.exposition import generate_latest

from app.cluster.standing import ClusterStanding
from app.monitoring.families import TextFamily
from app.monitoring.metrics import process_registry


class Reading(NamedTuple):
    """One family, as it is now: values by label value, or one under the empty text."""

    name: str
    documentation: str
    kind: str  # gauge or counter
    values: Mapping[str, float]
    label: str = ""

    def text(self) -> str:
        """Its lines."""
        lines = [f"# HELP {self.name} {self.documentation}", f"# TYPE {self.name} {self.kind}"]
        for value, number in self.values.items():
            labels = f'{{{self.label}="{value}"}}' if self.label else ""
            lines.append(f"{self.name}{labels} {float(number)!r}")
        return "\n".join(lines) + "\n"


class NodeMetrics:
    """Those of one process. `read` gives what is particular to it; it may be called in any thread."""

    def __init__(self, version: str, read: Callable[[], Iterable[Reading]], more: Iterable[TextFamily] = ()) -> None:
        self._registry = process_registry(version)
        self._read = read
        self._more = tuple(more)

    def exposition(self) -> bytes:
        """Everything as Prometheus text, format 0.0.4."""
        own = "".join(reading.text() for reading in self._read())
        return (own + "".join(one.text() for one in self._more)).encode() + generate_latest(self._registry)


class WorkerFacts(NamedTuple):
    """How a worker is doing. Seconds; None is not known yet."""

    slots: int
    running: int
    is_draining: bool
    is_joined: bool
    offset_seconds: float | None
    offset_error_seconds: float | None
    heard_seconds_ago: float | None
    spool_bytes: int
    spool_results: int
    stored: int


def worker_readings(facts: WorkerFacts) -> list[Reading]:
    """A worker's families."""
    nan = float("nan")

    def gauge(name: str, documentation: str, value: float | None) -> Reading:
        return Reading(f"llm_worker_{name}", documentation, "gauge", {"": nan if value is None else value})

    return [
        gauge("slots", "Shards that this worker runs at once.", facts.slots),
        gauge("running_shards", "Shards that run in this worker now.", facts.running),
        gauge("draining", "1 while this worker takes nothing new because it is about to leave.", facts.is_draining),
        gauge("joined", "1 while this worker is connected to its scheduler.", facts.is_joined),
        gauge("clock_offset_seconds", "How far this worker's clock is ahead of the scheduler's.", facts.offset_seconds),
        gauge("clock_error_seconds", "By how much the clock offset may be wrong.", facts.offset_error_seconds),
        gauge("heartbeat_age_seconds", "Time since the scheduler last answered this worker.", facts.heard_seconds_ago),
        gauge("spool_bytes", "Results that wait on this worker's disk for the database, in bytes.", facts.spool_bytes),
        gauge("spool_results", "Results of running shards that wait on this worker's disk.", facts.spool_results),
        Reading(
            "llm_worker_results_stored_total",
            "Results that this worker has written into the database.",
            "counter",
            {"": facts.stored},
        ),
    ]


WORKER_STATUSES = ("running", "draining", "silent")


def scheduler_readings(facts: ClusterStanding) -> list[Reading]:
    """A scheduler's families."""
    oldest = facts.oldest_heartbeat_seconds

    def gauge(name: str, documentation: str, value: float) -> Reading:
        return Reading(f"llm_scheduler_{name}", documentation, "gauge", {"": value})

    return [
        Reading(
            "llm_scheduler_workers",
            "Workers that have joined, by how they are; silent: not heard of for ten seconds.",
            "gauge",
            {status: facts.workers.get(status, 0) for status in WORKER_STATUSES},
            "status",
        ),
        gauge("slots", "Shards that all workers together can run at once.", facts.slots),
        gauge("running_shards", "Shards and probes that run on workers now.", facts.running),
        gauge("queued_shards", "Shards and probes that wait for a worker.", facts.queued),
        gauge("clients", "Servers that are connected.", facts.clients),
        gauge(
            "worker_heartbeat_age_seconds",
            "Time since the worker that was silent for longest was heard of.",
            float("nan") if oldest is None else oldest,
        ),
    ]
