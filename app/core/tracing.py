"""W3C Trace Context (https://www.w3.org/TR/trace-context/): a request's place in a trace that may have begun elsewhere.

A valid `traceparent` is gone on with; one that is not, as the standard says, is as if it were not there, and a trace
begins here. The trace id is in the log, in the `traceparent` header of every answer
(also of errors), on the benchmark that a request submits and on that benchmark's results; a spec with
`propagate_trace` sends it on to what is measured. Spans leave for a collector where `[telemetry]` names one.
"""

import os
import re
import secrets
from contextvars import ContextVar
from typing import NamedTuple

MAX_STATE_CHARACTERS = 512
_PARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)
_STATE = re.compile(r"[\x20-\x7e]*")


class Trace(NamedTuple):
    """One span of a trace."""

    trace_id: str
    span_id: str
    sampled: bool
    state: str = ""
    parent_span_id: str = ""  # of whoever called; empty where the trace begins

    @property
    def parent_header(self) -> str:
        """`traceparent` for what this span calls."""
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}"

    def child(self) -> "Trace":
        """The next span of the same trace."""
        return self._replace(span_id=new_span_id(), parent_span_id=self.span_id)


current_trace: ContextVar[Trace | None] = ContextVar("current_trace", default=None)
"""Of the request that is being served."""


def new_trace_id() -> str:
    """32 hexadecimal digits, never all zero."""
    return f"{secrets.randbits(128) or 1:032x}"


def new_span_id() -> str:
    """16 hexadecimal digits, never all zero."""
    return f"{secrets.randbits(64) or 1:016x}"


def begin(parent: str | None, state: str | None = None) -> Trace:
    """The span of a request with these headers."""
    found = parse(parent) if parent is not None else None
    if found is None:
        return Trace(new_trace_id(), new_span_id(), sampled=False)
    kept = state if state and len(state) <= MAX_STATE_CHARACTERS and _STATE.fullmatch(state) else ""
    return Trace(found.trace_id, new_span_id(), found.sampled, kept, found.span_id)


def current_or_new() -> Trace:
    """The span of the request that is being served, or a new trace outside of any."""
    return current_trace.get() or begin(None)


def from_environment() -> Trace:
    """The span of a command: of the trace in `TRACEPARENT`, as CI systems set it, else of a new one."""
    return begin(os.environ.get("TRACEPARENT"), os.environ.get("TRACESTATE"))


def parse(parent: str) -> Trace | None:
    """What a `traceparent` header says, or None when it is not valid."""
    match = _PARENT.fullmatch(parent.strip())
    if match is None:
        return None
    version, trace_id, span_id, flags, rest = match.groups()
    if version == "ff" or (version == "00" and rest) or not int(trace_id, 16) or not int(span_id, 16):
        return None
    return Trace(trace_id, span_id, bool(int(flags, 16) & 1))
