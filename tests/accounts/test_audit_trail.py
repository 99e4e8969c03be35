"""The audit trail as it is read, and its seal."""

import csv
import io
import json
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from app.accounts import audit
from app.accounts.audit_check import parse_anchor, verify
from app.accounts.audit_seal import GAP, seal_with
from app.accounts.models import AuditEntry, AuditHead
from app.core.database import Database
from app.core.errors import InvalidRequestError
from app.core.keyring import Keyring
from tests.factories import make_caller
from tests.service import PASSWORD, Running

KEYRING = Keyring("a configured secret of enough characters")


@pytest.fixture
async def sealed(database: Database) -> Database:
    """Four rows."""
    seal_with(database, KEYRING)
    for number in range(4):
        await add(database, number)
    return database


async def add(database: Database, number: int) -> None:
    async with database.write() as session:
        await audit.record(session, make_caller(), "thing.change", "thing", number)


async def problems(database: Database, keyring: Keyring = KEYRING) -> list[str]:
    return [f"{number}: {text}" for number, text in (await verify(database, keyring)).findings]


async def forge(database: Database, statement: Any) -> None:
    async with database.engine.begin() as connection:
        await connection.execute(statement)


async def test_a_whole_trail_is_intact(sealed: Database) -> None:
    found = await verify(sealed, KEYRING)
    assert (found.rows, found.findings, found.warnings) == (4, [], [])


async def test_a_tail_that_was_cut_off_shows_also_after_new_rows(sealed: Database) -> None:
    await forge(sealed, delete(AuditEntry).where(AuditEntry.sequence > 2))
    assert await problems(sealed) == ["3: rows 3 to 4 at the end are missing"]
    await add(sealed, 9)
    (problem,) = await problems(sealed)
    assert problem.startswith("3: the service found the end of the trail tampered with")
    async with sealed.read() as session:
        assert [row.action for row in (await session.scalars(select(AuditEntry).order_by(AuditEntry.sequence)))][
            2:
        ] == [GAP, "thing.change"]


async def test_all_rows_gone_shows(sealed: Database) -> None:
    await forge(sealed, delete(AuditEntry))
    assert await problems(sealed) == ["1: rows 1 to 4 at the end are missing"]


async def test_a_chain_computed_anew_shows(sealed: Database) -> None:
    async with sealed.read() as session:
        last = await session.get(AuditEntry, 4)
    assert last is not None
    last.action = "forged"
    await forge(
        sealed, update(AuditEntry).where(AuditEntry.sequence == 4).values(action="forged", hash=audit.hash_of(last))
    )
    assert (await verify(sealed, None)).findings == []
    assert "the last row is not the sealed one" in (await problems(sealed))[0]
    await forge(sealed, update(AuditHead).values(hash=audit.hash_of(last)))
    assert "not made with this service's secret" in (await problems(sealed))[0]


async def test_rows_that_changed_places_show(sealed: Database) -> None:
    for before, after in ((2, 100), (3, 2), (100, 3)):
        await forge(sealed, update(AuditEntry).where(AuditEntry.sequence == before).values(sequence=after))
    assert len(await problems(sealed)) >= 2


async def test_a_lost_seal_is_told_and_an_older_secret_is_known(sealed: Database) -> None:
    newer = Keyring("a newer secret of enough characters!!", ("a configured secret of enough characters",))
    assert await problems(sealed, newer) == []
    await forge(sealed, delete(AuditHead))
    assert "not sealed" in (await verify(sealed, KEYRING)).warnings[0]
    await add(sealed, 9)
    found = await verify(sealed, KEYRING)
    assert found.findings == []
    assert "sealed from row 5 on" in found.warnings[0]


async def test_an_anchor_finds_what_was_put_back(sealed: Database) -> None:
    head = (await verify(sealed, KEYRING)).head
    assert head is not None
    await add(sealed, 9)
    anchor = parse_anchor(f"{head.sequence}:{head.hash}")
    assert (await verify(sealed, KEYRING, anchor)).findings == []
    later = (await verify(sealed, KEYRING)).head
    assert later is not None
    await forge(sealed, delete(AuditEntry).where(AuditEntry.sequence > 3))
    assert (await verify(sealed, None, anchor)).findings[0].problem == "the trail ends before row 4 of the anchor"
    with pytest.raises(InvalidRequestError, match="NUMBER:HASH"):
        parse_anchor("4")


async def test_reading_filtering_and_exporting(running: Running) -> None:
    admin = await running.admin()
    await running.anonymous.post("/api/v1/auth/login", json={"username": "admin", "password": "wrong"})
    await running.anonymous.post("/api/v1/auth/login", json={"username": PASSWORD, "password": "x"})
    await admin.post("/api/v1/users", json={"username": "ada"})

    async def actions(**filters: Any) -> list[str]:
        answer = await admin.get("/api/v1/audit", params=filters)
        assert answer.status_code == 200, answer.text
        return [item["action"] for item in answer.json()["items"]]

    assert await actions() == ["user.create", "auth.login_failed", "auth.login_failed", "auth.login", "user.create"]
    assert await actions(actor="admin") == ["user.create", "auth.login"]
    assert await actions(action="auth.*", actor="anonymous") == ["auth.login_failed"] * 2
    assert await actions(action="auth.%") == await actions(since="2100-01-01T00:00:00Z") == []
    first = (await admin.get("/api/v1/audit", params={"limit": 2})).json()
    assert [item["action"] for item in first["items"]] == ["user.create", "auth.login_failed"]
    rest = await actions(cursor=first["next_cursor"])
    assert rest == ["auth.login_failed", "auth.login", "user.create"]
    text = (await admin.get("/api/v1/audit/export")).text
    assert PASSWORD not in text
    assert [json.loads(line)["sequence"] for line in text.splitlines()] == [1, 2, 3, 4, 5]
    sheet = (await admin.get("/api/v1/audit/export", params={"format": "csv", "action": "auth.login"})).text
    (row,) = csv.DictReader(io.StringIO(sheet))
    assert (row["actor_name"], row["action"]) == ("admin", "auth.login")
    check = (await admin.get("/api/v1/audit/verify")).json()
    assert (check["intact"], check["entries"], check["warnings"]) == (True, 7, [])
    assert (await admin.get("/api/v1/audit/verify", params={"anchor": "x"})).status_code == 422


async def test_one_entry_has_an_address_of_its_own(running: Running) -> None:
    admin = await running.admin()
    newest = (await admin.get("/api/v1/audit", params={"limit": 1})).json()["items"][0]
    assert (await admin.get(f"/api/v1/audit/{newest['sequence']}")).json() == newest
    assert (await admin.get(f"/api/v1/audit/{newest['sequence'] + 1}")).status_code == 404
    assert (await admin.get("/api/v1/audit/none")).status_code == 422
