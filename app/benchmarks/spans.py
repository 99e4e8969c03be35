"""What benchmarks tell about themselves for traces: one `benchmark_execution`, and a `provider_call` for each request.

Made after the fact, out of what was measured; the engine knows nothing of it. Who turns this into spans and sends them
is `monitoring.tracing`; a benchmark without such a one is not traced.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from app.benchmarks.measures import MeasureContext, MeasuredResult
from app.benchmarks.schemas import BenchmarkSpec
from app.core.tracing import Trace
from app.loadgen.plan import Plan
from app.loadgen.trace_context import is_sampled


@dataclass(frozen=True)
class Execution:
    """A benchmark that has ended. Instants are Unix nanoseconds."""

    trace_id: str
    scope: str  # see `loadgen.trace_context`
    parent_span_id: str | None  # of whoever submitted it
    spec: BenchmarkSpec
    status: str
    begun_ns: int
    ended_ns: int
    requests_ok: int
    requests_failed: int
    session_id: UUID | None = None  # None: it ran without a server
    waited_seconds: float | None = None  # in the queue
    error: str | None = None


class SpanSink(Protocol):
    """Takes what is to be traced. A call must be quick and must not raise."""

    sample_ratio: float
    """Share of requests that are exported; their `traceparent` says so."""
    are_requests_traced: bool
    """Whether requests to this server have spans of their own."""

    def of_shard(self, plan: Plan, context: MeasureContext) -> Callable[[Sequence[MeasuredResult]], None]:
        """What takes the results of this shard."""
        ...

    def execution(self, execution: Execution) -> None:
        """A benchmark has ended."""
        ...


TraceLink = Callable[[str | None, str | None], str | None]
"""Trace and span → an address where people see them; None when there is none."""


def no_link(_trace_id: str | None, _span_id: str | None = None) -> str | None:
    """Nowhere is it shown."""
    return None


def parent_of(trace: Trace, sink: SpanSink | None) -> str | None:
    """The span under which a benchmark hangs that this request submits; None: it begins its trace."""
    if sink is not None and sink.are_requests_traced and is_sampled(trace.span_id, sink.sample_ratio):
        return trace.span_id
    return trace.parent_span_id or None
