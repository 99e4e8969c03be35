"""Roles of one's own."""

from typing import Any

import pytest

from app.accounts.permissions import ROLE_PERMISSIONS, Permission, Role
from app.accounts.roles import Roles, expand
from app.accounts.service import AccountService, Visitor
from app.accounts.users import system_caller
from app.core.database import Database
from app.core.errors import ConfigError, InvalidRequestError
from app.core.keyring import Keyring
from app.core.rate_limit import RateLimiter
from app.core.settings import SecuritySettings
from tests.factories import Rows
from tests.service import PASSWORD, FakeClock

AUDITOR = {"name": "auditor", "permissions": ["admin.audit", "benchmark.*"]}


def configured(*roles: dict[str, Any], default: str = "viewer") -> Roles:
    return Roles.configured(SecuritySettings.model_validate({"roles": roles, "default_role": default}))


def test_families_and_everything() -> None:
    assert expand(["admin.*"])[0] == {
        Permission.ADMIN_AUDIT,
        Permission.ADMIN_SETTINGS,
        Permission.ADMIN_SEE_ALL,
    }
    assert expand(["*"])[0] == frozenset(Permission)
    assert expand(["bench*", "benchmark", "admin.", "nothing.*", ""])[1] == [
        "bench*",
        "benchmark",
        "admin.",
        "nothing.*",
        "",
    ]


def test_built_in_roles_are_always_there() -> None:
    roles = configured(AUDITOR)
    assert roles.names == ("admin", "user", "viewer", "auditor")
    assert roles.permissions("admin") == frozenset(Permission)
    assert Permission.BENCHMARK_DELETE in roles.permissions("auditor")
    assert Permission.PROVIDER_READ not in roles.permissions("auditor")
    assert roles.permissions("lost") == ROLE_PERMISSIONS[Role.VIEWER]
    with pytest.raises(InvalidRequestError, match="auditor"):
        roles.check("lost")


@pytest.mark.parametrize(
    ("roles", "default", "message"),
    [
        ([{"name": "admin", "permissions": []}], "viewer", "already"),
        ([AUDITOR, AUDITOR], "viewer", "already"),
        ([{"name": "x", "permissions": ["fly"]}], "viewer", "no such permission: 'fly'"),
        ([], "auditor", "no role 'auditor'"),
    ],
)
def test_wrong_roles_are_named(roles: list[dict[str, Any]], default: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        configured(*roles, default=default)


async def test_a_user_of_a_role_of_ones_own(database: Database, clock: FakeClock, rows: Rows) -> None:
    settings = SecuritySettings.model_validate({"roles": [AUDITOR]})
    accounts = AccountService(
        database, clock, Keyring("a configured secret of enough characters"), RateLimiter(), settings
    )
    await accounts.users.create(system_caller(), "ada", PASSWORD, "auditor")
    sign_in = await accounts.login("ada", PASSWORD, Visitor("192.0.2.1", "", "a browser"))
    caller = await accounts.caller_from_token(sign_in.access_token)
    assert (caller.role, caller.permissions) == ("auditor", accounts.roles.permissions("auditor"))
    assert caller.family_id is not None
    accounts.close()
