"""`auth …`: users and keys without a server."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli


def test_users_and_keys(cli: Cli, tmp_path: Path) -> None:
    folder = ("--data-dir", tmp_path / "elsewhere")
    created = cli("auth", "create-user", "alice", "--role", "viewer", *folder)
    assert created.returncode == 0, created.stderr
    assert "created viewer 'alice'" in created.stdout
    password = created.stdout.split("password: ")[1].strip()
    assert len(password) >= 20
    key = cli("auth", "generate-key", "alice", "--name", "job", "--scope", "results.read", *folder)
    assert key.returncode == 0, key.stderr
    assert key.stdout.startswith("ltb_")
    assert len(key.stdout.splitlines()) == 1
    assert "is now admin" in cli("auth", "set-role", "alice", "admin", *folder).stdout
    reset = cli("auth", "reset-password", "alice", *folder)
    assert "signed out everywhere" in reset.stdout
    assert password not in reset.stdout
    listed = cli("auth", "list-users", *folder)
    assert "alice" in listed.stdout
    assert "admin" in listed.stdout
    assert "never" in listed.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("create-user", "alice", "--role", "king"), 1, "viewer"),
        (("create-user", "a b"), 1, "username"),
        (("create-user",), 2, "username"),
        (("generate-key", "nobody"), 1, "there is no user 'nobody'"),
        (("generate-key", "nobody", "--scope", "everything"), 2, "results.read"),
        (("generate-key", "nobody", "--expires-in-days", "0"), 2, "0.001"),
        (("set-role", "nobody", "admin"), 1, "there is no user 'nobody'"),
        (("create-user", "alice", "--config", "gone.toml"), 2, "gone.toml"),
    ],
)
def test_wrong_use(cli: Cli, arguments: tuple[str, ...], code: int, says: str) -> None:
    outcome = cli("auth", *arguments)
    assert outcome.returncode == code
    assert says in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_a_key_is_not_wider_than_its_owner(cli: Cli) -> None:
    assert cli("auth", "create-user", "alice", "--role", "viewer").returncode == 0
    outcome = cli("auth", "generate-key", "alice", "--scope", "user.manage")
    assert outcome.returncode == 1
    assert "user.manage" in outcome.stderr
    again = cli("auth", "create-user", "Alice")
    assert again.returncode == 1
    assert "taken" in again.stderr


def test_a_secret_that_is_missing_in_production(cli: Cli) -> None:
    outcome = cli("auth", "create-user", "alice", env={"LTB_SECURITY__PRODUCTION": "true"})
    assert outcome.returncode == 2
    assert "LTB_SECURITY__SECRET_KEY" in outcome.stderr


def test_disabling_revoking_and_the_audit_trail(cli: Cli) -> None:
    assert cli("auth", "create-user", "root", "--role", "admin").returncode == 0
    assert "created viewer 'alice'" in cli("auth", "create-user", "alice", "--team", "blue").stdout
    assert "last active administrator" in cli("auth", "disable-user", "root").stderr
    cli("auth", "generate-key", "alice", "--name", "job")
    (key,) = json.loads(cli("auth", "list-keys", "alice", "--json").stdout)
    assert f"revoked {key['id']}" in cli("auth", "revoke-key", key["id"]).stdout
    assert "API keys are revoked" in cli("auth", "disable-user", "alice").stdout
    assert "may sign in again" in cli("auth", "enable-user", "alice").stdout
    assert "has no team" in cli("auth", "set-team", "alice").stdout
    assert cli("auth", "delete-user", "alice", "--yes").returncode == 0
    check = cli("audit", "verify", "--json")
    found = json.loads(check.stdout)
    assert (check.returncode, found["intact"], found["warnings"]) == (0, True, [])
    assert cli("audit", "verify", "--anchor", found["head"]).returncode == 0
    number, digest = found["head"].split(":")
    wrong = cli("audit", "verify", "--anchor", f"{number}:{digest[::-1]}")
    assert (wrong.returncode, "NOT INTACT" in wrong.stdout) == (1, True)
