"""Sign-ins from their beginning to their end: a chain of refresh tokens, each good for one use."""

from datetime import datetime, timedelta
from uuid import UUID

import structlog

from app.accounts import audit, repository
from app.accounts.caller import Caller
from app.accounts.identity import Identity
from app.accounts.models import RefreshToken, SignInRecord, User
from app.accounts.sign_in_methods import SignInMethods
from app.accounts.tokens import MAX_TOKEN_CHARACTERS, AccessTokens, OpaqueSecrets
from app.accounts.visitor import SignIn, Visitor
from app.core.clock import Clock
from app.core.database import Database, WriteSession
from app.core.errors import UnauthorizedError
from app.core.ids import new_id

log = structlog.get_logger(__name__)

_REMEMBER_ENDED = timedelta(days=30)
"""How long a sign-in that is over stays in the table, so that the reuse of its tokens is still told from nonsense."""
REFRESH_GRACE = timedelta(seconds=5)
"""Two tabs of a browser may refresh with the same cookie at once; within this time both get the same successor."""


class Sessions:
    """Begins, prolongs and ends sign-ins."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        methods: SignInMethods,
        opaque: OpaqueSecrets,
        access: AccessTokens,
        identity: Identity,
    ) -> None:
        self._database = database
        self._clock = clock
        self._methods = methods
        self._opaque = opaque
        self._access = access
        self._identity = identity

    async def start(self, session: WriteSession, user: User, visitor: Visitor, method: str) -> SignIn:
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
        caller = self._identity.caller(user, "token", visitor, family_id=family_id)
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
            caller = self._identity.caller(user, "token", visitor, family_id=record.id)
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
            caller = self._identity.caller(user, "token", visitor, family_id=family_id)
            await audit.record(session, caller, "auth.logout", "user", user.id)

    async def _same_successor(self, session: WriteSession, refresh_token: str, now: datetime) -> str | None:
        """The token that took the place of a spent one, while the grace lasts and it has not been used itself."""
        found = await repository.refresh_token_by_hash(session, self._opaque.hash(refresh_token))
        link = found[0] if found else None
        if link is None or link.used_at is None or link.successor_salt is None or now - link.used_at > REFRESH_GRACE:
            return None
        successor = self._opaque.successor(refresh_token, link.successor_salt)
        following = await repository.refresh_token_by_hash(session, self._opaque.hash(successor))
        return successor if following is not None and following[0].used_at is None else None

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


def _same_browser(record: SignInRecord, visitor: Visitor) -> bool:
    return (record.address, record.user_agent) == (visitor.address[:64], visitor.user_agent[:300])
