"""Conditional requests (RFC 9110, section 13): strong entity tags, `If-Match` for writes, `If-None-Match` for reads."""

import hashlib
import re
from dataclasses import dataclass
from typing import Annotated

from fastapi import Header, Request, Response
from pydantic import BaseModel

from app.core.errors import ConflictError, InvalidRequestError

_MAX_HEADER_CHARACTERS = 4096
_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_CODING = re.compile(r"-(?:gzip|br|zstd)$")  # what `compression` adds: other bytes, other tag, same version


class PreconditionFailedError(ConflictError):
    """The thing has changed since the caller read it."""

    http_status = 412


class PreconditionRequiredError(InvalidRequestError):
    """This server wants `If-Match` with every change."""

    http_status = 428


def etag_of(*parts: object) -> str:
    """An opaque strong tag for whatever `parts` identify."""
    digest = hashlib.blake2b("\0".join(map(str, parts)).encode(), digest_size=12).hexdigest()
    return f'"{digest}"'


def etag_of_view(view: BaseModel) -> str:
    """The tag of a representation that is small enough to be read whole."""
    return etag_of(view.model_dump_json(by_alias=True))


@dataclass(frozen=True, slots=True)
class Preconditions:
    """What the request demands of the thing's present state."""

    if_match: str | None = None
    if_none_match: str | None = None
    if_match_required: bool = False
    said_in: str = "If-Match"
    """Where the caller says which state is meant: a header, or an argument of GraphQL."""

    def check_write(self, etag: str) -> None:
        """Refuse a change of something that is not as the caller saw it.

        Raises:
            PreconditionFailedError: `If-Match` names another state.
            PreconditionRequiredError: there is none, and `server.http.require_if_match` is set.
        """
        if self.if_match is None:
            if self.if_match_required:
                raise PreconditionRequiredError(
                    f"send {self.said_in} with the ETag that you read (server.http.require_if_match)",
                    errors=[{"path": self.said_in, "message": "is required"}],
                )
            return
        if not _names(self.if_match, etag, of_version=True):
            raise PreconditionFailedError("it has changed since you read it: read it again, then change it", etag=etag)

    def check_view(self, view: BaseModel) -> None:
        """As `check_write`, for what `etag_of_view` tags."""
        self.check_write(etag_of_view(view))

    def is_known(self, etag: str) -> bool:
        """Whether the caller has this state already, so that 304 is the answer."""
        return self.if_none_match is not None and _names(self.if_none_match, etag, of_version=False)

    def respond(self, etag: str, body: bytes) -> Response:
        """The JSON `body`, or 304."""
        if self.is_known(etag):
            return Response(status_code=304, headers={"ETag": etag})
        return Response(body, media_type="application/json", headers={"ETag": etag})


ANY_STATE = Preconditions()


async def preconditions(
    request: Request,
    if_match: Annotated[
        str | None,
        Header(max_length=_MAX_HEADER_CHARACTERS, description="Change it only while its ETag is one of these; or `*`."),
    ] = None,
) -> Preconditions:
    """A dependency of routes that change something."""
    return Preconditions(if_match, None, request.app.state.settings.server.http.require_if_match)


IfNoneMatch = Annotated[
    str | None,
    Header(max_length=_MAX_HEADER_CHARACTERS, description="Answer 304 while its ETag is one of these; or `*`."),
]


async def known_state(if_none_match: IfNoneMatch = None) -> Preconditions:
    """A dependency of routes that read something."""
    return Preconditions(None, if_none_match)


def _names(listed: str, etag: str, *, of_version: bool) -> bool:
    if listed.strip() == "*":
        return True
    plain = _version if of_version else _whole
    wanted = plain(etag.strip('"'))
    # A write needs the strong comparison, which a weak tag never wins.
    return any(not (of_version and weak) and plain(tag) == wanted for weak, tag in _TAG.findall(listed))


def _whole(opaque: str) -> str:
    return _CODING.sub("", opaque)


def _version(opaque: str) -> str:
    # The part after a full stop changes with progress, which no write changes.
    return _whole(opaque).split(".", 1)[0]


TAGGED_RESPONSES: dict[int | str, dict[str, object]] = {
    304: {"description": "The caller has this state already (`If-None-Match`)."}
}
