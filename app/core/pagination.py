"""Keyset pagination: opaque cursors over `(sort value, id)`, newest first by default."""

import base64
from typing import Any, Generic, TypeVar
from uuid import UUID

import orjson
from pydantic import BaseModel, Field

from app.core.errors import MalformedRequestError

Item = TypeVar("Item")

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 500


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
        raise MalformedRequestError(
            "the cursor is not valid", errors=[{"path": "cursor", "message": "use next_cursor"}]
        ) from None


def decode_cursor(cursor: str, *types: type) -> tuple[Any, ...]:
    """The values behind a cursor made by `encode_cursor`.

    Raises:
        MalformedRequestError: when it is not one of ours or its values are not of `types`.
    """
    try:
        values = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError:
        values = None
    if (
        not isinstance(values, list)
        or len(values) != len(types)
        or not all(type(value) is kind for value, kind in zip(values, types, strict=True))
    ):
        raise MalformedRequestError(
            "the cursor is not valid", errors=[{"path": "cursor", "message": "use next_cursor"}]
        )
    return tuple(values)
