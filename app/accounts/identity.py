"""The one question of every request: who is this? Asked of the database each time, so that what is revoked is gone."""

from typing import Literal
from uuid import UUID

from app.accounts import repository
from app.accounts.api_keys import ApiKeys
from app.accounts.caller import Caller
from app.accounts.holder import Holder
from app.accounts.models import User
from app.accounts.permissions import Permission
from app.accounts.roles import Roles
from app.accounts.tokens import API_KEY_MARK, MAX_TOKEN_CHARACTERS, AccessTokens
from app.accounts.visitor import Visitor
from app.core.database import Database
from app.core.errors import UnauthorizedError


class Identity:
    """Tells callers by their tokens and API keys."""

    def __init__(self, database: Database, roles: Roles, access: AccessTokens, api_keys: ApiKeys) -> None:
        self._database = database
        self._roles = roles
        self._access = access
        self._api_keys = api_keys

    async def caller_from_token(self, token: str, visitor: Visitor | None = None) -> Caller:
        """Who an access token or an `ltb_…` API key stands for, as of now: the database is asked each time.

        Raises:
            UnauthorizedError: forged, expired, revoked, or its user is gone or inactive.
        """
        visitor = visitor or Visitor()
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise UnauthorizedError("the token is too long")
        if token.startswith(f"{API_KEY_MARK}_"):
            owner = await self._api_keys.owner_of(token, visitor.address)
            if owner is None:
                raise UnauthorizedError("the API key is not valid")
            return self.caller(owner.holder, "api_key", visitor, scopes=owner.scopes, key_id=owner.key_id)
        claims = self._access.read(token)
        found = await self._database.fetch_one(repository.SIGN_IN, claims.family_id)
        if found is not None:
            revoked_at, *who, is_active = found
            holder = Holder(*who)
            if revoked_at is None and is_active and holder.id == claims.user_id:
                return self.caller(holder, "token", visitor, family_id=claims.family_id)
        raise UnauthorizedError("this sign-in has ended; sign in again")

    def caller(
        self,
        user: User | Holder,
        via: Literal["token", "api_key"],
        visitor: Visitor,
        *,
        scopes: frozenset[Permission] | None = None,
        family_id: UUID | None = None,
        key_id: UUID | None = None,
    ) -> Caller:
        """`user`, with what their role lets them do now; `scopes` narrow it."""
        permissions = self._roles.permissions(user.role)
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
