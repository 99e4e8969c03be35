"""What Prometheus reads: counters and histograms of the API, gauges that the rooms feed, process and runtime numbers.

Every app has a registry of its own, so that two apps in one process (tests) never share a counter. Gauges of other
rooms are functions, wired in `app.main`: `metrics.active_benchmarks.set_function(lambda: …)`.
"""

import time
from collections.abc import Awaitable, Callable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
UNMATCHED = "(unmatched)"

_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_BUCKETS_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """The metrics of one app."""

    def __init__(self, version: str) -> None:
        self.registry = CollectorRegistry()
        self.before_scrape: list[Callable[[], Awaitable[None]]] = []  # fill gauges whose value has to be asked for
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self.requests = Counter(
            "llm_api_requests",
            "Requests answered, by method, route template and status.",
            ("method", "path", "status"),
            registry=self.registry,
        )
        self.duration = Histogram(
            "llm_api_duration_seconds",
            "Time from a request's arrival to the end of its answer, by method and route template.",
            ("method", "path"),
            buckets=_BUCKETS_SECONDS,
            registry=self.registry,
        )
        self.active_benchmarks = Gauge(
            "llm_active_benchmarks", "Benchmarks that run in this process now.", registry=self.registry
        )
        self.active_sessions = Gauge(
            "llm_active_sessions", "Benchmark sessions that wait or run, over all processes.", registry=self.registry
        )
        self.websocket_connections = Gauge(
            "llm_websocket_connections", "Open WebSocket connections.", registry=self.registry
        )
        build = Gauge(
            "llm_build_info", "Always 1; the label says which version runs.", ("version",), registry=self.registry
        )
        build.labels(version).set(1)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def count(self, method: str, path: str, status: int, seconds: float) -> None:
        """One answered request. Children are kept: finding them by labels costs more than counting."""
        key = (method, path, status)
        if (children := self._children.get(key)) is None:
            children = (self.requests.labels(method, path, str(status)), self.duration.labels(method, path))
            self._children[key] = children
        children[0].inc()
        children[1].observe(seconds)

    async def refresh(self) -> None:
        """Fill the gauges whose value has to be asked for."""
        for fill in self.before_scrape:
            await fill()

    def exposition(self) -> bytes:
        """Everything as Prometheus text, format 0.0.4."""
        return generate_latest(self.registry)


class ObserveRequests:
    """ASGI middleware: counts and times HTTP requests under their route template, never under the raw path."""

    def __init__(self, app: ASGIApp, metrics: Metrics, template_of: Callable[[Scope], str | None]) -> None:
        self.app = app
        self.metrics = metrics
        self.template_of = template_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, watch)
        finally:
            method = scope["method"] if scope["method"] in _METHODS else "OTHER"
            path = self.template_of(scope) or UNMATCHED
            self.metrics.count(method, path, status, time.perf_counter() - started)
