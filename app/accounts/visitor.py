"""Who comes, from where, and what they go with: values that the rooms of signing in hand to each other."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from app.accounts.caller import Caller


@dataclass(frozen=True, slots=True)
class Visitor:
    """Where a request came from, for limits and the audit trail."""

    address: str = ""
    request_id: str = ""
    user_agent: str = ""


@dataclass(frozen=True, slots=True)
class SignIn:
    """The tokens of one sign-in."""

    access_token: str
    refresh_token: str
    access_life: timedelta
    refresh_life: timedelta
    caller: Caller


def nobody(visitor: Visitor) -> Caller:
    """The actor of what somebody did without having signed in."""
    return Caller(
        user_id=UUID(int=0),
        username="anonymous",
        role="",
        permissions=frozenset(),
        via="system",
        address=visitor.address,
        request_id=visitor.request_id,
    )
