"""A service whose only way in is an identity provider, and the way in when that one is away."""

import asyncio
from collections.abc import Iterator

import pytest
from sqlalchemy import select

from app.accounts.models import AuditEntry
from app.accounts.permissions import Role
from app.accounts.service import Visitor
from app.accounts.users import system_caller
from app.core.errors import ConfigError
from app.core.settings import StorageSettings, load_settings
from tests.accounts.identity_provider import CLIENT_ID, IdentityProvider, identity_provider
from tests.cli.command import run
from tests.service import PASSWORD, running_service, service_settings

LOGIN = "/api/v1/auth/login"


@pytest.fixture(scope="module")
def idp() -> Iterator[IdentityProvider]:
    with identity_provider() as provider:
        yield provider


def _security(idp: IdentityProvider, *, enable_password: bool) -> dict[str, object]:
    return {"enable_password": enable_password, "oidc": [{"name": "corp", "issuer": idp.url, "client_id": CLIENT_ID}]}


def test_nobody_is_locked_out_by_a_setting(sqlite_settings: StorageSettings) -> None:
    with pytest.raises(ConfigError, match="nobody could sign in"):
        load_settings(security={"enable_password": False}, storage=sqlite_settings.model_dump())


async def test_passwords_are_refused_and_their_sign_ins_end(
    sqlite_settings: StorageSettings, idp: IdentityProvider
) -> None:
    before = service_settings(sqlite_settings, security=_security(idp, enable_password=True))
    async with running_service(before) as running:
        await running.app.state.accounts.users.create(system_caller(), "alice", PASSWORD, Role.ADMIN)
        signed_in = await running.anonymous.post(LOGIN, json={"username": "alice", "password": PASSWORD})
        refresh_token = signed_in.raise_for_status().json()["refresh_token"]
        assert (await running.anonymous.get("/api/v1/auth/methods")).json()["password"] is True

    after = service_settings(sqlite_settings, security=_security(idp, enable_password=False))
    async with running_service(after) as running:
        nobody = running.anonymous
        methods = (await nobody.get("/api/v1/auth/methods")).json()
        assert (methods["password"], [one["name"] for one in methods["oidc"]]) == (False, ["corp"])
        answers = [
            await nobody.post(LOGIN, json={"username": name, "password": password})
            for name, password in (("alice", PASSWORD), ("alice", "wrong"), ("nobody", PASSWORD))
        ]
        bodies = [answer.json()["error"] for answer in answers]
        assert {answer.status_code for answer in answers} == {403}
        assert bodies[0] == bodies[1] == bodies[2], "it tells nothing about who exists"
        assert "security.enable_password" in bodies[0]["message"]
        again = await nobody.post("/api/v1/auth/refresh", json={"refresh_token": refresh_token})
        assert again.status_code == 401, "a sign-in by password does not outlive passwords"
        async with running.app.state.database.read() as session:
            rows = (await session.scalars(select(AuditEntry).where(AuditEntry.action == "auth.login_failed"))).all()
        assert [row.changes["reason"] for row in rows] == ["passwords are off"] * 3


async def test_the_command_line_is_the_way_in_when_the_provider_is_away(
    sqlite_settings: StorageSettings, idp: IdentityProvider
) -> None:
    settings = service_settings(sqlite_settings, security=_security(idp, enable_password=False))
    async with running_service(settings) as running:
        assert running.app.state.generated_admin_password is None
        folder = sqlite_settings.data_dir
        assert not (folder / "admin-password").exists(), "nobody can use it"
        config = folder / "config.toml"
        config.write_text(
            f'[storage]\ndatabase_url = "{sqlite_settings.database_url}"\ndata_dir = "{folder}"\n'
            f"[security]\nenable_password = false\n"
            f'[[security.oidc]]\nname = "corp"\nissuer = "{idp.url}"\nclient_id = "{CLIENT_ID}"\n'
        )
        made = await asyncio.to_thread(
            run, "auth", "generate-key", "admin", "--name", "break-glass", "--config", config, cwd=folder
        )
        assert made.returncode == 0, made.stderr
        key = running.bearer(made.stdout.strip())
        me = (await key.get("/api/v1/auth/me")).json()
        assert (me["username"], me["role"]) == ("admin", "admin")
        assert (await key.get("/api/v1/users")).status_code == 200


async def test_one_cannot_change_a_password_that_nothing_takes(
    sqlite_settings: StorageSettings, idp: IdentityProvider
) -> None:
    settings = service_settings(sqlite_settings, security=_security(idp, enable_password=False))
    async with running_service(settings) as running:
        accounts = running.app.state.accounts
        user = await accounts.users.create(system_caller(), "alice", PASSWORD, Role.USER)
        async with running.app.state.database.write() as session:
            sign_in = await accounts.start_session(session, user, Visitor("127.0.0.1"), "oidc:corp")
        client = running.bearer(sign_in.access_token)
        change = {"old_password": PASSWORD, "new_password": "another long password"}
        refused = await client.post("/api/v1/auth/password", json=change)
        assert (refused.status_code, "enable_password" in refused.text) == (403, True)
