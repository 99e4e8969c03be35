"""The benchmark room put together inside a server: cluster, worker context, service, runner."""

import os
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from app.benchmarks.checking import ProviderDirectory
from app.benchmarks.cluster import Cluster
from app.benchmarks.cluster_service import ClusterService
from app.benchmarks.executor import Executor
from app.benchmarks.live import LiveRuns
from app.benchmarks.observing import RunObserver
from app.benchmarks.queue_limits import QueueLimits
from app.benchmarks.remote_cluster import RemoteCluster
from app.benchmarks.results_removal import removing
from app.benchmarks.service import BenchmarkService
from app.benchmarks.spans import SpanSink, TraceLink, no_link
from app.benchmarks.spooling import deliver_left_behind
from app.benchmarks.supervisor import EngineFactory, engine_process
from app.benchmarks.tasks import BenchmarkRunner
from app.benchmarks.worker_context import DEFAULT_CONTEXT, ProviderResolver, WorkerContext, install, uninstall
from app.core.clock import Clock
from app.core.database import Database
from app.core.settings import DistributedSettings
from app.events.bus import Bus


class Providers(ProviderDirectory, ProviderResolver, Protocol):
    """All that benchmarks ask of providers."""


@asynccontextmanager
async def host_benchmarks(
    settings: DistributedSettings,
    database: Database,
    *,
    clock: Clock,
    bus: Bus,
    providers: Providers,
    new_engine: EngineFactory = engine_process,
    data_dir: Path | None = None,
    default_visibility: str = "private",
    observer: RunObserver | None = None,
    spans: SpanSink | None = None,
    trace_link: TraceLink = no_link,
) -> AsyncIterator[BenchmarkService]:
    """Serve and run benchmarks while the block runs.

    `data_dir` holds the calibration of this machine, which counts only where the engines run here too.
    `events.outbox.publish_on_commit` must have been called for `database` and `bus` before.
    """
    embedded = not settings.enable_distributed
    # A name of its own keeps two servers in one process (tests) apart; external workers know only the default.
    context = f"server-{uuid4().hex}" if embedded else DEFAULT_CONTEXT
    live = LiveRuns()
    max_workers = settings.worker_count if embedded else None
    service = BenchmarkService(
        database,
        clock,
        bus,
        providers,
        live=live,
        max_workers=max_workers,
        default_visibility=default_visibility,
        queue=QueueLimits(settings.max_waiting_benchmarks, settings.max_waiting_per_user),
    )
    replica = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"[:128]
    if embedded:
        cluster: Cluster | RemoteCluster = await Cluster.start(settings)
    else:
        cluster = RemoteCluster(settings, database, replica)
        await cluster.start()
    executor = Executor(
        database,
        clock,
        bus,
        cluster,
        live,
        context=context,
        providers=providers,
        data_dir=data_dir if embedded else None,
        observer=observer,
        clock_offset_limit_ns=round(settings.clock_offset_limit_ms * 1e6),
        spans=spans,
    )
    runner = BenchmarkRunner(
        database,
        clock,
        executor,
        max_running=settings.max_running_benchmarks,
        is_alone=database.dialect == "sqlite",
        max_per_user=settings.max_running_per_user,
        replica=replica,
        goes_on=not embedded,
        worker_patience_seconds=settings.worker_patience_seconds,
    )
    service.spans, service.trace_link, service.results.trace_link = spans, trace_link, trace_link
    service.checks.check_placement = cluster.check_possible
    service.cluster = ClusterService(database, cluster, runner, settings)
    service.on_submitted = runner.wake
    service.run_at_once = runner.run_at_once
    if embedded:
        # SQLite lies on the same disk: what it cannot take, a spool beside it could not either.
        spool = data_dir / "spool" if data_dir is not None and database.dialect != "sqlite" else None
        if spool is not None:
            await deliver_left_behind(database, spool)
        install(WorkerContext(database, bus, providers, new_engine, spool_folder=spool, spans=spans), context)
    try:
        await runner.start()
        try:
            async with removing(database) as removal:
                service.changes.on_marked = removal.wake
                yield service
        finally:
            await runner.stop()
    finally:
        await cluster.close()
        if embedded:
            uninstall(context)
