"""Who may see what: the one rule for rows and for events, used by every transport.

Users see what they own; administrators and (read-only) viewers see all, also what belongs to nobody (made by the
service itself, or by a user who was deleted).
"""

from uuid import UUID

from app.accounts.caller import Caller
from app.accounts.permissions import Permission, Role
from app.events.topics import family_of
from app.events.types import Event, Topic

PERMISSION_OF_FAMILY: dict[str, Permission] = {
    "benchmark": Permission.BENCHMARK_READ,
    "test": Permission.BENCHMARK_READ,
    "metrics": Permission.METRICS_READ,
    "alert": Permission.METRICS_READ,
    "settings": Permission.USER_MANAGE,
}
SEE_EVERYTHING = frozenset({Role.ADMIN, Role.VIEWER})
UNOWNED_FAMILIES = frozenset({"metrics"})
"""Families about the service itself; the permission alone decides."""


def sees_everything(caller: Caller) -> bool:
    """Whether ownership does not matter to what `caller` may see."""
    return caller.role in SEE_EVERYTHING


def may_see_owned(caller: Caller, owner_id: UUID | None) -> bool:
    """Whether `caller` may see a thing that `owner_id` owns."""
    return sees_everything(caller) or (owner_id is not None and owner_id == caller.user_id)


def permission_for(topic: Topic) -> Permission:
    """What one needs in order to listen to `topic`."""
    return PERMISSION_OF_FAMILY[family_of(topic)]


def may_see(caller: Caller, event: Event) -> bool:
    """Whether `event` may be told to `caller`."""
    if permission_for(event.topic) not in caller.permissions:
        return False
    return family_of(event.topic) in UNOWNED_FAMILIES or may_see_owned(caller, event.owner_id)
