"""When the shards of a stage start: one instant for all, late enough for every engine to be ready."""

import time

from app.benchmarks.loads import ClosedLoad
from app.benchmarks.schemas import BenchmarkSpec

_ENGINE_START_NS = 1_000_000_000  # starting Python, reading the plan, preparing the first requests
_PER_CONNECTION_NS = 1_000_000
_LONGEST_NS = 6_000_000_000


def lead_ns(spec: BenchmarkSpec) -> int:
    """How long engines get. One that is not ready by then starts as soon as it is."""
    connections = spec.load.concurrency if isinstance(spec.load, ClosedLoad) else 0
    return min(_ENGINE_START_NS + connections * _PER_CONNECTION_NS, _LONGEST_NS)


def start_at_ns(spec: BenchmarkSpec) -> int:
    """The instant, in Unix nanoseconds."""
    return time.time_ns() + lead_ns(spec)
