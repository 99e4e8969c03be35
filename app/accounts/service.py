"""Accounts as the rest of the service sees them: one door to signing in, identity, users, keys and the audit trail."""

from datetime import timedelta

from app.accounts.api_keys import ApiKeys
from app.accounts.audit_check import Verification, verify
from app.accounts.audit_seal import End, seal_with
from app.accounts.audit_trail import AuditTrail
from app.accounts.caller import Caller
from app.accounts.identity import Identity
from app.accounts.models import User
from app.accounts.password_sign_in import PasswordSignIn
from app.accounts.passwords import Passwords
from app.accounts.roles import Roles
from app.accounts.sessions import REFRESH_GRACE, Sessions
from app.accounts.sign_in_methods import SignInMethods
from app.accounts.sign_ins import SignIns
from app.accounts.tokens import AccessTokens, OpaqueSecrets
from app.accounts.users import Users
from app.accounts.visitor import SignIn, Visitor
from app.core.clock import Clock
from app.core.database import Database, WriteSession
from app.core.keyring import Keyring
from app.core.rate_limit import RateLimiter
from app.core.settings import SecuritySettings

__all__ = ["REFRESH_GRACE", "AccountService", "SignIn", "Visitor"]


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
        opaque = OpaqueSecrets(keyring)
        self._access = access = AccessTokens(keyring, clock, timedelta(minutes=settings.access_token_minutes))
        self.roles = Roles.configured(settings)
        self.passwords = Passwords()
        self.users = Users(database, clock, self.passwords, self.roles)
        self.sign_ins = SignIns(database, clock, self.roles)
        self.trail = AuditTrail(database)
        self.api_keys = ApiKeys(database, clock, opaque, self.roles)
        self._identity = Identity(database, self.roles, access, self.api_keys)
        self._sessions = Sessions(database, clock, SignInMethods(settings), opaque, access, self._identity)
        self._password_sign_in = PasswordSignIn(
            database, clock, limiter, settings, self.passwords, opaque, self._sessions
        )

    async def start(self) -> None:
        """Warm the password backend, so that the first sign-in is not slower than the others."""
        await self.passwords.warm()

    def close(self) -> None:
        """Stop the password threads."""
        self.passwords.close()

    async def login(self, username: str, password: str, visitor: Visitor) -> SignIn:
        """Sign in; raises as `PasswordSignIn.login`."""
        return await self._password_sign_in.login(username, password, visitor)

    async def change_password(self, caller: Caller, old: str, new: str) -> int:
        """Give the caller another password; says how many other sign-ins ended. Raises as `PasswordSignIn.change`."""
        return await self._password_sign_in.change(caller, old, new)

    async def start_session(self, session: WriteSession, user: User, visitor: Visitor, method: str) -> SignIn:
        """Sign in a user whose identity has just been proven by `method`; part of the transaction of `session`."""
        return await self._sessions.start(session, user, visitor, method)

    async def refresh(self, refresh_token: str, visitor: Visitor, *, shares_cookie: bool = False) -> SignIn:
        """Exchange a refresh token for its successor; raises as `Sessions.refresh`."""
        return await self._sessions.refresh(refresh_token, visitor, shares_cookie=shares_cookie)

    async def logout(self, access_token: str | None, refresh_token: str | None, visitor: Visitor) -> None:
        """End the sign-in that either token belongs to; raises as `Sessions.logout`."""
        await self._sessions.logout(access_token, refresh_token, visitor)

    async def caller_from_token(self, token: str, visitor: Visitor | None = None) -> Caller:
        """Who a token or an API key stands for, as of now; raises as `Identity.caller_from_token`."""
        return await self._identity.caller_from_token(token, visitor)

    async def verify_audit(self, anchor: End | None = None) -> Verification:
        """Check the whole audit trail, its seal too."""
        return await verify(self._database, self._keyring, anchor)
