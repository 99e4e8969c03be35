"""Route templates: `/api/v1/providers/{name}` instead of the raw path, for metrics, limits and stored answers."""

import re
from typing import Any, NamedTuple

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.types import Scope

WEBSOCKET = "WEBSOCKET"


class Route(NamedTuple):
    """One method of one template; a WebSocket's method is `WEBSOCKET`."""

    method: str
    template: str


class Routes:
    """Finds the template of a request that was routed. Made before routes are added; looks at them when first asked."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._by_endpoint: dict[object, list[tuple[str, re.Pattern[str] | None]]] | None = None

    def all(self) -> list[Route]:
        """Every method of every template, in the order of the router."""
        return [
            Route(method, str(context.path_format))
            for context in iter_route_contexts(self._app.routes)
            for method in sorted(context.methods or {WEBSOCKET})
        ]

    def of(self, scope: Scope) -> str | None:
        """The template, or None when no route took the request."""
        state: dict[str, Any] = scope["state"]
        if (found := state.get("route_template")) is None:
            found = self._find(scope)
            if found is not None:
                state["route_template"] = found
        return found

    def of_websocket(self, path: str) -> str | None:
        """The template of the WebSocket route that takes `path`."""
        for context in iter_route_contexts(self._app.routes):
            regex = getattr(context, "path_regex", None)
            if not context.methods and regex is not None and regex.match(path):
                return str(context.path_format)
        return None

    def _find(self, scope: Scope) -> str | None:
        if self._by_endpoint is None:
            self._by_endpoint = {}
            for context in iter_route_contexts(self._app.routes):
                known = self._by_endpoint.setdefault(context.endpoint, [])
                known.append((str(context.path_format), getattr(context, "path_regex", None)))
        candidates = self._by_endpoint.get(scope.get("endpoint"), ())
        return next((template for template, regex in candidates if regex is None or regex.match(scope["path"])), None)
