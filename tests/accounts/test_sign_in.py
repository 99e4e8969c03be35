"""Signing in, refreshing, signing out, on both databases."""

import asyncio
import time

import pytest
from jose import jwt
from sqlalchemy import func, select

from app.accounts.models import RefreshToken, User
from app.accounts.permissions import ROLE_PERMISSIONS, Role
from app.accounts.service import AccountService, Visitor
from app.accounts.tokens import AUDIENCE, ISSUER
from app.accounts.users import system_caller
from app.core.database import Database
from app.core.errors import UnauthorizedError
from app.core.keyring import Keyring
from app.core.rate_limit import RateLimitExceededError
from tests.service import PASSWORD, FakeClock

HERE = Visitor("192.0.2.1", "request-1")


@pytest.fixture(autouse=True)
async def _alice(accounts: AccountService) -> None:
    await accounts.users.create(system_caller(), "alice", PASSWORD, Role.USER)


async def test_a_sign_in_gives_a_caller(accounts: AccountService, database: Database, clock: FakeClock) -> None:
    sign_in = await accounts.login("Alice", PASSWORD, HERE)
    caller = await accounts.caller_from_token(sign_in.access_token, HERE)
    assert (caller.username, caller.role, caller.via) == ("alice", Role.USER, "token")
    assert caller.permissions == ROLE_PERMISSIONS[Role.USER]
    assert (caller.address, caller.request_id) == ("192.0.2.1", "request-1")
    async with database.read() as session:
        user = await session.get(User, caller.user_id)
        assert user is not None
        assert user.last_login_at == clock.now()
        assert user.password_hash.startswith("$argon2id$")
        stored = await session.scalar(select(RefreshToken.token_hash))
    assert stored is not None
    assert sign_in.refresh_token not in stored


async def test_wrong_names_and_passwords_get_the_same_answer(accounts: AccountService) -> None:
    answers = []
    for username, password in (("alice", "wrong"), ("nobody", PASSWORD), ("", ""), ("alice\0", PASSWORD)):
        with pytest.raises(UnauthorizedError) as caught:
            await accounts.login(username, password, HERE)
        answers.append((caught.value.message, caught.value.details))
    assert len({str(answer) for answer in answers}) == 1


async def test_unknown_users_take_as_long(accounts: AccountService) -> None:
    await accounts.start()

    async def cpu_seconds(username: str, address: str) -> float:
        started = time.process_time()
        with pytest.raises(UnauthorizedError):
            await accounts.login(username, "wrong", Visitor(address))
        return time.process_time() - started

    known = min([await cpu_seconds("alice", f"192.0.2.{index}") for index in range(3)])
    unknown = min([await cpu_seconds("nobody", f"192.0.2.{index}") for index in range(3)])
    assert 0.3 < unknown / known < 3  # a missing hash would be 20 times faster


async def test_tries_are_limited_per_account_and_per_address(accounts: AccountService) -> None:
    for index in range(5):
        with pytest.raises(UnauthorizedError):
            await accounts.login("alice", "wrong", Visitor(f"192.0.2.{index}"))
    with pytest.raises(RateLimitExceededError):
        await accounts.login("ALICE", PASSWORD, Visitor("192.0.2.99"))
    for index in range(5):
        with pytest.raises(UnauthorizedError):
            await accounts.login(f"user{index}", "wrong", Visitor(f"2001:db8::{index}"))
    with pytest.raises(RateLimitExceededError) as caught:
        await accounts.login("bob", "wrong", Visitor("2001:db8::ffff"))
    assert 1 <= caught.value.retry_after_seconds <= 60


async def test_access_tokens_expire(accounts: AccountService, clock: FakeClock) -> None:
    sign_in = await accounts.login("alice", PASSWORD, HERE)
    clock.advance(minutes=14, seconds=59)
    await accounts.caller_from_token(sign_in.access_token)
    clock.advance(seconds=7)
    with pytest.raises(UnauthorizedError, match="expired"):
        await accounts.caller_from_token(sign_in.access_token)


