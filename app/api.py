"""The REST routers, the only routes that need no identity, and the OpenAPI document.

The document is what FastAPI derives, plus identity, and nothing that the service does not answer.
"""

from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute

from app.accounts.audit_endpoints import router as audit_router
from app.accounts.cookies import ACCESS
from app.accounts.endpoints import router as auth_router
from app.accounts.oidc_endpoints import router as oidc_router
from app.accounts.users_endpoints import roles_router
from app.accounts.users_endpoints import router as users_router
from app.benchmarks.bulk_endpoints import router as bulk_router
from app.benchmarks.cluster_endpoints import router as cluster_router
from app.benchmarks.curve_endpoints import router as curves_router
from app.benchmarks.endpoints import router as benchmarks_router
from app.benchmarks.preparing_endpoints import router as preparing_router
from app.benchmarks.results_endpoints import router as results_router
from app.core.http import API_PREFIX, ERROR_CONTENT, error_responses, error_schemas
from app.core.settings import Settings
from app.evaluation.endpoints import router as comparisons_router
from app.graphql.endpoints import router as graphql_router
from app.monitoring.alert_endpoints import router as alerts_router
from app.monitoring.endpoints import health_router, metrics_router
from app.preferences.endpoints import router as preferences_router
from app.providers.endpoints import router as providers_router
from app.realtime.endpoints import router as live_router
from app.reports.endpoints import router as reports_router
from app.reports.report_endpoints import router as report_pages_router

DESCRIPTION = """\
Measures LLM endpoints: submit a benchmark, watch it live, read every request's timing back.

**Identity.** Everything except health and sign-in needs one: `Authorization: Bearer <access token or ltb_… API key>`,
or the cookies that sign-in sets (writes with cookies must come from this server's own pages).

**Errors** always have the same body:
`{"error": {"code", "message", "details", "retryable"}, "request_id", "timestamp"}`.
Wrong input is 422 with `details.errors` = `[{"path", "message", "allowed"?}]`.

**Methods.** HEAD works wherever GET does, OPTIONS says in `Allow` what an address takes.

**Limits.** Requests are counted per user; `RateLimit-*` headers say where you stand, 429 carries `Retry-After`.

**Times** are UTC (RFC 3339); durations carry their unit in the name (`_ms`, `_seconds`, `_ns`).
"""

TAGS = [
    {"name": "auth", "description": "Signing in and out, my sign-ins and API keys."},
    {"name": "users", "description": "Managing users; roles."},
    {"name": "audit", "description": "Who did what."},
    {"name": "providers", "description": "Endpoints that benchmarks can target."},
    {"name": "benchmarks", "description": "Submitting benchmarks and following them."},
    {"name": "results", "description": "What was measured, request by request."},
    {"name": "cluster", "description": "Workers, and the queue before them."},
    {"name": "comparisons", "description": "What benchmarks say together, with confidence intervals."},
    {"name": "settings", "description": "Settings that change at run time, and one's own preferences."},
    {"name": "health", "description": "Probes. Public."},
    {"name": "monitoring", "description": "Prometheus metrics; alerts."},
]

SECURITY_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An access token or an `ltb_…` API key."},
    "cookie": {"type": "apiKey", "in": "cookie", "name": ACCESS.name, "description": "Set by sign-in; for browsers."},
}

# Public means: no `require(...)` guard. Sign-out checks the tokens that it is given itself.
PUBLIC_PATHS = frozenset(
    {
        f"{API_PREFIX}/auth/login",
        f"{API_PREFIX}/auth/refresh",
        f"{API_PREFIX}/auth/logout",
        f"{API_PREFIX}/auth/methods",
        f"{API_PREFIX}/auth/oidc/{{name}}/login",
        f"{API_PREFIX}/auth/oidc/{{name}}/callback",
        f"{API_PREFIX}/auth/oidc/{{name}}/logout",
        f"{API_PREFIX}/auth/oidc/{{name}}/backchannel-logout",  # proven by the provider's signature
        f"{API_PREFIX}/health",
        f"{API_PREFIX}/health/live",
        f"{API_PREFIX}/health/ready",
        f"{API_PREFIX}/openapi.json",  # not served in production mode
        f"{API_PREFIX}/asyncapi.json",  # likewise
        "/health",
        "/health/live",
        "/health/ready",
        "/openapi.json",  # likewise
        "/asyncapi.json",  # likewise
        "/graphql",  # asks for an identity itself; each field of its schema declares a permission
        "/graphql/{file}",  # the explorer page's script and style
    }
)

# POSTs that create, and so take an `Idempotency-Key`. None of them has parameters in its path.
IDEMPOTENT_PATHS = frozenset(f"{API_PREFIX}/{name}" for name in ("benchmarks", "providers", "auth/apikey", "users"))

