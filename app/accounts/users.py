"""Users: creating them, their roles and passwords, and the first administrator."""

import re
import secrets
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from app.accounts import audit, repository
from app.accounts.caller import Caller
from app.accounts.models import User
from app.accounts.passwords import MAX_PASSWORD_CHARACTERS, MIN_PASSWORD_CHARACTERS, Passwords
from app.accounts.permissions import ROLE_PERMISSIONS, Role
from app.accounts.roles import Roles
from app.core.clock import Clock
from app.core.database import Database, WriteSession
from app.core.errors import ConfigError, ConflictError, InvalidRequestError, NotFoundError
from app.core.ids import new_id
from app.core.keyring import write_private

_USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
PASSWORD_FILE = "admin-password"


def system_caller(name: str = "system") -> Caller:
    """The caller of what the service or its operator does without signing in; it has every permission."""
    return Caller(UUID(int=0), name, Role.ADMIN, ROLE_PERMISSIONS[Role.ADMIN], "system")


class Users:
    """What can be done to users. Each method is one transaction."""

    def __init__(self, database: Database, clock: Clock, passwords: Passwords, roles: Roles) -> None:
        self._database = database
        self._clock = clock
        self._passwords = passwords
        self._roles = roles

    async def create(self, caller: Caller, username: str, password: str, role: str) -> User:
        """A new user.

        Raises:
            InvalidRequestError: the name or the password is not acceptable.
            ConflictError: the name is taken.
        """
        _check_username(username)
        _check_password(password)
        self._roles.check(role)
        password_hash = await self._passwords.hash(password)
        try:
            async with self._database.write() as session:
                return await self._add(session, caller, username, password_hash, role)
        except IntegrityError:  # another process was first
            raise _taken(username) from None

    async def list(self) -> Sequence[User]:
        """Every user, by name."""
        async with self._database.read() as session:
            return await repository.all_users(session)

    async def set_role(self, caller: Caller, username: str, role: str) -> User:
        """Give a user another role; it holds from the next request on."""
        self._roles.check(role)
        async with self._database.write() as session:
            user = await _existing(session, username)
            before, user.role, user.updated_at = user.role, role, self._clock.now()
            await session.flush()
            await audit.record(session, caller, "user.set_role", "user", user.id, {"before": before, "after": role})
            return user

    async def reset_password(self, caller: Caller, username: str, password: str) -> User:
        """Give a user another password and end every sign-in of theirs."""
        _check_password(password)
        password_hash = await self._passwords.hash(password)
        async with self._database.write() as session:
            user = await _existing(session, username)
            user.password_hash, user.updated_at = password_hash, self._clock.now()
            await repository.revoke_user(session, user.id, self._clock.now())
            await session.flush()
            await audit.record(session, caller, "user.reset_password", "user", user.id)
            return user

    async def bootstrap(
        self, username: str, data_dir: Path, *, production: bool, password: str | None = None
    ) -> str | None:
        """On an empty database, make the first administrator and return the generated password, else None.

        The generated password is also in `data_dir/admin-password`, mode 0600; a given `password` is not told again.

        Raises:
            ConfigError: in production mode, which generates nothing.
        """
        async with self._database.read() as session:
            if await repository.count_users(session):
                return None
        if production and password is None:
            raise ConfigError(
                "there are no users yet, and production mode generates no password: set "
                "LTB_SECURITY__ADMIN_PASSWORD_FILE, or "
                f"run `llm-test-bench auth create-user {username} --role admin` first",
                errors=[],
            )
        if password is not None:
            _check_password(password)
        generated = secrets.token_urlsafe(18) if password is None else None
        password_hash = await self._passwords.hash(generated or password or "")
        try:
            async with self._database.write() as session:
                await self._add(session, system_caller(), username, password_hash, Role.ADMIN)
                if generated is not None:
                    _write_password(data_dir, generated)
        except (IntegrityError, ConflictError):  # another process was first
            return None
        return generated

    async def _add(self, session: WriteSession, caller: Caller, username: str, password_hash: str, role: str) -> User:
        if await repository.user_by_name(session, username):
            raise _taken(username)
        now = self._clock.now()
        user = User(
            id=new_id(),
            username=username,
            password_hash=password_hash,
            role=role,
            is_active=True,
            created_at=now,
            updated_at=now,
        )
        session.add(user)
        await session.flush()
        await audit.record(session, caller, "user.create", "user", user.id, {"username": username, "role": role})
        return user


def _write_password(data_dir: Path, password: str) -> None:
    data_dir.mkdir(parents=True, exist_ok=True)
    path = data_dir / PASSWORD_FILE
    path.unlink(missing_ok=True)  # it belonged to a database that is gone
    write_private(path, password + "\n")


async def _existing(session: WriteSession, username: str) -> User:
    user = await repository.user_by_name(session, username)
    if user is None:
        raise NotFoundError(f"there is no user {username!r}")
    return user


def _taken(username: str) -> ConflictError:
    return ConflictError(f"the user name {username!r} is taken")


def _check_username(username: str) -> None:
    if not _USERNAME.fullmatch(username) or username.lower() == "system":
        allowed = "1 to 64 letters, digits, '.', '_', '@' or '-', beginning with a letter or digit; not 'system'"
        raise InvalidRequestError(
            f"username: use {allowed}",
            errors=[{"path": "username", "message": "is not acceptable", "allowed": allowed}],
        )


def _check_password(password: str) -> None:
    if not MIN_PASSWORD_CHARACTERS <= len(password) <= MAX_PASSWORD_CHARACTERS:
        allowed = f"{MIN_PASSWORD_CHARACTERS} to {MAX_PASSWORD_CHARACTERS} characters"
        raise InvalidRequestError(
            f"password: use {allowed}",
            errors=[{"path": "password", "message": "has a wrong length", "allowed": allowed}],
        )
