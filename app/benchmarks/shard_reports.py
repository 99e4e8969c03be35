"""What a shard reports to its coordinator: a tick four times a second, and how it ended."""

from dataclasses import dataclass, field
from typing import Literal, Self

import msgspec

from app.stats.instrument import InstrumentFacts
from app.stats.pace import Pace
from app.stats.run_statistics import RunStatistics


class ShardTick(msgspec.Struct, frozen=True):
    """What a shard reports four times a second: counters so far, and the statistics since its last report."""

    target: int
    shard: int
    at_ns: int
    started: int
    in_flight: int
    waiting: int
    delta: bytes  # RunStatistics.encode(with_slices=False)
    point: int = 0
    attempt: int = 0  # `Shard.attempt`
    settled_ns: int = 0  # up to when everything is told, see `live_points`; 0: it cannot say

    def encode(self) -> bytes:
        """As msgpack."""
        return msgspec.msgpack.encode(self)

    @classmethod
    def decode(cls, encoded: bytes) -> "ShardTick":
        """The tick behind `encode`'s bytes; raises `msgspec.ValidationError`."""
        return msgspec.msgpack.decode(encoded, type=ShardTick)


@dataclass
class ShardOutcome:
    """How a shard ended. What it measured counts in every case."""

    status: Literal["completed", "cancelled", "failed", "handed_back"]
    statistics: RunStatistics
    instrument: InstrumentFacts
    error: str | None = None
    pace: Pace = field(default_factory=Pace)

    def encode(self) -> bytes:
        """As msgpack."""
        parts = [self.statistics.encode(), self.instrument.pack(), self.pace.pack()]
        return msgspec.msgpack.encode([self.status, self.error, *parts])

    @classmethod
    def decode(cls, encoded: bytes) -> Self:
        """The outcome behind `encode`'s bytes."""
        status, error, statistics, instrument, pace = msgspec.msgpack.decode(encoded)
        facts = InstrumentFacts.unpack(instrument)
        return cls(status, RunStatistics.decode(statistics), facts, error, Pace.unpack(pace))
