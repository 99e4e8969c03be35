"""What is made of Dask: its client, and schedulers and workers that open no port but their own.

`LocalCluster(dashboard_address=None)` still listens with an unauthenticated HTTP server on the machine's own address
(distributed 2026.7), so scheduler and worker are subclassed to leave that out.
"""

import logging
import time
from asyncio import CancelledError
from collections import Counter
from typing import Any

import dask.config
from distributed import Client, Scheduler, Security, SpecCluster, Worker
from distributed.http.routing import RoutingApplication

from app.cluster.standing import ClusterStanding
from app.core.version import service_version

_SILENT_SECONDS = 10.0  # workers are heard of every second or two
ABOUT = "ltb"
"""The name under which workers tell about themselves, in what they say at start and with each heartbeat."""

_TELL_OF_LOSSES = ("batched", "client", "comm.core", "comm.tcp", "core", "scheduler", "utils", "worker")

dask.config.set(
    {
        "distributed.scheduler.allowed-failures": 0,  # whoever submitted a shard decides where it goes next
        "distributed.scheduler.work-stealing": False,
        "distributed.scheduler.worker-ttl": "20s",  # a frozen worker, or one behind a dead network
        "distributed.scheduler.idle-timeout": None,
        "distributed.comm.timeouts.tcp": "15s",
        "distributed.comm.timeouts.connect": "5s",
        "distributed.comm.retry.count": 0,
        "distributed.admin.system-monitor.gil.enabled": False,
    }
)


class QuietScheduler(Scheduler):
    """A scheduler without an HTTP server, which tells the time and takes only workers of its own version."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.handlers["ltb_clock"] = self.tell_time

    def start_http_server(self, routes: Any, *_: Any, **__: Any) -> None:
        """Keep the routes for whoever asks for them, and do not listen."""
        self.http_application = RoutingApplication(routes)  # type: ignore[no-untyped-call]

    async def tell_time(self) -> dict[str, Any]:
        """The scheduler's clock, by which all others are compared, and its version."""
        return {"ns": time.time_ns(), "version": service_version()}

    async def add_worker(self, comm: Any, *, extra: dict[str, Any], **options: Any) -> None:
        """Refuse a worker of another version: what travels to it would not be understood."""
        version = (extra.get(ABOUT) or {}).get("version")
        if version != service_version():
            message = f"the scheduler has version {service_version()}, this worker {version or 'none'}"
            await comm.write({"status": "error", "message": f"version mismatch: {message}", "time": time.time()})
            return
        await super().add_worker(comm, extra=extra, **options)


class QuietWorker(Worker):
    """A worker without an HTTP server."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.startup_information[ABOUT] = lambda _worker: {"version": service_version()}

    def start_http_server(self, routes: Any, *_: Any, **__: Any) -> None:
        """As `QuietScheduler`'s."""
        self.http_application = RoutingApplication(routes)  # type: ignore[no-untyped-call]


def security(options: dict[str, Any]) -> Any:
    """Dask's `Security` for `transport.tls_options`; None without TLS."""
    return Security(**options) if options else None  # type: ignore[no-untyped-call]


async def connect(address: Any, **options: Any) -> Any:
    """A client of the scheduler at `address`, or of a cluster in this process."""
    client: Any = Client(address, asynchronous=True, set_as_default=False, **options)  # type: ignore[no-untyped-call]
    return await client


def standing(scheduler: Any, now: float | None = None) -> ClusterStanding:
    """How the cluster of a scheduler is; in the scheduler's own loop. `now` is Unix seconds."""
    at = time.time() if now is None else now
    workers = list(scheduler.workers.values())
    statuses: Counter[str] = Counter()
    for worker in workers:
        about = worker.metrics.get(ABOUT) or {}
        silent = at - worker.last_seen > _SILENT_SECONDS
        statuses["silent" if silent else "draining" if about.get("draining") else "running"] += 1
    states = Counter(task.state for task in scheduler.tasks.values())
    return ClusterStanding(
        workers=dict(statuses),
        slots=sum(worker.nthreads for worker in workers),
        running=states["processing"],
        queued=states["no-worker"] + states["queued"] + states["waiting"],
        clients=max(len(scheduler.clients) - 1, 0),  # `fire-and-forget` is one of Dask's own
        oldest_heartbeat_seconds=max((max(at - worker.last_seen, 0.0) for worker in workers), default=None),
    )


async def embedded_cluster(slots: int) -> Any:
    """A started cluster of one worker with that many slots."""
    worker = {"cls": QuietWorker, "options": {"nthreads": slots, "protocol": "inproc://", "memory_limit": 0}}
    scheduler = {"cls": QuietScheduler, "options": {"protocol": "inproc://", "dashboard": False}}
    return await SpecCluster(workers={0: worker}, scheduler=scheduler, asynchronous=True)  # type: ignore[no-untyped-call]


def log_like_everyone() -> None:
    """Undo what Dask does on import: its loggers get a handler of their own and tell every connection at level info.

    Of a scheduler or worker that goes away they tell in one line each, without the stacks of all who noticed.
    """
    logger = logging.getLogger("distributed")
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
    logger.propagate = True
    logger.setLevel(logging.WARNING)
    for name in _TELL_OF_LOSSES:
        told = logging.getLogger(f"distributed.{name}")
        if _without_stack not in told.filters:
            told.addFilter(_without_stack)


def _without_stack(record: logging.LogRecord) -> bool:
    """Let a lost connection be told without its stack; anything else keeps it."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, (OSError, TimeoutError, CancelledError)):
        said = (str(error).splitlines() or [type(error).__name__])[0]
        record.msg, record.args = f"{record.getMessage()} ({said})", ()
        record.exc_info = record.exc_text = None
    return True
