"""Which request starts next, and when it should: closed loop (a user is free) or open loop (its instant has come).

All deadlines are absolute. A start that is late stays in the schedule with its intended instant, so the delay is
measured and never forgotten (no coordinated omission).
"""

import heapq
from collections import deque
from collections.abc import Callable, Iterator
from typing import Protocol

from app.loadgen.arrivals import NANOSECONDS, offsets, shard_concurrency
from app.loadgen.exchange import Exchange
from app.loadgen.plan import Plan

NEVER_NS = 2**62
_PREPARED = 256  # requests made ahead of time, while nothing else is to do
_PREPARED_BYTES = 16 * 2**20
_PAUSE_NS = 10_000_000  # a user whose connection failed waits this long, doubling with each failure up to …
_PAUSE_LIMIT_NS = 250_000_000

Message = Callable[[int], bytes]
"""An arrival's number → its request as bytes."""


class Schedule(Protocol):
    """What a session asks. Instants are monotonic nanoseconds, ends of requests Unix nanoseconds."""

    limit: int
    in_flight: int

    def begin(self, now_ns: int, unix_ns: int) -> None:
        """The clock of the run starts now."""
        ...

    def next_due_ns(self) -> int:
        """When `take` should be called; `NEVER_NS` when only the end of a request can make one due."""
        ...

    def take(self, now_ns: int) -> Exchange | None:
        """A request that is due, or None."""
        ...

    def freed(self, exchange: Exchange, now_ns: int, *, unreachable: bool) -> None:
        """A taken request is over for good; `unreachable` when no connection could be had."""
        ...

    def is_exhausted(self, now_ns: int) -> bool:
        """Whether no further request will ever be due."""
        ...

    def waiting(self, now_ns: int) -> int:
        """Requests that are due but held back by the cap."""
        ...

    def prepare(self) -> bool:
        """Make one request ahead of time; False when there is no room or nothing left."""
        ...


class _Requests:
    """Arrivals with their bytes, some made ahead of time."""

    def __init__(self, plan: Plan, message: Message) -> None:
        self._plan = plan
        self._message = message
        self._arrivals: Iterator[tuple[int, int]] = offsets(plan)
        self._ready: deque[tuple[int, int, bytes]] = deque()
        self._ready_bytes = 0
        self._is_drained = False

    def prepare(self) -> bool:
        if len(self._ready) >= _PREPARED or self._ready_bytes >= _PREPARED_BYTES:
            return False
        return self._make()

    def peek_offset(self) -> int | None:
        """Offset of the next arrival, or None when there is none."""
        if not self._ready and not self._make():
            return None
        return self._ready[0][1]

    def pop(self, intended_ns: int) -> Exchange | None:
        """The next arrival as an exchange intended for `intended_ns` (Unix)."""
        if not self._ready and not self._make():
            return None
        number, _, message = self._ready.popleft()
        self._ready_bytes -= len(message)
        return Exchange(self._plan.index_base + number * self._plan.index_stride, message, intended_ns)

    def _make(self) -> bool:
        if self._is_drained:
            return False
        arrival = next(self._arrivals, None)
        if arrival is None:
            self._is_drained = True
            return False
        message = self._message(arrival[0])
        self._ready.append((*arrival, message))
        self._ready_bytes += len(message)
        return True


class ClosedSchedule:
    """`limit` users; each starts its next request when its last has ended, the instant that it is intended for."""

    def __init__(self, plan: Plan, message: Message) -> None:
        self.limit = shard_concurrency(plan)
        self.in_flight = 0
        self._requests = _Requests(plan, message)
        self._duration_ns = plan.duration_ns
        self._ends_ns = NEVER_NS
        self._free: deque[int] = deque()  # since when (Unix) each free user is free
        self._pausing: list[tuple[int, int]] = []  # heap: (due, the same instant in Unix time) of users that pause
        self._failures = 0  # starts in a row that found nobody to talk to
        self.prepare = self._requests.prepare

    def begin(self, now_ns: int, unix_ns: int) -> None:
        self._free.extend([unix_ns] * self.limit)
        if self._duration_ns is not None:
            self._ends_ns = now_ns + self._duration_ns

    def next_due_ns(self) -> int:
        if self._free:
            return 0 if self._requests.peek_offset() is not None else NEVER_NS
        return self._pausing[0][0] if self._pausing else NEVER_NS

    def take(self, now_ns: int) -> Exchange | None:
        while self._pausing and self._pausing[0][0] <= now_ns:
            self._free.append(heapq.heappop(self._pausing)[1])
        if now_ns >= self._ends_ns:
            self._free.clear()
            self._pausing.clear()
        if not self._free:
            return None
        exchange = self._requests.pop(self._free[0])
        if exchange is not None:
            self._free.popleft()
            self.in_flight += 1
        return exchange

    def freed(self, exchange: Exchange, now_ns: int, *, unreachable: bool) -> None:
        self.in_flight -= 1
        if not unreachable:
            self._failures = 0
            self._free.append(exchange.end_ns)
            return
        pause = min(_PAUSE_NS << min(self._failures // self.limit, 10), _PAUSE_LIMIT_NS)
        self._failures += 1
        heapq.heappush(self._pausing, (now_ns + pause, exchange.end_ns + pause))

    def is_exhausted(self, now_ns: int) -> bool:
        return now_ns >= self._ends_ns or self._requests.peek_offset() is None

    def waiting(self, now_ns: int) -> int:
        return 0


class OpenSchedule:
    """Requests start at absolute instants; `limit` caps those in flight, and those held back keep their instant."""

    def __init__(self, plan: Plan, message: Message) -> None:
        self.limit = shard_concurrency(plan)
        self.in_flight = 0
        self._requests = _Requests(plan, message)
        self._rate = plan.arrivals.rate / plan.shards
        self._begin_ns = 0
        self._begin_unix_ns = 0
        self._uncapped_unix_ns = 0  # when the cap last let a request go
        self._next_ns: int | None = self._requests.peek_offset()
        self.prepare = self._requests.prepare

    def begin(self, now_ns: int, unix_ns: int) -> None:
        self._begin_ns = now_ns
        self._begin_unix_ns = unix_ns

    def next_due_ns(self) -> int:
        if self._next_ns is None or self.in_flight >= self.limit:
            return NEVER_NS
        return self._begin_ns + self._next_ns

    def take(self, now_ns: int) -> Exchange | None:
        if self._next_ns is None or self.in_flight >= self.limit or now_ns < self._begin_ns + self._next_ns:
            return None
        exchange = self._requests.pop(self._begin_unix_ns + self._next_ns)
        self._next_ns = self._requests.peek_offset()
        self.in_flight += exchange is not None
        if exchange is not None:  # what the cap held back is not late by the client's fault
            exchange.due_ns = max(exchange.due_ns, self._uncapped_unix_ns)
        return exchange

    def freed(self, exchange: Exchange, now_ns: int, *, unreachable: bool) -> None:
        if self.in_flight >= self.limit:
            self._uncapped_unix_ns = exchange.end_ns
        self.in_flight -= 1

    def is_exhausted(self, now_ns: int) -> bool:
        return self._next_ns is None

    def waiting(self, now_ns: int) -> int:
        if self._next_ns is None or self.in_flight < self.limit:
            return 0
        return max(0, int((now_ns - self._begin_ns - self._next_ns) * self._rate / NANOSECONDS))


def new_schedule(plan: Plan, message: Message) -> Schedule:
    """The schedule of a plan's kind of load."""
    return ClosedSchedule(plan, message) if plan.arrivals.kind == "closed" else OpenSchedule(plan, message)
