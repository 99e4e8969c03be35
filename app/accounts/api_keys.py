"""API keys: making, listing and revoking them, and telling whose one is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from app.accounts import audit, repository
from app.accounts.caller import Caller
from app.accounts.holder import Holder
from app.accounts.models import ApiKey
from app.accounts.permissions import Permission
from app.accounts.roles import Roles
from app.accounts.tokens import OpaqueSecrets, parse_api_key
from app.accounts.user_rules import check_not_above
from app.accounts.users import existing
from app.core.clock import Clock
from app.core.database import Database
from app.core.errors import ConflictError, ForbiddenError, InvalidRequestError, NotFoundError
from app.core.ids import new_id

MAX_KEYS_PER_USER = 100
MAX_NAME_CHARACTERS = 100
_TOUCH_EVERY = timedelta(minutes=1)
_MAX_TOUCHED = 10_000
_KNOWN = {permission.value: permission for permission in Permission}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class KeyOwner:
    """Whose key it is and what it may do at most."""

    key_id: UUID
    holder: Holder
    scopes: frozenset[Permission]


class ApiKeys:
    """What can be done with API keys."""

    def __init__(self, database: Database, clock: Clock, opaque: OpaqueSecrets, roles: Roles) -> None:
        self._database = database
        self._clock = clock
        self._opaque = opaque
        self._roles = roles
        self._touched: dict[UUID, datetime] = {}

    async def create(
        self,
        caller: Caller,
        name: str,
        scopes: Iterable[Permission] | None = None,
        expires_in_days: float | None = None,
    ) -> tuple[ApiKey, str]:
        """A new key of the caller's and its text, which is not kept.

        Raises:
            ForbiddenError: the caller came with an API key, which could otherwise outlive itself.
            InvalidRequestError: a scope that the caller does not have, or a name that is too long.
            ConflictError: too many keys.
        """
        if caller.via == "api_key":
            raise ForbiddenError("an API key cannot make API keys; sign in with a password")
        wanted = caller.permissions if scopes is None else frozenset(scopes)
        if excess := sorted(wanted - caller.permissions):
            allowed = ", ".join(sorted(caller.permissions))
            raise InvalidRequestError(
                f"scopes: you do not have {', '.join(excess)} yourself",
                errors=[{"path": "scopes", "message": f"not yours: {', '.join(excess)}", "allowed": allowed}],
            )
        if not 1 <= len(name.strip()) <= MAX_NAME_CHARACTERS or "\0" in name:
            allowed = f"1 to {MAX_NAME_CHARACTERS} characters"
            raise InvalidRequestError(
                f"name: use {allowed}", errors=[{"path": "name", "message": "is not acceptable", "allowed": allowed}]
            )
        text = self._opaque.new_api_key()
        now = self._clock.now()
        async with self._database.write() as session:
            if len(await repository.api_keys_of(session, caller.user_id)) >= MAX_KEYS_PER_USER:
                raise ConflictError(f"you have {MAX_KEYS_PER_USER} API keys; revoke one first")
            key = ApiKey(
                id=new_id(),
                user_id=caller.user_id,
                name=name,
                prefix=text.prefix,
                secret_hash=self._opaque.hash(text.secret),
                scopes=sorted(wanted),
                created_at=now,
                expires_at=now + timedelta(days=expires_in_days) if expires_in_days is not None else None,
            )
            session.add(key)
            await session.flush()
            after = {"name": name, "scopes": key.scopes, "expires_at": key.expires_at}
            await audit.record(session, caller, "api_key.create", "api_key", key.id, after)
        return key, str(text)

    async def list(self, caller: Caller) -> Sequence[ApiKey]:
        """The caller's keys that are not revoked, newest first."""
        async with self._database.read() as session:
            return await repository.api_keys_of(session, caller.user_id)

    async def of(self, username: str) -> Sequence[ApiKey]:
        """Those of another user; raises `NotFoundError`."""
        async with self._database.read() as session:
            user = await existing(session, username)
            return await repository.api_keys_of(session, user.id)

    async def revoke(self, caller: Caller, key_id: UUID) -> None:
        """End a key of the caller's (with `user.manage`: anyone's) at once.

        Raises:
            NotFoundError: there is no such key for the caller, or it is revoked.
            ForbiddenError: it belongs to a user who may do more than the caller.
        """
        async with self._database.write() as session:
            key = await repository.api_key_by_id(session, key_id)
            manages = Permission.USER_MANAGE in caller.permissions
            if key is None or key.revoked_at is not None or not (manages or key.user_id == caller.user_id):
                raise NotFoundError("there is no such API key")
            owner = await repository.user_by_id(session, key.user_id)
            if owner is not None and owner.id != caller.user_id:
                check_not_above(self._roles, caller, owner.role)
            key.revoked_at = self._clock.now()
            await session.flush()
            told = {"name": key.name, "owner": owner.username if owner else None}
            await audit.record(session, caller, "api_key.revoke", "api_key", key.id, told)

    async def owner_of(self, text: str, address: str = "") -> KeyOwner | None:
        """Whose key `text` is, or None when it is wrong, revoked, expired or its owner is not active."""
        parsed = parse_api_key(text)
        if parsed is None:
            return None
        found = await self._database.fetch_one(repository.API_KEY, parsed.prefix)
        if found is None:
            return None
        key_id, secret_hash, scopes, expires_at, last_used_at, revoked_at, *who, is_active = found
        now = self._clock.now()
        is_right = self._opaque.matches(parsed.secret, secret_hash)
        expired = expires_at is not None and expires_at <= now
        if not is_right or revoked_at is not None or expired or not is_active:
            return None
        await self._touch(key_id, last_used_at, now, address)
        return KeyOwner(key_id, Holder(*who), frozenset(_KNOWN[scope] for scope in scopes if scope in _KNOWN))

    async def _touch(self, key_id: UUID, last_used_at: datetime | None, now: datetime, address: str) -> None:
        latest = max(filter(None, (last_used_at, self._touched.get(key_id))), default=None)
        if latest is not None and now - latest < _TOUCH_EVERY:
            return
        if len(self._touched) >= _MAX_TOUCHED:
            self._touched.clear()
        self._touched[key_id] = now  # before the write, so that of many requests at once only one writes
        try:
            async with self._database.write() as session:
                await repository.touch_api_key(session, key_id, now, now - _TOUCH_EVERY, address)
        except SQLAlchemyError as error:  # a busy database must not turn a valid key away
            log.warning("the last use of an API key was not stored", error=str(error))
