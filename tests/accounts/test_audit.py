"""The audit chain: in order under concurrency, tamper-evident, append-only, without secrets."""

import asyncio
import itertools
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from sqlalchemy import delete, select, update

from app.accounts import audit
from app.accounts.audit_check import verify
from app.accounts.models import AuditEntry
from app.accounts.permissions import Role
from app.accounts.service import AccountService, Visitor
from app.accounts.users import system_caller
from app.core.database import Database
from tests.factories import make_caller
from tests.service import PASSWORD


async def _rows(database: Database) -> list[AuditEntry]:
    async with database.read() as session:
        return list(await session.scalars(select(AuditEntry).order_by(AuditEntry.sequence)))


async def _add(database: Database, number: int) -> None:
    async with database.write() as session:
        await audit.record(session, make_caller(), "thing.change", "thing", number, {"number": number})


async def _first_broken(database: Database) -> int | None:
    findings = (await verify(database, None)).findings
    return findings[0].sequence if findings else None


async def test_rows_form_one_chain_whoever_writes(database: Database) -> None:
    await asyncio.gather(*(_add(database, number) for number in range(20)))
    rows = await _rows(database)
    assert [row.sequence for row in rows] == list(range(1, 21))
    assert sorted(row.resource_id for row in rows) == sorted(str(number) for number in range(20))
    for before, after in itertools.pairwise(rows):
        assert after.previous_hash == before.hash
    assert await _first_broken(database) is None


async def test_a_change_that_fails_leaves_no_row(database: Database) -> None:
    await _add(database, 1)
    with suppress(LookupError):
        async with database.write() as session:
            await audit.record(session, make_caller(), "thing.change", "thing", 2)
            raise LookupError
    await _add(database, 3)
    assert [row.resource_id for row in await _rows(database)] == ["1", "3"]
    assert await _first_broken(database) is None


async def test_every_json_value_reads_back_as_it_was_hashed(database: Database) -> None:
    changes = {
        "z": 1,
        "a": {"nested": [1.5, 1e30, -0.0, 2**70, None, True, "ä\0ü", datetime(2026, 1, 1, tzinfo=UTC), Role.ADMIN]},
        "long": "x" * 5000,
    }
    async with database.write() as session:
        await audit.record(session, make_caller(), "thing.change", "thing", 1, changes)
    assert await _first_broken(database) is None


@pytest.mark.parametrize("column", ["action", "actor_name", "changes", "resource_id", "address", "at"])
async def test_changing_a_row_shows(database: Database, column: str) -> None:
    for number in range(3):
        await _add(database, number)
    forged = {"changes": {}, "at": datetime(2020, 1, 1, tzinfo=UTC)}.get(column, "forged")
    async with database.engine.begin() as connection:  # behind the ORM's back
        await connection.execute(update(AuditEntry).where(AuditEntry.sequence == 2).values({column: forged}))
    assert await _first_broken(database) == 2


@pytest.mark.parametrize("sequence", [1, 2])
async def test_removing_a_row_shows(database: Database, sequence: int) -> None:
    for number in range(3):
        await _add(database, number)
    async with database.engine.begin() as connection:
        await connection.execute(delete(AuditEntry).where(AuditEntry.sequence == sequence))
    assert await _first_broken(database) == sequence


async def test_rows_cannot_be_changed_through_the_models(database: Database) -> None:
    await _add(database, 1)

    async def change(*, delete_it: bool) -> None:
        async with database.write() as session:
            row = (await session.scalars(select(AuditEntry))).one()
            row.action = "forged"
            if delete_it:
                await session.delete(row)

    for delete_it in (False, True):
        with pytest.raises(RuntimeError, match="append-only"):
            await change(delete_it=delete_it)
    assert await _first_broken(database) is None


async def test_secrets_are_redacted(database: Database) -> None:
    async with database.write() as session:
        key = "ltb_Ab3dE6gH9j_" + "s" * 40
        await audit.record(session, make_caller(), "a", "b", 1, {"password": "hunter22", "note": f"key {key}"})
    text = str((await _rows(database))[0].changes)
    assert "hunter22" not in text
    assert "sss" not in text


async def test_every_change_of_accounts_leaves_a_row(accounts: AccountService, database: Database) -> None:
    visitor = Visitor("192.0.2.1", "request-1")
    await accounts.users.create(system_caller(), "alice", PASSWORD, Role.USER)
    sign_in = await accounts.login("alice", PASSWORD, visitor)
    key, _ = await accounts.api_keys.create(sign_in.caller, "job")
    await accounts.api_keys.revoke(sign_in.caller, key.id)
    await accounts.users.set_role(system_caller(), "alice", Role.ADMIN)
    await accounts.logout(sign_in.access_token, None, visitor)
    await accounts.users.reset_password(system_caller(), "alice", PASSWORD)
    rows = await _rows(database)
    assert [row.action for row in rows] == [
        "user.create",
        "auth.login",
        "api_key.create",
        "api_key.revoke",
        "user.set_role",
        "auth.logout",
        "user.reset_password",
    ]
    assert (rows[1].actor_name, rows[1].actor_role) == ("alice", "user")
    assert (rows[1].address, rows[1].request_id) == ("192.0.2.1", "request-1")
    assert rows[4].changes == {"username": "alice", "before": {"role": "user"}, "after": {"role": "admin"}}
    assert await _first_broken(database) is None
