"""Whose a token or a key is."""

from typing import NamedTuple
from uuid import UUID


class Holder(NamedTuple):
    """The part of a user that a caller is made of."""

    id: UUID
    username: str
    role: str
    team: str | None
