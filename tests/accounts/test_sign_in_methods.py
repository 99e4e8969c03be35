"""How long a sign-in goes on depends on how the user proved who they are."""

from typing import Any

import pytest

from app.accounts.permissions import Role
from app.accounts.service import AccountService, Visitor
from app.accounts.sign_in_methods import oidc_method
from app.accounts.users import system_caller
from app.core.database import Database
from app.core.errors import UnauthorizedError
from app.core.keyring import Keyring
from app.core.oidc_settings import OidcSettings
from app.core.rate_limit import RateLimiter
from app.core.settings import SecuritySettings
from tests.service import PASSWORD, FakeClock

HERE = Visitor("192.0.2.1")
NAMES = {"corp": 1.0, "a-rather-long-name-one": 3.0, "a-rather-long-name-two": 2.0}


def _service(database: Database, clock: FakeClock, names: dict[str, float]) -> AccountService:
    providers: tuple[Any, ...] = tuple(
        OidcSettings(name=name, issuer=f"https://{name}.example", client_id="x", sign_in_days=days)
        for name, days in names.items()
    )
    settings = SecuritySettings(oidc=providers, refresh_token_days=1.5)
    return AccountService(database, clock, Keyring("x" * 32), RateLimiter(), settings)


async def test_a_sign_in_at_a_provider_ends_however_often_it_is_refreshed(database: Database, clock: FakeClock) -> None:
    accounts = _service(database, clock, NAMES)
    user = await accounts.users.create(system_caller(), "alice", PASSWORD, Role.USER)
    for method, days in (("password", 9.0), *((oidc_method(name), days) for name, days in NAMES.items())):
        longest = min(days, 2.0) if method.startswith("oidc:a-") else days  # what the names share is all that is kept
        async with database.write() as session:
            fresh = await session.merge(user)
            sign_in = await accounts.start_session(session, fresh, HERE, method)
        life = sign_in.refresh_life
        assert life.total_seconds() == min(longest, 1.5) * 86_400, method
        for _ in range(int(longest * 2) - 1):
            clock.advance(days=0.5)
            sign_in = await accounts.refresh(sign_in.refresh_token, HERE)
        clock.advance(days=0.5)
        if method == "password":
            await accounts.refresh(sign_in.refresh_token, HERE)
        else:
            assert sign_in.refresh_life.total_seconds() == 0.5 * 86_400, "no longer than the sign-in itself"
            with pytest.raises(UnauthorizedError):
                await accounts.refresh(sign_in.refresh_token, HERE)
    accounts.close()


async def test_sign_ins_of_a_provider_that_is_configured_no_more_end(database: Database, clock: FakeClock) -> None:
    accounts = _service(database, clock, NAMES)
    user = await accounts.users.create(system_caller(), "alice", PASSWORD, Role.USER)
    async with database.write() as session:
        sign_in = await accounts.start_session(session, await session.merge(user), HERE, oidc_method("corp"))
    without = _service(database, clock, {"other": 7.0})
    with pytest.raises(UnauthorizedError):
        await without.refresh(sign_in.refresh_token, HERE)
    assert (await accounts.refresh(sign_in.refresh_token, HERE)).caller.username == "alice"
    accounts.close()
    without.close()
