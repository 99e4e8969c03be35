"""Which shard of which benchmark: all that travels to a worker, so that no key and no prompt does."""

from dataclasses import dataclass, field
from uuid import UUID

from app.loadgen.plan import TokenModel


@dataclass(frozen=True)
class ShardTask:
    """All that travels to a worker."""

    context: str
    session_id: UUID
    target_index: int
    shard: int
    start_at_ns: int
    origin_ns: int
    point: int = 0
    level: float | None = None
    tokens: TokenModel = field(default_factory=TokenModel)  # what probes of the target found
    epoch: int = 0  # of the coordinator's lease
    clock_offset_ns: int = 0  # that the worker's clock is ahead of the coordinator's
    again: bool = False  # an earlier try has started some of it
    is_told: bool = False  # and the coordinator knows from that try's ticks what it has stored

    @property
    def lease_name(self) -> str:
        """Of the lease that its running try holds."""
        return f"shard/{self.session_id}/{self.target_index}/{self.point}/{self.shard}"
