"""What a client hears of a failure: codes of the service's own errors, and nothing of anything else.

`extensions` carry `code`, `details`, `retryable` and `requestId`, as the envelope of REST does.
"""

import re
from collections.abc import Sequence

import structlog
from graphql import GraphQLError
from strawberry.exceptions import StrawberryInputCoercionError

from app.core.errors import InternalError, InvalidRequestError, TestBenchError
from app.core.http import graphql_error_body, translate
from app.core.validation import MAX_CHARACTERS

MAX_ERRORS = 50
_SUGGESTION = re.compile(r"\s*Did you mean .*\?(?=$|\s)", re.DOTALL)

log = structlog.get_logger(__name__)


def masked(errors: Sequence[GraphQLError], request_id: str, *, suggestions: bool) -> list[GraphQLError]:
    """The errors as the client gets them; unexpected ones are logged. Of very many only the first."""
    return [_masked(error, request_id, suggestions=suggestions) for error in errors[:MAX_ERRORS]]


def _masked(error: GraphQLError, request_id: str, *, suggestions: bool) -> GraphQLError:
    ours = _meaning(error)
    message = ours.message
    if not suggestions:
        message = _SUGGESTION.sub("", message)
    if len(message) > 4 * MAX_CHARACTERS:
        message = f"{message[: 4 * MAX_CHARACTERS]}…"
    return GraphQLError(
        message,
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        path=error.path,
        original_error=ours,
        extensions=graphql_error_body(ours, request_id)["errors"][0]["extensions"],
    )


def _meaning(error: GraphQLError) -> TestBenchError:
    cause = error.original_error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    if isinstance(cause, TestBenchError):
        return cause
    if isinstance(cause, RecursionError):
        return InvalidRequestError("the document nests too deeply to be read")
    if _is_the_clients(error, cause):
        return InvalidRequestError(error.message)
    if cause is None or isinstance(cause, GraphQLError):
        log.error("a GraphQL answer could not be given", message=error.message, path=error.path)
        return InternalError("something went wrong inside the service; the log has more under this request id")
    ours = translate(cause if isinstance(cause, Exception) else Exception())
    log.error("a GraphQL operation failed", path=error.path, exc_info=cause)
    return ours


def _is_the_clients(error: GraphQLError, cause: BaseException | None) -> bool:
    if isinstance(error, StrawberryInputCoercionError) or isinstance(cause, StrawberryInputCoercionError):
        return True
    if error.path is None:  # parsing, validation, or a variable whose scalar refused it
        return (
            cause is None
            or isinstance(cause, GraphQLError)
            or (bool(error.nodes) and isinstance(cause, ValueError | TypeError))
        )
    return isinstance(cause, GraphQLError) and error.message.startswith("Argument ")
