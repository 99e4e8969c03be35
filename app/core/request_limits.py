"""Which quota a request falls under: its route's own, else the general one."""

import difflib
import re
from collections.abc import Sequence

from starlette.types import Scope

from app.core.errors import ConfigError
from app.core.http_settings import EndpointLimit, RateLimitSettings
from app.core.quotas import Quota, Quotas
from app.core.routes import WEBSOCKET, Route, Routes

_PARAMETER = re.compile(r"\{[^}]*\}")
GENERAL = "default"


class RequestLimits:
    """Counts requests per caller; see `[server.rate_limit]`."""

    def __init__(self, settings: RateLimitSettings, quotas: Quotas, routes: Routes) -> None:
        """Raises `ConfigError` when a table of `endpoints` matches no route."""
        self._quotas = quotas
        self._routes = routes
        self._burst_size = settings.burst_size
        self.limit_to(settings.requests_per_minute)
        self._own = _own_quotas(settings.endpoints, routes.all())

    def limit_to(self, requests_per_minute: int) -> None:
        """Allow so many requests per minute and caller from now on, where the route has no quota of its own."""
        self._general = _quota(GENERAL, requests_per_minute, self._burst_size)

    def quota_of(self, route: Route) -> Quota | None:
        """What holds for this route; None when nothing does."""
        return self._own.get(route, self._general)

    async def count(self, scope: Scope, caller: str) -> None:
        """Count one request of `caller`, and keep where it stands in the request's state for the response headers.

        Raises:
            QuotaExceededError, ServiceUnavailableError: as `Quotas.take`.
        """
        quota = self._general
        if self._own:
            quota = self.quota_of(self._route_of(scope))
        if quota is not None:
            scope["state"]["rate_limit"] = await self._quotas.take(quota, caller)

    async def count_message(self, path: str, caller: str) -> None:
        """Count one message that asks for something on an open WebSocket of `path`; raises as `count`."""
        quota = self.quota_of(Route(WEBSOCKET, self._routes.of_websocket(path) or ""))
        if quota is not None:
            await self._quotas.take(quota, caller)

    def _route_of(self, scope: Scope) -> Route:
        if scope["type"] == "websocket":  # counted before it is routed
            return Route(WEBSOCKET, self._routes.of_websocket(scope["path"]) or "")
        return Route(scope["method"], self._routes.of(scope) or "")


def _quota(name: str, per_minute: int, burst: int | None) -> Quota | None:
    return Quota(name, per_minute, burst or per_minute) if per_minute else None


def _own_quotas(limits: Sequence[EndpointLimit], routes: Sequence[Route]) -> dict[Route, Quota | None]:
    found: dict[Route, Quota | None] = {}
    for index, limit in enumerate(limits):
        pattern = _as_regex(limit.path)
        matching = [
            route
            for route in routes
            if pattern.fullmatch(_plain(route.template)) and limit.method in {"*", route.method}
        ]
        if not matching:
            raise _unknown(index, limit, routes)
        quota = _quota(f"endpoint-{index + 1}", limit.requests_per_minute, limit.burst_size)
        for route in matching:
            found.setdefault(route, quota)
    return found


def _as_regex(path: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in _plain(path).split("*")))


def _plain(template: str) -> str:
    # What a parameter is called does not matter, nor does a slash at the end.
    return _PARAMETER.sub("{}", template).rstrip("/") or "/"


def _unknown(index: int, limit: EndpointLimit, routes: Sequence[Route]) -> ConfigError:
    key = f"server.rate_limit.endpoints.{index}.path"
    known = list(dict.fromkeys(route.template for route in routes))
    same_path = sorted({route.method for route in routes if _as_regex(limit.path).fullmatch(_plain(route.template))})
    if same_path:
        key = f"server.rate_limit.endpoints.{index}.method"
        message = f"{limit.path} has no method {limit.method}; it has {', '.join(same_path)}"
    else:
        near = difflib.get_close_matches(limit.path, known, n=1, cutoff=0.6)
        hint = f" (did you mean {near[0]}?)" if near else ""
        message = f"no route is {limit.path!r}{hint}; routes are: {', '.join(known)}"
    return ConfigError(f"{key}: {message}", errors=[{"key": key, "message": message}])
