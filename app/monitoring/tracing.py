"""Traces of benchmarks and requests, for a collector: a `benchmarks.spans.SpanSink` that exports.

Whoever wires a process (`main`, `worker`, the command line) asks `new_tracer` for one, and closes it at the end.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from app.benchmarks.measures import MeasureContext, MeasuredResult
from app.benchmarks.spans import Execution
from app.core.errors import ConfigError
from app.core.settings import Settings
from app.core.tracing import Trace
from app.loadgen.plan import Plan
from app.loadgen.trace_context import execution_span_id, is_sampled
from app.monitoring.span_attributes import (
    CALL,
    EXECUTION,
    Span,
    Value,
    call_facts,
    execution_attributes,
    execution_error,
    shard_attributes,
)
from app.monitoring.trace_config import TraceConfig, trace_config

log = logging.getLogger(__name__)

EXTRA = "pip install 'llm-test-bench[otel]'"


def new_tracer(settings: Settings, role: str) -> "Tracer | None":
    """What exports the traces of this process; None when they go nowhere.

    Raises:
        ConfigError: `[telemetry]` is wrong, or asks for what is not installed.
    """
    try:
        config = trace_config(settings.telemetry, role)
    except ConfigError as error:
        if settings.telemetry.traces_endpoint is not None:
            raise
        log.warning("no traces: %s", error.message)  # variables that may be meant for others
        return None
    if config is None:
        return None
    try:
        return Tracer(config)
    except ImportError:
        message = f"needs what is not installed: {EXTRA}"
        if not config.is_asked_for:
            log.warning("no traces: OTEL_EXPORTER_OTLP_ENDPOINT is set, which %s", message)
            return None
        raise ConfigError(
            f"telemetry.traces_endpoint: {message}",
            errors=[{"key": "telemetry.traces_endpoint", "message": message}],
        ) from None
    except OSError as error:
        raise ConfigError(
            f"telemetry.ca_file: {error}", errors=[{"key": "telemetry.ca_file", "message": str(error)}]
        ) from None


class Tracer:
    """Exports spans. Adding some takes microseconds; writing and sending them is a thread's work."""

    def __init__(self, config: TraceConfig) -> None:
        from app.monitoring import otlp, span_delivery  # noqa: PLC0415  (protobuf, of the extra `otel`)

        self.sample_ratio = config.sample_ratio
        self.are_requests_traced = config.server_spans
        self.endpoint = config.endpoint
        self.last_trace_id: str | None = None  # of the benchmark that ended last
        self._otlp = otlp
        self.delivery = span_delivery.SpanDelivery(config)

    def close(self) -> None:
        """Send what waits, within the configured time."""
        self.delivery.close()

    def of_shard(self, plan: Plan, context: MeasureContext) -> Callable[[Sequence[MeasuredResult]], None]:
        """See `SpanSink`."""
        trace_id = context.trace_id
        if trace_id is None:
            return lambda _results: None
        parent = execution_span_id(trace_id, context.trace_scope)
        shared = self._otlp.shared(CALL, "client", trace_id, parent, shard_attributes(plan, context))
        ratio = self.sample_ratio

        def take(results: Sequence[MeasuredResult]) -> None:
            self.delivery.add(
                [
                    (shared, call_facts(result, span))
                    for result in results
                    if (span := result.metadata.get("span_id")) is not None and is_sampled(span, ratio)
                ]
            )

        return take

    def execution(self, execution: Execution) -> None:
        """See `SpanSink`."""
        parent = execution.parent_span_id
        self.last_trace_id = execution.trace_id
        shared = self._otlp.shared(
            EXECUTION, "internal", execution.trace_id, parent, {}, has_remote_parent=parent is not None
        )
        span = Span(
            execution_span_id(execution.trace_id, execution.scope),
            execution.begun_ns,
            max(execution.ended_ns, execution.begun_ns),
            execution_attributes(execution, self.sample_ratio),
            error=execution_error(execution),
            is_ok=execution.status == "completed",
        )
        self.delivery.add([(shared + self._otlp.own(span), None)], is_vital=True)

    def request(self, trace: Trace, name: str, begun_ns: int, ended_ns: int, attributes: dict[str, Value]) -> None:
        """A request to this server, if it is among the share that is exported."""
        if not is_sampled(trace.span_id, self.sample_ratio):
            return
        parent = trace.parent_span_id or None
        shared = self._otlp.shared(name, "server", trace.trace_id, parent, {}, has_remote_parent=parent is not None)
        status: Any = attributes.get("http.response.status_code", 0)
        error = str(status) if status >= 500 else None
        if error is not None:
            attributes["error.type"] = error
        span = Span(trace.span_id, begun_ns, max(ended_ns, begun_ns), attributes, error=error)
        self.delivery.add([(shared + self._otlp.own(span), None)])
