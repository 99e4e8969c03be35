"""Users and the first administrator."""

import asyncio
import stat
from pathlib import Path

import pytest

from app.accounts.permissions import Role
from app.accounts.service import AccountService, Visitor
from app.accounts.users import PASSWORD_FILE, system_caller
from app.core.errors import ConfigError, ConflictError, InvalidRequestError, NotFoundError
from tests.service import PASSWORD


async def test_the_first_start_makes_one_administrator(accounts: AccountService, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    password = await accounts.users.bootstrap("admin", folder, production=False)
    assert password is not None
    path = folder / PASSWORD_FILE
    assert path.read_text() == password + "\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    sign_in = await accounts.login("admin", password, Visitor())
    assert sign_in.caller.is_admin
    assert await accounts.users.bootstrap("admin", folder, production=False) is None
    assert path.read_text() == password + "\n"


async def test_two_servers_starting_at_once_make_one(accounts: AccountService, tmp_path: Path) -> None:
    made = await asyncio.gather(*(accounts.users.bootstrap("admin", tmp_path, production=False) for _ in range(3)))
    passwords = [password for password in made if password is not None]
    assert len(passwords) == 1
    assert (tmp_path / PASSWORD_FILE).read_text().strip() == passwords[0]


async def test_production_mode_generates_no_password(accounts: AccountService, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="auth create-user"):
        await accounts.users.bootstrap("admin", tmp_path, production=True)
    assert not (tmp_path / PASSWORD_FILE).exists()


@pytest.mark.parametrize("username", ["", " ", "-a", "a b", "a" * 65, "ä", "system", "a\n"])
async def test_unusable_names(accounts: AccountService, username: str) -> None:
    with pytest.raises(InvalidRequestError, match="username"):
        await accounts.users.create(system_caller(), username, PASSWORD, Role.USER)


@pytest.mark.parametrize("password", ["", "short", "x" * 1025, "e\u0301" * 9, "\U0001d160" * 400])
async def test_unusable_passwords(accounts: AccountService, password: str) -> None:
    with pytest.raises(InvalidRequestError, match="password"):
        await accounts.users.create(system_caller(), "alice", password, Role.USER)


async def test_names_are_unique_without_case(accounts: AccountService) -> None:
    await accounts.users.create(system_caller(), "alice", PASSWORD, Role.USER)
    for name in ("alice", "Alice"):
        with pytest.raises(ConflictError):
            await accounts.users.create(system_caller(), name, PASSWORD, Role.USER)
    with pytest.raises(NotFoundError):
        await accounts.users.set_role(system_caller(), "bob", Role.ADMIN)
    assert [user.username for user in await accounts.users.list()] == ["alice"]
