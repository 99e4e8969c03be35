"""Sign-ins as their user sees them: which devices there are, and ending some of them."""

from collections.abc import Sequence
from uuid import UUID

from app.accounts import audit, repository
from app.accounts.caller import Caller
from app.accounts.models import SignInRecord
from app.accounts.roles import Roles
from app.accounts.user_rules import check_not_above
from app.accounts.users import existing
from app.core.clock import Clock
from app.core.database import Database
from app.core.errors import NotFoundError

MAX_LISTED = 200


class SignIns:
    """What can be done with sign-ins."""

    def __init__(self, database: Database, clock: Clock, roles: Roles) -> None:
        self._database = database
        self._clock = clock
        self._roles = roles

    async def mine(self, caller: Caller) -> Sequence[SignInRecord]:
        """The caller's sign-ins that are not over, the last used first; at most 200."""
        async with self._database.read() as session:
            return await repository.sign_ins_of(session, caller.user_id, self._clock.now(), MAX_LISTED)

    async def of(self, username: str) -> Sequence[SignInRecord]:
        """Those of another user."""
        async with self._database.read() as session:
            user = await existing(session, username)
            return await repository.sign_ins_of(session, user.id, self._clock.now(), MAX_LISTED)

    async def revoke(self, caller: Caller, sign_in_id: UUID) -> None:
        """End one sign-in of the caller's at once, maybe this one.

        Raises:
            NotFoundError: they have no such sign-in, or it is over.
        """
        now = self._clock.now()
        async with self._database.write() as session:
            record = await session.get(SignInRecord, sign_in_id)
            if record is None or record.user_id != caller.user_id or record.revoked_at or record.expires_at <= now:
                raise NotFoundError("you have no such sign-in")
            await repository.revoke_family(session, sign_in_id, now)
            await audit.record(session, caller, "auth.revoke_session", "sign_in", sign_in_id)

    async def revoke_others(self, caller: Caller) -> int:
        """End every sign-in of the caller's except the one that asks; says how many."""
        async with self._database.write() as session:
            ended = await repository.revoke_user(session, caller.user_id, self._clock.now(), but=caller.family_id)
            told = {"sign_ins_ended": ended}
            await audit.record(session, caller, "auth.revoke_other_sessions", "user", caller.user_id, told)
            return ended

    async def revoke_all(self, caller: Caller, username: str) -> int:
        """End every sign-in of another user; says how many.

        Raises:
            NotFoundError: there is no such user.
            ForbiddenError: the user may do more than the caller.
        """
        async with self._database.write() as session:
            user = await existing(session, username)
            check_not_above(self._roles, caller, user.role)
            ended = await repository.revoke_user(session, user.id, self._clock.now())
            told = {"username": user.username, "sign_ins_ended": ended}
            await audit.record(session, caller, "user.revoke_sessions", "user", user.id, told)
            return ended
