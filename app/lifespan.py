"""What `create_app`'s app does while it is served: starts the rooms from the lowest up, and stops them in reverse."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import structlog
from fastapi import FastAPI

from app.accounts.authentication import RequestGate
from app.accounts.oidc_service import OidcService
from app.accounts.rights import RightsWatch
from app.accounts.service import AccountService
from app.benchmarks import demo
from app.benchmarks.hosting import host_benchmarks
from app.benchmarks.retention import Retention
from app.benchmarks.service import BenchmarkService
from app.core import migrations
from app.core.clock import SystemClock
from app.core.database import Database
from app.core.errors import ServiceUnavailableError
from app.core.keyring import Keyring, load_keyring
from app.core.quotas import Quotas
from app.core.rate_limit import RateLimiter
from app.core.request_limits import RequestLimits
from app.core.settings import Settings
from app.evaluation.service import ComparisonService
from app.events.bus import Bus
from app.events.memory import MemoryBus
from app.events.outbox import publish_on_commit
from app.events.redis_bus import RedisBus
from app.graphql.subscribers import Subscribers
from app.idempotency.service import IdempotencyService
from app.monitoring.alert_board import AlertBoard
from app.monitoring.health import Readiness, database_check, redis_check
from app.monitoring.metrics import Metrics
from app.monitoring.system import Counts, SystemReporter
from app.monitoring.trace_metrics import TraceFamilies
from app.monitoring.tracing import Tracer, new_tracer
from app.preferences.configured import configured as configured_settings
from app.preferences.schemas import RuntimeValues
from app.preferences.service import PreferenceService
from app.providers.alerts import HealthAlerts
from app.providers.wiring import provider_service
from app.realtime.gateway import Gateway
from app.realtime.limits import limits_from

log = structlog.get_logger(__name__)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Everything that the app needs, on its `state`; what has started is stopped even when a later part fails to."""
    settings: Settings = app.state.settings
    async with AsyncExitStack() as stack:
        keyring = load_keyring(settings)
        await _start_storage(stack, app, settings)
        accounts, gate = await _start_accounts(stack, app, settings, keyring)
        demo_url = await _start_benchmarks(stack, app, settings, keyring)
        await _start_live_events(stack, app, settings, accounts)
        await _start_preferences(stack, app, settings, gate)
        await _start_monitoring(stack, app, settings)
        if demo_url is not None:
            found = await demo.run_demo(app.state.database, app.state.providers, app.state.benchmarks, demo_url)
            app.state.demo_runs = found is not None
        log.info("started", version=app.version, database=app.state.database.dialect)
        yield
        log.info("stopping")


async def _start_storage(stack: AsyncExitStack, app: FastAPI, settings: Settings) -> None:
    """The database, migrated, and the bus that hears of its commits."""
    app.state.clock = SystemClock()
    database = app.state.database = Database(settings.storage)
    stack.push_async_callback(database.close)
    if settings.storage.enable_migrations:
        async with database.unhurried() as engine:
            await migrations.upgrade(engine)
    bus = app.state.bus = _bus(settings)
    stack.push_async_callback(bus.close)
    stack.callback(publish_on_commit(database, bus))


def _bus(settings: Settings) -> Bus:
    window = settings.server.websocket
    redis_url = settings.distributed.redis_url
    if redis_url is None:
        return MemoryBus(replay_events=window.replay_events, replay_seconds=window.replay_seconds)
    return RedisBus(redis_url, replay_events=window.replay_events, replay_seconds=window.replay_seconds)


async def _start_accounts(
    stack: AsyncExitStack, app: FastAPI, settings: Settings, keyring: Keyring
) -> tuple[AccountService, RequestGate]:
    """Know who asks, and count what they ask for."""
    database, clock, redis_url = app.state.database, app.state.clock, settings.distributed.redis_url
    limiter = RateLimiter(redis_url)
    stack.push_async_callback(limiter.close)
    accounts = app.state.accounts = AccountService(database, clock, keyring, limiter, settings.security)
    stack.callback(accounts.close)
    await accounts.start()
    app.state.oidc = OidcService(accounts, database, clock, keyring, limiter, settings.security)
    limits = settings.server.rate_limit
    quotas = Quotas(redis_url, limits.on_redis_failure)
    stack.push_async_callback(quotas.close)
    gate = app.state.gate = RequestGate(accounts, RequestLimits(limits, quotas, app.state.routes))
    app.state.authenticate = gate.authenticate
    app.state.idempotency = IdempotencyService(database, clock, keyring)
    await _make_first_administrator(app, settings, accounts)
    return accounts, gate


async def _make_first_administrator(app: FastAPI, settings: Settings, accounts: AccountService) -> None:
    """On an empty database; a generated password is kept to be shown once."""
    security, given = settings.security, settings.security.admin_password
    app.state.generated_admin_password = await accounts.users.bootstrap(
        security.admin_username,
        settings.storage.data_dir,
        production=security.production,
        password=given.get_secret_value() if given else None,
        takes_passwords=security.enable_password,
    )


