"""The users of a closed loop: who is free since when, who pauses, and how their number changes over the run."""

import heapq
from collections import deque

from app.loadgen.arrivals import user_changes
from app.loadgen.plan import Plan

NEVER_NS = 2**62
_PAUSE_NS = 10_000_000  # after a connection failed, doubling with each failure up to …
_PAUSE_LIMIT_NS = 250_000_000
_JOINING_NS = 1_000_000_000  # users that join within this time get their connections


class Users:
    """This shard's users, each free, pausing or busy. Instants are monotonic, `since` and `until` Unix nanoseconds.

    They join as `user_changes` says; who is one too many leaves as soon as it is free or pauses.
    """

    def __init__(self, plan: Plan) -> None:
        self._changes = deque(user_changes(plan))
        self.most = max(1, *(users for _, users in self._changes), 0)
        self._begin_ns = NEVER_NS
        self._begin_unix_ns = 0
        self._free_since_ns = plan.free_since_ns
        self._joined = 0  # free, pausing or busy
        self._wanted = 0  # of them; the others leave when they are no longer busy
        self._free: deque[int] = deque()  # since when
        self._pausing: list[tuple[int, int]] = []  # heap: (due, the same instant in Unix time)
        self._joining = 0  # as it was found last
        self._joining_until_ns = 0

    def begin(self, now_ns: int, unix_ns: int) -> None:
        """The clock of the run starts now."""
        self._begin_ns, self._begin_unix_ns = now_ns, unix_ns
        self._joining_until_ns = now_ns
        self.update(now_ns)

    def update(self, now_ns: int) -> None:
        """Let users join, leave and end their pauses; whatever is asked next is as of then."""
        while self._changes and self._begin_ns + self._changes[0][0] <= now_ns:
            offset_ns, self._wanted = self._changes.popleft()
            more = max(self._wanted - self._joined, 0)
            self._free.extend([max(self._begin_unix_ns + offset_ns, self._free_since_ns)] * more)
            self._joined += more
            while self._joined > self._wanted and (self._free or self._pausing):
                if self._free:
                    self._free.pop()
                else:
                    self._pausing.remove(max(self._pausing))
                    heapq.heapify(self._pausing)
                self._joined -= 1
        while self._pausing and self._pausing[0][0] <= now_ns:
            self._free.append(heapq.heappop(self._pausing)[1])

    @property
    def free(self) -> int:
        """How many are free."""
        return len(self._free)

    @property
    def are_gone(self) -> bool:
        """Whether nobody is there, and nobody will join."""
        return not self._joined and not any(users for _, users in self._changes)

    def next_ns(self) -> int:
        """When a user will be free, as far as that is known; 0 when one is, `NEVER_NS` when only a busy one can be."""
        if self._free:
            return 0
        due_ns = self._pausing[0][0] if self._pausing else NEVER_NS
        return min(due_ns, self._begin_ns + self._changes[0][0]) if self._changes else due_ns

    def take(self) -> int | None:
        """Since when the user that waited longest is free, who is busy from now on; None when nobody is free."""
        return self._free.popleft() if self._free else None

    def done(self, since_ns: int, now_ns: int, pause_ns: int = 0) -> None:
        """A busy user has had nothing to do since then, and will pause for so long first."""
        self.update(now_ns)
        if self._joined > self._wanted:
            self._joined -= 1
        elif pause_ns:
            heapq.heappush(self._pausing, (now_ns + pause_ns, since_ns + pause_ns))
        else:
            self._free.append(since_ns)

    def clear(self) -> None:
        """Nobody starts anything any more."""
        self._free.clear()
        self._pausing.clear()
        self._changes.clear()

    def joining(self, now_ns: int) -> int:
        """How many are about to join, who have no connections yet; looked up ten times a second."""
        if self._begin_ns <= now_ns < self._joining_until_ns or not self._changes:
            return self._joining if self._changes else 0
        self._joining_until_ns = now_ns + _JOINING_NS // 10
        horizon_ns = max(now_ns - self._begin_ns, 0) + _JOINING_NS
        soon = self._wanted
        for offset_ns, users in self._changes:
            if offset_ns > horizon_ns:
                break
            soon = max(soon, users)
        self._joining = soon - self._wanted
        return self._joining


class Patience:
    """How long to pause when no connection can be had: the longer, the more often that was so in a row."""

    def __init__(self, users: int) -> None:
        self._users = users
        self._failures = 0

    def pause_ns(self, asked_ns: int, *, unreachable: bool) -> int:
        """After a request that ended; `asked_ns` is how long the server asked to wait."""
        if not unreachable:
            self._failures = 0
            return asked_ns
        pause_ns = min(_PAUSE_NS << min(self._failures // self._users, 10), _PAUSE_LIMIT_NS)
        self._failures += 1
        return max(asked_ns, pause_ns)