# One line per room, in the order of the OpenAPI document.
REST_ROUTERS: tuple[APIRouter, ...] = (
    preparing_router,  # before the id of a benchmark, which "presets" is not
    benchmarks_router,  # asked for most: routes are tried in this order
    bulk_router,
    auth_router,
    oidc_router,
    users_router,
    roles_router,
    audit_router,
    providers_router,
    comparisons_router,
    report_pages_router,
    curves_router,
    reports_router,  # before results: /results/export is not a result's id
    results_router,
    cluster_router,
    preferences_router,
    alerts_router,
)


def _included(router: APIRouter, prefix: str = "", *, include_in_schema: bool = True) -> tuple[BaseRoute, ...]:
    parent = APIRouter(include_in_schema=include_in_schema)
    parent.include_router(router, prefix=prefix)
    return tuple(parent.routes)


# The same health and metrics also at the root, where probes and scrapers look first; documented under /api/v1.
_HEALTH = _included(health_router, API_PREFIX)
_METRICS = _included(metrics_router, API_PREFIX)
_ROOT_HEALTH = _included(health_router, include_in_schema=False)
_ROOT_METRICS = _included(metrics_router, include_in_schema=False)


def served_routes(settings: Settings) -> list[BaseRoute]:
    """The routes that the settings switch on, in the order of matching; all apps of a process share them."""
    server, has_metrics = settings.server, settings.monitoring.enable_metrics
    return [
        *((route for router in REST_ROUTERS for route in router.routes) if server.enable_rest else ()),
        *_HEALTH,
        *(_METRICS if has_metrics else ()),
        *_ROOT_HEALTH,
        *(_ROOT_METRICS if has_metrics else ()),
        *(live_router.routes if server.enable_websocket else ()),
        *(graphql_router.routes if server.enable_graphql else ()),
    ]


def openapi_document(app: FastAPI) -> dict[str, Any]:
    """The document of `app`, built once."""
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
            tags=app.openapi_tags,
            license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        )
        schemas = schema.setdefault("components", {}).setdefault("schemas", {})
        schemas.update(error_schemas())
        _add_identity(app, schema)
        _add_idempotency(schema)
        _add_answers_of_middlewares(schema)
        _drop_default_validation_errors(schema)
        schema["components"]["schemas"] = dict(sorted(schemas.items()))
        app.openapi_schema = schema
    return app.openapi_schema


def _add_identity(app: FastAPI, schema: dict[str, Any]) -> None:
    schema.setdefault("components", {})["securitySchemes"] = SECURITY_SCHEMES
    for context in iter_route_contexts(app.routes):
        path = context.path_format
        operations = schema["paths"].get(path)
        if operations is None or path is None:
            continue
        for method in context.methods or ():
            if operation := operations.get(method.lower()):
                operation["security"] = [] if path in PUBLIC_PATHS else [{"bearer": []}, {"cookie": []}]
                if permission := permission_of(context.dependant):
                    operation["x-permission"] = permission


def _add_idempotency(schema: dict[str, Any]) -> None:
    # Done by a middleware, so that FastAPI knows nothing of it.
    for path in IDEMPOTENT_PATHS:
        operation = schema["paths"].get(path, {}).get("post")
        if operation is not None:
            operation.setdefault("parameters", []).append(
                {
                    "name": "Idempotency-Key",
                    "in": "header",
                    "required": False,
                    "description": "Unique for each new request. Sent again within 24 hours with the same request, "
                    "the first answer is given again (`Idempotent-Replayed: true`); with another one 422, and 409 "
                    "while the first one runs.",
                    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
                }
            )
            conflict = {"description": "The first request with this key has not ended, or the name is taken."}
            operation["responses"].setdefault("409", conflict | {"content": ERROR_CONTENT})


def _add_answers_of_middlewares(schema: dict[str, Any]) -> None:
    """What any request may be answered before its route sees it, which FastAPI knows nothing of."""
    for operations in schema["paths"].values():
        for operation in operations.values():
            statuses = (400, 403, 413, 415) if "requestBody" in operation else (400, 403)
            for status, answer in error_responses(*statuses).items():
                operation["responses"].setdefault(str(status), answer)


def creating_permissions(app: FastAPI) -> dict[str, str | None]:
    """The permission of each route of `IDEMPOTENT_PATHS` that is served."""
    return {
        str(context.path_format): permission_of(context.dependant)
        for context in iter_route_contexts(app.routes)
        if context.path_format in IDEMPOTENT_PATHS and "POST" in (context.methods or ())
    }


def permission_of(dependant: Any) -> str | None:
    """The permission that a route's guard checks, found on its dependency tree."""
    found = getattr(dependant.call, "permission", None)
    if found is not None:
        return str(found)
    for child in dependant.dependencies:
        if (permission := permission_of(child)) is not None:
            return permission
    return None


def _drop_default_validation_errors(schema: dict[str, Any]) -> None:
    # FastAPI adds its own 422 body to routes that do not document one; ours always answers with the envelope.
    schemas = schema["components"].get("schemas", {})
    for operations in schema["paths"].values():
        for operation in operations.values():
            answer = operation.get("responses", {}).get("422")
            if answer and "HTTPValidationError" in str(answer):
                answer["content"] = ERROR_CONTENT
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
