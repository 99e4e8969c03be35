"""How operations are answered: over HTTP, as server-sent events, over WebSocket; and the explorer's page.

What is refused before an operation runs (no identity, too many requests, unreadable) has the HTTP status of its
error; what happens within one is told in `errors` with status 200, or 400 when the client takes
`application/graphql-response+json` and the document could not be executed at all.
"""

from datetime import timedelta
from typing import Any

import orjson
from cross_web import AsyncHTTPRequestAdapter, HTTPException
from fastapi import Request, Response
from fastapi.responses import FileResponse
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData, process_result
from strawberry.http.parse_content_type import parse_content_type
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL, GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError

from app.accounts.authentication import token_of, visitor_of
from app.core.errors import (
    InvalidRequestError,
    MalformedRequestError,
    MethodNotAllowedError,
    TestBenchError,
)
from app.core.http import graphql_error_body, request_id_of, translate
from app.core.settings import Settings
from app.graphql.context import Context, Identity, Services
from app.graphql.explorer_files import EXPLORER, has_explorer
from app.graphql.schema import GuardedSchema, build_schema
from app.graphql.socket import Socket, SocketAdapter, SocketHandler

RESPONSE_TYPE = "application/graphql-response+json"
_NO_STORE = {"Cache-Control": "no-store"}


class UnsupportedContentTypeError(InvalidRequestError):
    """The body is not declared as JSON, which also keeps forms of foreign pages out."""

    http_status = 415


class View(GraphQL[Any, None]):
    """The GraphQL view of one app."""

    schema: GuardedSchema
    websocket_adapter_class = SocketAdapter
    graphql_transport_ws_handler_class = SocketHandler

    def __init__(self, schema: GuardedSchema, settings: Settings) -> None:
        limits = settings.server.graphql
        super().__init__(
            schema,
            graphql_ide=None,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL, GRAPHQL_SSE_PROTOCOL),
            multipart_uploads_enabled=False,
            connection_init_wait_timeout=timedelta(seconds=settings.server.websocket.auth_timeout_seconds),
            max_subscriptions_per_connection=limits.max_subscriptions_per_connection,
        )
        self.limits = limits
        self.socket = Socket(settings)
        self.has_explorer = has_explorer(settings)

    async def answer(self, request: Request) -> Response:
        """The response to an HTTP request."""
        if self._wants_page(request):
            return FileResponse(EXPLORER / "index.html", headers={"Cache-Control": "no-cache"})
        try:
            response = await self.run(request)
        except HTTPException as error:
            return _refused(MalformedRequestError(error.reason), request)
        except Exception as error:
            ours = translate(error)
            if not isinstance(error, TestBenchError):
                raise
            return _refused(ours, request)
        for name, value in _NO_STORE.items():
            response.headers.setdefault(name, value)
        if response.media_type == "application/json" and RESPONSE_TYPE in request.headers.get("accept", ""):
            response.headers["content-type"] = f"{RESPONSE_TYPE}; charset=utf-8"
        return response

    def _wants_page(self, request: Request) -> bool:
        accepted = request.headers.get("accept", "")
        return (
            self.has_explorer
            and request.method == "GET"
            and "query" not in request.query_params
            and "text/html" in accepted
        )

    # What strawberry's view asks

    def should_render_graphql_ide(self, request: Any) -> bool:
        return False

    def is_websocket_origin_allowed(self, request: WebSocket, origin: str) -> bool:
        return bool(self.socket.origins.allows(request.scope))

    async def get_context(self, request: Request | WebSocket, response: Any) -> Any:
        if isinstance(request, WebSocket):
            return self.socket.context(request)
        caller = await request.app.state.authenticate(request)
        accounts, token, visitor = request.app.state.accounts, token_of(request), visitor_of(request)
        services = Services.of(request.app)
        identity = Identity(
            lambda: accounts.caller_from_token(token, visitor),
            self.limits.recheck_seconds,
            caller,
            services.subscribers,
        )
        request_id = request_id_of(request.scope["state"])
        return Context(caller, identity, services, self.limits, request_id)

    def decode_json(self, data: str | bytes) -> object:
        return orjson.loads(data)

    def encode_json(self, data: object) -> bytes:
        return orjson.dumps(data, option=orjson.OPT_NON_STR_KEYS)

    async def parse_http_body(self, request: AsyncHTTPRequestAdapter) -> GraphQLRequestData | list[GraphQLRequestData]:
        if request.method == "POST":
            content_type, _ = parse_content_type(request.content_type or "")
            if content_type != "application/json":
                raise UnsupportedContentTypeError(
                    "send the operation as JSON, with the header Content-Type: application/json"
                )
            document = self.parse_json(await request.get_body())
            if isinstance(document, list):
                raise MalformedRequestError("several operations in one request are not taken; send one after another")
            if not isinstance(document, dict):
                raise MalformedRequestError("the body must be an object with `query`")
            if not isinstance(document.get("operationName"), str | None):
                raise MalformedRequestError("`operationName` must be a text or null")
        found = await super().parse_http_body(request)
        if isinstance(found, GraphQLRequestData) and not found.query:
            raise MalformedRequestError("there is no `query` in the request")
        return found

    async def process_result(self, request: Request, result: ExecutionResult) -> GraphQLHTTPResponse:
        answer = process_result(result)
        if isinstance(result, PreExecutionError):
            answer.pop("data", None)
        return answer

    async def execute_operation(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        result = await super().execute_operation(request, *args, **kwargs)
        if request.method == "GET" and isinstance(result, PreExecutionError):
            refusal = next((one.original_error for one in result.errors or () if one.original_error), None)
            if isinstance(refusal, MethodNotAllowedError):
                raise refusal
        if RESPONSE_TYPE in request.headers.get("accept", "") and isinstance(result, PreExecutionError):
            kwargs["sub_response"].status_code = 400
        return result


def _refused(error: TestBenchError, request: Request) -> Response:
    accepted = request.headers.get("accept", "")
    return Response(
        orjson.dumps(graphql_error_body(error, request_id_of(request.scope["state"])), default=str),
        status_code=error.http_status,
        headers={**error.headers(), **_NO_STORE},
        media_type=RESPONSE_TYPE if RESPONSE_TYPE in accepted else "application/json",
    )


def build_view(settings: Settings) -> View:
    """The view for these settings."""
    return View(build_schema(settings.server.graphql, production=settings.security.production), settings)
