"""How many requests per second a load wanted to start, beside how many were served. Pure.

Of an open loop only: in a closed one a user starts when the answer before has come, so nothing is offered. Nor where an
arrival is a conversation of several requests.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import NamedTuple

from app.benchmarks import load_facts, plan_loads
from app.benchmarks.loads import ClosedLoad, ClosedStepsLoad, TraceLoad
from app.benchmarks.planner import at_level
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.workloads import ConversationList, SyntheticConversations
from app.loadgen.arrivals import cumulative_rate

_NS_PER_S = 10**9

Arrived = Callable[[float], float]


class StageStart(NamedTuple):
    """When one target began to be measured at one level, in seconds of the run."""

    at_s: float
    level: float | None = None


def column(
    spec: BenchmarkSpec, stages: Sequence[StageStart], t_s: Sequence[float | None], width_s: float
) -> list[float | None]:
    """Arrivals that the schedule expects in each point of a timeline, per second; None where nothing is offered."""
    if not stages or _has_no_offer(spec):
        return [None] * len(t_s)
    arrived = [arrivals_of(spec, stage.level) for stage in stages]
    ends = [*(stage.at_s for stage in stages[1:]), math.inf]
    return [_between(stages, arrived, ends, at or 0.0, width_s) for at in t_s]


def arrivals_of(spec: BenchmarkSpec, level: float | None) -> Arrived:
    """Seconds since the start of a stage → arrivals expected until then."""
    load, most = at_level(spec, level).load, spec.stop.requests
    limit = math.inf if most is None else float(most)
    if isinstance(load, TraceLoad):
        at, duration = load.at_seconds, spec.stop.duration_seconds
        if duration is not None:
            limit = min(limit, float(bisect_left(at, duration * load.speed)))
        return lambda now: min(float(bisect_left(at, now * load.speed)), limit)
    seconds = load_facts.seconds(spec)
    last = math.inf if seconds is None else seconds
    rate = cumulative_rate(plan_loads.arrivals(load))
    return lambda now: min(rate.arrivals_by(round(min(now, last) * _NS_PER_S)), limit)


def _has_no_offer(spec: BenchmarkSpec) -> bool:
    return isinstance(spec.load, ClosedLoad | ClosedStepsLoad) or isinstance(
        spec.workload, SyntheticConversations | ConversationList
    )


def _between(
    stages: Sequence[StageStart], arrived: Sequence[Arrived], ends: Sequence[float], begin_s: float, width_s: float
) -> float:
    total = 0.0
    for stage, count, end_s in zip(stages, arrived, ends, strict=True):
        low, high = max(begin_s, stage.at_s), min(begin_s + width_s, end_s)
        if high > low:
            total += count(high - stage.at_s) - count(low - stage.at_s)
    return total / width_s
