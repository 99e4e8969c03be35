"""What one client of `/ws` may cost, and how its connection ends."""

from dataclasses import dataclass
from enum import IntEnum

from app.core.settings import WebSocketSettings


class CloseCode(IntEnum):
    """Why the server closes. Clients connect again after all but 4403; after 4401 with a fresh token."""

    NO_PONG = 1001
    TOO_MANY = 1008
    TOO_BIG = 1009
    RESTARTING = 1012
    TRY_AGAIN = 1013
    UNAUTHENTICATED = 4401
    FORBIDDEN = 4403


@dataclass(frozen=True, slots=True)
class Farewell:
    """How a connection ends."""

    code: CloseCode
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """What one client may cost."""

    queue_size: int
    max_message_bytes: int
    ping_interval_seconds: float
    pong_timeout_seconds: float
    auth_timeout_seconds: float = 10.0
    recheck_seconds: float = 15.0
    max_replay: int = 4096
    max_subscriptions: int = 512
    """Pairs of topic and benchmark."""
    max_messages_per_minute: int = 1200
    """A client that says more is closed; the dashboard says about 15."""


def limits_from(settings: WebSocketSettings) -> ConnectionLimits:
    """The limits that the configuration asks for."""
    return ConnectionLimits(
        queue_size=settings.queue_size,
        max_message_bytes=int(settings.max_message_size_mb * 2**20),
        ping_interval_seconds=settings.ping_interval_seconds,
        pong_timeout_seconds=settings.pong_timeout_seconds,
        auth_timeout_seconds=settings.auth_timeout_seconds,
        recheck_seconds=settings.recheck_seconds,
        max_replay=settings.replay_events,
        max_subscriptions=settings.max_subscriptions,
        max_messages_per_minute=settings.max_messages_per_minute,
    )
