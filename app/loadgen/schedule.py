"""Which request starts next, and when it should: closed loop (a user is free) or open loop (its instant has come).

All deadlines are absolute. A start that is late stays in the schedule with its intended instant, so the delay is
measured and never forgotten (no coordinated omission). That holds for starts that a rate limit of the client holds
back too: an open loop keeps its instants and shows the wait as schedule delay, in a closed loop the user has been free
since then. What is still held back when the duration of an open loop is over never starts.

A server that answers 429 does not change an open loop: what it turns away is part of the measurement. In a closed loop
that retries (`Limits.max_attempts` above 1), a user whose request was given up with a `Retry-After` waits that long, at
most `Limits.max_delay_ns`, before the next one.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator
from typing import Protocol

from app.loadgen.arrivals import ArrivalCount, offsets, shard_concurrency
from app.loadgen.clock import monotonic_ns
from app.loadgen.exchange import Exchange
from app.loadgen.plan import Plan
from app.loadgen.rate_limit import RateLimiter
from app.loadgen.users import NEVER_NS, Patience, Users

_PREPARED = 256  # requests made ahead of time, while nothing else is to do
_PREPARED_BYTES = 16 * 2**20
_WARM_NS = 250_000_000  # open loop: connections are opened for what arrives within this time …
_WARM_MORE = 4  # … and a few more,
_WARM_LIMIT = 256  # but no more than this

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

    def freed(self, exchange: Exchange, now_ns: int, *, unreachable: bool, pause_ns: int = 0) -> None:
        """A taken request is over for good.

        `unreachable` when no connection could be had; `pause_ns` is how long the server asked its user to wait.
        """
        ...

    def is_exhausted(self, now_ns: int) -> bool:
        """Whether no further request will ever be due."""
        ...

    def waiting(self, now_ns: int) -> int:
        """Requests that are due but held back, by the cap or by a rate limit."""
        ...

    def spare_connections(self, now_ns: int) -> int:
        """Idle connections that there should be by now, for what starts soon."""
        ...

    def prepare(self) -> bool:
        """Make one request ahead of time; False when there is no room or nothing left."""
        ...


class _Requests:
    """Arrivals with their bytes, some made ahead of time."""

    def __init__(self, plan: Plan, message: Message, limiter: RateLimiter | None) -> None:
        self._plan = plan
        self._message = message
        self._limiter = limiter
        self._arrivals: Iterator[tuple[int, int]] = offsets(plan)
        self._ready: deque[tuple[int, int, bytes]] = deque()  # (number, offset, message)
        self._made_ns: deque[int] = deque()  # when each of them was made, if they do not keep for ever
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

    def opens_ns(self) -> int:
        """From when on the rate limit lets the next arrival start; 0: from ever. There must be one."""
        return 0 if self._limiter is None else self._limiter.opens_ns(self._ready[0][0])

    def pop(self, intended_ns: int, now_ns: int) -> Exchange | None:
        """The next arrival as an exchange intended for `intended_ns` (Unix)."""
        if not self._ready and not self._make():
            return None
        number, _, message = self._ready.popleft()
        self._ready_bytes -= len(message)
        lifetime_ns = self._plan.message_lifetime_ns
        if lifetime_ns is not None and now_ns - self._made_ns.popleft() > lifetime_ns:
            message = self._message(number)
        exchange = Exchange(self._plan.index_base + number * self._plan.index_stride, message, intended_ns)
        if self._limiter is not None:
            self._limiter.start(exchange, number, now_ns)
        return exchange

    def due_by(self, offset_ns: int) -> tuple[int, int | None]:
        """How many of the arrivals made ahead of time are due by then, and the last one's offset if they all are."""
        due = bisect_right(self._ready, offset_ns, key=_offset_of)
        return due, self._ready[-1][1] if due and due == len(self._ready) else None

    def _make(self) -> bool:
        if self._is_drained:
            return False
        arrival = next(self._arrivals, None)
        if arrival is None:
            self._is_drained = True
            return False
        message = self._message(arrival[0])
        self._ready.append((*arrival, message))
        if self._plan.message_lifetime_ns is not None:
            self._made_ns.append(monotonic_ns())
        self._ready_bytes += len(message)
        return True


def _offset_of(ready: tuple[int, int, bytes]) -> int:
    return ready[1]


