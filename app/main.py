"""The server: `create_app` puts routes and middlewares together; `app.lifespan` starts and stops the rooms."""

from pathlib import Path

from fastapi import FastAPI, Request
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse

from app.accounts.authentication import CountWebSockets
from app.accounts.cookies import COOKIE_NAMES
from app.api import (
    DESCRIPTION,
    IDEMPOTENT_PATHS,
    TAGS,
    creating_permissions,
    openapi_document,
    served_routes,
)
from app.core.compression import Compression
from app.core.http import API_PREFIX, install_error_handlers
from app.core.methods import HeadAsGet
from app.core.middleware import BodyLimit, ErrorBoundary, HostCheck, OriginCheck, RequestContext, SecurityHeaders
from app.core.origins import HostPolicy, OriginPolicy
from app.core.routes import Routes
from app.core.settings import Settings
from app.core.static import Dashboard
from app.core.version import service_version
from app.graphql.endpoints import Door
from app.idempotency.middleware import Idempotency
from app.lifespan import lifespan
from app.monitoring.metrics import Metrics, ObserveRequests
from app.monitoring.request_spans import TraceRequests
from app.realtime.asyncapi import asyncapi_document

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
        lifespan=lifespan,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # `app.monitoring` does that; asking costs 3 %
    )
    app.state.settings = settings
    app.state.routes = Routes(app)
    app.state.metrics = Metrics(app.version)
    app.state.generated_admin_password = None
    app.state.demo_runs = False
    app.state.tracer = None
    if settings.server.enable_graphql:
        app.state.graphql = Door(settings)
    install_error_handlers(app)
    app.router.routes.extend(served_routes(settings))
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
    async def authenticate(request: Request) -> object:
        return await app.state.authenticate(request)  # there once the service has started

    # Added from the inside out: the last one sees a request first.
    server = settings.server
    app.add_middleware(Idempotency, paths=IDEMPOTENT_PATHS, permission_of=lambda path: creating_permissions(app)[path])
    app.add_middleware(OriginCheck, policy=OriginPolicy(server.cors_allowed_origins), cookie_names=COOKIE_NAMES)
    app.add_middleware(
        BodyLimit,
        limit_bytes=server.max_body_bytes,
        max_json_depth=server.http.max_json_depth,
        authenticate=authenticate,
    )
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
