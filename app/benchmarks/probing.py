"""The probes of one target as a cluster task: sent from where the load will come from, once, before its shards."""

import logging
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from app.benchmarks import planner
from app.benchmarks.models import BenchmarkSession
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.shard_preparing import endpoint_of
from app.benchmarks.spec_parts import STORED
from app.benchmarks.token_probe import Probed, probe
from app.benchmarks.worker_context import installed
from app.core.errors import NotFoundError
from app.loadgen.plan import TokenModel

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ProbeTask:
    """All that travels to a worker."""

    context: str
    session_id: UUID
    target_index: int


async def run_probe(task: ProbeTask) -> bytes:
    """Probe; the answer is an encoded `Probed`, the usual assumption when anything went wrong."""
    try:
        return (await _probe(task)).encode()
    except Exception:
        log.exception("the target %d of benchmark %s could not be probed", task.target_index, task.session_id)
        return Probed(TokenModel()).encode()


async def _probe(task: ProbeTask) -> Probed:
    context = installed(task.context)
    async with context.database.read() as session:
        query = select(BenchmarkSession.spec).where(BenchmarkSession.id == task.session_id)
        stored = (await session.execute(query)).scalar_one_or_none()
    if stored is None:
        raise NotFoundError(f"there is no benchmark {task.session_id}")
    spec = BenchmarkSpec.model_validate(stored, context=STORED)
    target = spec.targets[task.target_index]
    provider = await context.providers.resolve(target.provider)
    plan = planner.shard(spec, task.target_index, endpoint_of(provider, target.model))
    return await probe(plan, new_engine=context.new_engine)