class ClosedSchedule:
    """Users; each starts its next request when its last has ended, the instant that it is intended for.

    They join and leave as the plan says: the first request of one that joins later is intended for that instant, and
    one that leaves ends its request first.
    """

    def __init__(self, plan: Plan, message: Message, limiter: RateLimiter | None = None) -> None:
        self._users = Users(plan)
        self.limit = self._users.most
        self.in_flight = 0
        self._requests = _Requests(plan, message, limiter)
        self._patience = Patience(self.limit)
        ends = [end for end in (plan.duration_ns, plan.arrivals.levels_end_ns) if end is not None]
        self._lasts_ns = min(ends, default=NEVER_NS)
        self._most = NEVER_NS if plan.requests is None else -(-plan.requests // plan.shards)
        self._ends_ns = NEVER_NS
        self.prepare = self._requests.prepare

    def begin(self, now_ns: int, unix_ns: int) -> None:
        self._ends_ns = min(now_ns + self._lasts_ns, NEVER_NS)
        self._users.begin(now_ns, unix_ns)

    def next_due_ns(self) -> int:
        if self._requests.peek_offset() is None:
            return NEVER_NS
        return max(self._users.next_ns(), self._requests.opens_ns())

    def take(self, now_ns: int) -> Exchange | None:
        self._users.update(now_ns)
        if now_ns >= self._ends_ns:
            self._users.clear()
        if not self._users.free or self._requests.peek_offset() is None or self._requests.opens_ns() > now_ns:
            return None
        since_ns = self._users.take()
        assert since_ns is not None
        self.in_flight += 1
        return self._requests.pop(since_ns, now_ns)

    def freed(self, exchange: Exchange, now_ns: int, *, unreachable: bool, pause_ns: int = 0) -> None:
        self.in_flight -= 1
        self._users.done(exchange.end_ns, now_ns, self._patience.pause_ns(pause_ns, unreachable=unreachable))

    def is_exhausted(self, now_ns: int) -> bool:
        return now_ns >= self._ends_ns or self._requests.peek_offset() is None or self._users.are_gone

    def waiting(self, now_ns: int) -> int:
        if not self._users.free or self._requests.peek_offset() is None or self._requests.opens_ns() <= now_ns:
            return 0
        return self._users.free

    def spare_connections(self, now_ns: int) -> int:
        """One for each user that is about to join; those who have joined have their own."""
        return min(self._users.joining(now_ns), self._most)


class OpenSchedule:
    """Requests start at absolute instants; `limit` caps those in flight, and those held back keep their instant."""

    def __init__(self, plan: Plan, message: Message, limiter: RateLimiter | None = None) -> None:
        self.limit = shard_concurrency(plan)
        self.in_flight = 0
        self._requests = _Requests(plan, message, limiter)
        self._count = ArrivalCount(plan.arrivals)
        self._shards = plan.shards
        self._lasts_ns = NEVER_NS if plan.duration_ns is None else plan.duration_ns
        self._begin_ns = 0
        self._begin_unix_ns = 0
        self._uncapped_unix_ns = 0  # when the cap last let a request go
        self._ends_ns = NEVER_NS
        self._next_ns: int | None = self._requests.peek_offset()
        self.prepare = self._requests.prepare

    def begin(self, now_ns: int, unix_ns: int) -> None:
        self._begin_ns = now_ns
        self._begin_unix_ns = unix_ns
        self._ends_ns = now_ns + self._lasts_ns

    def next_due_ns(self) -> int:
        if self._next_ns is None or self.in_flight >= self.limit:
            return NEVER_NS
        return max(self._begin_ns + self._next_ns, self._requests.opens_ns())

    def take(self, now_ns: int) -> Exchange | None:
        if self._next_ns is None or self.in_flight >= self.limit or now_ns < self._begin_ns + self._next_ns:
            return None
        opens_ns = self._requests.opens_ns()
        if opens_ns > now_ns or opens_ns >= self._ends_ns:
            if now_ns >= self._ends_ns:  # what the rate limit holds back beyond the duration never starts
                self._next_ns = None
            return None
        exchange = self._requests.pop(self._begin_unix_ns + self._next_ns, now_ns)
        self._next_ns = self._requests.peek_offset()
        self.in_flight += exchange is not None
        if exchange is not None:  # what the cap held back is not late by the client's fault
            exchange.due_ns = max(exchange.due_ns, self._uncapped_unix_ns)
        return exchange

    def freed(self, exchange: Exchange, now_ns: int, *, unreachable: bool, pause_ns: int = 0) -> None:
        if self.in_flight >= self.limit:
            self._uncapped_unix_ns = exchange.end_ns
        self.in_flight -= 1

    def is_exhausted(self, now_ns: int) -> bool:
        return self._next_ns is None

    def waiting(self, now_ns: int) -> int:
        """Those made ahead of time are counted, the ones after them estimated from the rate."""
        if self._next_ns is None or (self.in_flight < self.limit and self._requests.opens_ns() <= now_ns):
            return 0
        elapsed_ns = min(now_ns - self._begin_ns, self._lasts_ns)
        due, last_ns = self._requests.due_by(elapsed_ns)
        return due if last_ns is None else due + round(self._count.between(last_ns, elapsed_ns) / self._shards)

    def spare_connections(self, now_ns: int) -> int:
        elapsed_ns = now_ns - self._begin_ns if self._begin_ns else 0
        soon, _ = self._requests.due_by(elapsed_ns + _WARM_NS)
        return min(soon + _WARM_MORE, self.limit - self.in_flight, _WARM_LIMIT)


def new_schedule(plan: Plan, message: Message, limiter: RateLimiter | None = None) -> Schedule:
    """The schedule of a plan's kind of load."""
    kind = ClosedSchedule if plan.arrivals.kind == "closed" else OpenSchedule
    return kind(plan, message, limiter)
