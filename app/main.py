"""The server: `create_app` wires the rooms together, and its lifespan starts and stops them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import structlog
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse

from app.accounts.authentication import CountWebSockets, RequestGate
from app.accounts.caller_cache import CallerCache
from app.accounts.cookies import COOKIE_NAMES
from app.accounts.oidc_service import OidcService
from app.accounts.service import AccountService
from app.api import (
    API_PREFIX,
    DESCRIPTION,
    IDEMPOTENT_PATHS,
    TAGS,
    api_routers,
    creating_permissions,
    openapi_document,
    root_router,
)
from app.benchmarks import demo
from app.benchmarks.hosting import host_benchmarks
from app.benchmarks.retention import Retention
from app.benchmarks.service import BenchmarkService
from app.core import migrations
from app.core.clock import SystemClock
from app.core.compression import Compression
from app.core.database import Database
from app.core.errors import ServiceUnavailableError
from app.core.http import install_error_handlers
from app.core.keyring import Keyring, load_keyring
from app.core.methods import HeadAsGet
from app.core.middleware import BodyLimit, ErrorBoundary, HostCheck, OriginCheck, RequestContext, SecurityHeaders
from app.core.origins import HostPolicy, OriginPolicy
from app.core.quotas import Quotas
from app.core.rate_limit import RateLimiter
from app.core.request_limits import RequestLimits
from app.core.routes import Routes
from app.core.settings import Settings
from app.core.static import Dashboard
from app.core.version import service_version
from app.evaluation.service import ComparisonService
from app.events.bus import Bus
from app.events.memory import MemoryBus
from app.events.outbox import publish_on_commit
from app.events.redis_bus import RedisBus
from app.graphql.endpoints import build_view
from app.graphql.subscribers import Subscribers
from app.idempotency.middleware import Idempotency
from app.idempotency.service import IdempotencyService
from app.monitoring.alert_board import AlertBoard
from app.monitoring.health import Readiness, database_check, redis_check
from app.monitoring.metrics import Metrics, ObserveRequests
from app.monitoring.request_spans import TraceRequests
from app.monitoring.system import Counts, SystemReporter
from app.monitoring.trace_metrics import TraceFamilies
from app.monitoring.tracing import Tracer, new_tracer
from app.preferences.configured import configured as configured_settings
from app.preferences.schemas import RuntimeValues
from app.preferences.service import PreferenceService
from app.providers.alerts import HealthAlerts
from app.providers.wiring import provider_service
from app.realtime.asyncapi import asyncapi_document
from app.realtime.gateway import Gateway, limits_from

STATIC_FOLDER = Path(__file__).parent / "static"

ALLOWED_HEADERS = [
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "X-Request-ID",
    "traceparent",
    "tracestate",
]
EXPOSED_HEADERS = [
    "ETag",
    "Idempotent-Replayed",
    "Link",
    "RateLimit",
    "RateLimit-Limit",
    "RateLimit-Policy",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "Retry-After",
    "X-Request-ID",
    "traceparent",
]

log = structlog.get_logger(__name__)


def create_app(settings: Settings) -> FastAPI:
    """The ASGI app for these settings. Building it does nothing; its lifespan does."""
    production = settings.security.production
    app = FastAPI(
        title="LLM Test Bench",
        version=service_version(),
        description=DESCRIPTION,
        openapi_tags=TAGS,
        openapi_url=None,
        docs_url=None,  # the stock pages load scripts from a CDN, which the content security policy forbids
        redoc_url=None,
        lifespan=_lifespan,
    )
    app.state.settings = settings
    app.state.routes = Routes(app)
    app.state.metrics = Metrics(app.version)
    app.state.generated_admin_password = None
    app.state.demo_runs = False
    app.state.tracer = None
    if settings.server.enable_graphql:
        app.state.graphql = build_view(settings)
    install_error_handlers(app)
    for router in api_routers(settings):
        app.include_router(router, prefix=API_PREFIX)
    app.include_router(root_router(settings))
    if not production:
        _serve_openapi(app)
    if settings.server.enable_dashboard:
        # Not a mount: a mount at "/" would take requests whose path exists and whose method is wrong (405).
        app.router.default = Dashboard(STATIC_FOLDER)
    app.openapi = lambda: openapi_document(app)  # type: ignore[method-assign]
    _add_middlewares(app, settings)
    return app


def _serve_openapi(app: FastAPI) -> None:
    async def document() -> JSONResponse:
        return JSONResponse(openapi_document(app))

    async def live_document() -> JSONResponse:
        return JSONResponse(asyncapi_document(app.version))

    for prefix in ("", API_PREFIX):
        app.add_api_route(f"{prefix}/openapi.json", document, include_in_schema=False)
        app.add_api_route(f"{prefix}/asyncapi.json", live_document, include_in_schema=False)


def _add_middlewares(app: FastAPI, settings: Settings) -> None:
    # Added from the inside out: the last one sees a request first.
    server = settings.server
    app.add_middleware(Idempotency, paths=IDEMPOTENT_PATHS, permission_of=lambda path: creating_permissions(app)[path])
    app.add_middleware(OriginCheck, policy=OriginPolicy(server.cors_allowed_origins), cookie_names=COOKIE_NAMES)
    app.add_middleware(BodyLimit, limit_bytes=server.max_body_bytes, max_json_depth=server.http.max_json_depth)
    if server.cors_allowed_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(server.cors_allowed_origins),
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=ALLOWED_HEADERS,
            expose_headers=EXPOSED_HEADERS,
        )
    app.add_middleware(CountWebSockets)
    app.add_middleware(HostCheck, policy=HostPolicy(server))
    app.add_middleware(ErrorBoundary)
    if server.http.enable_compression:
        app.add_middleware(Compression, never=(f"{API_PREFIX}/auth",))
    app.add_middleware(HeadAsGet)
    app.add_middleware(ObserveRequests, metrics=app.state.metrics, template_of=app.state.routes.of)
    app.add_middleware(SecurityHeaders)
    if settings.telemetry.server_spans:
        app.add_middleware(TraceRequests, app_state=app.state, template_of=app.state.routes.of)
    app.add_middleware(RequestContext)


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


async def _start_preferences(
    stack: AsyncExitStack, app: FastAPI, settings: Settings, database: Database, gate: RequestGate
) -> None:
    """Let settings change while the service runs."""
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
    callers = CallerCache(accounts)
    stack.callback(callers.watch(database))
    gate = app.state.gate = RequestGate(callers, RequestLimits(limits, quotas, app.state.routes))
    app.state.authenticate = gate.authenticate
    return accounts, gate


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Starts the rooms from the lowest up and stops them in reverse, even when a later one fails to start."""
    settings: Settings = app.state.settings
    async with AsyncExitStack() as stack:
        keyring = load_keyring(settings)
        clock = app.state.clock = SystemClock()
        database = app.state.database = Database(settings.storage)
        stack.push_async_callback(database.close)
        if settings.storage.enable_migrations:
            async with database.unhurried() as engine:
                await migrations.upgrade(engine)
        redis_url = settings.distributed.redis_url
        bus = app.state.bus = _bus(settings)
        stack.push_async_callback(bus.close)
        stack.callback(publish_on_commit(database, bus))

        accounts, gate = await _start_accounts(stack, app, settings, keyring)
        app.state.idempotency = IdempotencyService(database, clock, keyring)
        app.state.comparisons = ComparisonService(database)

        providers = app.state.providers = provider_service(settings, database, clock, keyring)
        providers.on_health = HealthAlerts(bus).take
        admin_password = settings.security.admin_password
        app.state.generated_admin_password = await accounts.users.bootstrap(
            settings.security.admin_username,
            settings.storage.data_dir,
            production=settings.security.production,
            password=admin_password.get_secret_value() if admin_password else None,
            takes_passwords=settings.security.enable_password,
        )
        tracer = app.state.tracer = await _tracer(stack, app.state.metrics, settings)
        demo_url = await stack.enter_async_context(_demo_target(settings, database))
        benchmarks = app.state.benchmarks = await stack.enter_async_context(
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
        gateway = app.state.gateway = Gateway(
            bus,
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
        await _start_preferences(stack, app, settings, database, gate)
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
        if redis_url is not None:
            checks["redis"] = redis_check(redis_url)
        app.state.readiness = Readiness(checks)
        if demo_url is not None:
            app.state.demo_runs = await demo.run_demo(database, providers, benchmarks, demo_url) is not None
        log.info("started", version=app.version, database=database.dialect)
        yield
        log.info("stopping")
