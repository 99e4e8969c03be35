import csv
import io
import json
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from pydantic import ValidationError

from app.accounts.models import AuditEntry
from app.accounts.permissions import Role
from app.benchmarks.bulk import BulkDelete, BulkOutcome, BulkUpdate
from app.benchmarks.changing import version_tag
from app.benchmarks.models import BenchmarkSession
from app.benchmarks.service import BenchmarkService
from app.core.clock import SystemClock
from app.core.database import Database
from app.core.ids import new_id
from app.events.memory import MemoryBus
from app.reports.listing_exports import COLUMNS, ListingExport, ListingFormat, stream_listing
from tests.benchmarks.conftest import FakeProviders
from tests.factories import Rows, make_caller, make_spec

ADMIN = make_caller(role=Role.ADMIN)


@pytest.fixture
def service(database: Database) -> BenchmarkService:
    return BenchmarkService(database, SystemClock(), MemoryBus(), FakeProviders())


def items(*ids: UUID, **more: Any) -> list[dict[str, Any]]:
    return [{"id": id_, **more} for id_ in ids]


async def left(database: Database) -> dict[str, list[str]]:
    async with database.read() as session:
        return {
            row.name: row.tags for row in await session.execute(sa.select(BenchmarkSession.name, BenchmarkSession.tags))
        }


async def audited(database: Database, action: str) -> list[str]:
    async with database.read() as session:
        query = sa.select(AuditEntry.resource_id).where(AuditEntry.action == action).order_by(AuditEntry.sequence)
        return [*(await session.scalars(query))]


async def test_each_is_deleted_by_its_own_right(service: BenchmarkService, database: Database, rows: Rows) -> None:
    owner, other = await rows.user(), await rows.user()
    mine = await rows.session(spec=make_spec(name="mine"), status="completed", owner_id=owner.id)
    await rows.results(mine, 2)
    runs = await rows.session(spec=make_spec(name="runs"), status="running", owner_id=owner.id)
    shared = await rows.session(spec=make_spec(name="shared"), owner_id=other.id, visibility="all", status="failed")
    hidden = await rows.session(spec=make_spec(name="hidden"), owner_id=other.id, status="failed")
    changed = await rows.session(spec=make_spec(name="changed"), owner_id=owner.id, status="failed")
    missing = new_id()
    body = BulkDelete.model_validate(
        {"items": [*items(mine.id, runs.id, shared.id, hidden.id, missing), *items(changed.id, if_match='"old"')]}
    )
    answer = await service.bulk.delete(make_caller(owner), body)
    assert [item.id for item in answer.items] == [mine.id, runs.id, shared.id, hidden.id, missing, changed.id]
    assert [item.outcome for item in answer.items] == [
        BulkOutcome.DONE,
        BulkOutcome.CONFLICT,
        BulkOutcome.FORBIDDEN,
        BulkOutcome.NOT_FOUND,
        BulkOutcome.NOT_FOUND,
        BulkOutcome.CONFLICT,
    ]
    assert answer.done == 1
    assert all((item.message is None) == (item.outcome == BulkOutcome.DONE) for item in answer.items)
    assert set(await left(database)) == {"runs", "shared", "hidden", "changed"}
    assert await audited(database, "benchmark.delete") == [str(mine.id)]

    strict = await service.bulk.delete(
        ADMIN, BulkDelete.model_validate({"items": items(hidden.id)}), if_match_required=True
    )
    assert [item.outcome for item in strict.items] == [BulkOutcome.REFUSED]
    tag = f'"{version_tag(changed.id, 1)}"'
    body = BulkDelete.model_validate({"items": items(changed.id, if_match=tag)})
    assert (await service.bulk.delete(ADMIN, body, if_match_required=True)).done == 1


