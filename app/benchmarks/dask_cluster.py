"""What is made of Dask: its client, and a scheduler and worker inside this process that open no port at all.

`LocalCluster(dashboard_address=None)` still listens with an unauthenticated HTTP server on the machine's own address
(distributed 2026.7), so scheduler and worker are subclassed to leave that out.
"""

import logging
from typing import Any

from distributed import Client, Scheduler, SpecCluster, Worker
from distributed.http.routing import RoutingApplication


class QuietScheduler(Scheduler):
    """A scheduler without an HTTP server."""

    def start_http_server(self, routes: Any, *_: Any, **__: Any) -> None:
        """Keep the routes for whoever asks for them, and do not listen."""
        self.http_application = RoutingApplication(routes)  # type: ignore[no-untyped-call]


class QuietWorker(Worker):
    """A worker without an HTTP server."""

    def start_http_server(self, routes: Any, *_: Any, **__: Any) -> None:
        """As `QuietScheduler`'s."""
        self.http_application = RoutingApplication(routes)  # type: ignore[no-untyped-call]


async def connect(address: Any, **options: Any) -> Any:
    """A client of the scheduler at `address`, or of a cluster in this process."""
    client: Any = Client(address, asynchronous=True, set_as_default=False, **options)  # type: ignore[no-untyped-call]
    return await client


async def embedded_cluster(slots: int) -> Any:
    """A started cluster of one worker with that many slots."""
    worker = {"cls": QuietWorker, "options": {"nthreads": slots, "protocol": "inproc://", "memory_limit": 0}}
    scheduler = {"cls": QuietScheduler, "options": {"protocol": "inproc://", "dashboard": False}}
    return await SpecCluster(workers={0: worker}, scheduler=scheduler, asynchronous=True)  # type: ignore[no-untyped-call]


def log_like_everyone() -> None:
    """Undo what Dask does on import: its loggers get a handler of their own and tell every connection at level info."""
    logger = logging.getLogger("distributed")
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
    logger.propagate = True
    logger.setLevel(logging.WARNING)
