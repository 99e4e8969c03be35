"""API keys: shown once, stored hashed, never wider than their owner."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.accounts.caller import Caller
from app.accounts.models import ApiKey
from app.accounts.permissions import ROLE_PERMISSIONS, Permission, Role
from app.accounts.service import AccountService, Visitor
from app.accounts.users import system_caller
from app.core.database import Database
from app.core.errors import ConflictError, ForbiddenError, InvalidRequestError, NotFoundError, UnauthorizedError
from tests.service import PASSWORD, FakeClock


@pytest.fixture
async def owner(accounts: AccountService) -> Caller:
    await accounts.users.create(system_caller(), "alice", PASSWORD, Role.USER)
    return (await accounts.login("alice", PASSWORD, Visitor())).caller


async def _stored(database: Database) -> ApiKey:
    async with database.read() as session:
        return (await session.scalars(select(ApiKey))).one()


async def test_a_key_stands_for_its_owner(accounts: AccountService, owner: Caller, database: Database) -> None:
    key, text = await accounts.api_keys.create(owner, "job")
    assert text.startswith(f"ltb_{key.prefix}_")
    assert len(text.rsplit("_", 1)[1]) >= 32
    stored = await _stored(database)
    assert text.rsplit("_", 1)[1] not in stored.secret_hash
    caller = await accounts.caller_from_token(text)
    assert (caller.user_id, caller.via, caller.permissions) == (owner.user_id, "api_key", owner.permissions)


async def test_a_key_is_never_wider_than_its_owner(accounts: AccountService, owner: Caller) -> None:
    _, text = await accounts.api_keys.create(owner, "job", [Permission.BENCHMARK_READ, Permission.BENCHMARK_CREATE])
    caller = await accounts.caller_from_token(text)
    assert caller.permissions == {Permission.BENCHMARK_READ, Permission.BENCHMARK_CREATE}
    with pytest.raises(InvalidRequestError, match=r"user\.manage"):
        await accounts.api_keys.create(owner, "job", [Permission.USER_MANAGE])
    with pytest.raises(ForbiddenError):
        await accounts.api_keys.create(caller, "child")
    await accounts.users.set_role(system_caller(), "alice", Role.VIEWER)
    assert (await accounts.caller_from_token(text)).permissions == {Permission.BENCHMARK_READ}
    await accounts.users.set_role(system_caller(), "alice", Role.ADMIN)
    assert (await accounts.caller_from_token(text)).permissions == caller.permissions


async def test_wrong_keys_are_refused(accounts: AccountService, owner: Caller) -> None:
    _, text = await accounts.api_keys.create(owner, "job")
    head, secret = text.rsplit("_", 1)
    for wrong in (f"{head}_{secret[::-1]}", f"ltb_{'a' * 10}_{secret}", text + "a", text[:-1], head, "ltb_"):
        with pytest.raises(UnauthorizedError, match="not valid"):
            await accounts.caller_from_token(wrong)


async def test_keys_expire(accounts: AccountService, owner: Caller, clock: FakeClock) -> None:
    _, text = await accounts.api_keys.create(owner, "job", expires_in_days=1)
    clock.advance(hours=23)
    await accounts.caller_from_token(text)
    clock.advance(hours=1)
    with pytest.raises(UnauthorizedError):
        await accounts.caller_from_token(text)


async def test_keys_can_be_revoked(accounts: AccountService, owner: Caller) -> None:
    key, text = await accounts.api_keys.create(owner, "job")
    await accounts.users.create(system_caller(), "bob", PASSWORD, Role.USER)
    bob = (await accounts.login("bob", PASSWORD, Visitor())).caller
    with pytest.raises(NotFoundError):
        await accounts.api_keys.revoke(bob, key.id)
    assert [found.id for found in await accounts.api_keys.list(owner)] == [key.id]
    assert await accounts.api_keys.list(bob) == []
    await accounts.api_keys.revoke(owner, key.id)
    with pytest.raises(UnauthorizedError):
        await accounts.caller_from_token(text)
    with pytest.raises(NotFoundError):
        await accounts.api_keys.revoke(owner, key.id)
    assert await accounts.api_keys.list(owner) == []


async def test_the_last_use_is_written_at_most_once_a_minute(
    accounts: AccountService, owner: Caller, database: Database, clock: FakeClock
) -> None:
    _, text = await accounts.api_keys.create(owner, "job")
    first = clock.now()
    seen = []
    for _ in range(4):
        await accounts.caller_from_token(text)
        seen.append((await _stored(database)).last_used_at)
        clock.advance(seconds=25)
    assert seen == [first, first, first, first + timedelta(seconds=75)]


async def test_a_user_has_a_hundred_keys_at_most(accounts: AccountService, owner: Caller, database: Database) -> None:
    key, _ = await accounts.api_keys.create(owner, "job")
    async with database.write() as session:
        for index in range(99):
            session.add(
                ApiKey(
                    user_id=owner.user_id,
                    name="more",
                    prefix=f"more{index}",
                    secret_hash=key.secret_hash,
                    scopes=[],
                    created_at=key.created_at,
                )
            )
    with pytest.raises(ConflictError):
        await accounts.api_keys.create(owner, "one too many")
    assert ROLE_PERMISSIONS[Role.USER] == owner.permissions
