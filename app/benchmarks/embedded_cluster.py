"""A Dask scheduler and worker inside this process that open no port at all.

`LocalCluster(dashboard_address=None)` still listens with an unauthenticated HTTP server on the machine's own address
(distributed 2026.7), so scheduler and worker are subclassed to leave that out.
"""

import logging
from typing import Any

from distributed import Scheduler, SpecCluster, Worker
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


def embedded_cluster(slots: int) -> Any:
    """An asynchronous cluster of one worker with that many slots; await it to start it."""
    _log_like_everyone()
    worker = {"cls": QuietWorker, "options": {"nthreads": slots, "protocol": "inproc://", "memory_limit": 0}}
    scheduler = {"cls": QuietScheduler, "options": {"protocol": "inproc://", "dashboard": False}}
    return SpecCluster(workers={0: worker}, scheduler=scheduler, asynchronous=True)  # type: ignore[no-untyped-call]


def _log_like_everyone() -> None:
    """On import, Dask gives its loggers a handler of their own and tells every connection at level info."""
    logger = logging.getLogger("distributed")
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
    logger.propagate = True
    logger.setLevel(logging.WARNING)