async def _start_benchmarks(stack: AsyncExitStack, app: FastAPI, settings: Settings, keyring: Keyring) -> str | None:
    """Providers, and what measures them. Where the demo should run: the address of its simulator."""
    database, clock, bus = app.state.database, app.state.clock, app.state.bus
    providers = app.state.providers = provider_service(settings, database, clock, keyring)
    providers.on_health = HealthAlerts(bus).take
    tracer = app.state.tracer = await _tracer(stack, app.state.metrics, settings)
    demo_url = await stack.enter_async_context(_demo_target(settings, database))
    app.state.benchmarks = await stack.enter_async_context(
        host_benchmarks(
            settings.distributed,
            database,
            clock=clock,
            bus=bus,
            providers=providers,
            data_dir=settings.storage.data_dir,
            default_visibility=settings.security.default_visibility,
            observer=app.state.metrics.measured,
            spans=tracer,
            trace_link=settings.telemetry.link,
        )
    )
    app.state.comparisons = ComparisonService(database)
    return demo_url


@asynccontextmanager
async def _demo_target(settings: Settings, database: Database) -> AsyncIterator[str | None]:
    """The simulator's address while the block runs, where the demo is wanted; a failure only costs the demo."""
    async with AsyncExitStack() as stack:
        url = None
        if settings.demo.enable and not settings.security.production and await demo.is_wanted(database):
            try:
                url = await stack.enter_async_context(demo.simulator())
            except ServiceUnavailableError as error:
                log.warning("no demo", reason=error.message)
        yield url


async def _tracer(stack: AsyncExitStack, metrics: Metrics, settings: Settings) -> Tracer | None:
    """What exports traces, if something is to."""
    tracer = new_tracer(settings, "server")
    if tracer is not None:
        stack.push_async_callback(asyncio.to_thread, tracer.close)
        metrics.more.append(TraceFamilies(tracer.delivery))
        log.info("traces are exported", endpoint=tracer.endpoint, sample_ratio=tracer.sample_ratio)
    return tracer


async def _start_live_events(stack: AsyncExitStack, app: FastAPI, settings: Settings, accounts: AccountService) -> None:
    """Both kinds of WebSocket."""
    gateway = app.state.gateway = Gateway(
        app.state.bus,
        accounts,
        limits_from(settings.server.websocket),
        allowed_origins=settings.server.cors_allowed_origins,
        max_connections=settings.server.websocket.max_connections,
        max_per_user=settings.server.websocket.max_connections_per_user,
    )
    await gateway.start()
    stack.push_async_callback(gateway.close)
    subscribers = app.state.subscribers = Subscribers(settings.server.graphql)
    stack.callback(subscribers.close)
    rights = RightsWatch(app.state.database, app.state.bus)
    rights.call(gateway.recheck)
    rights.call(subscribers.recheck)
    rights.start()
    stack.push_async_callback(rights.close)


async def _start_preferences(stack: AsyncExitStack, app: FastAPI, settings: Settings, gate: RequestGate) -> None:
    """Let settings change while the service runs."""
    database: Database = app.state.database
    benchmarks: BenchmarkService = app.state.benchmarks
    retention = Retention(database, app.state.clock)
    retention.on_marked = benchmarks.changes.on_marked
    configured = RuntimeValues(
        rate_limit_requests_per_minute=settings.server.rate_limit.requests_per_minute,
        max_running_benchmarks=settings.distributed.max_running_benchmarks,
        default_visibility=settings.security.default_visibility,
        retention_days=settings.storage.retention_days,
    )

    def use(values: RuntimeValues) -> None:
        gate.limit_to(values.rate_limit_requests_per_minute)
        benchmarks.run_at_once(values.max_running_benchmarks)
        benchmarks.default_visibility = values.default_visibility
        retention.keep_days(values.retention_days)

    app.state.configuration = configured_settings(settings)
    preferences = app.state.preferences = PreferenceService(database, app.state.clock, app.state.bus, configured)
    preferences.apply(use)
    await preferences.start()
    stack.push_async_callback(preferences.close)
    if settings.storage.enable_migrations:
        await retention.make_room()  # before the first result is stored
    await retention.start()
    stack.push_async_callback(retention.close)


async def _start_monitoring(stack: AsyncExitStack, app: FastAPI, settings: Settings) -> None:
    """Alerts, figures of this process, and whether it is ready."""
    database, clock, bus = app.state.database, app.state.clock, app.state.bus
    benchmarks, gateway = app.state.benchmarks, app.state.gateway
    board = app.state.alerts = AlertBoard(bus, clock)
    board.start()
    stack.callback(board.close)
    reporter = app.state.system = SystemReporter(
        bus, clock, database, settings.storage.data_dir, _counts(benchmarks, gateway)
    )
    await reporter.start()
    stack.push_async_callback(reporter.close)
    _feed_gauges(app.state.metrics, benchmarks, gateway)
    checks = {"database": database_check(database)}
    if settings.distributed.redis_url is not None:
        checks["redis"] = redis_check(settings.distributed.redis_url)
    app.state.readiness = Readiness(checks)


def _feed_gauges(metrics: Metrics, benchmarks: BenchmarkService, gateway: Gateway) -> None:
    metrics.active_benchmarks.set_function(lambda: len(benchmarks.live))
    metrics.websocket_connections.set_function(lambda: gateway.connection_count)
    metrics.before_scrape.append((metrics.active_sessions, benchmarks.count_unfinished))


def _counts(benchmarks: BenchmarkService, gateway: Gateway) -> Counts:
    return Counts(
        open_sockets=lambda: gateway.connection_count,
        running_benchmarks=lambda: len(benchmarks.live),
        unfinished_benchmarks=benchmarks.count_unfinished,
        dropped_events=lambda: gateway.dropped_ticks,
    )
