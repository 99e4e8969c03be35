"""The REST renderer of errors: one envelope, whatever went wrong.

`{"error": {"code", "message", "details", "retryable"}, "request_id", "timestamp"}`. Endpoints document what they may
answer by `responses=error_responses(401, 403, …)`; unexpected exceptions become an `INTERNAL_ERROR` without internals.
"""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, Field
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from app.core.errors import (
    ConflictError,
    DatabaseBusyError,
    DatabaseError,
    DatabaseTimeoutError,
    ForbiddenError,
    InternalError,
    InvalidRequestError,
    MalformedRequestError,
    MethodNotAllowedError,
    NotFoundError,
    PayloadTooLargeError,
    ServiceUnavailableError,
    TestBenchError,
    UnauthorizedError,
)
from app.core.validation import describe_problems

log = structlog.get_logger(__name__)

API_PREFIX = "/api/v1"
"""Where REST lives. Routers say it themselves: a route that `include_router` moves is built once more for each app."""


class ErrorDetail(BaseModel):
    """What went wrong."""

    code: str = Field(description="Stable, for programs.", examples=["INVALID_REQUEST"])
    message: str = Field(description="For people.", examples=["load.concurrency: must be at least 1"])
    details: dict[str, Any] = Field(
        description="Further facts. For wrong input, `errors` lists `{path, message, allowed?}`.",
        examples=[{"errors": [{"path": "load.concurrency", "message": "must be at least 1", "allowed": "≥ 1"}]}],
    )
    retryable: bool = Field(description="Whether the same request may succeed later.", examples=[False])


class ErrorBody(BaseModel):
    """The body of every error."""

    error: ErrorDetail
    request_id: str = Field(description="Also in the X-Request-ID header and in the log.")
    timestamp: datetime = Field(description="When it happened.")


_DESCRIPTIONS = {
    400: "The request cannot be read (bad JSON, bad cursor).",
    401: "No valid identity: sign in, or give a bearer token or API key.",
    403: "The permission is missing, or the request comes from a foreign origin.",
    404: "No such thing, or not visible to the caller.",
    409: "The name is taken, or the thing's state does not allow it.",
    412: "It has changed since it was read (`If-Match`).",
    413: "The request is larger than its limit.",
    415: "The body has a Content-Encoding; send it as it is.",
    422: "A value is wrong; `details.errors` names each with what is allowed.",
    428: "This server wants `If-Match` with every change.",
    429: "Too many requests; `Retry-After` says when to come back.",
    500: "A fault of the service.",
    502: "The provider's answer is not usable.",
    503: "A part of the service is not available.",
    504: "Something that the service called did not answer in time.",
}

ERROR_CONTENT = {"application/json": {"schema": {"$ref": f"#/components/schemas/{ErrorBody.__name__}"}}}

_QUERY_CANCELED = "57014"  # SQLSTATE: storage.statement_timeout_seconds is over
_DATA_EXCEPTION = "22"  # SQLSTATE class: the value itself is refused


