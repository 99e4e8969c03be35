"""Changes that are made only while a thing is as the client saw it, and creations that happen once however often asked.

`etag` and `ifMatch` are REST's `ETag` and `If-Match`: a tag read over one is good over the other. `idempotencyKey` is
REST's `Idempotency-Key`, per mutation and user, kept for 24 hours.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import orjson
import strawberry
import structlog

from app.core.conditional import Preconditions
from app.core.errors import InvalidRequestError
from app.graphql.context import Info
from app.graphql.inputs import document_of
from app.idempotency.service import Answer, checked_key

MAX_TAG_CHARACTERS = 4096

IfMatch = Annotated[
    str | None,
    strawberry.argument(
        description="Do it only while its `etag` is still this (`*`: whatever it is); else nothing changes and the "
        "code is `CONFLICT`."
    ),
]
IdempotencyKey = Annotated[
    str | None,
    strawberry.argument(
        description="Unique for each new thing. Sent again within 24 hours with the same input, nothing is made "
        "anew and the first answer is given again; with another input it is an error."
    ),
]

log = structlog.get_logger(__name__)


def conditions(info: Info, if_match: str | None) -> Preconditions:
    """What the client demands of the present state; raises `InvalidRequestError` for a text that is no tag."""
    required = info.context.services.requires_if_match
    if if_match is None or if_match.strip() == "*":
        return Preconditions(if_match, None, required, said_in="ifMatch")
    opaque = if_match.strip().removeprefix('"').removesuffix('"')
    if not opaque or len(opaque) > MAX_TAG_CHARACTERS or not opaque.isascii() or not opaque.isprintable():
        problem = {"path": "ifMatch", "message": "is not an etag", "allowed": "the `etag` of an earlier answer"}
        raise InvalidRequestError("ifMatch: use the `etag` of an earlier answer", errors=[problem])
    return Preconditions(f'"{opaque}"', None, required)


async def once(
    info: Info, mutation: str, key: str | None, given: Any, make: Callable[[], Awaitable[dict[str, Any]]]
) -> dict[str, Any]:
    """What `make` answers, or what it answered when this key was first used. A failure is not kept.

    `given` is the input, which must be the same each time.

    Raises:
        IdempotencyMismatchError: the key was used with another input.
        InProgressError: the first use has not ended.
        MalformedRequestError: it is no key.
    """
    if key is None:
        return await make()
    service = info.context.services.idempotency
    described = orjson.dumps([mutation, document_of(given)], default=str)
    outcome = await service.begin(info.context.caller, f"graphql {mutation}", checked_key(key), described)
    if isinstance(outcome, Answer):
        kept: dict[str, Any] = orjson.loads(outcome.body)
        return kept
    made: dict[str, Any] | None = None
    try:
        made = await make()
    finally:
        try:
            await service.end(outcome, None if made is None else Answer(200, (), orjson.dumps(made)))
        except Exception:  # the mutation itself has ended, well or not; the key stays locked for a minute
            log.exception("the answer to an idempotencyKey could not be kept")
    return made
