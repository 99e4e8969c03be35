"""Who else wants to know what is measured, such as the service's own metrics. Called in the coordinator's loop."""

from typing import NamedTuple, Protocol
from uuid import UUID

from app.benchmarks.states import Status
from app.stats.run_statistics import RunStatistics


class ShardKey(NamedTuple):
    """One shard of one stage of a benchmark."""

    session_id: UUID
    target: int
    point: int
    shard: int


class RunObserver(Protocol):
    """Hears of every run that this process coordinates. A call must be quick and must not raise."""

    def take_tick(self, shard: ShardKey, attempt: int, delta: RunStatistics) -> None:
        """What a shard has measured since its last tick; `attempt` tells one try of a shard from another."""
        ...

    def take_outcome(self, shard: ShardKey, statistics: RunStatistics) -> None:
        """All that a shard has measured; ticks may have been lost, and a try that died counted in part."""
        ...

    def ended(self, session_id: UUID, status: Status, duration_seconds: float | None) -> None:
        """A benchmark has ended; the duration is None when its coordinator died."""
        ...

    def forget(self, session_id: UUID) -> None:
        """Nothing more will be told of this run."""
        ...


class Unobserved:
    """Nobody wants to know."""

    def take_tick(self, shard: ShardKey, attempt: int, delta: RunStatistics) -> None:
        """Ignored."""

    def take_outcome(self, shard: ShardKey, statistics: RunStatistics) -> None:
        """Ignored."""

    def ended(self, session_id: UUID, status: Status, duration_seconds: float | None) -> None:
        """Ignored."""

    def forget(self, session_id: UUID) -> None:
        """Ignored."""
