"""Runs of simulated servers as batches: closed and open loops, whose true steady state is known."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from app.stats.run_statistics import RunStatistics, TargetKey
from tests.stats.batches import ORIGIN, SECOND, batch

KEY = TargetKey("local", "m")


@dataclass
class Requests:
    """Seconds after the origin, a value a request."""

    intended: list[float] = field(default_factory=list)
    started: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)

    def add(self, intended: float, started: float, first: float, ended: float) -> None:
        """One more."""
        for column, value in zip(
            (self.intended, self.started, self.first, self.ended), (intended, started, first, ended), strict=True
        ):
            column.append(value)

    def statistics(self, *, tokens: int = 20, batches: int = 7) -> RunStatistics:
        """As an engine would have reported them: in the order of their ends, with sampled in-flight counts."""
        run = RunStatistics(ORIGIN)
        intended, started, first, ended = map(np.array, (self.intended, self.started, self.first, self.ended))
        order = np.argsort(ended)
        for part in np.array_split(order, batches):
            if not len(part):
                continue
            begin, to = started[part], ended[part]
            run.add(
                KEY,
                batch(
                    list(to),
                    started_s=list(begin),
                    intended_s=list(intended[part]),
                    first_s=list(first[part]),
                    schedule_delay_ms=list((begin - intended[part]) * 1e3),
                    ttft_ms=list((first[part] - begin) * 1e3),
                    tpot_ms=list((to - first[part]) / (tokens - 1) * 1e3),
                    e2e_ms=list((to - begin) * 1e3),
                    stream_end_ms=list((to - begin) * 1e3),
                    stream_end_from_intended_ms=list((to - intended[part]) * 1e3),
                    output_tokens=[tokens] * len(part),
                    chunks=[tokens] * len(part),
                ),
            )
        for tick in np.arange(0.25, ended.max() + 0.25, 0.25):
            in_flight = int(((started <= tick) & (ended > tick)).sum())
            at_ns = ORIGIN + round(float(tick) * SECOND)
            run.add_in_flight(KEY, at_ns - SECOND // 4, at_ns, in_flight)
        return run


def closed(
    users: int, requests: int, seed: int, *, service_s: Callable[[float, int, np.random.Generator], tuple[float, float]]
) -> Requests:
    """`users` that each wait for their answer; `service_s(now, in flight, rng)` is (time to first token, rest)."""
    rng, found = np.random.default_rng(seed), Requests()
    free = [(0.0, user) for user in range(users)]
    busy: list[float] = []
    for _ in range(requests):
        now, user = heapq.heappop(free)
        while busy and busy[0] <= now:
            heapq.heappop(busy)
        ttft, rest = service_s(now, len(busy), rng)
        found.add(now, now, now + ttft, now + ttft + rest)
        heapq.heappush(busy, now + ttft + rest)
        heapq.heappush(free, (now + ttft + rest, user))
    return found


def queue(rate: float, seconds: float, seed: int, *, servers: int, mean_s: float, cap: int | None = None) -> Requests:
    """Poisson arrivals at `servers` of exponential service, in order; `cap` limits requests in flight."""
    rng, found = np.random.default_rng(seed), Requests()
    free, now = [0.0] * servers, 0.0
    ends: list[float] = []
    while (now := now + rng.exponential(1 / rate)) < seconds:
        started = now
        if cap is not None and len(ends) >= cap:
            started = max(now, heapq.nsmallest(len(ends) - cap + 1, ends)[-1] if len(ends) > cap else ends[0])
            while ends and ends[0] <= started:
                heapq.heappop(ends)
        else:
            while ends and ends[0] <= now:
                heapq.heappop(ends)
        served = max(started, heapq.heappop(free))
        end = served + rng.exponential(mean_s)
        heapq.heappush(free, end)
        heapq.heappush(ends, end)
        found.add(now, started, served + (end - served) / 4, end)
    return found
