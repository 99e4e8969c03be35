"""Accounts straight in this machine's database, without a server: for whoever may read the data folder."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from app.accounts.caller import Caller
from app.accounts.permissions import Permission
from app.accounts.service import AccountService
from app.accounts.users import system_caller
from app.core import migrations
from app.core.clock import SystemClock
from app.core.database import Database
from app.core.errors import DatabaseError, NotFoundError
from app.core.keyring import load_keyring
from app.core.logging import redact_text
from app.core.rate_limit import RateLimiter
from app.core.settings import Settings, load_settings

Value = TypeVar("Value")
Work = Callable[[AccountService], Awaitable[Value]]

OPERATOR = system_caller("cli")


def with_accounts(work: Work[Value], config: Path | None, data_dir: Path | None) -> Value:
    """Do `work` on the accounts of the configured database.

    Raises:
        ConfigError: for wrong settings.
        DatabaseError: the database cannot be used.
    """
    overrides: dict[str, Any] = {"storage": {"data_dir": data_dir}} if data_dir is not None else {}
    settings = load_settings(config, **overrides)
    try:
        return asyncio.run(_on_database(settings, work))
    except SQLAlchemyError as error:
        raise DatabaseError(f"the database cannot be used: {redact_text(str(error))}") from error


async def new_key(
    accounts: AccountService, username: str, name: str, scopes: list[Permission] | None, expires_in_days: float | None
) -> str:
    """The text of a new API key of that user."""
    user = next((user for user in await accounts.users.list() if user.username == username), None)
    if user is None:
        raise NotFoundError(f"there is no user '{username}'")
    caller = Caller(user.id, user.username, user.role, accounts.roles.permissions(user.role), "system")
    _, text = await accounts.api_keys.create(caller, name, scopes or None, expires_in_days)
    return text


async def _on_database(settings: Settings, work: Work[Value]) -> Value:
    database = Database(settings.storage)
    accounts = AccountService(database, SystemClock(), load_keyring(settings), RateLimiter(), settings.security)
    try:
        if settings.storage.enable_migrations:
            await migrations.upgrade(database.engine)
        return await work(accounts)
    finally:
        accounts.close()
        await database.close()
