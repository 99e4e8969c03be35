"""Who may see a benchmark: its owner, and with whom it is shared. Rows and events carry the same three values."""

from typing import Any, NamedTuple, Self
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, select

from app.accounts import visibility
from app.accounts.caller import Caller
from app.accounts.permissions import Permission
from app.accounts.visibility import Visibility
from app.benchmarks.models import BenchmarkSession
from app.benchmarks.states import REMOVED
from app.core.errors import InvalidRequestError


class Audience(NamedTuple):
    """As the columns of a session and the fields of an event are called."""

    owner_id: UUID | None = None
    visibility: str = Visibility.PRIVATE.value
    team: str | None = None

    @classmethod
    def of(cls, row: BenchmarkSession | Row[Any]) -> Self:
        """Of a session, or of a row with its columns."""
        return cls(row.owner_id, row.visibility, row.team)


def audience_query(session_id: UUID) -> Select[tuple[UUID | None, str, str | None]]:
    """The audience of one session as it is now."""
    query = select(BenchmarkSession.owner_id, BenchmarkSession.visibility, BenchmarkSession.team)
    return query.where(BenchmarkSession.id == session_id)


def visible_to(caller: Caller) -> ColumnElement[bool]:
    """Which sessions a caller may see; nobody sees those that were deleted."""
    seen = visibility.rows_seen_by(
        caller,
        owner_id=BenchmarkSession.owner_id,
        visibility=BenchmarkSession.visibility,
        team=BenchmarkSession.team,
    )
    return and_(BenchmarkSession.status != REMOVED, seen)


def first_audience(caller: Caller, wanted: Visibility | None, default: str) -> Audience:
    """Of a new benchmark of `caller`: as they want it, else as the settings say.

    What the service itself makes has no owner.

    Raises:
        ForbiddenError: they want to share it and lack the permission.
        InvalidRequestError: it should be shared with a team, and they have none.
    """
    mine = Audience(caller.user_id if caller.via != "system" else None)
    if wanted is None:
        usual = Visibility(default)
        return mine if usual is Visibility.TEAM and caller.team is None else shared(mine, usual, caller.team)
    if wanted is not Visibility.PRIVATE:
        caller.check(Permission.BENCHMARK_SHARE)
    return shared(mine, wanted, caller.team)


def shared(now: Audience, wanted: Visibility, owner_team: str | None) -> Audience:
    """`now` with another visibility; `team` is the owner's team at this moment.

    Raises:
        InvalidRequestError: it should be shared with a team, and the owner has none.
    """
    if wanted is Visibility.TEAM and owner_team is None:
        message = "the benchmark's owner has no team; an administrator can give them one"
        raise InvalidRequestError(
            f"visibility: {message}",
            errors=[{"path": "visibility", "message": message, "allowed": "private, all"}],
        )
    return now._replace(visibility=wanted.value, team=owner_team if wanted is Visibility.TEAM else None)
