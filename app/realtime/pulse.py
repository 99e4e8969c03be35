"""Whether a client is still there: when it spoke, when it was pinged, how long it takes to take a message."""

from collections.abc import Callable

from app.realtime.limits import CloseCode, ConnectionLimits, Farewell


class Pulse:
    """The time limits of one connection. `sending_since` is set while a message is being sent: a timer costs more."""

    def __init__(self, limits: ConnectionLimits, now: Callable[[], float]) -> None:
        self.sending_since: float | None = None
        self._limits = limits
        self._now = now
        self._opened_at = self._heard_at = now()
        self._pinged_at: float | None = None
        self._minute_ends, self._messages = now() + 60, 0

    def heard(self) -> Farewell | None:
        """The client said something; how it ends where that was too often."""
        self._heard_at, self._pinged_at = self._now(), None
        if self._heard_at >= self._minute_ends:
            self._minute_ends, self._messages = self._heard_at + 60, 0
        self._messages += 1
        most = self._limits.max_messages_per_minute
        return Farewell(CloseCode.TOO_MANY, f"more than {most} messages in a minute") if self._messages > most else None

    def late(self, now: float, *, is_known: bool) -> Farewell | None:
        """How the connection ends where a time limit is over: signing in, taking what is sent, answering a ping."""
        limits = self._limits
        if self.sending_since is not None and now - self.sending_since >= limits.pong_timeout_seconds:
            return Farewell(CloseCode.TRY_AGAIN, "too slow; connect again with since")
        if not is_known:
            if now - self._opened_at >= limits.auth_timeout_seconds:
                return Farewell(CloseCode.UNAUTHENTICATED, f"no Auth within {limits.auth_timeout_seconds:g} s")
        elif self._pinged_at is not None and now - self._pinged_at >= limits.pong_timeout_seconds:
            return Farewell(CloseCode.NO_PONG, "no Pong came")
        return None

    def wants_ping(self, now: float) -> bool:
        """Whether the client has been silent for so long that it is to be pinged now."""
        if self._pinged_at is not None or now - self._heard_at < self._limits.ping_interval_seconds:
            return False
        self._pinged_at = now
        return True
