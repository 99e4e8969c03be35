"""A shard's plan, made where it runs out of what the database says: spec, provider, and what is stored already."""

import asyncio
import time
from typing import NamedTuple

import msgspec

from app.benchmarks import planner
from app.benchmarks.audience import Audience, audience_query
from app.benchmarks.measures import MeasureContext
from app.benchmarks.models import BenchmarkSession, Result
from app.benchmarks.recorder import is_transient
from app.benchmarks.restoring import add_stored
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.shard_task import ShardTask
from app.benchmarks.spec_parts import STORED
from app.benchmarks.supervisor import Shard, slo_of
from app.benchmarks.token_probe import with_tokens
from app.benchmarks.worker_context import WorkerContext
from app.core.database import Database
from app.core.errors import NotFoundError
from app.loadgen.plan import Endpoint
from app.providers.client import ResolvedProvider
from app.stats.run_statistics import RunStatistics

_PATIENCE_SECONDS = 60.0
_PAUSE_SECONDS = 0.5


class Prepared(NamedTuple):
    """A shard that can run, and what its results need."""

    shard: Shard
    audience: Audience
    keep_gaps: bool


async def prepare(task: ShardTask, context: WorkerContext) -> Prepared:
    """All that the database has to say, asked again while it is away: a shard may start in the middle of a restart."""
    give_up_at = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return await _ask_database(task, context)
        except Exception as error:
            if not is_transient(error) or time.monotonic() > give_up_at:
                raise
            await asyncio.sleep(_PAUSE_SECONDS)


async def _ask_database(task: ShardTask, context: WorkerContext) -> Prepared:
    async with context.database.read() as session:
        query = audience_query(task.session_id).add_columns(BenchmarkSession.spec, BenchmarkSession.trace_id)
        row = (await session.execute(query)).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no benchmark {task.session_id}")
    spec = BenchmarkSpec.model_validate(row.spec, context=STORED)
    target = spec.targets[task.target_index]
    provider = await context.providers.resolve(target.provider)
    known, skip = await stored_before(task, context.database, spec)
    endpoint = endpoint_of(provider, target.model)
    plan = planner.shard(
        spec,
        task.target_index,
        endpoint,
        shard=task.shard,
        start_at_ns=task.start_at_ns + task.clock_offset_ns,
        skip=tuple(skip),
        point=task.point,
        level=task.level,
    )
    free_since_ns = known.overall().counters.last_end_ns if skip else 0
    plan = msgspec.structs.replace(with_tokens(plan, task.tokens), keeps_start=task.again, free_since_ns=free_since_ns)
    scope, ratio = task.session_id.hex, None if context.spans is None else context.spans.sample_ratio
    plan = planner.traced(spec, plan, row.trace_id, scope, 1.0 if ratio is None else ratio)
    measured = MeasureContext(
        target.provider,
        target.model,
        provider.adapter,
        tuple(spec.tags),
        task.point,
        task.level,
        row.trace_id,
        spec.propagate_trace,
        scope,
        ratio,
    )
    shard = Shard(
        plan,
        measured,
        task.target_index,
        task.origin_ns,
        slo_of(spec),
        known if skip else None,
        tells_known=not task.is_told,
    )
    return Prepared(shard, Audience.of(row), spec.save_gaps)


def endpoint_of(provider: ResolvedProvider, model: str) -> Endpoint:
    """Where a target's requests go."""
    return Endpoint(
        adapter=provider.adapter,
        base_url=provider.base_url,
        model=model,
        api_key=provider.api_key,
        headers=provider.headers,
        verify_tls=provider.verify_tls,
        definition=provider.definition,
        addresses=tuple(provider.addresses),
    )


async def stored_before(task: ShardTask, database: Database, spec: BenchmarkSpec) -> tuple[RunStatistics, list[int]]:
    """Statistics and indices of what an earlier try of this shard has stored."""
    statistics = RunStatistics(task.origin_ns, slo_of(spec))
    stride, shards = planner.index_stride(spec), planner.shard_count(spec, task.level)
    stage = task.target_index * planner.point_count(spec) + task.point
    owner = planner.shard_of_number(spec, task.level)
    if owner is None:
        mine = Result.index % (stride * shards) == stage + task.shard * stride
        return statistics, await add_stored(statistics, database, task.session_id, mine)
    mine = Result.index % stride == stage
    return statistics, await add_stored(
        statistics, database, task.session_id, mine, wanted=lambda index: owner(index // stride) == task.shard
    )
