"""The one catalogue of events: the payload type and the meaning of every topic. Nothing else is published.

WebSocket, GraphQL and webhooks tell the same events; `/asyncapi.json` and `docs/websocket.md` describe them from here.
"""

from typing import NamedTuple

import msgspec

from app.events import payloads
from app.events.payloads import Payload
from app.events.types import Event, Topic


class Kind(NamedTuple):
    """What events of one topic are."""

    payload: type[Payload]
    when: str


CATALOGUE: dict[Topic, Kind] = {
    Topic.BENCHMARK_CREATED: Kind(payloads.BenchmarkState, "A benchmark was submitted."),
    Topic.BENCHMARK_STARTED: Kind(payloads.BenchmarkState, "A benchmark was claimed and begins."),
    Topic.BENCHMARK_PROGRESS: Kind(payloads.BenchmarkProgress, "Four times a second while a benchmark runs."),
    Topic.BENCHMARK_COMPLETED: Kind(payloads.BenchmarkEnded, "A benchmark ended well; the last of its events."),
    Topic.BENCHMARK_FAILED: Kind(payloads.BenchmarkEnded, "A benchmark failed; what was measured is kept."),
    Topic.BENCHMARK_CANCELLED: Kind(payloads.BenchmarkEnded, "A benchmark was cancelled; what was measured is kept."),
    Topic.BENCHMARK_DELETED: Kind(payloads.BenchmarkState, "A benchmark and its results were removed."),
    Topic.BENCHMARK_UPDATED: Kind(payloads.BenchmarkUpdated, "Name, tags or visibility of a benchmark changed."),
    Topic.TEST_COMPLETED: Kind(payloads.TestsCompleted, "Requests of a running benchmark ended."),
    Topic.METRICS_SYSTEM: Kind(payloads.SystemMetrics, "Every five seconds, from each server process."),
    Topic.ALERT_RAISED: Kind(payloads.Alert, "Something wants attention."),
    Topic.ALERT_RESOLVED: Kind(payloads.Alert, "What an alert was raised for is over."),
    Topic.SETTINGS_CHANGED: Kind(payloads.SettingsChanged, "An administrator changed run-time settings."),
}


class InvalidEventError(ValueError):
    """An event is not what the catalogue says of its topic: a fault of the room that publishes it."""


def check(event: Event) -> None:
    """Raise `InvalidEventError`, naming the field, unless the payload is what its topic promises."""
    try:
        msgspec.convert(event.payload, CATALOGUE[event.topic].payload)
    except msgspec.ValidationError as error:
        raise InvalidEventError(f"the payload of an event on {event.topic} is wrong: {error}") from None


def as_payload(payload: Payload) -> dict[str, object]:
    """A typed payload as the plain JSON values that an `Event` carries."""
    plain = msgspec.to_builtins(payload)
    assert isinstance(plain, dict)
    return plain
