"""Spec → stages → shards. Pure: the same spec and seed give the same plans, wherever they are made.

Targets are measured one after another (a stage each). A stage's run is cut into `spec.workers` shards that interleave:
shard k takes arrivals k, k+K, … of one schedule made from one seed (of conversations: all turns of those). With T
targets, arrival j of target t has result index t + j·T, so that indices are unique over the whole benchmark and grow
with time within a target.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from app.benchmarks import plan_loads, plan_workloads
from app.benchmarks.schemas import BenchmarkSpec, Target
from app.datasets.conversations import numbering
from app.loadgen.plan import Conversations, Endpoint, Limits, Plan, RateLimit

_NS_PER_S = 10**9
_NS_PER_MS = 10**6


@dataclass(frozen=True, slots=True)
class Stage:
    """One target's run."""

    index: int
    target: Target
    shards: tuple[Plan, ...]


def stages(spec: BenchmarkSpec, endpoints: Sequence[Endpoint]) -> list[Stage]:
    """Every stage, in order; `endpoints` are those of `spec.targets`."""
    return [
        Stage(
            index, target, tuple(shard(spec, index, endpoint, shard=position) for position in range(shard_count(spec)))
        )
        for index, (target, endpoint) in enumerate(zip(spec.targets, endpoints, strict=True))
    ]


def shard_count(spec: BenchmarkSpec) -> int:
    """Engine processes per stage: never more than there are requests to send."""
    return min(spec.workers, spec.stop.requests or spec.workers)


def shard(
    spec: BenchmarkSpec,
    target_index: int,
    endpoint: Endpoint,
    *,
    shard: int = 0,
    start_at_ns: int = 0,
    skip: tuple[int, ...] = (),
) -> Plan:
    """The plan of one shard of one target. Gaps are always measured; whether they are kept is the recorder's part."""
    stop, retry, timeouts = spec.stop, spec.retry, spec.timeouts
    return Plan(
        endpoint=endpoint,
        workload=plan_workloads.workload(spec.workload),
        arrivals=plan_loads.arrivals(spec.load),
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
        seed=spec.seed,
        shard=shard,
        shards=shard_count(spec),
        index_base=target_index,
        index_stride=len(spec.targets),
        start_at_ns=start_at_ns,
        save_responses=spec.save_responses,
        skip=skip,
    )


def starting_at(plan: Plan, start_at_ns: int) -> Plan:
    """The plan with its start instant."""
    return msgspec.structs.replace(plan, start_at_ns=start_at_ns)


def requests_planned(spec: BenchmarkSpec) -> int | None:
    """Requests of the whole benchmark; None when only time ends it."""
    return None if spec.stop.requests is None else spec.stop.requests * len(spec.targets)


def shard_of_number(spec: BenchmarkSpec) -> Callable[[int], int] | None:
    """Request number → the shard that sends it, where conversations stay together; None where numbers interleave."""
    workload = plan_workloads.workload(spec.workload)
    if not isinstance(workload, Conversations):
        return None
    numbers, shards = numbering(workload), shard_count(spec)
    return lambda number: numbers.conversation(number) % shards
