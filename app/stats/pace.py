"""Whether an open loop got what it asked for: did requests start at their rate, and did the server keep up with it?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

KEEPS_UP = 0.95  # of the rate asked for, in starts and in ends
_MIN_POINTS = 5
_MIN_REQUESTS = 20
_SIGMAS = 3.0  # in flight at a steady rate varies about like a Poisson count


@dataclass
class Pace:
    """First and last instants of first tries, in Unix nanoseconds; 0 where there were none."""

    first_intended_ns: int = 0
    last_intended_ns: int = 0
    last_started_ns: int = 0
    requests: int = 0

    def add(self, intended_ns: int, started_ns: int) -> None:
        """Take in a request that started at its first try."""
        self.merge(Pace(intended_ns, intended_ns, started_ns, 1))

    def merge(self, other: "Pace") -> None:
        """Take in another shard's."""
        if other.requests:
            firsts = [pace.first_intended_ns for pace in (self, other) if pace.requests]
            self.first_intended_ns = min(firsts)
            self.last_intended_ns = max(self.last_intended_ns, other.last_intended_ns)
            self.last_started_ns = max(self.last_started_ns, other.last_started_ns)
            self.requests += other.requests

    @property
    def achieved(self) -> float:
        """Rate at which requests started, as a share of the rate at which they were meant to."""
        took = self.last_started_ns - self.first_intended_ns
        return (self.last_intended_ns - self.first_intended_ns) / took if took > 0 else 1.0

    def pack(self) -> list[int]:
        """Plain values for msgpack."""
        return [self.first_intended_ns, self.last_intended_ns, self.last_started_ns, self.requests]

    @classmethod
    def unpack(cls, packed: Sequence[int]) -> Self:
        """The pace behind `pack`'s values."""
        return cls(*packed)


def starts_late(pace: Pace, rate: float) -> str | None:
    """In words, that requests started at less than 95 % of the rate asked for; None when they did not."""
    if pace.requests < _MIN_REQUESTS or pace.achieved >= KEEPS_UP:
        return None
    return f"requests started at {pace.achieved * rate:.3g}/s instead of {rate:g}/s"


def falls_behind(
    pace: Pace, rate: float, at_ns: Sequence[float], in_flight: Sequence[float], typical_ns: float
) -> str | None:
    """In words, that requests in flight grew by more than 5 % of the arrivals; None when that cannot be said.

    `in_flight` are means of intervals that end at `at_ns`. The first `typical_ns` (a typical request) are left out,
    because in flight grows then whatever the server does; at most half of the run is.
    """
    length_ns = pace.last_started_ns - pace.first_intended_ns
    from_ns = pace.first_intended_ns + min(max(typical_ns, length_ns / 4), length_ns / 2)
    times, counts = np.asarray(at_ns, dtype=np.float64), np.asarray(in_flight, dtype=np.float64)
    inside = (times >= from_ns) & (times <= pace.last_started_ns)
    if inside.sum() < _MIN_POINTS:
        return None
    seconds, counts = (times[inside] - pace.first_intended_ns) / 1e9, counts[inside]
    slope = float(np.polyfit(seconds - seconds.mean(), counts, 1)[0])
    growth = slope * float(seconds[-1] - seconds[0])
    if slope <= (1 - KEEPS_UP) * rate or growth <= _SIGMAS * float(np.sqrt(max(counts.mean(), 1.0))):
        return None
    return f"requests in flight kept growing, by {slope:.3g} a second at {rate:g}/s: the server does not keep up"
