"""When requests start: absolute offsets from the start instant, all from one seed, cut into shards.

An open loop is a process of rate 1, stretched by the rate over time (`rates.py`). Every shard draws the whole process
and keeps its part, so the union over shards is exactly the unsharded one; a generator per shard seeded alike, or a
sleep after each send, would be neither Poisson nor on time. Nothing is made before it is asked for: a week of it costs
no memory.
"""

import math
import random
import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import count, islice

from app.loadgen.plan import Arrivals, Plan, Segment
from app.loadgen.rates import NANOSECONDS, CumulativeRate

__all__ = [
    "NANOSECONDS",
    "ArrivalCount",
    "cumulative_rate",
    "offsets",
    "shard_concurrency",
    "trace_offsets",
    "unit_process",
    "user_changes",
]

_ENDLESS = 2**62


def offsets(plan: Plan) -> Iterator[tuple[int, int]]:
    """`(arrival number, offset)` of this shard's arrivals, within the plan's requests and duration.

    For a closed loop the offset is 0: an arrival is due as soon as a user is free.

    Raises:
        ValueError: the plan's rates or trace cannot be.
    """
    arrivals = plan.arrivals
    if arrivals.kind == "closed":
        own: Iterator[tuple[int, int]] = ((number, 0) for number in count(plan.shard, plan.shards))
    elif arrivals.kind == "trace":
        own = _replayed(plan)
    else:
        own = _mapped(plan, cumulative_rate(arrivals))
    return _within(plan, own)


def cumulative_rate(arrivals: Arrivals) -> CumulativeRate:
    """Of an open loop that is no trace; raises `ValueError` as `CumulativeRate`."""
    return CumulativeRate(arrivals.segments or (Segment(arrivals.rate, arrivals.rate),))


def trace_offsets(arrivals: Arrivals) -> Sequence[int]:
    """Offsets of a trace's arrivals, in nanoseconds.

    Raises:
        ValueError: they are not whole 64-bit numbers.
    """
    if len(arrivals.offsets) % 8:
        raise ValueError("the offsets of a trace must be 64-bit numbers")
    if sys.byteorder == "little":
        return memoryview(arrivals.offsets).cast("q")
    found = array("q", arrivals.offsets)
    found.byteswap()
    return found


def unit_process(arrivals: Arrivals, seed: int) -> Iterator[tuple[int, float]]:
    """Where the arrivals of a process of rate 1 lie, each as whole and part; no rounding adds up.

    `constant` begins at 0 with gaps of exactly 1; the gaps of `poisson` are exponential and those of `gamma` have shape
    `burstiness`, both with mean 1, the first of them before the first arrival.
    """
    if arrivals.kind == "constant":
        return ((number, 0.0) for number in count())
    return _renewals(arrivals, random.Random(f"arrivals-{seed}"))  # noqa: S311  (a schedule, not a secret)


def _renewals(arrivals: Arrivals, rng: random.Random) -> Iterator[tuple[int, float]]:
    whole, part = 0, 0.0
    uniform, gamma, log = rng.random, rng.gammavariate, math.log
    shape = arrivals.burstiness if arrivals.kind == "gamma" else 1.0
    scale = 1 / shape
    while True:
        part += -log(1.0 - uniform()) if shape == 1.0 else gamma(shape, scale)
        if part >= 1.0:
            carry = int(part)
            whole += carry
            part -= carry
        yield whole, part


def _mapped(plan: Plan, rate: CumulativeRate) -> Iterator[tuple[int, int]]:
    number, stride = plan.shard, plan.shards
    if plan.arrivals.kind == "constant":
        own: Iterator[tuple[int, float]] = ((own, 0.0) for own in count(number, stride))
    else:
        own = islice(unit_process(plan.arrivals, plan.seed), number, None, stride)
    for whole, part in own:
        offset = rate.offset_ns(whole, part)
        if offset is None:
            return
        yield number, offset
        number += stride


def _replayed(plan: Plan) -> Iterator[tuple[int, int]]:
    recorded = trace_offsets(plan.arrivals)
    return ((number, recorded[number]) for number in range(plan.shard, len(recorded), plan.shards))


def _within(plan: Plan, own: Iterator[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    skip = {(index - plan.index_base) // plan.index_stride for index in plan.skip}
    requests = _ENDLESS if plan.requests is None else plan.requests
    duration_ns = _ENDLESS if plan.duration_ns is None or plan.arrivals.kind == "closed" else plan.duration_ns
    for number, offset in own:
        if number >= requests or offset >= duration_ns:
            return
        if number not in skip:
            yield number, offset


class ArrivalCount:
    """How many arrivals of an open loop, over all shards, are expected between two offsets."""

    def __init__(self, arrivals: Arrivals) -> None:
        self._recorded = trace_offsets(arrivals) if arrivals.kind == "trace" else None
        self._rate = None if arrivals.kind == "trace" else cumulative_rate(arrivals)

    def between(self, begin_ns: int, end_ns: int) -> float:
        """Later than `begin_ns` and before `end_ns`: exact for a trace, the mean of the process for the others."""
        if self._recorded is not None:
            found = bisect_left(self._recorded, end_ns) - bisect_left(self._recorded, begin_ns + 1)
            return float(max(found, 0))
        assert self._rate is not None
        return max(self._rate.arrivals_by(end_ns) - self._rate.arrivals_by(begin_ns), 0.0)


def shard_concurrency(plan: Plan) -> int:
    """This shard's part of the run's concurrency (for an open loop: of its cap), as even as possible, at least 1."""
    return max(1, _own_users(plan, plan.arrivals.concurrency))


def user_changes(plan: Plan) -> list[tuple[int, int]]:
    """`(offset, users of this shard from then on)` of a closed loop, ascending.

    User u of all shards belongs to shard u mod K. While a load ramps up, user u of N joins after u/N of the time.
    """
    arrivals = plan.arrivals
    levels = [(level.at_ns, level.concurrency) for level in arrivals.levels] or [(0, arrivals.concurrency)]
    first_ns, users = levels[0]
    until_ns = levels[1][0] if len(levels) > 1 else _ENDLESS
    changes = []
    if arrivals.ramp_up_ns:
        for own, user in enumerate(range(plan.shard, users, plan.shards), 1):
            join_ns = first_ns + arrivals.ramp_up_ns * user // users
            if join_ns < until_ns:
                changes.append((join_ns, own))
        levels = levels[1:]
    return changes + [(at_ns, _own_users(plan, users)) for at_ns, users in levels]


def _own_users(plan: Plan, users: int) -> int:
    return max(0, -(-(users - plan.shard) // plan.shards))
