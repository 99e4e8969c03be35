"""Signing in with a password, and changing one's own."""

from typing import NoReturn

import structlog

from app.accounts import audit, repository
from app.accounts.caller import Caller
from app.accounts.models import User
from app.accounts.passwords import Passwords
from app.accounts.sessions import Sessions
from app.accounts.sign_in_methods import PASSWORD
from app.accounts.tokens import OpaqueSecrets
from app.accounts.user_rules import check_password
from app.accounts.visitor import SignIn, Visitor, nobody
from app.core.clock import Clock
from app.core.database import Database
from app.core.errors import ConflictError, ForbiddenError, InvalidRequestError, UnauthorizedError
from app.core.rate_limit import RateLimiter, address_key
from app.core.settings import SecuritySettings

log = structlog.get_logger(__name__)

_WRONG_CREDENTIALS = "the user name or the password is wrong"
_NO_PASSWORDS = "passwords are switched off here (security.enable_password): sign in at the identity provider"


class PasswordSignIn:
    """Checks passwords, with a limit of tries per account and address."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        limiter: RateLimiter,
        settings: SecuritySettings,
        passwords: Passwords,
        opaque: OpaqueSecrets,
        sessions: Sessions,
    ) -> None:
        self._database = database
        self._clock = clock
        self._limiter = limiter
        self._attempts_per_minute = settings.login_attempts_per_minute
        self._takes_passwords = settings.enable_password
        self._passwords = passwords
        self._opaque = opaque
        self._sessions = sessions

    async def login(self, username: str, password: str, visitor: Visitor) -> SignIn:
        """Sign in.

        Two transactions with the hash between them, which takes 60 ms and must not hold a connection.

        Raises:
            RateLimitExceededError: too many tries for this account or from this address.
            ForbiddenError: `security.enable_password` is off.
            UnauthorizedError: the same for an unknown user, a wrong password and an inactive user.
        """
        limit, what = self._attempts_per_minute, "sign-in tries"
        await self._limiter.enforce(limit, what, "login-address", address_key(visitor.address))
        await self._limiter.enforce(limit, what, "login-account", username.lower())
        if not self._takes_passwords:
            await self._refuse_password(username, visitor)
        async with self._database.read() as session:
            user = await repository.user_by_name(session, username)
        verdict = await self._passwords.verify(password, user.password_hash if user else None)
        if user is None or not verdict.is_right or not user.is_active:
            await self._refuse_sign_in(user, username, visitor, is_right=verdict.is_right)
        assert user is not None
        async with self._database.write() as session:
            fresh = await repository.user_by_id(session, user.id)
            if fresh is None or not fresh.is_active or fresh.password_hash != user.password_hash:
                raise UnauthorizedError(_WRONG_CREDENTIALS)
            if verdict.new_hash:
                fresh.password_hash = verdict.new_hash
            return await self._sessions.start(session, fresh, visitor, PASSWORD)

    async def _refuse_sign_in(self, user: User | None, username: str, visitor: Visitor, *, is_right: bool) -> NoReturn:
        """Keep the failure, in one transaction whatever its reason, and answer the same to all.

        A name that nobody has is kept as a digest only: people type passwords into the wrong field.
        """
        log.warning("sign-in refused", address=visitor.address)
        facts: dict[str, object] = {"name_digest": self._opaque.hash(username.lower())[:16]}
        if user is not None:
            facts = {"username": user.username, "reason": "not active" if is_right else "wrong password"}
        async with self._database.write() as session:
            caller = nobody(visitor)
            await audit.record(session, caller, "auth.login_failed", "user", user.id if user else "", facts)
        raise UnauthorizedError(_WRONG_CREDENTIALS)

    async def _refuse_password(self, username: str, visitor: Visitor) -> NoReturn:
        """Whoever it is: the password is not looked at, and the answer tells nothing about the account."""
        facts = {"name_digest": self._opaque.hash(username.lower())[:16], "reason": "passwords are off"}
        async with self._database.write() as session:
            await audit.record(session, nobody(visitor), "auth.login_failed", "user", "", facts)
        raise ForbiddenError(_NO_PASSWORDS)

    async def change(self, caller: Caller, old: str, new: str) -> int:
        """Give the caller another password; every other sign-in of theirs ends. Says how many did.

        Raises:
            ForbiddenError: the caller came with an API key, or `security.enable_password` is off.
            RateLimitExceededError: too many tries for this account.
            InvalidRequestError: the old password is wrong, or the new one is not acceptable.
        """
        if caller.via == "api_key":
            raise ForbiddenError("an API key cannot change the password; sign in with it")
        if not self._takes_passwords:
            raise ForbiddenError(_NO_PASSWORDS)
        check_password(new, "new_password")
        await self._limiter.enforce(
            self._attempts_per_minute, "sign-in tries", "login-account", caller.username.lower()
        )
        async with self._database.read() as session:
            user = await repository.user_by_id(session, caller.user_id)
        stored = user.password_hash if user else None
        verdict = await self._passwords.verify(old, stored)
        if not verdict.is_right:
            async with self._database.write() as session:
                await audit.record(session, caller, "auth.change_password_failed", "user", caller.user_id)
            raise InvalidRequestError(
                "old_password: is wrong", errors=[{"path": "old_password", "message": "is wrong"}]
            )
        password_hash = await self._passwords.hash(new)
        async with self._database.write() as session:
            user = await repository.user_by_id(session, caller.user_id)
            if user is None or user.password_hash != stored:
                raise ConflictError("the password has just been changed; try again")
            now = self._clock.now()
            user.password_hash, user.updated_at = password_hash, now
            ended = await repository.revoke_user(session, user.id, now, but=caller.family_id)
            await session.flush()
            await audit.record(session, caller, "auth.change_password", "user", user.id, {"sign_ins_ended": ended})
            return ended
