"""Who may see what: the one rule for rows and for events, used by every transport.

People see what they own and what is shared with them: with their team, or with all. Whoever has `admin.see_all` sees
everything, also what belongs to nobody (made by the service itself, or by a user who was deleted).

Seeing is not changing: what is shared is changed only by its owner, or by whoever has `admin.see_all`.
"""

from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, true
from sqlalchemy.orm import InstrumentedAttribute

from app.accounts.caller import Caller
from app.accounts.permissions import Permission
from app.core.errors import ForbiddenError
from app.events.topics import family_of
from app.events.types import Event, Topic

PERMISSION_OF_FAMILY: dict[str, Permission] = {
    "benchmark": Permission.BENCHMARK_READ,
    "test": Permission.BENCHMARK_READ,
    "metrics": Permission.METRICS_READ,
    "alert": Permission.METRICS_READ,
    "settings": Permission.ADMIN_SETTINGS,
}
UNOWNED_FAMILIES = frozenset({"metrics", "settings"})
"""Families about the service itself; the permission alone decides. So it does for alerts about no benchmark."""


class Visibility(StrEnum):
    """With whom a thing is shared."""

    PRIVATE = "private"
    TEAM = "team"
    ALL = "all"


def sees_everything(caller: Caller) -> bool:
    """Whether ownership does not matter to what `caller` may see."""
    return Permission.ADMIN_SEE_ALL in caller.permissions


def may_see_owned(
    caller: Caller, owner_id: UUID | None, visibility: str = Visibility.PRIVATE, team: str | None = None
) -> bool:
    """Whether `caller` may see a thing that `owner_id` owns and shares so."""
    return (
        sees_everything(caller)
        or (owner_id is not None and owner_id == caller.user_id)
        or visibility == Visibility.ALL
        or (visibility == Visibility.TEAM and team is not None and team == caller.team)
    )


def rows_seen_by(
    caller: Caller,
    *,
    owner_id: InstrumentedAttribute[Any],
    visibility: InstrumentedAttribute[str],
    team: InstrumentedAttribute[Any],
) -> ColumnElement[bool]:
    """`may_see_owned` as a condition on a table with these columns."""
    if sees_everything(caller):
        return true()
    seen = [owner_id == caller.user_id, visibility == Visibility.ALL.value]
    if caller.team is not None:
        seen.append(and_(visibility == Visibility.TEAM.value, team == caller.team))
    return or_(*seen)


def may_change_owned(caller: Caller, owner_id: UUID | None) -> bool:
    """Whether `caller` may change a thing that `owner_id` owns, given the permission for what they want to do."""
    return sees_everything(caller) or (owner_id is not None and owner_id == caller.user_id)


def check_change(caller: Caller, owner_id: UUID | None, what: str) -> None:
    """Refuse a change of what is only shared with `caller`.

    Raises:
        ForbiddenError: naming `what` it is and who may change it.
    """
    if not may_change_owned(caller, owner_id):
        raise ForbiddenError(
            f"this {what} is shared with you to read; only its owner or an administrator may change it",
            permission=Permission.ADMIN_SEE_ALL,
        )


def permission_for(topic: Topic) -> Permission:
    """What one needs in order to listen to `topic`."""
    return PERMISSION_OF_FAMILY[family_of(topic)]


def may_see(caller: Caller, event: Event) -> bool:
    """Whether `event` may be told to `caller`."""
    if permission_for(event.topic) not in caller.permissions:
        return False
    family = family_of(event.topic)
    if family in UNOWNED_FAMILIES or (family == "alert" and event.session_id is None):
        return True
    return may_see_owned(caller, event.owner_id, event.visibility, event.team)
