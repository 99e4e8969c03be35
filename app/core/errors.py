"""The one tree of service errors.

Errors of a *measured* request are data on its record and never appear here. Each class fixes its `code`,
`http_status` and `retryable`; the REST, GraphQL and WebSocket renderers only translate, they decide nothing.
"""

from typing import Any, ClassVar


class TestBenchError(Exception):
    """Root of the tree.

    `message` is for people, `details` is for programs and must be JSON-serialisable and free of secrets.
    """

    __test__ = False  # pytest would otherwise collect the class by its name
    code: ClassVar[str] = "INTERNAL_ERROR"
    http_status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details

    def headers(self) -> dict[str, str]:
        """HTTP headers that belong to the error, e.g. `Retry-After`."""
        return {}


class InvalidRequestError(TestBenchError):
    """The caller sent something wrong. `details["errors"]` lists `{path, message, allowed?}`."""

    code = "INVALID_REQUEST"
    http_status = 422


def invalid_field(path: str, message: str) -> InvalidRequestError:
    """One field of the request is wrong; `path` as the request has it."""
    return InvalidRequestError(f"{path}: {message}", errors=[{"path": path, "message": message}])


class MalformedRequestError(InvalidRequestError):
    """The request cannot be read at all (bad JSON, bad cursor)."""

    http_status = 400


class PayloadTooLargeError(InvalidRequestError):
    """A body, message or page above its limit; `details` carries `limit`."""

    http_status = 413


class UnsupportedEncodingError(InvalidRequestError):
    """The body comes in a coding that nobody takes apart here."""

    http_status = 415

    def headers(self) -> dict[str, str]:
        return {"Accept-Encoding": "identity"}


class UnauthorizedError(TestBenchError):
    """No valid identity."""

    code = "UNAUTHORIZED"
    http_status = 401

    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": "Bearer"}


class ForbiddenError(TestBenchError):
    """A valid identity without the permission; `details["permission"]` names it."""

    code = "FORBIDDEN"
    http_status = 403


class NotFoundError(TestBenchError):
    """No such thing, or not visible to the caller."""

    code = "NOT_FOUND"
    http_status = 404


class MethodNotAllowedError(InvalidRequestError):
    """The path exists, the method does not; `details["allowed"]` lists those that do."""

    http_status = 405

    def headers(self) -> dict[str, str]:
        return {"Allow": str(self.details.get("allowed", ""))}


class ConflictError(TestBenchError):
    """The thing's state does not allow it, or the name is taken."""

    code = "CONFLICT"
    http_status = 409


class RateLimitedError(TestBenchError):
    """Too many requests; wait `retry_after_seconds`."""

    code = "RATE_LIMITED"
    http_status = 429
    retryable = True

    def __init__(self, message: str, *, retry_after_seconds: int, **details: Any) -> None:
        super().__init__(message, retry_after_seconds=retry_after_seconds, **details)
        self.retry_after_seconds = retry_after_seconds

    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.retry_after_seconds)}


class InternalError(TestBenchError):
    """A fault of ours; the message never carries internals."""


class DatabaseError(TestBenchError):
    """The database refused or failed."""

    code = "DATABASE_ERROR"
    http_status = 503
    retryable = True


class DatabaseBusyError(DatabaseError):
    """Every connection is in use."""

    code = "SERVICE_UNAVAILABLE"

    def headers(self) -> dict[str, str]:
        return {"Retry-After": "1"}


class DatabaseTimeoutError(DatabaseError):
    """The database did not answer in time."""

    code = "TIMEOUT"

    def headers(self) -> dict[str, str]:
        return {"Retry-After": "5"}


class ConstraintViolationError(TestBenchError):
    """A stated constraint cannot be met."""

    code = "CONSTRAINT_VIOLATION"
    http_status = 409


class ServiceUnavailableError(TestBenchError):
    """Shutting down, or a part is missing."""

    code = "SERVICE_UNAVAILABLE"
    http_status = 503
    retryable = True


class UpstreamTimeoutError(TestBenchError):
    """Something we called did not answer in time."""

    code = "TIMEOUT"
    http_status = 504
    retryable = True


class ConfigError(TestBenchError):
    """The configuration is wrong; `details["errors"]` lists `{key, message}`. The CLI exits with 2."""

    code = "INVALID_REQUEST"
    http_status = 500
