"""Signing in, refreshing, signing out, on both databases."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from jose import jwt
from sqlalchemy import event, func, select

from app.accounts.models import RefreshToken, User
from app.accounts.passwords import Verdict
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
async def _alice(real_hashes: None, accounts: AccountService) -> None:
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
        assert user.password_hash.startswith("$argon2id$v=19$m=47104,t=1,p=1$"), "what OWASP asks for"
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


@contextmanager
def _statements(database: Database) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    engine = database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def test_an_accent_is_the_same_letter_however_it_is_typed(accounts: AccountService) -> None:
    composed, decomposed = "\u00e9t\u00e9 \u00e0 la mer", "e\u0301te\u0301 a\u0300 la mer"
    await accounts.users.create(system_caller(), "zoe", composed, Role.USER)
    assert (await accounts.login("zoe", decomposed, HERE)).caller.username == "zoe"
    with pytest.raises(UnauthorizedError):
        await accounts.login("zoe", "ete a la mer", HERE)


async def test_every_refusal_costs_one_hash_and_takes_as_long(
    accounts: AccountService, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One Argon2 hash each, whatever is wrong; and processor times whose ranges overlap."""
    await accounts.users.create(system_caller(), "gone", PASSWORD, Role.USER)
    await accounts.users.set_active(system_caller(), "gone", is_active=False)
    await accounts.start()
    hashes = 0
    verify = accounts.passwords._verify

    def counted(password: str, stored: str) -> Verdict:
        nonlocal hashes
        hashes += 1
        return verify(password, stored)

    monkeypatch.setattr(accounts.passwords, "_verify", counted)
    attempts = {"wrong": ("alice", "wrong"), "unknown": ("nobody", PASSWORD), "inactive": ("gone", PASSWORD)}
    statements: dict[str, list[str]] = {}
    seconds: dict[str, list[float]] = {name: [] for name in attempts}
    for number in range(5):
        for name, (username, password) in attempts.items():  # interleaved, so that a busy machine slows all alike
            hashes, started = 0, time.process_time()
            with _statements(database) as asked, pytest.raises(UnauthorizedError):
                await accounts.login(username, password, Visitor(f"192.0.3.{number}"))
            seconds[name].append(time.process_time() - started)
            assert hashes == 1, name
            statements[name] = asked
    assert statements["wrong"] == statements["unknown"] == statements["inactive"], "the database has as much to do"
    fastest = {name: min(values) for name, values in seconds.items()}
    assert max(fastest.values()) < 1.5 * min(fastest.values()), seconds  # without a hash it would be 20 times faster


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


@pytest.mark.parametrize(
    ("seconds", "visitor", "shares_cookie"),
    [
        (0, HERE, False),
        (6, HERE, True),
        (0, Visitor("192.0.2.99", "request-2"), True),
        (0, Visitor("192.0.2.1", "request-2", "another browser"), True),
    ],
)
async def test_a_refresh_token_used_twice_ends_the_sign_in(
    accounts: AccountService, clock: FakeClock, seconds: float, visitor: Visitor, shares_cookie: bool
) -> None:
    other = await accounts.login("alice", PASSWORD, HERE)
    first = await accounts.login("alice", PASSWORD, HERE)
    second = await accounts.refresh(first.refresh_token, HERE)
    clock.advance(seconds=seconds)
    with pytest.raises(UnauthorizedError):
        await accounts.refresh(first.refresh_token, visitor, shares_cookie=shares_cookie)
    with pytest.raises(UnauthorizedError):
        await accounts.refresh(second.refresh_token, HERE)
    with pytest.raises(UnauthorizedError):
        await accounts.caller_from_token(second.access_token)
    assert await accounts.caller_from_token(other.access_token)  # another sign-in of the same user goes on


async def test_two_tabs_that_refresh_at_once_get_the_same_successor(
    accounts: AccountService, database: Database, clock: FakeClock
) -> None:
    first = await accounts.login("alice", PASSWORD, HERE)
    tabs = (accounts.refresh(first.refresh_token, HERE, shares_cookie=True) for _ in range(4))
    answers = await asyncio.gather(*tabs)
    clock.advance(seconds=5)
    answers.append(await accounts.refresh(first.refresh_token, HERE, shares_cookie=True))
    assert len({answer.refresh_token for answer in answers}) == 1
    async with database.read() as session:
        assert await session.scalar(select(func.count()).select_from(RefreshToken)) == 2
    for answer in answers:
        assert await accounts.caller_from_token(answer.access_token)
    assert (await accounts.refresh(answers[0].refresh_token, HERE)).refresh_token != answers[0].refresh_token


async def test_a_thief_within_the_grace_is_noticed_once_the_successor_was_used(
    accounts: AccountService, clock: FakeClock
) -> None:
    first = await accounts.login("alice", PASSWORD, HERE)
    second = await accounts.refresh(first.refresh_token, HERE)
    clock.advance(seconds=1)
    third = await accounts.refresh(second.refresh_token, HERE)
    with pytest.raises(UnauthorizedError):
        await accounts.refresh(first.refresh_token, HERE, shares_cookie=True)
    with pytest.raises(UnauthorizedError):
        await accounts.caller_from_token(third.access_token)


async def test_both_holders_of_one_successor_collide_at_the_next_refresh(
    accounts: AccountService, clock: FakeClock
) -> None:
    first = await accounts.login("alice", PASSWORD, HERE)
    rightful = await accounts.refresh(first.refresh_token, HERE)
    stolen = await accounts.refresh(first.refresh_token, HERE, shares_cookie=True)
    clock.advance(minutes=10)
    next_of_rightful = await accounts.refresh(rightful.refresh_token, HERE)
    clock.advance(seconds=11)
    with pytest.raises(UnauthorizedError):
        await accounts.refresh(stolen.refresh_token, HERE, shares_cookie=True)
    with pytest.raises(UnauthorizedError):
        await accounts.refresh(next_of_rightful.refresh_token, HERE)


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
