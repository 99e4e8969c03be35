"""What Prometheus reads: counters and histograms of the API, gauges that the rooms feed, process and runtime numbers.

Every app has a registry of its own, so that two apps in one process (tests) never share a counter. Gauges of other
rooms are functions, wired in `app.lifespan`: `metrics.active_benchmarks.set_function(lambda: …)`.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable

import structlog
from prometheus_client import (
    CollectorRegistry,
    Gauge,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.monitoring.families import CounterFamily, HistogramFamily, TextFamily
from app.monitoring.machine import CpuShare, memory_bytes
from app.monitoring.measured import MeasuredRuns

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
UNMATCHED = "(unmatched)"

_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_REFRESH_SECONDS = 1.0
_BUCKETS_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

log = structlog.get_logger(__name__)


def process_registry(version: str) -> CollectorRegistry:
    """A registry with what every process of the service tells about itself."""
    registry = CollectorRegistry()
    memory = Gauge("llm_memory_usage_bytes", "Resident memory of this process.", registry=registry)
    memory.set_function(memory_bytes)
    cpu = Gauge(
        "llm_cpu_usage_percent",
        "CPU time of this process since the last scrape, in percent of one core.",
        registry=registry,
    )
    cpu.set_function(CpuShare().percent)
    build = Gauge("llm_build_info", "Always 1; the label says which version runs.", ("version",), registry=registry)
    build.labels(version).set(1)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


class Metrics:
    """The metrics of one app."""

    def __init__(self, version: str) -> None:
        self.registry = process_registry(version)
        self.before_scrape: list[tuple[Gauge, Callable[[], Awaitable[float]]]] = []  # whose value has to be asked for
        self.measured = MeasuredRuns()
        self.more: list[TextFamily] = []  # of parts that only some processes have
        self.requests = CounterFamily(
            "llm_api_requests_total",
            "Requests answered, by method, route template and status.",
            ("method", "path", "status"),
        )
        self.duration = HistogramFamily(
            "llm_api_duration_seconds",
            "Time from a request's arrival to the end of its answer, by method and route template.",
            ("method", "path"),
            buckets=_BUCKETS_SECONDS,
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

    def count(self, method: str, path: str, status: int, seconds: float) -> None:
        """One answered request."""
        self.requests.add(1, method, path, str(status))
        self.duration.observe(seconds, method, path)

    async def refresh(self) -> None:
        """Fill the gauges whose value has to be asked for; NaN where nobody answers in time."""
        for gauge, ask in self.before_scrape:
            try:
                async with asyncio.timeout(_REFRESH_SECONDS):
                    gauge.set(await ask())
            except Exception as error:  # noqa: BLE001 - a database that is away must not take the metrics with it
                log.warning("a gauge could not be filled", error=str(error) or type(error).__name__)
                gauge.set(math.nan)

    def exposition(self) -> bytes:
        """Everything as Prometheus text, format 0.0.4."""
        counted = "".join(family.text() for family in (*self.families(), *self.more))
        return counted.encode() + generate_latest(self.registry)

    def families(self) -> tuple[CounterFamily | HistogramFamily, ...]:
        """What is counted here, beside the gauges of the registry."""
        return (*self.measured.families(), self.requests, self.duration)


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
