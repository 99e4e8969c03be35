"""The users of a closed loop: who is free since when, and how their number changes over the run."""

from collections import deque

from app.loadgen.plan import Plan

_NEVER_NS = 2**62


class Users:
    """This shard's users. They join over `Arrivals.ramp_up_ns`, or as `Arrivals.levels` say; who shall leave does so
    as soon as it is free.
    """  # noqa: D205

    def __init__(self, plan: Plan) -> None:
        arrivals = plan.arrivals
        self._changes: deque[tuple[int, int]] = deque()  # (offset, how many join or leave)
        if arrivals.levels:
            here = 0
            for level in arrivals.levels:
                share = _share(level.concurrency, plan)
                self._changes.append((level.at_ns, share - here))
                here = share
        else:
            step_ns = arrivals.ramp_up_ns / max(1, arrivals.concurrency)
            everyone = range(plan.shard, max(arrivals.concurrency, plan.shard + 1), plan.shards)
            self._changes.extend((round(user * step_ns), 1) for user in everyone)
        self._free: deque[int] = deque()  # since when, Unix nanoseconds
        self._leaving = 0
        self._begin_ns = 0
        self._begin_unix_ns = 0

    def begin(self, now_ns: int, unix_ns: int) -> None:
        """The clock of the run starts now."""
        self._begin_ns, self._begin_unix_ns = now_ns, unix_ns
        self._change(now_ns)

    def next_ns(self) -> int:
        """When a user will be free, as far as that is known (monotonic); 0 when one is."""
        if self._free:
            return 0
        return self._begin_ns + self._changes[0][0] if self._changes else _NEVER_NS

    def take(self, now_ns: int) -> int | None:
        """Since when a free user is free (Unix), who is busy from now on; None when nobody is free."""
        self._change(now_ns)
        return self._free.popleft() if self._free else None

    def free(self, since_unix_ns: int) -> None:
        """A user has nothing to do any more."""
        if self._leaving:
            self._leaving -= 1
        else:
            self._free.append(since_unix_ns)

    def clear(self) -> None:
        """Nobody starts anything any more."""
        self._free.clear()
        self._changes.clear()

    def _change(self, now_ns: int) -> None:
        while self._changes and self._begin_ns + self._changes[0][0] <= now_ns:
            offset, number = self._changes.popleft()
            for _ in range(max(number, 0)):
                if self._leaving:
                    self._leaving -= 1
                else:
                    self._free.append(self._begin_unix_ns + offset)
            for _ in range(max(-number, 0)):
                if self._free:
                    self._free.pop()
                else:
                    self._leaving += 1


def _share(concurrency: int, plan: Plan) -> int:
    share, rest = divmod(concurrency, plan.shards)
    return share + (plan.shard < rest)
