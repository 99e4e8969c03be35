"""Spec → stages → shards. Pure: the same spec and seed give the same plans, wherever they are made.

Targets are measured one after another, each at all its points (levels of load; one where nothing is explored): a stage
is one target at one point. A stage's run is cut into at most `spec.workers` shards that interleave: shard k takes
arrivals k, k+K, … of one schedule made from one seed (of conversations: all turns of those). With T targets of P points
(a search: `max_points`), arrival j of target t at point p has result index (t·P + p) + j·(T·P), so that indices are
unique over the whole benchmark, say which stage they belong to, and grow with time within a stage.

Every point has a seed of its own: were prompts repeated from point to point, a server's prefix cache would answer the
later ones.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from app.benchmarks import load_facts, plan_loads, plan_workloads
from app.benchmarks.explorations import Search, Sweep
from app.benchmarks.loads import ClosedLoad, SteadyOpenLoad
from app.benchmarks.schemas import BenchmarkSpec, Target
from app.datasets.conversations import numbering
from app.loadgen.plan import Conversations, Endpoint, Limits, Plan, RateLimit

_NS_PER_S = 10**9
_NS_PER_MS = 10**6
_SEED_STEP = 0x4F1BBCDCBFA53E0B  # odd, so that every point differs


@dataclass(frozen=True, slots=True)
class Point:
    """One target at one level of load; `level` is None where nothing is explored."""

    target_index: int
    point: int = 0
    level: float | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """One point's run."""

    index: int
    target: Target
    shards: tuple[Plan, ...]
    point: Point


def stages(spec: BenchmarkSpec, endpoints: Sequence[Endpoint]) -> list[Stage]:
    """Every stage that is known beforehand, in order (of a search: the first of each target).

    `endpoints` are those of `spec.targets`.
    """
    return [
        stage(spec, point, endpoint)
        for target_index, endpoint in enumerate(endpoints)
        for point in first_points(spec, target_index)
    ]


def first_points(spec: BenchmarkSpec, target_index: int) -> list[Point]:
    """Points of a target that are known beforehand."""
    if isinstance(spec.explore, Sweep):
        return [Point(target_index, number, level) for number, level in enumerate(spec.explore.values)]
    return [Point(target_index, 0, spec.explore.minimum if spec.explore else None)]


def stage(spec: BenchmarkSpec, point: Point, endpoint: Endpoint) -> Stage:
    """The stage of a point, with a plan for each of its shards."""
    target = spec.targets[point.target_index]
    plans = (
        shard(spec, point.target_index, endpoint, shard=position, point=point.point, level=point.level)
        for position in range(shard_count(spec, point.level))
    )
    return Stage(point.target_index * point_count(spec) + point.point, target, tuple(plans), point)


def point_count(spec: BenchmarkSpec) -> int:
    """Points of each target at most: by how much indices of one target are apart."""
    if isinstance(spec.explore, Sweep):
        return len(spec.explore.values)
    return spec.explore.max_points if isinstance(spec.explore, Search) else 1


def point_of_index(spec: BenchmarkSpec, index: int) -> int:
    """The point that the result of this index belongs to."""
    return index % index_stride(spec) % point_count(spec)


def index_stride(spec: BenchmarkSpec) -> int:
    """From one arrival of a stage to its next; also the number of stages there can be."""
    return len(spec.targets) * point_count(spec)


def at_level(spec: BenchmarkSpec, level: float | None) -> BenchmarkSpec:
    """The spec with the level in the place of the load's concurrency or rate."""
    load = spec.load
    if level is None or spec.explore is None:
        return spec
    if spec.explore.parameter == "concurrency":
        assert isinstance(load, ClosedLoad)
        return spec.model_copy(update={"load": load.model_copy(update={"concurrency": int(level)})})
    assert isinstance(load, SteadyOpenLoad)
    return spec.model_copy(update={"load": load.model_copy(update={"rate": level})})


