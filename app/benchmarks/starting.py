"""When the shards of a stage start: one instant for all, late enough for every engine to be ready."""

import time

from app.benchmarks import load_facts
from app.benchmarks.loads import TraceLoad
from app.benchmarks.schemas import BenchmarkSpec

_ENGINE_START_NS = 1_000_000_000  # starting Python, reading the plan, preparing the first requests
_TO_A_WORKER_NS = 1_000_000_000  # through the scheduler, and then to the database for spec and provider
_PER_CONNECTION_NS = 1_000_000
_PER_TRACE_REQUEST_NS = 2_000  # its instant and its lengths travel in the plan
_LONGEST_NS = 6_000_000_000


def lead_ns(spec: BenchmarkSpec, *, is_remote: bool = False) -> int:
    """How long engines get. One that is not ready by then starts as soon as it is."""
    load = spec.load
    plan_ns = len(load.at_seconds) * _PER_TRACE_REQUEST_NS if isinstance(load, TraceLoad) else 0
    connections_ns = load_facts.users_at_start(load) * _PER_CONNECTION_NS
    journey_ns = _TO_A_WORKER_NS if is_remote else 0
    return min(_ENGINE_START_NS + connections_ns + plan_ns, _LONGEST_NS) + journey_ns


def start_at_ns(spec: BenchmarkSpec) -> int:
    """The instant, in Unix nanoseconds."""
    return time.time_ns() + lead_ns(spec)
