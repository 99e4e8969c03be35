"""A span for each request to the API, where `telemetry.server_spans` wants them.

Conventions: https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server-span. The path's template is told,
never the path or the query.
"""

import time
from collections.abc import Callable

from starlette.datastructures import State
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.tracing import current_trace
from app.monitoring.span_attributes import Value
from app.monitoring.tracing import Tracer

_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class TraceRequests:
    """ASGI middleware inside `core.middleware.RequestContext`, whose span of the request it exports."""

    def __init__(self, app: ASGIApp, app_state: State, template_of: Callable[[Scope], str | None]) -> None:
        self.app = app
        self._state = app_state
        self._template_of = template_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        tracer, trace = self._state.tracer, current_trace.get()
        if scope["type"] != "http" or not isinstance(tracer, Tracer) or trace is None:
            await self.app(scope, receive, send)
            return
        begun_ns, status = time.time_ns(), 500

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, watch)
        finally:
            if (route := self._template_of(scope)) is not None:  # not for probes of strangers and static files
                method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
                attributes: dict[str, Value] = {
                    "http.request.method": method,
                    "http.route": route,
                    "http.response.status_code": status,
                    "url.scheme": scope.get("scheme", "http"),
                    "network.protocol.version": scope.get("http_version", "1.1"),
                }
                tracer.request(trace, f"{method} {route}", begun_ns, time.time_ns(), attributes)
