"""How far this machine's clock is from another's, as in NTP (RFC 5905, section 8), over several round trips.

Of all exchanges the one with the shortest round trip counts: queueing only ever lengthens one, and half of it bounds
the error. Offsets are `here - there`: positive when this clock is ahead.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

ROUND_TRIPS = 8


@dataclass(frozen=True, slots=True)
class Offset:
    """Nanoseconds that this clock is ahead, and by how much that may be wrong."""

    offset_ns: int
    error_ns: int

    def to(self, other: "Offset") -> "Offset":
        """This clock against that of `other`, both measured against the same third one."""
        return Offset(self.offset_ns - other.offset_ns, self.error_ns + other.error_ns)


async def measure(
    ask: Callable[[], Awaitable[int]], *, round_trips: int = ROUND_TRIPS, now_ns: Callable[[], int] = time.time_ns
) -> Offset:
    """Ask the other side for its time (Unix nanoseconds) a few times; the best of the answers."""
    best: Offset | None = None
    for _ in range(round_trips):
        sent = now_ns()
        there = await ask()
        received = now_ns()
        found = Offset((sent + received) // 2 - there, max(received - sent, 0) // 2 + 1)
        if best is None or found.error_ns < best.error_ns:
            best = found
    assert best is not None
    return best
