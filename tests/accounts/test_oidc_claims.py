"""What a provider claims of somebody, in every shape that it may have, and whom that makes of them here."""

from typing import Any

import pytest
from sqlalchemy import select

from app.accounts.models import User
from app.accounts.oidc_errors import OidcNotAllowedError
from app.accounts.oidc_identity import external_user, joined, lacks
from app.accounts.permissions import Role
from app.core.oidc_settings import OidcSettings
from app.core.settings import StorageSettings
from tests.accounts.identity_provider import IdentityProvider
from tests.accounts.oidc_browser import _provider, idp, oidc_service, reason_of, sign_in
from tests.service import PASSWORD, Running

__all__ = ["_provider", "idp"]

KELVIN = "\u212a"
"""The sign of the unit: Unicode's lower case of it is the letter k."""
SETTINGS = OidcSettings(
    name="corp", issuer="https://idp.example", client_id="x", team_claim="team", role_map={"ops": "admin"}
)
WHOLE: dict[str, Any] = {
    "sub": "s",
    "preferred_username": "alice",
    "email": "alice@example.com",
    "email_verified": True,
    "groups": ["ops"],
    "team": "search",
    "name": "Alice",
}


def test_a_claim_of_a_wrong_type_counts_as_missing() -> None:
    for name in WHOLE.keys() - {"sub"}:
        odd: Any
        for odd in ([], {}, [[]], [{"a": 1}], 1, 1.5, None, False, "\0", "\ud800", "x" * 10_000):
            found = external_user(WHOLE | {name: odd}, SETTINGS, "viewer")
            assert found.usernames, (name, odd)
            assert found.role in {"admin", "viewer"}
            assert not found.email_verified or found.email == "alice@example.com"
            assert name != "email_verified" or not found.email_verified, odd
            assert name != "groups" or found.role == "viewer", odd
            lacks(WHOLE | {name: odd}, SETTINGS)
    for mark in ("\u202e", "\u200b", "\u00ad", "\ufeff"):
        assert external_user(WHOLE | {"email": f"al{mark}ice@example.com"}, SETTINGS, "viewer").email is None


def test_only_ascii_letters_have_two_cases_in_a_domain() -> None:
    settings = SETTINGS.model_copy(update={"allowed_domains": ("@KELVIN.example",)})
    assert external_user(WHOLE | {"email": "a@kelvin.EXAMPLE"}, settings, "viewer").email == "a@kelvin.EXAMPLE"
    with pytest.raises(OidcNotAllowedError):
        external_user(WHOLE | {"email": f"a@{KELVIN}elvin.example"}, settings, "viewer")


def test_names_of_the_audit_trail_are_nobodys() -> None:
    for name in ("system", "CLI", "anonymous", "\uff43\uff4c\uff49"):
        found = external_user({"sub": "s", "preferred_username": name}, SETTINGS, "viewer")
        assert found.usernames == ("user-corp",), name


def test_an_address_is_verified_by_whoever_names_it() -> None:
    mine, other = {"sub": "s", "email": "a@x.example"}, {"sub": "s", "email": "b@x.example", "email_verified": True}
    assert "email_verified" not in joined(mine, other)
    assert joined(mine, other)["email"] == "a@x.example"
    assert joined(mine, other | {"email": "a@x.example"})["email_verified"] is True
    assert joined({"sub": "s", "email_verified": True}, {"sub": "s", "email": "b@x.example"}) == {
        "sub": "s",
        "email": "b@x.example",
    }
    assert joined(mine | {"email_verified": False}, mine | {"email_verified": True})["email_verified"] is False


async def test_look_alikes_link_no_account_and_odd_claims_fail_nothing(
    idp: IdentityProvider, sqlite_settings: StorageSettings
) -> None:
    async with oidc_service(idp, sqlite_settings, link_by_email=True) as service:
        await service.user("local", Role.USER)
        async with service.app.state.database.write() as session:
            (await session.scalars(select(User).where(User.username == "local"))).one().email = "kevin@example.com"

        async def name_of(**claims: Any) -> str:
            idp.user |= claims
            browser = service.anonymous
            assert reason_of(await sign_in(browser)) == "in", claims
            return str((await browser.get("/api/v1/auth/me")).json()["username"])

        assert await name_of(sub="thief", preferred_username="thief", email=f"{KELVIN}evin@example.com") == "thief"
        assert await name_of(sub="odd", preferred_username={}, email_verified=[], groups={"a": []}) != "local"
        assert await name_of(sub="unverified", email="boss@example.com", email_verified=False) == "user-corp-2"
        assert await name_of(sub="cli", preferred_username="cli") == "user-corp-3"
        assert await name_of(sub="kevin", email="Kevin@Example.com", email_verified=True) == "local"


async def test_a_password_tried_on_an_account_of_a_provider_costs_the_same_hash(
    idp: IdentityProvider, sqlite_settings: StorageSettings
) -> None:
    async with oidc_service(idp, sqlite_settings) as service:
        assert reason_of(await sign_in(service.anonymous)) == "in"
        await service.user("local", Role.USER)
        passwords = service.app.state.accounts.passwords
        async with service.app.state.database.read() as session:
            stored = list(await session.scalars(select(User.password_hash)))
        costs = {text.rpartition("$")[0].rpartition("$")[0] for text in (*stored, passwords._decoy)}
        assert len(stored) == 3
        assert len(costs) == 1, "algorithm, memory, passes and lanes"
        answers = [await _try(service, username) for username in ("alice", "local", "nobody")]
        assert answers[0] == answers[1] == answers[2]


async def _try(service: Running, username: str) -> tuple[int, Any]:
    body = {"username": username, "password": PASSWORD[::-1]}
    answer = await service.anonymous.post("/api/v1/auth/login", json=body)
    return answer.status_code, answer.json()["error"]
