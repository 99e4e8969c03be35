"""Tells when a provider's health turns bad, and when it is good again."""

from app.events.bus import Bus
from app.events.catalogue import as_payload
from app.events.payloads import Alert
from app.events.types import Event, Topic
from app.providers.schemas import ProviderHealth


class HealthAlerts:
    """Remembers, in this process, which providers were unwell when they were last asked."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._unwell: dict[str, Alert] = {}

    def take(self, name: str, found: ProviderHealth) -> None:
        """Compare a fresh check with the one before it."""
        known = self._unwell.get(name)
        if found.status == "ok":
            if self._unwell.pop(name, None) is not None:
                alert = self._alert(name, f"provider {name!r} answers again", known, found)
                self._tell(Topic.ALERT_RESOLVED, alert, found)
        elif known is None:
            text = f"provider {name!r} is {found.status}: {found.message}"
            alert = self._unwell[name] = self._alert(name, text, None, found)
            self._tell(Topic.ALERT_RAISED, alert, found)

    def forget(self, name: str) -> None:
        """The provider is gone."""
        self._unwell.pop(name, None)

    def _alert(self, name: str, text: str, known: Alert | None, found: ProviderHealth) -> Alert:
        return Alert(
            key=f"provider_unhealthy:{name}",
            kind="provider_unhealthy",
            severity="warning",
            message=text,
            is_lasting=True,
            provider=name,
            raised_at=found.checked_at if known is None else known.raised_at,
        )

    def _tell(self, topic: Topic, alert: Alert, found: ProviderHealth) -> None:
        self._bus.post(Event(topic, as_payload(alert), found.checked_at))
