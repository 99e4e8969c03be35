"""Signing in, staying signed in, signing out, and the one question of every request: who is this?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NoReturn
from uuid import UUID

import structlog

from app.accounts import audit, repository
from app.accounts.api_keys import ApiKeys
from app.accounts.audit_check import Verification, verify
from app.accounts.audit_seal import End, seal_with
from app.accounts.audit_trail import AuditTrail
from app.accounts.caller import Caller
from app.accounts.holder import Holder
from app.accounts.models import RefreshToken, SignInRecord, User
from app.accounts.passwords import Passwords
from app.accounts.permissions import Permission
from app.accounts.roles import Roles
from app.accounts.sign_in_methods import PASSWORD, SignInMethods
from app.accounts.sign_ins import SignIns
from app.accounts.tokens import API_KEY_MARK, MAX_TOKEN_CHARACTERS, AccessTokens, OpaqueSecrets
from app.accounts.user_rules import check_password
from app.accounts.users import Users
from app.core.clock import Clock
from app.core.database import Database, WriteSession
from app.core.errors import ConflictError, ForbiddenError, InvalidRequestError, UnauthorizedError
from app.core.ids import new_id
from app.core.keyring import Keyring
from app.core.rate_limit import RateLimiter, address_key
from app.core.settings import SecuritySettings

log = structlog.get_logger(__name__)

_REMEMBER_ENDED = timedelta(days=30)
"""How long a sign-in that is over stays in the table, so that the reuse of its tokens is still told from nonsense."""
REFRESH_GRACE = timedelta(seconds=5)
"""Two tabs of a browser may refresh with the same cookie at once; within this time both get the same successor."""
_WRONG_CREDENTIALS = "the user name or the password is wrong"
_NO_PASSWORDS = "passwords are switched off here (security.enable_password): sign in at the identity provider"


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


class AccountService:
    """Sign-in and identity. `users` and `api_keys` hold what is about those."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        keyring: Keyring,
        limiter: RateLimiter,
        settings: SecuritySettings,
    ) -> None:
        self._database = database
        seal_with(database, keyring)
        self._keyring = keyring
        self._clock = clock
        self._limiter = limiter
        self._attempts_per_minute = settings.login_attempts_per_minute
        self._takes_passwords = settings.enable_password
        self._methods = SignInMethods(settings)
        self._opaque = OpaqueSecrets(keyring)
        self._access = AccessTokens(keyring, clock, timedelta(minutes=settings.access_token_minutes))
        self.roles = Roles.configured(settings)
        self.passwords = Passwords()
        self.users = Users(database, clock, self.passwords, self.roles)
        self.sign_ins = SignIns(database, clock, self.roles)
        self.trail = AuditTrail(database)
        self.api_keys = ApiKeys(database, clock, self._opaque, self.roles)

    async def start(self) -> None:
        """Warm the password backend, so that the first sign-in is not slower than the others."""
        await self.passwords.warm()

    def close(self) -> None:
        """Stop the password threads."""
        self.passwords.close()

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
        verdict = await self.passwords.verify(password, user.password_hash if user else None)
        if user is None or not verdict.is_right or not user.is_active:
            await self._refuse_sign_in(user, username, visitor, is_right=verdict.is_right)
        assert user is not None
        async with self._database.write() as session:
            fresh = await repository.user_by_id(session, user.id)
            if fresh is None or not fresh.is_active or fresh.password_hash != user.password_hash:
                raise UnauthorizedError(_WRONG_CREDENTIALS)
            if verdict.new_hash:
                fresh.password_hash = verdict.new_hash
            return await self.start_session(session, fresh, visitor, PASSWORD)

    async def _refuse_sign_in(self, user: User | None, username: str, visitor: Visitor, *, is_right: bool) -> NoReturn:
        """Keep the failure, in one transaction whatever its reason, and answer the same to all.

        A name that nobody has is kept as a digest only: people type passwords into the wrong field.
        """
        log.warning("sign-in refused", address=visitor.address)
        facts: dict[str, object] = {"name_digest": self._opaque.hash(username.lower())[:16]}
        if user is not None:
            facts = {"username": user.username, "reason": "not active" if is_right else "wrong password"}
        async with self._database.write() as session:
            caller = _nobody(visitor)
            await audit.record(session, caller, "auth.login_failed", "user", user.id if user else "", facts)
        raise UnauthorizedError(_WRONG_CREDENTIALS)

    async def _refuse_password(self, username: str, visitor: Visitor) -> NoReturn:
        """Whoever it is: the password is not looked at, and the answer tells nothing about the account."""
        facts = {"name_digest": self._opaque.hash(username.lower())[:16], "reason": "passwords are off"}
        async with self._database.write() as session:
            await audit.record(session, _nobody(visitor), "auth.login_failed", "user", "", facts)
        raise ForbiddenError(_NO_PASSWORDS)

    async def change_password(self, caller: Caller, old: str, new: str) -> int:
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
        verdict = await self.passwords.verify(old, stored)
        if not verdict.is_right:
            async with self._database.write() as session:
                await audit.record(session, caller, "auth.change_password_failed", "user", caller.user_id)
            raise InvalidRequestError(
                "old_password: is wrong", errors=[{"path": "old_password", "message": "is wrong"}]
            )
        password_hash = await self.passwords.hash(new)
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

    async def verify_audit(self, anchor: End | None = None) -> Verification:
        """Check the whole audit trail, its seal too."""
        return await verify(self._database, self._keyring, anchor)

    async def start_session(self, session: WriteSession, user: User, visitor: Visitor, method: str) -> SignIn:
        """Sign in a user whose identity has just been proven by `method`; part of the transaction of `session`."""
        now = self._clock.now()
        life = self._methods.life_left(method, now, now)
        user.last_login_at = now
        await repository.forget_old_sign_ins(session, user.id, now - _REMEMBER_ENDED)
        family_id = new_id()
        session.add(
            SignInRecord(
                id=family_id,
                user_id=user.id,
                method=method,
                address=visitor.address[:64],
                user_agent=visitor.user_agent[:300],
                created_at=now,
                last_used_at=now,
                expires_at=now + life,
            )
        )
        await session.flush()
        refresh_token = self._add_refresh_token(session, family_id, self._opaque.new_refresh_token(), life)
        caller = self._caller(user, "token", visitor, family_id=family_id)
        await session.flush()
        await audit.record(session, caller, "auth.login", "user", user.id, {"method": method})
        return self._signed_in(caller, family_id, refresh_token, life)

    async def refresh(self, refresh_token: str, visitor: Visitor, *, shares_cookie: bool = False) -> SignIn:
        """Exchange a refresh token for its successor; a second use ends the whole sign-in.

        With `shares_cookie` there is an exception, because two tabs of a browser refresh at the same moment: from the
        same address and browser, within `REFRESH_GRACE`, and while nobody has used the successor yet, a second use gets
        the very same successor. One chain stays one chain, so a thief and the rightful client still collide at the next
        refresh.

        Raises:
            UnauthorizedError: unknown, expired, revoked or used before.
        """
        now = self._clock.now()
        refusal = UnauthorizedError("the refresh token is not valid; sign in again")
        if len(refresh_token) > MAX_TOKEN_CHARACTERS:
            raise refusal
        async with self._database.write() as session:
            found = await repository.refresh_token_by_hash(session, self._opaque.hash(refresh_token))
            if found is None:
                raise refusal
            link, record, user = found
            if record.revoked_at is not None or link.expires_at <= now or not user.is_active:
                raise refusal
            life = self._methods.life_left(record.method, record.created_at, now)
            if life <= timedelta(0):
                raise refusal
            caller = self._caller(user, "token", visitor, family_id=record.id)
            salt = self._opaque.new_salt()
            replacement: str | None
            if await repository.spend_refresh_token(session, link.id, now, salt):
                successor = self._opaque.successor(refresh_token, salt)
                replacement = self._add_refresh_token(session, record.id, successor, life)
                record.last_used_at, record.expires_at = now, now + life
                record.address, record.user_agent = visitor.address[:64], visitor.user_agent[:300]
            else:
                is_twin = shares_cookie and _same_browser(record, visitor)
                replacement = await self._same_successor(session, refresh_token, now) if is_twin else None
            if replacement is None:
                # Either a thief or the rightful client has the newer link; only a password tells them apart.
                await repository.revoke_family(session, record.id, now)
                await audit.record(session, caller, "auth.refresh_reuse", "user", user.id)
        if replacement is None:
            log.warning("a refresh token was used twice: its sign-in is revoked", address=visitor.address)
            raise refusal
        return self._signed_in(caller, record.id, replacement, life)

    async def _same_successor(self, session: WriteSession, refresh_token: str, now: datetime) -> str | None:
        """The token that took the place of a spent one, while the grace lasts and it has not been used itself."""
        found = await repository.refresh_token_by_hash(session, self._opaque.hash(refresh_token))
        link = found[0] if found else None
        if link is None or link.used_at is None or link.successor_salt is None or now - link.used_at > REFRESH_GRACE:
            return None
        successor = self._opaque.successor(refresh_token, link.successor_salt)
        following = await repository.refresh_token_by_hash(session, self._opaque.hash(successor))
        return successor if following is not None and following[0].used_at is None else None

    async def logout(self, access_token: str | None, refresh_token: str | None, visitor: Visitor) -> None:
        """End the sign-in that either token belongs to; its access tokens stop working at once.

        Raises:
            UnauthorizedError: neither token is genuine.
        """
        async with self._database.write() as session:
            found = await self._family_of(session, access_token, refresh_token)
            if found is None:
                raise UnauthorizedError("you are not signed in")
            family_id, user = found
            await repository.revoke_family(session, family_id, self._clock.now())
            caller = self._caller(user, "token", visitor, family_id=family_id)
            await audit.record(session, caller, "auth.logout", "user", user.id)

    async def caller_from_token(self, token: str, visitor: Visitor | None = None) -> Caller:
        """Who an access token or an `ltb_…` API key stands for, as of now: the database is asked each time.

        Raises:
            UnauthorizedError: forged, expired, revoked, or its user is gone or inactive.
        """
        visitor = visitor or Visitor()
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise UnauthorizedError("the token is too long")
        if token.startswith(f"{API_KEY_MARK}_"):
            owner = await self.api_keys.owner_of(token, visitor.address)
            if owner is None:
                raise UnauthorizedError("the API key is not valid")
            return self._caller(owner.holder, "api_key", visitor, scopes=owner.scopes, key_id=owner.key_id)
        claims = self._access.read(token)
        found = await self._database.fetch_one(repository.SIGN_IN, claims.family_id)
        if found is not None:
            revoked_at, *who, is_active = found
            holder = Holder(*who)
            if revoked_at is None and is_active and holder.id == claims.user_id:
                return self._caller(holder, "token", visitor, family_id=claims.family_id)
        raise UnauthorizedError("this sign-in has ended; sign in again")

    async def _family_of(
        self, session: WriteSession, access_token: str | None, refresh_token: str | None
    ) -> tuple[UUID, User] | None:
        if access_token is not None:
            try:
                claims = self._access.read(access_token, allow_expired=True)
            except UnauthorizedError:
                pass
            else:
                user = await repository.user_by_id(session, claims.user_id)
                return (claims.family_id, user) if user else None
        if refresh_token is not None:
            found = await repository.refresh_token_by_hash(session, self._opaque.hash(refresh_token))
            return (found[1].id, found[2]) if found else None
        return None

    def _add_refresh_token(self, session: WriteSession, family_id: UUID, token: str, life: timedelta) -> str:
        now = self._clock.now()
        session.add(
            RefreshToken(
                id=new_id(),
                family_id=family_id,
                token_hash=self._opaque.hash(token),
                created_at=now,
                expires_at=now + life,
            )
        )
        return token

    def _signed_in(self, caller: Caller, family_id: UUID, refresh_token: str, refresh_life: timedelta) -> SignIn:
        access_token = self._access.issue(caller.user_id, family_id)
        return SignIn(access_token, refresh_token, self._access.life, refresh_life, caller)

    def _caller(
        self,
        user: User | Holder,
        via: Literal["token", "api_key"],
        visitor: Visitor,
        *,
        scopes: frozenset[Permission] | None = None,
        family_id: UUID | None = None,
        key_id: UUID | None = None,
    ) -> Caller:
        permissions = self.roles.permissions(user.role)
        return Caller(
            user_id=user.id,
            username=user.username,
            role=user.role,
            permissions=permissions if scopes is None else permissions & scopes,
            via=via,
            address=visitor.address,
            request_id=visitor.request_id,
            team=user.team,
            family_id=family_id,
            key_id=key_id,
        )


def _same_browser(record: SignInRecord, visitor: Visitor) -> bool:
    return (record.address, record.user_agent) == (visitor.address[:64], visitor.user_agent[:300])


def _nobody(visitor: Visitor) -> Caller:
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
