"""Users: creating, changing and removing them, and the first administrator. Each method is one transaction."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from app.accounts import audit, repository
from app.accounts.caller import Caller
from app.accounts.models import User
from app.accounts.passwords import Passwords
from app.accounts.permissions import ROLE_PERMISSIONS, Role
from app.accounts.roles import Roles
from app.accounts.user_rules import check_email, check_not_above, check_password, check_team, check_username
from app.core.clock import Clock
from app.core.conditional import ANY_STATE, Preconditions, etag_of
from app.core.database import Database, WriteSession
from app.core.errors import ConfigError, ConflictError, NotFoundError
from app.core.ids import new_id
from app.core.keyring import write_private
from app.core.pagination import decode_cursor, encode_cursor, uuid_of

if TYPE_CHECKING:
    from app.accounts.user_views import UserDetail

PASSWORD_FILE = "admin-password"


def system_caller(name: str = "system") -> Caller:
    """The caller of what the service or its operator does without signing in; it has every permission."""
    return Caller(UUID(int=0), name, Role.ADMIN, ROLE_PERMISSIONS[Role.ADMIN], "system")


def new_password() -> str:
    """A password that nobody has to think up: 144 random bits."""
    return secrets.token_urlsafe(18)


class UserPage(NamedTuple):
    """One page of users."""

    items: Sequence[User]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class UserChanges:
    """What to change of a user; `given` names the fields that are meant, so that null can take a team away."""

    role: str | None = None
    is_active: bool | None = None
    team: str | None = None
    email: str | None = None
    given: frozenset[str] = field(default_factory=frozenset)

    def wanted(self) -> dict[str, Any]:
        """The columns to set."""
        return {name: getattr(self, name) for name in sorted(self.given)}


class Users:
    """What can be done to users by those who manage them."""

    def __init__(self, database: Database, clock: Clock, passwords: Passwords, roles: Roles) -> None:
        self._database = database
        self._clock = clock
        self._passwords = passwords
        self._roles = roles

    async def create(
        self,
        caller: Caller,
        username: str,
        password: str,
        role: str | None = None,
        *,
        team: str | None = None,
        email: str | None = None,
    ) -> User:
        """A new user; without a role they get `security.default_role`.

        Raises:
            InvalidRequestError: the name, password, role, team or e-mail address is not acceptable.
            ForbiddenError: the role may do more than the caller.
            ConflictError: the name is taken.
        """
        check_username(username)
        check_password(password)
        check_team(team)
        check_email(email)
        wanted = self._roles.check(role or self._roles.default)
        check_not_above(self._roles, caller, wanted)
        password_hash = await self._passwords.hash(password)
        try:
            async with self._database.write() as session:
                return await self._add(session, caller, username, password_hash, wanted, team=team, email=email)
        except IntegrityError:  # another process was first
            raise _taken(username) from None

    async def list(self) -> Sequence[User]:
        """Every user, by name."""
        async with self._database.read() as session:
            return await repository.all_users(session)

    async def page(self, *, limit: int, cursor: str | None = None, text: str | None = None) -> UserPage:
        """Up to `limit` users, newest first; `text` is part of the name, e-mail address or team."""
        after = uuid_of(decode_cursor(cursor, str)[0]) if cursor else None
        async with self._database.read() as session:
            rows = await repository.users_page(session, limit + 1, after, text)
        more = len(rows) > limit
        return UserPage(rows[:limit], cursor_of(rows[limit - 1]) if more else None)

    async def get(self, username: str) -> User:
        """One user; raises `NotFoundError`."""
        async with self._database.read() as session:
            return await existing(session, username)

    async def set_role(self, caller: Caller, username: str, role: str) -> User:
        """Give a user another role; it holds from the next request on."""
        return await self.update(caller, username, UserChanges(role=role, given=frozenset({"role"})))

    async def set_active(self, caller: Caller, username: str, *, is_active: bool) -> User:
        """Let a user sign in, or not any more: then their sign-ins and API keys end at once, and for good."""
        return await self.update(caller, username, UserChanges(is_active=is_active, given=frozenset({"is_active"})))

    async def update(
        self, caller: Caller, username: str, changes: UserChanges, conditions: Preconditions = ANY_STATE
    ) -> User:
        """Change a user; what is the same already is no change.

        Raises:
            NotFoundError: there is no such user.
            PreconditionFailedError: they are not as `conditions` want them.
            InvalidRequestError: the role, team or e-mail address is not acceptable.
            ForbiddenError: the user, or the new role, may do more than the caller.
            ConflictError: they are the last active administrator, and would not be any more.
        """
        check_team(changes.team)
        check_email(changes.email)
        if changes.role is not None:
            self._roles.check(changes.role)
        async with self._database.write() as session:
            await repository.lock_users(session)
            user = await existing(session, username)
            check_not_above(self._roles, caller, user.role, changes.role or user.role)
            conditions.check_write(user_tag(user))
            wanted = {name: value for name, value in changes.wanted().items() if getattr(user, name) != value}
            if not wanted:
                return user
            if user.is_active and (wanted.get("is_active") is False or wanted.get("role", Role.ADMIN) != Role.ADMIN):
                await self._check_not_last(session, user)
            before = {name: getattr(user, name) for name in wanted}
            for name, value in wanted.items():
                setattr(user, name, value)
            user.updated_at = self._clock.now()
            after: dict[str, Any] = dict(wanted)
            if wanted.get("is_active") is False:
                after |= await self._end_everything(session, user)
            await session.flush()
            told = {"username": user.username, "before": before, "after": after}
            await audit.record(session, caller, _action(wanted), "user", user.id, told)
            return user

    async def delete(self, caller: Caller, username: str, conditions: Preconditions = ANY_STATE) -> None:
        """Remove a user with their sign-ins and API keys; their benchmarks stay, and belong to nobody.

        Raises:
            NotFoundError: there is no such user.
            ForbiddenError: the user may do more than the caller.
            PreconditionFailedError: they are not as `conditions` want them.
            ConflictError: they are the last active administrator.
        """
        async with self._database.write() as session:
            await repository.lock_users(session)
            user = await existing(session, username)
            check_not_above(self._roles, caller, user.role)
            conditions.check_write(user_tag(user))
            if user.is_active:
                await self._check_not_last(session, user)
            before = {"username": user.username, "role": user.role, "team": user.team, "email": user.email}
            await session.delete(user)
            await session.flush()
            await audit.record(session, caller, "user.delete", "user", user.id, {"before": before})

    async def reset_password(self, caller: Caller, username: str, password: str) -> User:
        """Give a user another password and end every sign-in of theirs.

        Raises:
            NotFoundError: there is no such user.
            InvalidRequestError: the password is not acceptable.
            ForbiddenError: the user may do more than the caller.
        """
        check_password(password)
        password_hash = await self._passwords.hash(password)
        async with self._database.write() as session:
            await repository.lock_users(session)
            user = await existing(session, username)
            check_not_above(self._roles, caller, user.role)
            user.password_hash, user.updated_at = password_hash, self._clock.now()
            ended = await repository.revoke_user(session, user.id, self._clock.now())
            await session.flush()
            told = {"username": user.username, "sign_ins_ended": ended}
            await audit.record(session, caller, "user.reset_password", "user", user.id, told)
            return user

    async def bootstrap(
        self,
        username: str,
        data_dir: Path,
        *,
        production: bool,
        password: str | None = None,
        takes_passwords: bool = True,
    ) -> str | None:
        """On an empty database, make the first administrator and return the generated password, else None.

        Without `takes_passwords` nobody learns it: `auth generate-key` is then the way in beside identity providers.

        The generated password is also in `data_dir/admin-password`, mode 0600; a given `password` is not told again.

        Raises:
            ConfigError: in production mode, which generates nothing.
        """
        async with self._database.read() as session:
            if await repository.count_users(session):
                return None
        if production and password is None and takes_passwords:
            raise ConfigError(
                "there are no users yet, and production mode generates no password: set "
                "LTB_SECURITY__ADMIN_PASSWORD_FILE, or "
                f"run `llm-test-bench auth create-user {username} --role admin` first",
                errors=[],
            )
        if password is not None:
            check_password(password)
        generated = new_password() if password is None else None
        password_hash = await self._passwords.hash(generated or password or "")
        try:
            async with self._database.write() as session:
                await self._add(session, system_caller(), username, password_hash, Role.ADMIN)
                if generated is not None and takes_passwords:
                    _write_password(data_dir, generated)
        except (IntegrityError, ConflictError):  # another process was first
            return None
        return generated if takes_passwords else None

    async def _add(
        self,
        session: WriteSession,
        caller: Caller,
        username: str,
        password_hash: str,
        role: str,
        *,
        team: str | None = None,
        email: str | None = None,
    ) -> User:
        if await repository.user_by_name(session, username):
            raise _taken(username)
        now = self._clock.now()
        user = User(
            id=new_id(),
            username=username,
            password_hash=password_hash,
            role=role,
            team=team,
            email=email,
            is_active=True,
            created_at=now,
            updated_at=now,
        )
        session.add(user)
        await session.flush()
        after = {"username": username, "role": role, "team": team, "email": email}
        await audit.record(session, caller, "user.create", "user", user.id, after)
        return user

    async def _check_not_last(self, session: WriteSession, user: User) -> None:
        if user.role == Role.ADMIN and await repository.lock_active_admins(session) == [user.id]:
            raise ConflictError(f"'{user.username}' is the last active administrator; make another one first")

    async def _end_everything(self, session: WriteSession, user: User) -> dict[str, int]:
        now = self._clock.now()
        return {
            "sign_ins_ended": await repository.revoke_user(session, user.id, now),
            "api_keys_revoked": await repository.revoke_keys_of(session, user.id, now),
        }


def cursor_of(user: "User | UserDetail") -> str:
    """The place of a user in the listing."""
    return encode_cursor(str(user.id))


async def existing(session: Any, username: str) -> User:
    """The user called so; raises `NotFoundError`."""
    user = await repository.user_by_name(session, username)
    if user is None:
        raise NotFoundError(f"there is no user {username!r}")
    return user


def user_tag(user: "User | UserDetail") -> str:
    """The entity tag of a user; a sign-in, which no change overwrites, is only in the part behind the full stop."""
    version = etag_of(user.id, user.username, user.role, user.team, user.email, user.is_active, user.updated_at)
    return f"{version[:-1]}.{etag_of(user.last_login_at)[1:]}"


def _action(wanted: dict[str, Any]) -> str:
    if set(wanted) == {"role"}:
        return "user.set_role"
    if set(wanted) == {"is_active"}:
        return "user.enable" if wanted["is_active"] else "user.disable"
    return "user.update"


def _write_password(data_dir: Path, password: str) -> None:
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = data_dir / PASSWORD_FILE
    path.unlink(missing_ok=True)  # it belonged to a database that is gone
    write_private(path, password + "\n")


def _taken(username: str) -> ConflictError:
    return ConflictError(f"the user name {username!r} is taken")