def error_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI `responses` for the given statuses; 429, 500 and 503 (the database) are always possible and added.

    They refer to `error_schemas`. Given as `model`, FastAPI would make a validator for each: 600, a tenth of the start.
    """
    return {
        status: {"description": _DESCRIPTIONS.get(status, HTTPStatus(status).phrase), "content": ERROR_CONTENT}
        for status in sorted({*statuses, 429, 500, 503})
    }


def error_schemas() -> dict[str, Any]:
    """The components of the OpenAPI document that `ERROR_CONTENT` refers to."""
    body = ErrorBody.model_json_schema(ref_template="#/components/schemas/{model}", mode="serialization")
    return {**body.pop("$defs"), ErrorBody.__name__: body}


def request_id_of(scope_state: dict[str, Any]) -> str:
    """The id that the request-id middleware gave this request."""
    return str(scope_state.get("request_id", ""))


GRAPHQL_PATH = "/graphql"


def graphql_error_body(error: TestBenchError, request_id: str) -> dict[str, Any]:
    """The same for clients of GraphQL, which look for `errors`; `extensions` are what programs read."""
    extensions = {
        "code": error.code,
        "details": error.details,
        "retryable": error.retryable,
        "requestId": request_id,
    }
    return {"errors": [{"message": error.message, "extensions": extensions}]}


def error_response(error: TestBenchError, request_id: str, path: str = "") -> Response:
    """The envelope of `error` as a response to a request for `path`."""
    body = graphql_error_body(error, request_id) if path == GRAPHQL_PATH else _envelope(error, request_id)
    return Response(
        orjson.dumps(body, default=str),
        status_code=error.http_status,
        headers=error.headers(),
        media_type="application/json",
    )


def _envelope(error: TestBenchError, request_id: str) -> dict[str, Any]:
    return {
        "error": {
            "code": error.code,
            "message": error.message,
            "details": error.details,
            "retryable": error.retryable,
        },
        "request_id": request_id,
        "timestamp": datetime.now(UTC),
    }


def translate(exception: Exception) -> TestBenchError:
    """The error of our tree that stands for any exception; never carries internals."""
    if isinstance(exception, TestBenchError):
        return exception
    if isinstance(exception, RequestValidationError):
        return _invalid(exception)
    if isinstance(exception, HTTPException):
        return _from_http_exception(exception)
    if isinstance(exception, SQLAlchemyError):
        return _from_database(exception)
    return InternalError("something went wrong inside the service; the log has more under this request id")


def _from_database(exception: SQLAlchemyError) -> TestBenchError:
    if isinstance(exception, PoolTimeoutError):
        return DatabaseBusyError("every database connection is in use; try again")
    cause = getattr(exception, "orig", None)
    if isinstance(cause, TimeoutError) or getattr(cause, "sqlstate", None) == _QUERY_CANCELED:
        return DatabaseTimeoutError("the database did not answer in time; try again")
    if isinstance(exception, IntegrityError):
        return ConflictError("this conflicts with something that exists, or something it refers to is gone")
    if isinstance(exception, DBAPIError) and str(getattr(exception.orig, "sqlstate", "")).startswith(_DATA_EXCEPTION):
        return InvalidRequestError("a value cannot be stored: texts must not contain NUL characters")
    return DatabaseError("the database failed; try again")


def _invalid(exception: RequestValidationError) -> TestBenchError:
    problems = describe_problems(exception)
    if any(item["type"] == "json_invalid" for item in exception.errors()):
        return MalformedRequestError("the body is not valid JSON", errors=problems)
    shown = "; ".join(f"{item['path']}: {item['message']}" for item in problems[:3])
    count = len(exception.errors())
    more = f" (and {count - 3} more)" if count > 3 else ""
    return InvalidRequestError(f"the request is not valid: {shown}{more}", errors=problems)


_BY_STATUS: dict[int, type[TestBenchError]] = {
    400: MalformedRequestError,
    401: UnauthorizedError,
    403: ForbiddenError,
    404: NotFoundError,
    405: MethodNotAllowedError,
    409: ConflictError,
    413: PayloadTooLargeError,
    503: ServiceUnavailableError,
}


def _allowed_methods(request: Request, named: str) -> str:
    """The methods of this address: of its routes, else those that the exception `named` (pages of the dashboard)."""
    # The router names the methods of the first route at an address only, and ours has a route per method.
    found: set[str] = set()
    for context in iter_route_contexts(request.app.routes):
        regex = getattr(context, "path_regex", None)
        if regex is not None and regex.match(request.scope["path"]):
            found.update(context.methods or ())
    found = found or {name.strip() for name in named.split(",") if name.strip()}
    return ", ".join(sorted(found | {"OPTIONS"} | ({"HEAD"} if "GET" in found else set())))


def _from_http_exception(exception: HTTPException) -> TestBenchError:
    kind = _BY_STATUS.get(exception.status_code, InvalidRequestError if exception.status_code < 500 else InternalError)
    if exception.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (exception.headers or {}).get("Allow", "")
        return kind(f"this method is not allowed here; allowed: {allowed}", allowed=allowed)
    if exception.status_code == HTTPStatus.NOT_FOUND:
        return kind("there is nothing at this address")
    if exception.status_code == HTTPStatus.BAD_REQUEST and isinstance(exception.__cause__, ValueError | RecursionError):
        # The framework's word for a body that the JSON parser gave up on.
        problem = {
            "path": "(body)",
            "message": "is not UTF-8, nests too deeply, or has a number of too many digits",
        }
        return kind("the body cannot be read as JSON", errors=[problem])
    return kind(str(exception.detail))


async def _handle(request: Request, exception: Exception) -> Response:
    if isinstance(exception, HTTPException) and exception.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = _allowed_methods(request, (exception.headers or {}).get("Allow", ""))
        if request.method == "OPTIONS":  # it asks for just this (RFC 9110, section 9.3.7)
            return Response(status_code=HTTPStatus.NO_CONTENT, headers={"Allow": allowed})
        exception.headers = {**(exception.headers or {}), "Allow": allowed}
    error = translate(exception)
    if error.http_status >= HTTPStatus.INTERNAL_SERVER_ERROR and not isinstance(exception, TestBenchError):
        log.error("request failed", path=request.url.path, method=request.method, exc_info=exception)
    response = error_response(error, request_id_of(request.scope.get("state", {})), request.url.path)
    if isinstance(exception, HTTPException):
        response.status_code = exception.status_code
        response.headers.update(exception.headers or {})
    return response


def install_error_handlers(app: FastAPI) -> None:
    """Render every error of `app`'s routes in the envelope.

    Exceptions outside this tree are caught by `middleware.ErrorBoundary`, so that they never reach the ASGI server.
    """
    for kind in (TestBenchError, RequestValidationError, HTTPException, SQLAlchemyError):
        app.add_exception_handler(kind, _handle)
