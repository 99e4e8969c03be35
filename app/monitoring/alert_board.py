"""Which alerts there are: what this process has heard of since it started, bounded, for those who come later.

Alerts are events (`alert.raised`, `alert.resolved`); the board keeps them, as visible as their benchmarks are now.
"""

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from app.accounts.caller import Caller
from app.accounts.visibility import may_see
from app.core.clock import Clock
from app.events.bus import Bus
from app.events.types import Event, Topic

MAX_OPEN = 200
MAX_PAST = 100

_AUDIENCES = frozenset({Topic.BENCHMARK_UPDATED, Topic.BENCHMARK_CREATED, Topic.BENCHMARK_STARTED})


@dataclass(frozen=True, slots=True)
class Told:
    """One alert: the event that raised it, and when it was over (None: it lasts, or is a fact)."""

    event: Event
    resolved_at: datetime | None = None

    @property
    def payload(self) -> dict[str, Any]:
        """What the event says."""
        return self.event.payload


class AlertBoard:
    """Listens to the bus from `start` to `close`."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._bus = bus
        self._clock = clock
        self._open: OrderedDict[str, Told] = OrderedDict()
        self._past: deque[Told] = deque(maxlen=MAX_PAST)
        self._stop: Callable[[], None] | None = None
        self.since = clock.now()
        """Alerts from before this moment are not known here."""
        self.has_gap = False
        """Whether events were missed, so that an alert may be missing, or shown although it is over."""

    def start(self) -> None:
        """Begin to listen."""
        self.since = self._clock.now()
        self._stop = self._bus.listen(self.take, self._missed)

    def close(self) -> None:
        """Listen no more."""
        if self._stop is not None:
            self._stop()
            self._stop = None

    def take(self, event: Event) -> None:
        """Note what an event means for the board."""
        if event.topic is Topic.ALERT_RAISED:
            self._raised(event)
        elif event.topic is Topic.ALERT_RESOLVED:
            self._resolved(event)
        elif event.session_id is not None and event.topic is Topic.BENCHMARK_DELETED:
            self._forget(event.session_id)
        elif event.session_id is not None and event.topic in _AUDIENCES:
            self._show_to(event)

    def open(self, caller: Caller) -> list[Told]:
        """What lasts still and the caller may see, the newest first."""
        return [told for told in reversed(self._open.values()) if may_see(caller, told.event)]

    def past(self, caller: Caller) -> list[Told]:
        """What is over, and facts, the newest first; at most a hundred."""
        return [told for told in self._past if may_see(caller, told.event)]

    def _missed(self) -> None:
        self.has_gap = True

    def _raised(self, event: Event) -> None:
        if not event.payload.get("is_lasting"):
            self._past.appendleft(Told(event))
            return
        key = str(event.payload["key"])
        self._open.pop(key, None)
        self._open[key] = Told(event)
        if len(self._open) > MAX_OPEN:
            self._open.popitem(last=False)

    def _resolved(self, event: Event) -> None:
        raised = self._open.pop(str(event.payload["key"]), None)
        if raised is None:  # raised before this process started: at least say that it is over
            raised = Told(event)
        self._past.appendleft(Told(raised.event, event.timestamp))

    def _forget(self, session_id: UUID) -> None:
        for key in [key for key, told in self._open.items() if told.event.session_id == session_id]:
            del self._open[key]
        self._past = deque((told for told in self._past if told.event.session_id != session_id), maxlen=MAX_PAST)

    def _show_to(self, change: Event) -> None:
        def seen(told: Told) -> Told:
            if told.event.session_id != change.session_id:
                return told
            audience = {"owner_id": change.owner_id, "visibility": change.visibility, "team": change.team}
            return Told(msgspec.structs.replace(told.event, **audience), told.resolved_at)

        self._open = OrderedDict((key, seen(told)) for key, told in self._open.items())
        self._past = deque(map(seen, self._past), maxlen=MAX_PAST)
