"""A worker of a cluster: gives the shards that run in it a database, a bus and the providers.

Its configuration is the server's: the same database, Redis and secret. It comes back by itself when the scheduler does.
"""

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import socket
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.benchmarks import recorder, shard_watch, spool
from app.benchmarks.probing import run_probe
from app.benchmarks.request_costs import warm_prices
from app.benchmarks.shards import run_shard
from app.benchmarks.spooling import deliver_left_behind
from app.benchmarks.worker_context import WorkerContext, install, uninstall
from app.cluster import calls, transport
from app.cluster.clocks import Offset, measure
from app.cluster.tags import as_resources
from app.core.bind import is_loopback
from app.core.clock import SystemClock
from app.core.database import Database
from app.core.errors import ConfigError, ServiceUnavailableError
from app.core.keyring import load_keyring
from app.core.settings import Settings
from app.core.version import service_version
from app.events.redis_bus import RedisBus
from app.monitoring.node_metrics import NodeMetrics, WorkerFacts, worker_readings
from app.monitoring.scrape_server import check_scrape_host, serving_scrapes
from app.monitoring.trace_metrics import TraceFamilies
from app.monitoring.tracing import Tracer, new_tracer
from app.providers.wiring import provider_service

log = logging.getLogger(__name__)

_CLOCK_SECONDS = 5.0
_RECONNECT_SECONDS = 0.5
_HAND_BACK_SECONDS = 20.0
_LEAVE_SECONDS = 5.0


@dataclass
class Node:
    """What this worker is, and how it is doing."""

    scheduler_url: str
    slots: int = 1
    tags: tuple[str, ...] = ()
    name: str = field(default_factory=lambda: f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(2)}")
    host: str | None = None
    drain_seconds: float = 30.0
    is_draining: bool = False
    is_joined: bool = False
    offset: Offset | None = None
    heard_at: float | None = None  # when the scheduler last answered, on the monotonic clock
    metrics: tuple[str, int] | None = None  # where to serve them

    def about(self) -> dict[str, Any]:
        """What travels with each heartbeat."""
        offset = self.offset
        return {
            "draining": self.is_draining,
            "running": shard_watch.running_count(),
            "offset_ns": offset.offset_ns if offset else None,
            "offset_error_ns": offset.error_ns if offset else None,
            "at": time.time(),
        }

    def facts(self, spool_folder: Path) -> WorkerFacts:
        """For its metrics."""
        offset, heard_at = self.offset, self.heard_at
        return WorkerFacts(
            slots=self.slots,
            running=shard_watch.running_count(),
            is_draining=self.is_draining,
            is_joined=self.is_joined,
            offset_seconds=offset.offset_ns / 1e9 if offset else None,
            offset_error_seconds=offset.error_ns / 1e9 if offset else None,
            heard_seconds_ago=None if heard_at is None else time.monotonic() - heard_at,
            spool_bytes=spool.folder_bytes(spool_folder),
            spool_results=spool.waiting_results(),
            stored=recorder.totals.ok + recorder.totals.failed,
        )


async def build_context(settings: Settings, stack: AsyncExitStack) -> WorkerContext:
    """What shards in this process use; `stack` closes it.

    Raises:
        ConfigError: without Redis a worker's ticks and the server's stop would not reach each other.
    """
    if settings.distributed.redis_url is None:
        raise ConfigError(
            "distributed.redis_url: a worker needs it, the same as the server's",
            errors=[{"key": "distributed.redis_url", "message": "is missing"}],
        )
    if settings.storage.backend == "sqlite":
        raise ConfigError(
            "storage.database_url: a worker needs the PostgreSQL of its server; SQLite belongs to one process",
            errors=[{"key": "storage.database_url", "message": "is not PostgreSQL"}],
        )
    database = Database(settings.storage)
    stack.push_async_callback(database.close)
    bus = RedisBus(settings.distributed.redis_url)
    stack.push_async_callback(bus.close)
    providers = provider_service(settings, database, SystemClock(), load_keyring(settings))
    folder = settings.storage.data_dir / "spool"
    tracer = new_tracer(settings, "worker")
    if tracer is not None:
        stack.push_async_callback(asyncio.to_thread, tracer.close)
    return WorkerContext(database, bus, providers, is_shared=True, spool_folder=folder, spans=tracer)


async def _serve_metrics(
    settings: Settings, node: Node, context: WorkerContext, stack: AsyncExitStack, on_metrics: Callable[[str], None]
) -> None:
    if node.metrics is None:
        return
    host, port = node.metrics
    folder = context.spool_folder
    assert folder is not None
    tracing = [TraceFamilies(context.spans.delivery)] if isinstance(context.spans, Tracer) else []
    metrics = NodeMetrics(service_version(), lambda: worker_readings(node.facts(folder)), tracing)
    token = settings.monitoring.metrics_token
    on_metrics(await stack.enter_async_context(serving_scrapes(metrics.exposition, host, port, token)))


