"""Keyset pagination: opaque cursors over `(sort value, id)`, newest first by default."""

import base64
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

import orjson
from fastapi import Query
from pydantic import BaseModel, Field

from app.core.errors import MalformedRequestError

Item = TypeVar("Item")

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 500
_MAX_INTEGER = 2**63  # what a database stores

PageSize = Annotated[int, Query(ge=1, le=MAX_PAGE_SIZE, description="Most items to return.")]
Cursor = Annotated[
    str | None,
    Query(max_length=500, description="`next_cursor` of the page before; empty: the first page."),
]
"""The two parameters of every listing that has pages."""


class Page(BaseModel, Generic[Item]):
    """One page of a listing."""

    items: list[Item] = Field(description="Newest first.")
    next_cursor: str | None = Field(None, description="Give it as `cursor` to get the next page; null on the last.")


def encode_cursor(*values: Any) -> str:
    """An opaque, URL-safe token for the position after `values` (JSON scalars)."""
    return base64.urlsafe_b64encode(orjson.dumps(values)).decode().rstrip("=")


def uuid_of(text: str) -> UUID:
    """The id in a cursor.

    Raises:
        MalformedRequestError: it is none.
    """
    try:
        return UUID(text)
    except ValueError:
        raise bad_cursor() from None


def decode_values(cursor: str) -> list[Any]:
    """The values behind a cursor made by `encode_cursor`, as JSON has them.

    Raises:
        MalformedRequestError: when it is not one of ours, or a number in it is more than a database stores.
    """
    try:
        values = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError:
        values = None
    if not isinstance(values, list) or any(
        isinstance(value, int) and not -_MAX_INTEGER <= value < _MAX_INTEGER for value in values
    ):
        raise bad_cursor()
    return values


def decode_cursor(cursor: str, *types: type) -> tuple[Any, ...]:
    """The values behind a cursor made by `encode_cursor`.

    Raises:
        MalformedRequestError: when it is not one of ours or its values are not of `types`.
    """
    values = decode_values(cursor)
    if len(values) != len(types) or not all(type(value) is kind for value, kind in zip(values, types, strict=True)):
        raise bad_cursor()
    return tuple(values)


def bad_cursor() -> MalformedRequestError:
    """The answer to a cursor that is none of ours."""
    return MalformedRequestError(
        "cursor: is not one of this listing; use `next_cursor` of the page before, or leave it out",
        errors=[{"path": "cursor", "message": "is not a cursor of this listing"}],
    )
