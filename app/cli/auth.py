"""`llm-test-bench auth …`: users and API keys, straight in the database, for whoever may read the data folder."""

import asyncio
import secrets
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import SQLAlchemyError

from app.accounts.caller import Caller
from app.accounts.permissions import ROLE_PERMISSIONS, Permission, Role
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

auth_app = typer.Typer(help="Users and API keys.", no_args_is_help=True)

ConfigOption = Annotated[Path | None, typer.Option("--config", help="Configuration file, instead of ./config.toml.")]
DataDirOption = Annotated[Path | None, typer.Option("--data-dir", help="Data folder, instead of storage.data_dir.")]
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input; by default one is generated.")
]


@auth_app.command("create-user")
def create_user(
    username: Annotated[str, typer.Argument(help="Name to sign in with.")],
    role: Annotated[Role, typer.Option(help="What the user may do.")] = Role.USER,
    password_stdin: PasswordStdin = False,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Create a user and print the password unless it was given."""
    password = _password(from_stdin=password_stdin)

    async def work(accounts: AccountService) -> None:
        await accounts.users.create(system_caller("cli"), username, password, role)

    _run(work, config, data_dir)
    print(f"created {role} '{username}'")
    if not password_stdin:
        print(f"password: {password}")


@auth_app.command("list-users")
def list_users(config: ConfigOption = None, data_dir: DataDirOption = None) -> None:
    """List the users."""

    async def work(accounts: AccountService) -> list[tuple[str, ...]]:
        return [
            (
                user.username,
                user.role,
                "yes" if user.is_active else "no",
                user.last_login_at.isoformat(timespec="seconds") if user.last_login_at else "never",
            )
            for user in await accounts.users.list()
        ]

    table = Table("user", "role", "active", "last sign-in (UTC)")
    for row in _run(work, config, data_dir):
        table.add_row(*row)
    Console().print(table)


@auth_app.command("set-role")
def set_role(
    username: Annotated[str, typer.Argument(help="Whose role.")],
    role: Annotated[Role, typer.Argument(help="The new role.")],
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Give a user another role; it holds from their next request on."""

    async def work(accounts: AccountService) -> None:
        await accounts.users.set_role(system_caller("cli"), username, role)

    _run(work, config, data_dir)
    print(f"'{username}' is now {role}")


@auth_app.command("reset-password")
def reset_password(
    username: Annotated[str, typer.Argument(help="Whose password.")],
    password_stdin: PasswordStdin = False,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Give a user another password and end their sign-ins."""
    password = _password(from_stdin=password_stdin)

    async def work(accounts: AccountService) -> None:
        await accounts.users.reset_password(system_caller("cli"), username, password)

    _run(work, config, data_dir)
    print(f"'{username}' has a new password and is signed out everywhere")
    if not password_stdin:
        print(f"password: {password}")


@auth_app.command("generate-key")
def generate_key(
    username: Annotated[str, typer.Argument(help="Whose key.")],
    name: Annotated[str, typer.Option(min=1, help="What it is for.")] = "cli",
    scope: Annotated[
        list[Permission] | None, typer.Option(help="A permission; repeat for more. By default all of the user's.")
    ] = None,
    expires_in_days: Annotated[
        float | None, typer.Option(min=0.001, max=3650, help="By default it does not expire.")
    ] = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Make an API key and print it; it cannot be shown again."""

    async def work(accounts: AccountService) -> str:
        user = next((user for user in await accounts.users.list() if user.username == username), None)
        if user is None:
            raise NotFoundError(f"there is no user '{username}'")
        role = Role(user.role)
        caller = Caller(user.id, user.username, role, ROLE_PERMISSIONS[role], "system")
        _, text = await accounts.api_keys.create(caller, name, scope or None, expires_in_days)
        return text

    print(_run(work, config, data_dir))


def _password(*, from_stdin: bool) -> str:
    return sys.stdin.readline().rstrip("\n") if from_stdin else secrets.token_urlsafe(18)


def _run(work: Callable[[AccountService], Awaitable[Value]], config: Path | None, data_dir: Path | None) -> Value:
    overrides: dict[str, Any] = {"storage": {"data_dir": data_dir}} if data_dir is not None else {}
    settings = load_settings(config, **overrides)
    try:
        return asyncio.run(_with_accounts(settings, work))
    except SQLAlchemyError as error:
        raise DatabaseError(f"the database cannot be used: {redact_text(str(error))}") from error


async def _with_accounts(settings: Settings, work: Callable[[AccountService], Awaitable[Value]]) -> Value:
    database = Database(settings.storage)
    accounts = AccountService(database, SystemClock(), load_keyring(settings), RateLimiter(), settings.security)
    try:
        if settings.storage.enable_migrations:
            await migrations.upgrade(database.engine)
        return await work(accounts)
    finally:
        accounts.close()
        await database.close()
