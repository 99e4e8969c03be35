"""`llm-test-bench auth …`: users and API keys, straight in the database, for whoever may read the data folder."""

import secrets
import sys
from typing import Annotated

import typer

from app.accounts.permissions import Permission, Role
from app.cli.options import ConfigOption, DataDirOption, examples

auth_app = typer.Typer(
    help="Create users and API keys.",
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog=examples(
        "llm-test-bench auth create-user alice --role viewer", "llm-test-bench auth generate-key admin --name laptop"
    ),
)

PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input; by default one is generated.")
]


@auth_app.command("create-user", epilog=examples("llm-test-bench auth create-user alice --role viewer"))
def create_user(
    username: Annotated[str, typer.Argument(help="Name to sign in with.")],
    role: Annotated[Role, typer.Option(help="What the user may do.")] = Role.USER,
    password_stdin: PasswordStdin = False,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Create a user and print the password unless it was given."""
    from app.cli.local_accounts import OPERATOR, with_accounts  # noqa: PLC0415 - help stays fast

    password = _password(from_stdin=password_stdin)
    with_accounts(lambda accounts: accounts.users.create(OPERATOR, username, password, role), config, data_dir)
    print(f"created {role} '{username}'")
    if not password_stdin:
        print(f"password: {password}")


@auth_app.command("list-users", epilog=examples("llm-test-bench auth list-users"))
def list_users(config: ConfigOption = None, data_dir: DataDirOption = None) -> None:
    """List the users, their roles and when they last signed in."""
    from rich.console import Console  # noqa: PLC0415 - help stays fast
    from rich.table import Table  # noqa: PLC0415

    from app.cli.local_accounts import with_accounts  # noqa: PLC0415

    table = Table("user", "role", "active", "last sign-in (UTC)")
    for user in with_accounts(lambda accounts: accounts.users.list(), config, data_dir):
        seen = user.last_login_at.isoformat(timespec="seconds") if user.last_login_at else "never"
        table.add_row(user.username, user.role, "yes" if user.is_active else "no", seen)
    Console().print(table)


@auth_app.command("set-role", epilog=examples("llm-test-bench auth set-role alice admin"))
def set_role(
    username: Annotated[str, typer.Argument(help="Whose role.")],
    role: Annotated[Role, typer.Argument(help="The new role.")],
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Give a user another role; it holds from their next request on."""
    from app.cli.local_accounts import OPERATOR, with_accounts  # noqa: PLC0415 - help stays fast

    with_accounts(lambda accounts: accounts.users.set_role(OPERATOR, username, role), config, data_dir)
    print(f"'{username}' is now {role}")


@auth_app.command("reset-password", epilog=examples("llm-test-bench auth reset-password alice"))
def reset_password(
    username: Annotated[str, typer.Argument(help="Whose password.")],
    password_stdin: PasswordStdin = False,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Give a user another password and end their sign-ins."""
    from app.cli.local_accounts import OPERATOR, with_accounts  # noqa: PLC0415 - help stays fast

    password = _password(from_stdin=password_stdin)
    with_accounts(lambda accounts: accounts.users.reset_password(OPERATOR, username, password), config, data_dir)
    print(f"'{username}' has a new password and is signed out everywhere")
    if not password_stdin:
        print(f"password: {password}")


@auth_app.command(
    "generate-key",
    epilog=examples(
        "llm-test-bench auth generate-key admin --name laptop",
        "llm-test-bench auth generate-key ci --scope benchmark.create --scope benchmark.read --expires-in-days 30",
    ),
)
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
    from app.cli.local_accounts import new_key, with_accounts  # noqa: PLC0415 - help stays fast

    key = with_accounts(lambda accounts: new_key(accounts, username, name, scope, expires_in_days), config, data_dir)
    print(key)


def _password(*, from_stdin: bool) -> str:
    return sys.stdin.readline().rstrip("\n") if from_stdin else secrets.token_urlsafe(18)