async def test_forged_tokens_are_refused(accounts: AccountService, clock: FakeClock) -> None:
    sign_in = await accounts.login("alice", PASSWORD, HERE)
    claims = jwt.get_unverified_claims(sign_in.access_token)
    key = Keyring("a configured secret of enough characters").derive("jwt").hex()
    assert claims["iss"] == ISSUER
    assert claims["aud"] == AUDIENCE
    assert jwt.encode(claims, key, algorithm="HS256") == sign_in.access_token
    without_jti = {name: value for name, value in claims.items() if name != "jti"}
    head, payload, signature = sign_in.access_token.split(".")
    for token in (
        jwt.encode(claims, "another key", algorithm="HS256"),
        jwt.encode(claims, key, algorithm="HS512"),
        jwt.encode(claims | {"aud": "other"}, key, algorithm="HS256"),
        jwt.encode(claims | {"iss": "other"}, key, algorithm="HS256"),
        jwt.encode(claims | {"typ": "refresh"}, key, algorithm="HS256"),
        jwt.encode(claims | {"sub": "not-a-uuid"}, key, algorithm="HS256"),
        jwt.encode(without_jti, key, algorithm="HS256"),
        f"eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{payload}.",
        f"{head}.{payload}.{signature[::-1]}",
        sign_in.refresh_token,
        "",
        "ltb_short",
        "x" * 5000,
    ):
        with pytest.raises(UnauthorizedError):
            await accounts.caller_from_token(token)


async def test_refresh_tokens_rotate(accounts: AccountService, clock: FakeClock) -> None:
    first = await accounts.login("alice", PASSWORD, HERE)
    clock.advance(minutes=20)
    second = await accounts.refresh(first.refresh_token, HERE)
    assert second.refresh_token != first.refresh_token
    assert (await accounts.caller_from_token(second.access_token)).username == "alice"


async def test_a_refresh_token_used_twice_ends_the_sign_in(accounts: AccountService) -> None:
    other = await accounts.login("alice", PASSWORD, HERE)
    first = await accounts.login("alice", PASSWORD, HERE)
    second = await accounts.refresh(first.refresh_token, HERE)
    with pytest.raises(UnauthorizedError):
        await accounts.refresh(first.refresh_token, HERE)
    with pytest.raises(UnauthorizedError):
        await accounts.refresh(second.refresh_token, HERE)
    with pytest.raises(UnauthorizedError):
        await accounts.caller_from_token(second.access_token)
    assert await accounts.caller_from_token(other.access_token)  # another sign-in of the same user goes on


async def test_of_two_refreshes_at_once_one_wins(accounts: AccountService) -> None:
    first = await accounts.login("alice", PASSWORD, HERE)
    answers = await asyncio.gather(
        *(accounts.refresh(first.refresh_token, HERE) for _ in range(4)), return_exceptions=True
    )
    assert sum(isinstance(answer, UnauthorizedError) for answer in answers) == 3


async def test_refresh_tokens_expire(accounts: AccountService, clock: FakeClock) -> None:
    first = await accounts.login("alice", PASSWORD, HERE)
    clock.advance(days=14)
    with pytest.raises(UnauthorizedError):
        await accounts.refresh(first.refresh_token, HERE)


async def test_signing_out_stops_both_tokens_at_once(accounts: AccountService, clock: FakeClock) -> None:
    sign_in = await accounts.login("alice", PASSWORD, HERE)
    clock.advance(minutes=30)  # an expired access token still says which sign-in to end
    await accounts.logout(sign_in.access_token, None, HERE)
    with pytest.raises(UnauthorizedError):
        await accounts.refresh(sign_in.refresh_token, HERE)

    sign_in = await accounts.login("alice", PASSWORD, HERE)
    await accounts.logout(None, sign_in.refresh_token, HERE)
    with pytest.raises(UnauthorizedError):
        await accounts.caller_from_token(sign_in.access_token)
    with pytest.raises(UnauthorizedError):
        await accounts.logout(None, "ltr_unknown", HERE)


async def test_changes_of_a_user_hold_at_once(accounts: AccountService, database: Database) -> None:
    sign_in = await accounts.login("alice", PASSWORD, HERE)
    await accounts.users.set_role(system_caller(), "alice", Role.VIEWER)
    assert (await accounts.caller_from_token(sign_in.access_token)).role == Role.VIEWER
    await accounts.users.reset_password(system_caller(), "alice", "another long password")
    with pytest.raises(UnauthorizedError):
        await accounts.caller_from_token(sign_in.access_token)
    sign_in = await accounts.login("alice", "another long password", HERE)
    async with database.write() as session:
        user = await session.scalar(select(User))
        assert user is not None
        user.is_active = False
    with pytest.raises(UnauthorizedError):
        await accounts.caller_from_token(sign_in.access_token)
    with pytest.raises(UnauthorizedError):
        await accounts.refresh(sign_in.refresh_token, HERE)
    with pytest.raises(UnauthorizedError):
        await accounts.login("alice", "another long password", HERE)
    async with database.read() as session:
        assert await session.scalar(select(func.count()).select_from(User)) == 1
