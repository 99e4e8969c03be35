"""What a spec amounts to before it runs: requests, time, tokens, each as a range. Pure.

Arrivals of a random process of rate 1 over N expected ones scatter by about the root of N (a Poisson process; a gamma
process of shape k: the root of N/k); the ranges take two of these deviations. Given texts are taken at 3 to 5
characters a token (four is usual for English), made-up texts at their nominal length, which the run calibrates.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

from app.benchmarks import load_facts, plan_loads, planner
from app.benchmarks.expected import Tokens, requests_at_least, requests_expected, requests_per_arrival, tokens_expected
from app.benchmarks.explorations import Search
from app.benchmarks.loads import (
    ClosedLoad,
    ClosedStepsLoad,
    GammaLoad,
    OpenLoad,
    PoissonLoad,
    SteadyOpenLoad,
    TraceLoad,
    VaryingOpenLoad,
)
from app.benchmarks.planner import Point
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.workloads import ConversationList, EmbeddingInputs, OnePrompt, PromptList
from app.loadgen.arrivals import cumulative_rate

_DEVIATIONS = 2
_FEWER_TOKENS, _MORE_TOKENS = 4 / 5, 4 / 3
_NS_PER_S = 10**9


class Between(NamedTuple):
    """A range; `high` is None when nothing that is known bounds it."""

    low: float
    high: float | None

    def plus(self, other: "Between") -> "Between":
        """Of the sum."""
        return Between(self.low + other.low, None if None in (self.high, other.high) else self.high + other.high)  # type: ignore[operator]

    def times(self, factor: float) -> "Between":
        """Of so many of it."""
        return Between(self.low * factor, None if self.high is None else self.high * factor)

    def product(self, other: "Between") -> "Between":
        """Of a number of things and what each has."""
        is_open = self.high is None or other.high is None
        return Between(self.low * other.low, None if is_open else (self.high or 0) * (other.high or 0))


@dataclass(frozen=True)
class StageForecast:
    """One level of load."""

    point: Point
    requests: Between
    seconds: Between


@dataclass(frozen=True)
class Forecast:
    """A whole benchmark; `levels` are those of each target that are known beforehand."""

    levels: tuple[StageForecast, ...]
    stages: int
    requests_per_target: Between
    seconds: Between
    input_tokens: Between
    output_tokens: Between
    """Of one request, on average."""


def forecast(spec: BenchmarkSpec) -> Forecast:
    """What a spec amounts to."""
    points = planner.first_points(spec, 0)
    if isinstance(spec.explore, Search):
        points = [Point(0, 0, spec.explore.minimum), Point(0, 1, spec.explore.maximum)]
    levels = tuple(
        StageForecast(point, requests := _requests(spec, point), _seconds(spec, point, requests)) for point in points
    )
    if isinstance(spec.explore, Search):
        most = spec.explore.max_points
        requests = Between(levels[0].requests.low, _times(most, [one.requests.high for one in levels]))
        seconds = Between(levels[0].seconds.low, _times(most, [one.seconds.high for one in levels]))
    else:
        requests, seconds = Between(0, 0), Between(0, 0)
        for level in levels:
            requests, seconds = requests.plus(level.requests), seconds.plus(level.seconds)
    tokens = tokens_expected(spec)
    given = isinstance(spec.workload, OnePrompt | PromptList | ConversationList) or (
        isinstance(spec.workload, EmbeddingInputs) and spec.workload.texts is not None
    )
    return Forecast(
        levels=levels,
        stages=len(spec.targets) * planner.point_count(spec),
        requests_per_target=requests,
        seconds=seconds.times(len(spec.targets)),
        input_tokens=Between(tokens.input * _FEWER_TOKENS, tokens.input * _MORE_TOKENS)
        if given
        else Between(tokens.input, tokens.input),
        output_tokens=_output(tokens, given=given),
    )


def peak_users(spec: BenchmarkSpec) -> int | None:
    """Most users at once; None for open loops."""
    if not isinstance(spec.load, ClosedLoad | ClosedStepsLoad):
        return None
    if spec.explore is not None:
        return int(spec.explore.highest)
    return spec.load.concurrency


def peak_rate(spec: BenchmarkSpec) -> float | None:
    """Highest rate, in requests per second; None where users or a trace decide."""
    load = spec.load
    if isinstance(load, SteadyOpenLoad):
        return spec.explore.highest if spec.explore is not None else load.rate
    if isinstance(load, VaryingOpenLoad):
        return max(max(one.rate_from, one.rate_to) for one in plan_loads.arrivals(load).segments)
    return None


def peak_in_flight(spec: BenchmarkSpec) -> int:
    """Most requests at once that the spec allows: its users, or the cap of an open loop."""
    if isinstance(spec.load, OpenLoad):
        return spec.load.max_in_flight
    return peak_users(spec) or 1


def _output(tokens: Tokens, *, given: bool) -> Between:
    if tokens.output is None:
        return Between(0, None)
    return Between(0 if given else tokens.output, tokens.output)


def _times(factor: int, values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return factor * max(known) if len(known) == len(values) else None


def _requests(spec: BenchmarkSpec, point: Point) -> Between:
    """Requests of a stage."""
    expected, low = requests_expected(spec, point), requests_at_least(spec, point)
    load, cap = spec.load, spec.stop.requests
    if expected is None or expected == cap:
        return Between(low, expected)
    kind = load.arrival if isinstance(load, VaryingOpenLoad) else load.kind
    if not isinstance(load, PoissonLoad | GammaLoad | VaryingOpenLoad) or kind == "constant":
        return Between(low, expected)
    each = requests_per_arrival(spec.workload)
    shape = getattr(load, "burstiness", 1.0) if kind == "gamma" else 1.0
    scatter = _DEVIATIONS * math.sqrt(expected / each / shape) * each
    high = expected + scatter
    return Between(max(low - scatter, 0), high if cap is None else min(high, cap))


def _seconds(spec: BenchmarkSpec, point: Point, requests: Between) -> Between:
    """From the first to the last start of a stage."""
    at = planner.at_level(spec, point.level)
    load, number, end = at.load, at.stop.requests, load_facts.seconds(at)
    held = 0.0
    if spec.limits.requests_per_minute is not None:
        held = requests.low * 60 / spec.limits.requests_per_minute
        held = held if end is None else min(held, end)
    if isinstance(load, ClosedLoad | ClosedStepsLoad):
        return Between(held if number is not None or end is None else end, end)
    ends = [one for one in (end, _seconds_of(at, number)) if one is not None]
    last = min(ends, default=None)
    return Between(max(last or 0.0, held), None if last is None else max(last, held))


def _seconds_of(spec: BenchmarkSpec, number: int | None) -> float | None:
    """When so many requests of an open loop are expected to have started; None: never, or they are not limited."""
    if number is None:
        return None
    if isinstance(spec.load, TraceLoad):
        return spec.load.at_seconds[min(number, len(spec.load.at_seconds)) - 1] / spec.load.speed
    arrivals = max(math.ceil(number / requests_per_arrival(spec.workload)) - 1, 0)
    offset_ns = cumulative_rate(plan_loads.arrivals(spec.load)).offset_ns(arrivals)
    return None if offset_ns is None else offset_ns / _NS_PER_S
