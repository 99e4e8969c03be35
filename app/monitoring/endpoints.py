"""REST: health (public) and Prometheus metrics. Served under /api/v1 and at the root, where probes look first."""

import asyncio
import secrets
from typing import Annotated, Literal, cast

from fastapi import APIRouter, Depends, Query, Request, Response

from app.accounts.caller import require
from app.accounts.permissions import Permission
from app.core.errors import ServiceUnavailableError
from app.core.http import error_responses
from app.core.settings import Settings
from app.monitoring.health import Readiness
from app.monitoring.metrics import CONTENT_TYPE, Metrics
from app.monitoring.schemas import Alive, Health, Ready

health_router = APIRouter(tags=["health"])
metrics_router = APIRouter(tags=["monitoring"])

_guard = require(Permission.METRICS_READ)


async def may_read_metrics(request: Request) -> None:
    """Lets in who has the permission, and the scraper that knows `monitoring.metrics_token`.

    The token is checked without the database, so that metrics are there when they are needed most.
    """
    settings: Settings = request.app.state.settings
    token = settings.monitoring.metrics_token
    given = request.headers.get("authorization", "").encode()
    if token is None or not secrets.compare_digest(given, f"Bearer {token.get_secret_value()}".encode()):
        await _guard(request)


may_read_metrics.permission = Permission.METRICS_READ  # type: ignore[attr-defined]


async def _readiness(request: Request) -> Readiness:
    return cast("Readiness", request.app.state.readiness)


Parts = Annotated[Readiness, Depends(_readiness)]


Optional = Annotated[
    list[Literal["redis"]],
    Query(
        default_factory=list,
        max_length=4,
        description="Parts that may be away: without Redis only live views and shared limits suffer.",
    ),
]


@health_router.get("/health", operation_id="getHealth", summary="Health", responses=error_responses())
async def health(parts: Parts) -> Health:
    """How each part is. Always 200 while the process answers; use /health/ready to decide about traffic."""
    checks = await parts.results()
    is_ok = all(check.status == "ok" for check in checks.values())
    return Health(status="ok" if is_ok else "degraded", checks=checks)


@health_router.get("/health/live", operation_id="getLiveness", summary="Liveness", responses=error_responses())
async def live() -> Alive:
    """The process answers. Restart it when this fails."""
    return Alive()


@health_router.get("/health/ready", operation_id="getReadiness", summary="Readiness", responses=error_responses(503))
async def ready(parts: Parts, optional: Optional) -> Ready:
    """Every part answers in time, and the service is not stopping. Send no traffic while this fails."""
    if parts.is_draining:
        raise ServiceUnavailableError("not ready: the service is shutting down")
    checks = await parts.results()
    if failed := [name for name, check in checks.items() if check.status != "ok" and name not in optional]:
        raise ServiceUnavailableError(
            f"not ready: {', '.join(failed)}", checks={name: check.model_dump() for name, check in checks.items()}
        )
    return Ready(checks=checks)


@metrics_router.get(
    "/metrics",
    operation_id="getMetrics",
    summary="Prometheus metrics",
    dependencies=[Depends(may_read_metrics)],
    response_class=Response,
    responses={
        **error_responses(401, 403),
        200: {
            "description": "Prometheus text format 0.0.4.",
            "content": {"text/plain": {"schema": {"type": "string"}}},
        },
    },
)
async def metrics(request: Request) -> Response:
    """Counters, histograms and gauges for Prometheus.

    Give the scraper the token of `monitoring.metrics_token`, or an API key with the scope `metrics.read`.
    """
    found = cast("Metrics", request.app.state.metrics)
    await found.refresh()
    return Response(await asyncio.to_thread(found.exposition), media_type=CONTENT_TYPE)
