"""The end of a stored benchmark, told to whoever exports traces."""

import logging
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from app.benchmarks.models import BenchmarkSession
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.spans import Execution, SpanSink
from app.benchmarks.spec_parts import STORED
from app.core.database import Database

log = logging.getLogger(__name__)

_COLUMNS = (
    *(BenchmarkSession.trace_id, BenchmarkSession.parent_span_id, BenchmarkSession.spec, BenchmarkSession.status),
    *(BenchmarkSession.error, BenchmarkSession.created_at, BenchmarkSession.started_at, BenchmarkSession.finished_at),
    *(BenchmarkSession.requests_ok, BenchmarkSession.requests_failed),
)


async def tell(spans: SpanSink | None, database: Database, session_id: UUID) -> None:
    """Tell `spans` of a benchmark whose end is stored. A failure costs only this span."""
    if spans is None:
        return
    try:
        async with database.read() as session:
            row = (await session.execute(select(*_COLUMNS).where(BenchmarkSession.id == session_id))).one_or_none()
        if row is None or row.trace_id is None or row.started_at is None or row.finished_at is None:
            return
        spans.execution(
            Execution(
                trace_id=row.trace_id,
                scope=session_id.hex,
                parent_span_id=row.parent_span_id,
                spec=BenchmarkSpec.model_validate(row.spec, context=STORED),
                status=row.status,
                begun_ns=_nanoseconds(row.started_at),
                ended_ns=_nanoseconds(row.finished_at),
                requests_ok=row.requests_ok,
                requests_failed=row.requests_failed,
                session_id=session_id,
                waited_seconds=(row.started_at - row.created_at).total_seconds(),
                error=row.error,
            )
        )
    except Exception:
        log.warning("the trace of benchmark %s has no span of its own", session_id, exc_info=True)


def _nanoseconds(at: datetime) -> int:
    seconds = int(at.timestamp())  # a float holds no nanoseconds of today
    return seconds * 10**9 + at.microsecond * 1000
