"""`llm-test-bench auth …`: users and API keys, in this machine's database or on a server.

Without `--server` they are changed straight in the database, by whoever may read the data folder.
"""

import json
import sys
from typing import Annotated, Any

import typer

from app.accounts.permissions import Permission
from app.cli.options import ConfigOption, DataDirOption, examples

auth_app = typer.Typer(
    help="Manage users and API keys.",
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog=examples(
        "llm-test-bench auth create-user alice --role user --team search",
        "llm-test-bench auth generate-key admin --name laptop",
        "llm-test-bench auth disable-user alice --server https://bench.example --api-key ltb_…",
    ),
)

_ServerOption = Annotated[
    str | None,
    typer.Option(
        help="Address of an LLM Test Bench server; without it, this machine's database is used.",
        envvar="LLM_TEST_BENCH_SERVER",
    ),
]
_ApiKeyOption = Annotated[
    str | None,
    typer.Option(help="API key of that server (ltb_…), with user.manage.", envvar="LLM_TEST_BENCH_API_KEY"),
]
_JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Username = Annotated[str, typer.Argument(help="Name of the user.")]
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input; by default one is generated.")
]


@auth_app.command(
    "create-user",
    epilog=examples(
        "llm-test-bench auth create-user alice --role user",
        'printf %s "$PASSWORD" | llm-test-bench auth create-user bob --team search --password-stdin',
    ),
)
def create_user(
    username: Annotated[str, typer.Argument(help="Name to sign in with.")],
    role: Annotated[
        str | None,
        typer.Option(help="admin, user, viewer, or one of [[security.roles]]; default security.default_role."),
    ] = None,
    team: Annotated[str | None, typer.Option(help="Whom they share benchmarks with as a team.")] = None,
    email: Annotated[str | None, typer.Option(help="Their e-mail address.")] = None,
    password_stdin: PasswordStdin = False,
    server: _ServerOption = None,
    api_key: _ApiKeyOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Create a user and print the password unless it was given."""
    store = _store(server, api_key, config, data_dir)
    given = {"role": role, "team": team, "email": email, "password": _password(from_stdin=password_stdin)}
    body = {"username": username} | {name: value for name, value in given.items() if value is not None}
    made = store.create_user(body)
    print(f"created {made['role']} '{made['username']}'")
    if made["password"]:
        print(f"password: {made['password']}")


@auth_app.command(
    "list-users", epilog=examples("llm-test-bench auth list-users", "llm-test-bench auth list-users --json")
)
def list_users(
    as_json: _JsonOption = False,
    server: _ServerOption = None,
    api_key: _ApiKeyOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """List the users, their roles and when they last signed in."""
    users = _store(server, api_key, config, data_dir).users()
    if as_json:
        print(json.dumps(users))
        return
    rows = [
        (
            user["username"],
            user["role"],
            user["team"],
            "yes" if user["is_active"] else "no",
            _time(user["last_login_at"]),
        )
        for user in users
    ]
    _print_table(("user", "role", "team", "active", "last sign-in (UTC)"), rows)


@auth_app.command("set-role", epilog=examples("llm-test-bench auth set-role alice admin"))
def set_role(
    username: _Username,
    role: Annotated[str, typer.Argument(help="The new role: admin, user, viewer, or one of [[security.roles]].")],
    server: _ServerOption = None,
    api_key: _ApiKeyOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Give a user another role; it holds from their next request on."""
    user = _store(server, api_key, config, data_dir).update_user(username, {"role": role})
    print(f"'{user['username']}' is now {user['role']}")


@auth_app.command(
    "set-team", epilog=examples("llm-test-bench auth set-team alice search", "llm-test-bench auth set-team alice")
)
def set_team(
    username: _Username,
    team: Annotated[str | None, typer.Argument(help="The new team; without it the user has none.")] = None,
    server: _ServerOption = None,
    api_key: _ApiKeyOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Put a user into a team, or out of theirs. What they have shared with the old team stays shared with it."""
    user = _store(server, api_key, config, data_dir).update_user(username, {"team": team})
    print(f"'{user['username']}' is in team '{user['team']}'" if user["team"] else f"'{user['username']}' has no team")


@auth_app.command("disable-user", epilog=examples("llm-test-bench auth disable-user alice"))
def disable_user(
    username: _Username,
    server: _ServerOption = None,
    api_key: _ApiKeyOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Let a user sign in no more: their sign-ins end and their API keys are revoked at once."""
    user = _store(server, api_key, config, data_dir).update_user(username, {"is_active": False})
    print(f"'{user['username']}' is disabled; sign-ins have ended and API keys are revoked")


@auth_app.command("enable-user", epilog=examples("llm-test-bench auth enable-user alice"))
def enable_user(
    username: _Username,
    server: _ServerOption = None,
    api_key: _ApiKeyOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Let a disabled user sign in again; their old sign-ins and API keys stay ended."""
    user = _store(server, api_key, config, data_dir).update_user(username, {"is_active": True})
    print(f"'{user['username']}' may sign in again")


@auth_app.command("delete-user", epilog=examples("llm-test-bench auth delete-user alice --yes"))
def delete_user(
    username: _Username,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    server: _ServerOption = None,
    api_key: _ApiKeyOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Remove a user with their sign-ins and API keys; their benchmarks stay and belong to nobody."""
    if not yes:
        typer.confirm(f"Delete the user '{username}'?", abort=True)
    _store(server, api_key, config, data_dir).delete_user(username)
    print(f"deleted '{username}'")


@auth_app.command("reset-password", epilog=examples("llm-test-bench auth reset-password alice"))
def reset_password(
    username: _Username,
    password_stdin: PasswordStdin = False,
    server: _ServerOption = None,
    api_key: _ApiKeyOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Give a user another password and end their sign-ins."""
    store = _store(server, api_key, config, data_dir)
    generated = store.reset_password(username, _password(from_stdin=password_stdin))
    print(f"'{username}' has a new password and is signed out everywhere")
    if generated:
        print(f"password: {generated}")


@auth_app.command(
    "generate-key",
    epilog=examples(
        "llm-test-bench auth generate-key admin --name laptop",
        "llm-test-bench auth generate-key ci --scope benchmark.create --scope benchmark.read --expires-in-days 30",
    ),
)
def generate_key(
    username: Annotated[str, typer.Argument(help="Whose key.")],
    name: Annotated[str, typer.Option(help="What it is for.")] = "cli",
    scope: Annotated[
        list[Permission] | None, typer.Option(help="A permission; repeat for more. By default all of the user's.")
    ] = None,
    expires_in_days: Annotated[
        float | None, typer.Option(min=0.001, max=3650, help="By default it does not expire.")
    ] = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Make an API key in this machine's database and print it; it cannot be shown again."""
    body = {"name": name, "scopes": scope, "expires_in_days": expires_in_days}
    print(_store(None, None, config, data_dir).new_key(username, body)["key"])


@auth_app.command("list-keys", epilog=examples("llm-test-bench auth list-keys alice"))
def list_keys(
    username: Annotated[str, typer.Argument(help="Whose keys.")],
    as_json: _JsonOption = False,
    server: _ServerOption = None,
    api_key: _ApiKeyOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """List a user's API keys without their secrets."""
    keys = _store(server, api_key, config, data_dir).keys(username)
    if as_json:
        print(json.dumps(keys))
        return
    rows = [
        (
            key["id"],
            key["name"],
            key["prefix"],
            _time(key["expires_at"]),
            _time(key["last_used_at"]),
            ", ".join(key["scopes"]),
        )
        for key in keys
    ]
    _print_table(("id", "name", "begins", "expires", "last used (UTC)", "scopes"), rows)


@auth_app.command("revoke-key", epilog=examples("llm-test-bench auth revoke-key 0199c0de-0000-7000-8000-000000000000"))
def revoke_key(
    key_id: Annotated[str, typer.Argument(help="Id of the key, as `auth list-keys` shows it.")],
    server: _ServerOption = None,
    api_key: _ApiKeyOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """End an API key at once."""
    _store(server, api_key, config, data_dir).revoke_key(key_id)
    print(f"revoked {key_id}")


def _store(server: str | None, api_key: str | None, config: Any, data_dir: Any) -> Any:
    from app.cli.account_store import open_accounts  # noqa: PLC0415 - help stays fast

    return open_accounts(server, api_key, config, data_dir)


def _print_table(names: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from app.cli.terminal import Console  # noqa: PLC0415 - help stays fast

    table = Table(*names)
    for row in rows:
        table.add_row(*(Text(str(value or "")) for value in row))
    Console().print(table)


def _time(moment: str | None) -> str:
    return moment[:19].replace("T", " ") if moment else "never"


def _password(*, from_stdin: bool) -> str | None:
    return sys.stdin.readline().rstrip("\n") if from_stdin else None
