"""When requests of an open loop start: absolute offsets from the start instant, all from one seed, cut into shards.

Every shard draws the whole sequence and keeps its part, so the union over shards is exactly the unsharded process; a
generator per shard seeded alike, or a sleep after each send, would be neither Poisson nor on time.
"""

import random
from collections.abc import Iterator
from itertools import islice

from app.loadgen.plan import Plan

NANOSECONDS = 1_000_000_000


def constant(rate: float) -> Iterator[int]:
    """Offsets in nanoseconds, `1/rate` seconds apart, without accumulated rounding."""
    index = 0
    while True:
        yield round(index * NANOSECONDS / rate)
        index += 1


def poisson(rate: float, seed: int) -> Iterator[int]:
    """Offsets of a Poisson process: exponential gaps of mean `1/rate` seconds."""
    draw = random.Random(f"arrivals-{seed}").expovariate  # noqa: S311  (a schedule, not a secret)
    at = 0.0
    while True:
        at += draw(rate)
        yield round(at * NANOSECONDS)


def offsets(plan: Plan) -> Iterator[tuple[int, int]]:
    """`(arrival number, offset)` of this shard's arrivals, within the plan's requests and duration.

    For a closed loop the offset is 0: an arrival is due as soon as a user is free.
    """
    if plan.arrivals.kind == "closed":
        numbers = range(plan.shard, plan.requests if plan.requests is not None else 2**62, plan.shards)
        due: Iterator[tuple[int, int]] = ((number, 0) for number in numbers)
    else:
        rate = plan.arrivals.rate
        every = constant(rate) if plan.arrivals.kind == "constant" else poisson(rate, plan.seed)
        due = islice(enumerate(islice(every, plan.requests)), plan.shard, None, plan.shards)
    skip = {(index - plan.index_base) // plan.index_stride for index in plan.skip}
    for number, offset in due:
        if plan.arrivals.kind != "closed" and plan.duration_ns is not None and offset >= plan.duration_ns:
            return
        if number not in skip:
            yield number, offset


def shard_concurrency(plan: Plan) -> int:
    """This shard's part of the run's concurrency (for an open loop: of its cap), as even as possible, at least 1."""
    share, rest = divmod(plan.arrivals.concurrency, plan.shards)
    return max(1, share + (plan.shard < rest))
