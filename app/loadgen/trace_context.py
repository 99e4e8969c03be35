"""W3C `traceparent` on requests to what is measured, so that its own traces can be joined with results.

All requests of a benchmark are of one trace. The span of each follows from the trace, the benchmark (several may share
a trace) and the request's index, so that the engine that sends it, the result that is stored and the span that is
exported agree without telling each other. Tries of one request share it.
"""

import hashlib

HEADER = "traceparent"
_EXECUTION = "benchmark_execution"


def span_id(trace_id: str, scope: str, index: int) -> str:
    """The span of the request with this result index of the benchmark `scope`: 16 hexadecimal digits, never all 0."""
    return _digits(f"{trace_id}-{scope}-{index}")


def execution_span_id(trace_id: str, scope: str) -> str:
    """The span of the benchmark itself, under which those of its requests hang."""
    return _digits(f"{trace_id}-{scope}-{_EXECUTION}")


def is_sampled(span: str, ratio: float) -> bool:
    """Whether this span is among the share that is exported: the same answer wherever it is asked."""
    return int(span, 16) < ratio * 2**64


def with_parent(message: bytes, trace_id: str, scope: str, index: int, ratio: float = 1.0) -> bytes:
    """The request's bytes with its `traceparent`; flagged as sampled unless its own span is left out."""
    line, _, rest = message.partition(b"\r\n")
    span = span_id(trace_id, scope, index)
    return b"%s\r\n%s: 00-%s-%s-0%d\r\n%s" % (
        line,
        HEADER.encode(),
        trace_id.encode(),
        span.encode(),
        is_sampled(span, ratio),
        rest,
    )


def _digits(text: str) -> str:
    digest = hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
    return digest if int(digest, 16) else f"{1:016x}"
