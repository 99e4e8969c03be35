"""Requests that wait to be sent again: after a failed try that is worth another, or one that nobody has heard."""

import heapq
import itertools
import random

from app.loadgen.clock import monotonic_ns, realtime_ns
from app.loadgen.exchange import Exchange, NewDecoder
from app.loadgen.plan import Plan
from app.loadgen.rate_limit import RateLimiter
from app.loadgen.retries import retry_delay_ns


class FurtherTries:
    """By the instant at which each may start."""

    def __init__(self, plan: Plan, new_decoder: NewDecoder, limiter: RateLimiter | None) -> None:
        self._limits = plan.limits
        self._new_decoder = new_decoder
        self._limiter = limiter
        self._rng = random.Random(f"retries-{plan.seed}-{plan.shard}")  # noqa: S311  (jitter, not a secret)
        self.waiting: list[tuple[int, int, Exchange]] = []  # heap of (due, tie-break, exchange)
        self._tie = itertools.count()

    def take_failed(self, exchange: Exchange, *, complete: bool) -> bool:
        """Let a failed try wait for another one; False when there shall be none."""
        if exchange.attempts >= self._limits.max_attempts:
            return False
        exchange.decode(self._new_decoder, exchange.reads)
        record = exchange.record(complete=complete, save_gaps=False)
        delay_ns = retry_delay_ns(record, exchange.headers, self._limits, realtime_ns(), self._rng)
        if delay_ns is None:
            return False
        exchange.again(realtime_ns() + delay_ns)
        heapq.heappush(self.waiting, (monotonic_ns() + delay_ns, next(self._tie), exchange))
        return True

    def revive(self, exchange: Exchange) -> None:
        """Send once more, on a connection of its own; the first sending found nobody and is not a try."""
        attempts = exchange.attempts
        exchange.again(exchange.due_ns)
        exchange.attempts = attempts
        exchange.fresh = True
        heapq.heappush(self.waiting, (0, next(self._tie), exchange))

    def due_ns(self) -> int:
        """When the next one may start; there must be one."""
        due, _, exchange = self.waiting[0]
        if self._limiter is None or not due:  # 0: it is sent once more, because the first sending found nobody
            return due
        return max(due, self._limiter.try_again_ns(exchange))

    def take(self, now: int) -> Exchange:
        """The next one, which starts now."""
        due, _, exchange = heapq.heappop(self.waiting)
        if self._limiter is not None and due:
            self._limiter.start_again(exchange, now)
        return exchange

    def give_up(self) -> list[Exchange]:
        """All of them: there will be no other try."""
        given_up = [exchange for _, _, exchange in self.waiting]
        self.waiting.clear()
        return given_up
