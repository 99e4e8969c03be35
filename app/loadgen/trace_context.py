"""W3C `traceparent` on requests to what is measured, so that its own traces can be joined with results.

All requests of a benchmark are of one trace; the span of each follows from the trace and the request's index, so that
the engine that sends it and the result that is stored agree without telling each other. Tries of one request share it.
"""

import hashlib

HEADER = "traceparent"


def span_id(trace_id: str, index: int) -> str:
    """The span of the request with this result index: 16 hexadecimal digits, never all zero."""
    digest = hashlib.blake2b(f"{trace_id}-{index}".encode(), digest_size=8).hexdigest()
    return digest if int(digest, 16) else f"{1:016x}"


def with_parent(message: bytes, trace_id: str, index: int) -> bytes:
    """The request's bytes with its `traceparent` (sampled: who asks for traces wants them kept)."""
    line, _, rest = message.partition(b"\r\n")
    return b"%s\r\n%s: 00-%s-%s-01\r\n%s" % (
        line,
        HEADER.encode(),
        trace_id.encode(),
        span_id(trace_id, index).encode(),
        rest,
    )