def shard_count(spec: BenchmarkSpec, level: float | None = None) -> int:
    """Engine processes of a stage: never more than there are requests to send, or users to share out."""
    return load_facts.workers(at_level(spec, level))


def shard_counts(spec: BenchmarkSpec) -> list[int]:
    """Engine processes of each stage that there can be."""
    if isinstance(spec.explore, Search):
        return [shard_count(spec, spec.explore.minimum), shard_count(spec, spec.explore.maximum)]
    return [shard_count(spec, point.level) for point in first_points(spec, 0)]


def shard(
    spec: BenchmarkSpec,
    target_index: int,
    endpoint: Endpoint,
    *,
    shard: int = 0,
    start_at_ns: int = 0,
    skip: tuple[int, ...] = (),
    point: int = 0,
    level: float | None = None,
) -> Plan:
    """The plan of one shard of one target at one point.

    Gaps are always measured; whether they are kept is the recorder's part.
    """
    stop, retry, timeouts = spec.stop, spec.retry, spec.timeouts
    return Plan(
        endpoint=endpoint,
        workload=plan_workloads.workload(spec.workload),
        arrivals=plan_loads.arrivals(at_level(spec, level).load),
        sampling=spec.sampling.model_dump(exclude_none=True),
        limits=Limits(
            connect_ns=round(timeouts.connect_seconds * _NS_PER_S),
            first_token_ns=round(timeouts.first_token_seconds * _NS_PER_S),
            between_chunks_ns=round(timeouts.between_chunks_seconds * _NS_PER_S),
            total_ns=round(timeouts.total_seconds * _NS_PER_S),
            max_attempts=retry.max_attempts,
            base_delay_ns=round(retry.base_delay_ms * _NS_PER_MS),
            max_delay_ns=round(retry.max_delay_ms * _NS_PER_MS),
        ),
        rate_limit=RateLimit(spec.limits.requests_per_minute or 0.0, spec.limits.tokens_per_minute or 0.0),
        requests=stop.requests,
        duration_ns=None if stop.duration_seconds is None else round(stop.duration_seconds * _NS_PER_S),
        seed=point_seed(spec.seed, point),
        shard=shard,
        shards=shard_count(spec, level),
        index_base=target_index * point_count(spec) + point,
        index_stride=index_stride(spec),
        start_at_ns=start_at_ns,
        save_responses=spec.save_responses,
        skip=skip,
    )


def starting_at(plan: Plan, start_at_ns: int) -> Plan:
    """The plan with its start instant."""
    return msgspec.structs.replace(plan, start_at_ns=start_at_ns)


def traced(spec: BenchmarkSpec, plan: Plan, trace_id: str | None, scope: str, ratio: float = 1.0) -> Plan:
    """The plan with the benchmark's trace in its requests, where the spec wants that; see `loadgen.trace_context`."""
    if not spec.propagate_trace:
        return plan
    return msgspec.structs.replace(plan, trace_id=trace_id, trace_scope=scope, trace_ratio=ratio)


def point_seed(seed: int, point: int) -> int:
    """The seed of a point; the first one has the spec's. The step is 2**63 over the golden ratio (a Weyl sequence)."""
    return (seed + point * _SEED_STEP) % 2**63


def requests_planned(spec: BenchmarkSpec) -> int | None:
    """Requests of the whole benchmark; None when time or chance decides, or a search on the way."""
    if isinstance(spec.explore, Search):
        return None
    points = [load_facts.requests(at_level(spec, point.level)) for point in first_points(spec, 0)]
    each = [requests for requests in points if requests is not None]
    return sum(each) * len(spec.targets) if len(each) == len(points) else None


def shard_of_number(spec: BenchmarkSpec, level: float | None = None) -> Callable[[int], int] | None:
    """Request number → the shard that sends it, where conversations stay together; None where numbers interleave."""
    workload = plan_workloads.workload(spec.workload)
    if not isinstance(workload, Conversations):
        return None
    numbers, shards = numbering(workload), shard_count(spec, level)
    return lambda number: numbers.conversation(number) % shards