async def serve_worker(
    settings: Settings,
    node: Node,
    on_joined: Callable[[str], None],
    on_metrics: Callable[[str], None] = lambda _address: None,
) -> None:
    """Work until SIGTERM or SIGINT: then take nothing more, let shards end or hand them back, and leave.

    `on_metrics` is told where they are, `on_joined` the scheduler's address, each time that it is joined.

    Raises:
        ConfigError: plain TCP beyond loopback, wrong TLS files, or no Redis.
        ServiceUnavailableError: the scheduler refuses this worker.
    """
    transport.check_scheduler_url(node.scheduler_url, settings.distributed)
    if node.metrics is not None:
        check_scrape_host(node.metrics[0], settings.monitoring.metrics_token)
    from app.cluster import dask_parts  # noqa: PLC0415  (takes 0.3 s; refusals need not wait for it)

    dask_parts.log_like_everyone()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        context = await build_context(settings, stack)
        await _serve_metrics(settings, node, context, stack, on_metrics)
        install(context)
        calls.offer("shard", run_shard)
        calls.offer("probe", run_probe)
        stack.callback(uninstall)
        warming = asyncio.create_task(asyncio.to_thread(warm_prices, "openai", "gpt-4o"))  # takes a second, once
        stack.push_async_callback(asyncio.wait, {warming})
        assert context.spool_folder is not None
        delivering = asyncio.create_task(deliver_left_behind(context.database, context.spool_folder))
        stack.push_async_callback(asyncio.wait, {delivering})
        while not stop.is_set():
            await _work(dask_parts, settings, node, stop, on_joined)


async def _work(
    dask: Any, settings: Settings, node: Node, stop: asyncio.Event, on_joined: Callable[[str], None]
) -> None:
    """From joining the scheduler to losing it, or to the end."""
    host = node.host or ("127.0.0.1" if is_loopback(transport.host_of(node.scheduler_url)) else None)
    worker = dask.QuietWorker(
        node.scheduler_url,
        nthreads=node.slots,
        name=node.name,
        resources=as_resources(node.tags, node.slots),
        security=dask.security(transport.tls_options(settings.distributed)),
        memory_limit=0,
        host=host,
    )
    worker.metrics[dask.ABOUT] = lambda _worker: node.about()
    stopping = asyncio.create_task(stop.wait())
    starting = asyncio.create_task(_start(worker))
    try:
        await asyncio.wait({stopping, starting}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            return
        starting.result()
        node.is_joined, node.heard_at = True, time.monotonic()
        on_joined(node.scheduler_url)
        clock = asyncio.create_task(_follow_clock(worker, node))
        lost = asyncio.create_task(worker.finished())
        try:
            await asyncio.wait({stopping, lost}, return_when=asyncio.FIRST_COMPLETED)
            if stop.is_set() and not lost.done():
                await _drain(node)
        finally:
            for task in (clock, lost):
                task.cancel()
            await asyncio.gather(clock, lost, return_exceptions=True)
        if not stop.is_set():
            log.warning("lost the scheduler at %s; joining again when it is back", node.scheduler_url)
            await asyncio.sleep(_RECONNECT_SECONDS)
    finally:
        node.is_joined = False
        for task in (stopping, starting):
            task.cancel()
        await asyncio.gather(stopping, starting, return_exceptions=True)
        with contextlib.suppress(Exception):
            async with asyncio.timeout(_LEAVE_SECONDS):
                await worker.close(reason="worker-stopped")


async def _start(worker: Any) -> None:
    try:
        await worker
    except Exception as error:
        reason = str(error.__cause__ or error)
        if "version mismatch" in reason or "name taken" in reason:
            said = reason.split("'message': '", 1)[-1].split("'", 1)[0]
            raise ServiceUnavailableError(f"the scheduler refuses this worker: {said}") from error
        raise ServiceUnavailableError(f"cannot join the scheduler: {reason}") from error


async def _follow_clock(worker: Any, node: Node) -> None:
    """Measure this clock against the scheduler's again and again."""

    async def ask() -> int:
        return int((await worker.scheduler.ltb_clock())["ns"])

    while True:
        try:
            node.offset = await measure(ask)
            node.heard_at = time.monotonic()
            await worker.heartbeat()
        except Exception as error:  # noqa: BLE001  (the scheduler is away: the main loop notices)
            log.debug("the scheduler's clock cannot be read: %s", error)
        await asyncio.sleep(_CLOCK_SECONDS)


async def _drain(node: Node) -> None:
    """Wait for shards to end; what has not ended by then is handed back, with what was measured kept."""
    node.is_draining = True
    await shard_watch.all_ended(node.drain_seconds)
    shard_watch.hand_back()
    await shard_watch.all_ended(_HAND_BACK_SECONDS)
    await asyncio.sleep(0.5)  # the last outcomes are on their way
