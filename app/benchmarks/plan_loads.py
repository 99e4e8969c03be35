"""Load of a spec → arrivals of a plan. Pure."""

from array import array

from app.benchmarks.loads import (
    ClosedLoad,
    ClosedStepsLoad,
    GammaLoad,
    LoadSpec,
    RampLoad,
    SpikeLoad,
    SteadyOpenLoad,
    StepsLoad,
    TraceLoad,
    VaryingOpenLoad,
)
from app.loadgen.plan import Arrivals, Level, Segment

_NS_PER_S = 10**9


def arrivals(load: LoadSpec) -> Arrivals:
    """When requests start, as the instrument takes it."""
    if isinstance(load, ClosedLoad):
        return Arrivals("closed", load.concurrency, ramp_up_ns=round(load.ramp_up_seconds * _NS_PER_S))
    if isinstance(load, ClosedStepsLoad):
        levels, at_seconds = [], 0.0
        for step in load.steps:
            levels.append(Level(round(at_seconds * _NS_PER_S), step.concurrency))
            at_seconds += step.seconds
        return Arrivals("closed", load.concurrency, levels=tuple(levels), levels_end_ns=round(at_seconds * _NS_PER_S))
    if isinstance(load, TraceLoad):
        offsets = array("q", (round(at / load.speed * _NS_PER_S) for at in load.at_seconds))
        return Arrivals("trace", load.max_in_flight, offsets=offsets.tobytes())
    if isinstance(load, SteadyOpenLoad):
        burstiness = load.burstiness if isinstance(load, GammaLoad) else 1.0
        return Arrivals(load.kind, load.max_in_flight, load.rate, burstiness)
    return Arrivals(load.arrival, load.max_in_flight, burstiness=load.burstiness, segments=tuple(_segments(load)))


def _segments(load: VaryingOpenLoad) -> list[Segment]:
    if isinstance(load, RampLoad):
        ramp = Segment(load.from_rate, load.to_rate, load.seconds, load.curve)
        return [ramp, Segment(load.to_rate, load.to_rate)]
    if isinstance(load, SpikeLoad):
        base = Segment(load.rate, load.rate)
        before = [Segment(load.rate, load.rate, load.spike_at_seconds)] if load.spike_at_seconds else []
        return [*before, Segment(load.spike_rate, load.spike_rate, load.spike_seconds), base]
    assert isinstance(load, StepsLoad)
    return [Segment(step.rate, step.rate, step.seconds) for step in load.steps]
