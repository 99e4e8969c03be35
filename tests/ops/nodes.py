"""The families of workers, of the scheduler, and of the export of traces, with made-up values that move."""

from itertools import count

from app.cluster.standing import ClusterStanding
from app.core.settings import load_settings
from app.monitoring.node_metrics import NodeMetrics, WorkerFacts, scheduler_readings, worker_readings
from app.monitoring.span_delivery import SpanDelivery
from app.monitoring.trace_config import trace_config
from app.monitoring.trace_metrics import TraceFamilies

_scrapes = count(1)
_standing = ClusterStanding({"running": 2}, slots=4, running=2, queued=1, clients=1, oldest_heartbeat_seconds=0.5)
_config = trace_config(load_settings(telemetry={"traces_endpoint": "http://127.0.0.1:9"}).telemetry, "test", {})
assert _config is not None
_delivery = SpanDelivery(_config)


def nodes_exposition() -> bytes:
    """What both kinds of process tell, in one."""
    number = next(_scrapes)
    _delivery.counts["exported"] += 10
    facts = WorkerFacts(2, 1, False, True, -0.001, 0.0001, 1.0, number, number, 100 * number)
    readings = [*worker_readings(facts), *scheduler_readings(_standing)]
    return NodeMetrics("1", lambda: readings, [TraceFamilies(_delivery)]).exposition()
