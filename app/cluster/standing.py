"""How a cluster is, by its scheduler's own count."""

from collections.abc import Mapping
from typing import NamedTuple


class ClusterStanding(NamedTuple):
    """Workers and work now."""

    workers: Mapping[str, int]  # by status: running, draining, silent
    slots: int
    running: int
    queued: int
    clients: int
    oldest_heartbeat_seconds: float | None  # None: there is no worker
