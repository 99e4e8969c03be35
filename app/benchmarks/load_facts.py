"""What a load says about itself before it runs: how long it lasts, how many requests it starts. Pure."""

import math
from bisect import bisect_left

from app.benchmarks import plan_loads
from app.benchmarks.loads import (
    ClosedLoad,
    ClosedStepsLoad,
    LoadSpec,
    OpenLoad,
    SteadyOpenLoad,
    StepsLoad,
    TraceLoad,
    VaryingOpenLoad,
)
from app.benchmarks.schemas import BenchmarkSpec, ClientLimits
from app.benchmarks.workloads import ConversationList, SyntheticConversations
from app.loadgen.arrivals import cumulative_rate

_NS_PER_S = 10**9


def seconds(spec: BenchmarkSpec) -> float | None:
    """After how long no request starts, for each target; None when only a number of requests ends it."""
    ends = [end for end in (spec.stop.duration_seconds, _lasts_seconds(spec.load)) if end is not None]
    return min(ends, default=None)


def requests(spec: BenchmarkSpec) -> int | None:
    """Requests that each target gets; None when time or chance decides."""
    load, duration = spec.load, spec.stop.duration_seconds
    planned = None
    if isinstance(spec.workload, SyntheticConversations | ConversationList):
        pass  # an arrival is several requests
    elif duration is not None and spec.limits != ClientLimits():
        pass  # what the limits hold back beyond the duration never starts
    elif isinstance(load, TraceLoad):
        planned = len(load.at_seconds)
        if duration is not None:
            planned = bisect_left(load.at_seconds, duration * load.speed)
    elif _is_even(load):
        rate = cumulative_rate(plan_loads.arrivals(load))
        total = rate.total if duration is None else rate.arrivals_by(round(duration * _NS_PER_S))
        planned = math.ceil(total - 1e-9) if math.isfinite(total) else None
    given = [number for number in (spec.stop.requests, planned) if number is not None]
    return min(given, default=None)


def workers(spec: BenchmarkSpec) -> int:
    """Engine processes that have work: no more than requests, and no more than may be in flight."""
    load = spec.load
    most = len(load.at_seconds) if isinstance(load, TraceLoad) else spec.workers
    if isinstance(load, OpenLoad):
        most = min(most, load.max_in_flight)
    if isinstance(load, ClosedLoad | ClosedStepsLoad):
        most = min(most, load.concurrency)
    return max(1, min(spec.workers, spec.stop.requests or spec.workers, most))


def users_at_start(load: LoadSpec, within_seconds: float = 1) -> int:
    """Users of a closed loop that begin within so long; 0 for an open loop."""
    if isinstance(load, ClosedStepsLoad):
        return load.steps[0].concurrency
    if isinstance(load, ClosedLoad):
        joining = within_seconds / load.ramp_up_seconds if load.ramp_up_seconds else 1.0
        return math.ceil(load.concurrency * min(joining, 1.0))
    return 0


def _lasts_seconds(load: LoadSpec) -> float | None:
    if isinstance(load, StepsLoad | ClosedStepsLoad):
        return math.fsum(step.seconds for step in load.steps)
    if isinstance(load, TraceLoad):
        return load.at_seconds[-1] / load.speed
    return None


def _is_even(load: LoadSpec) -> bool:
    kind = load.arrival if isinstance(load, VaryingOpenLoad) else load.kind
    return isinstance(load, SteadyOpenLoad | VaryingOpenLoad) and kind == "constant"
