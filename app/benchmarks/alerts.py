"""What about a benchmark wants attention: facts at its end, and a share of errors while it runs."""

from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from app.benchmarks.audience import Audience
from app.core.database import WriteSession
from app.events import outbox
from app.events.catalogue import as_payload
from app.events.payloads import Alert, AlertKind
from app.events.types import Event, Topic

ERROR_SHARE = 0.5
ERROR_WINDOW_SECONDS = 10.0
ERROR_MIN_REQUESTS = 10
CALM_SHARE = 0.25
"""Resolved below this, so that a share around the half does not flap."""


class RunAlerts:
    """The alerts of one run. `audience` says who may see the benchmark now."""

    def __init__(self, session_id: UUID, name: str, audience: Callable[[], Audience]) -> None:
        self._session_id = session_id
        self._name = name
        self._audience = audience
        self._seen: deque[tuple[float, int, int]] = deque()  # elapsed seconds, requests ended, failed
        self._raised_at: datetime | None = None

    def watch(self, progress: dict[str, Any], at: datetime) -> list[Event]:
        """What the newest progress means: the share of errors over the last ten seconds."""
        now = (float(progress["elapsed_s"]), int(progress["completed"]), int(progress["failed"]))
        self._seen.append(now)
        while len(self._seen) > 1 and self._seen[1][0] <= now[0] - ERROR_WINDOW_SECONDS:
            self._seen.popleft()
        ended = now[1] - self._seen[0][1]
        share = (now[2] - self._seen[0][2]) / ended if ended > 0 else 0.0
        if self._raised_at is None and ended >= ERROR_MIN_REQUESTS and share > ERROR_SHARE:
            self._raised_at = at
            text = f"{share:.0%} of the requests of the last {ERROR_WINDOW_SECONDS:g} s failed in {self._name!r}"
            return [self._error_share(Topic.ALERT_RAISED, text, share, at)]
        if self._raised_at is not None and ended > 0 and share < CALM_SHARE:
            text = f"requests succeed again in {self._name!r}: {share:.0%} fail"
            return [self._resolved(text, share, at)]
        return []

    def at_end(self, session: WriteSession, summary: dict[str, Any], *, lost_engines: int, at: datetime) -> None:
        """Record what the end of the run means, to be told with the commit."""
        if self._raised_at is not None:
            outbox.record(session, self._resolved(f"the benchmark {self._name!r} has ended", None, at))
        instrument, budget = summary["instrument"], summary.get("budget")
        if lost_engines:
            text = f"{lost_engines} engine process(es) of {self._name!r} were lost"
            outbox.record(session, self._fact("engine_lost", "critical", text, at, float(lost_engines)))
        if instrument["verdict"] != "trusted":
            text = f"the numbers of {self._name!r} are {instrument['verdict']}: {instrument['reason']}"
            outbox.record(session, self._fact("certificate_untrusted", "warning", text, at))
        if budget is not None and budget["stopped"]:
            text = f"{self._name!r} was stopped by its budget of {budget['limit_usd']:g} US dollars"
            spent, limit = budget["spent_usd"], budget["limit_usd"]
            outbox.record(session, self._fact("budget_reached", "warning", text, at, spent, limit))

    def _resolved(self, text: str, share: float | None, at: datetime) -> Event:
        event = self._error_share(Topic.ALERT_RESOLVED, text, share, at)
        self._raised_at = None
        return event

    def _error_share(self, topic: Topic, text: str, share: float | None, at: datetime) -> Event:
        alert = Alert(
            key=f"error_share:{self._session_id}",
            kind="error_share",
            severity="critical",
            message=text,
            is_lasting=True,
            benchmark_id=self._session_id,
            value=share,
            threshold=ERROR_SHARE,
            raised_at=self._raised_at,
        )
        return self._event(topic, alert, at)

    def _fact(
        self,
        kind: AlertKind,
        severity: Any,
        text: str,
        at: datetime,
        value: float | None = None,
        threshold: float | None = None,
    ) -> Event:
        alert = Alert(
            key=f"{kind}:{self._session_id}",
            kind=kind,
            severity=severity,
            message=text,
            is_lasting=False,
            benchmark_id=self._session_id,
            value=value,
            threshold=threshold,
            raised_at=at,
        )
        return self._event(Topic.ALERT_RAISED, alert, at)

    def _event(self, topic: Topic, alert: Alert, at: datetime) -> Event:
        return Event(topic, as_payload(alert), at, session_id=self._session_id, **self._audience()._asdict())