async def test_tags_are_added_to_what_each_has(service: BenchmarkService, database: Database, rows: Rows) -> None:
    one = await rows.session(spec=make_spec(name="one"), tags=["a", "b"])
    two = await rows.session(spec=make_spec(name="two"), tags=["new"])
    full = await rows.session(spec=make_spec(name="full"), tags=[str(number) for number in range(32)])
    change = {"items": items(one.id, two.id, full.id), "add_tags": ["new"], "remove_tags": ["a"]}
    answer = await service.bulk.update(ADMIN, BulkUpdate.model_validate(change))
    assert [item.outcome for item in answer.items] == [BulkOutcome.DONE, BulkOutcome.DONE, BulkOutcome.CONFLICT]
    assert "at most 32" in (answer.items[2].message or "")
    found = await left(database)
    assert (found["one"], found["two"], len(found["full"])) == (["b", "new"], ["new"], 32)
    assert await audited(database, "benchmark.update") == [str(one.id)], "the other had the tag already"

    share = {"items": items(one.id, two.id), "visibility": "all"}
    assert (await service.bulk.update(ADMIN, BulkUpdate.model_validate(share))).done == 2
    assert (await service.get(make_caller(role=Role.VIEWER), two.id)).visibility == "all"
    team = {"items": items(one.id), "visibility": "team"}
    (refused,) = (await service.bulk.update(ADMIN, BulkUpdate.model_validate(team))).items
    assert refused.outcome == BulkOutcome.REFUSED
    assert "team" in (refused.message or "")


ID = str(new_id())


@pytest.mark.parametrize(
    "body",
    [
        {"items": []},
        {"items": items(new_id())},
        {"items": [{"id": ID}, {"id": ID}], "add_tags": ["a"]},
        {"items": [{"id": ID}], "add_tags": ["a"], "remove_tags": ["a"]},
        {"items": [{"id": ID}], "add_tags": ["a\0"]},
        {"items": [{"id": str(new_id())} for _ in range(201)], "add_tags": ["a"]},
        {"items": [{"id": ID}], "name": "x"},
    ],
)
def test_what_says_nothing_or_too_much_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        BulkUpdate.model_validate(body)


async def file(service: BenchmarkService, ids: list[UUID], kind: ListingFormat, caller: Any = ADMIN) -> str:
    body = ListingExport(ids=ids, format=kind)
    return b"".join([piece async for piece in stream_listing(service.many, caller, body)]).decode()


async def test_summaries_are_exported_in_the_order_asked_for(service: BenchmarkService, rows: Rows) -> None:
    summary = {
        "requests": {"total": 9, "failed": 0},
        "metrics": {"ttft_ms": {"p50": 1.5}},
        "rates": {},
        "cost_usd": 0.0,
    }
    one = await rows.session(spec=make_spec(name="=cmd()"), tags=["a", "b"], summary=summary, status="completed")
    two = await rows.session(spec=make_spec(name='two, "quoted"\nbreak'), visibility="all")
    ids = [two.id, new_id(), one.id, two.id]
    table = [*csv.DictReader(io.StringIO(await file(service, ids, ListingFormat.CSV)))]
    assert [tuple(row) for row in table] == [COLUMNS] * 2
    assert [row["name"] for row in table] == ['two, "quoted"\nbreak', "'=cmd()"]
    assert (table[1]["ttft_p50_ms"], table[1]["requests"], table[1]["cost_usd"], table[1]["tpot_p50_ms"]) == (
        "1.5",
        "9",
        "0.0",
        "",
    )
    assert table[1]["tags"] == "a;b"
    document = json.loads(await file(service, ids, ListingFormat.JSON))
    lines = [json.loads(line) for line in (await file(service, ids, ListingFormat.JSONL)).splitlines()]
    assert document == lines
    assert [row["id"] for row in lines] == [str(two.id), str(one.id)]
    assert lines[1]["load"]["concurrency"] == 2
    seen = json.loads(await file(service, ids, ListingFormat.JSON, make_caller(role=Role.VIEWER)))
    assert [row["id"] for row in seen] == [str(two.id)]
    assert json.loads(await file(service, [new_id()], ListingFormat.JSON)) == []
