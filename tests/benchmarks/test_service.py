from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.accounts.caller import Caller
from app.accounts.permissions import Role
from app.benchmarks.listing import NEWEST_FIRST, Filters, Place, cursor_at, place_of
from app.benchmarks.results_service import ResultFilters
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.service import BenchmarkService
from app.benchmarks.states import Status
from app.core.clock import SystemClock
from app.core.database import Database
from app.core.errors import InvalidRequestError, MalformedRequestError, NotFoundError
from app.core.ids import new_id
from app.core.pagination import encode_cursor
from app.events.memory import MemoryBus
from tests.benchmarks.conftest import FakeProviders
from tests.factories import NOON, Rows, make_caller, make_failed_result, make_result, make_spec

ADMIN = make_caller(role=Role.ADMIN)
VIEWER = make_caller(role=Role.VIEWER)


@pytest.fixture
def service(database: Database) -> BenchmarkService:
    return BenchmarkService(database, SystemClock(), MemoryBus(), FakeProviders(), max_workers=2)


async def names(service: BenchmarkService, caller: Caller = ADMIN, **filters: Any) -> list[str]:
    return [item.name for item in (await service.list(caller, Filters(**filters), limit=500)).items]


async def test_pages_hold_every_benchmark_once_newest_first(service: BenchmarkService, rows: Rows) -> None:
    for number in range(7):  # the same instant twice, so that the id decides
        await rows.session(spec=make_spec(name=f"b{number}"), created_at=NOON + timedelta(seconds=number // 2))
    expected = await names(service)
    assert expected[0] == "b6"
    found: list[str] = []
    cursor = None
    for _ in range(4):
        page = await service.list(ADMIN, Filters(), limit=2, cursor=cursor)
        found += [item.name for item in page.items]
        cursor = page.next_cursor
    assert cursor is None
    assert found == expected
    assert len(set(found)) == 7


async def test_filters_narrow_by_exact_list_members(service: BenchmarkService, rows: Rows) -> None:
    await rows.session(
        spec=make_spec(name="one"), tags=["nightly", 'odd "tag" %'], providers=["p1"], models=["m1", "m2"]
    )
    await rows.session(spec=make_spec(name="two"), tags=["night"], providers=["p1", "p2"], models=["m3"])
    await rows.session(spec=make_spec(name="three"), status="completed", providers=["p3"], models=[])
    assert await names(service, tag=["night"]) == ["two"]
    assert await names(service, tag=['odd "tag" %']) == ["one"]
    assert await names(service, tag=["odd%"]) == []
    assert await names(service, provider="p1") == ["two", "one"]
    assert await names(service, provider="p1", model="m2") == ["one"]
    assert await names(service, model="m'; DROP TABLE sessions; --") == []
    assert await names(service, status=[Status.COMPLETED]) == ["three"]


async def test_text_is_text_and_no_pattern(service: BenchmarkService, rows: Rows) -> None:
    for name in ("50% load", "50 load", "under_score", "underXscore", "Größe", "back\\slash"):
        await rows.session(spec=make_spec(name=name))
    assert await names(service, text="50%") == ["50% load"]
    assert await names(service, text="R_S") == ["under_score"]
    assert await names(service, text="LOAD") == ["50 load", "50% load"]
    assert await names(service, text="k\\s") == ["back\\slash"]
    assert await names(service, text="öß") == ["Größe"]


async def test_what_is_private_is_seen_by_its_owner_and_administrators(service: BenchmarkService, rows: Rows) -> None:
    owner, other = await rows.user(), await rows.user()
    session = await rows.session(owner_id=owner.id)
    (result,) = await rows.results(session, 1)
    mine, theirs = make_caller(owner), make_caller(other)
    for caller in (mine, ADMIN):
        assert (await service.get(caller, session.id)).id == session.id
        assert await names(service, caller) == [session.name]
        assert len((await service.results.list(caller, ResultFilters(), limit=10)).items) == 1
        assert (await service.results.get(caller, result.id)).session_id == session.id
    assert await names(service, theirs) == await names(service, VIEWER) == []
    assert (await service.results.list(theirs, ResultFilters(), limit=10)).items == []
    for attempt in (
        service.get(theirs, session.id),
        service.timeline(theirs, session.id),
        service.cancel(theirs, session.id),
        service.delete(theirs, session.id),
        service.results.get(theirs, result.id),
        service.results.list(theirs, ResultFilters(session_id=session.id), limit=10),
        service.results.stream(theirs, session.id),
    ):
        with pytest.raises(NotFoundError):
            await attempt


async def test_list_items_say_what_was_asked_and_found(service: BenchmarkService, rows: Rows) -> None:
    summary = {
        "requests": {"total": 9},
        "error_rate": 0.5,
        "metrics": {"ttft_ms": {"p50": 1.0, "p95": 2.0}, "tpot_ms": None},
        "rates": {"output_tokens_per_s": 3.0},
        "cost_usd": None,
        "verdict": None,
    }
    await rows.session(status="completed", summary=summary, spec=make_spec(load={"kind": "poisson", "rate": 3}))
    (item,) = (await service.list(ADMIN, Filters(), limit=5)).items
    assert item.load.kind == "poisson"
    assert item.stop.requests == 10
    assert item.targets[0].model == "small"
    assert item.headline is not None
    assert item.headline.model_dump() == {
        "requests": 9,
        "error_rate": 0.5,
        "ttft_p50_ms": 1.0,
        "ttft_p95_ms": 2.0,
        "tpot_p50_ms": None,
        "output_tokens_per_s": 3.0,
        "cost_usd": None,
        "verdict": None,
    }


@pytest.mark.parametrize(
    ("fields", "path"),
    [({"targets": [{"provider": "nobody", "model": "m"}]}, "targets.0.provider"), ({"workers": 3}, "workers")],
)
async def test_what_cannot_run_is_refused_with_its_path(
    service: BenchmarkService, fields: dict[str, Any], path: str
) -> None:
    spec = BenchmarkSpec.model_validate(make_spec(load={"kind": "closed", "concurrency": 9}, **fields))
    with pytest.raises(InvalidRequestError) as caught:
        await service.submit(ADMIN, spec)
    assert caught.value.details["errors"][0]["path"] == path
    assert await names(service) == []


async def test_results_are_paged_by_index_or_newest_first(service: BenchmarkService, rows: Rows) -> None:
    first, second = await rows.session(), await rows.session(models=["small", "big"])
    await rows.results(first, 5)
    await rows.add([make_failed_result(0, session_id=second.id), make_result(1, session_id=second.id, model="big")])
    page = await service.results.list(ADMIN, ResultFilters(session_id=first.id), limit=3)
    rest = await service.results.list(ADMIN, ResultFilters(session_id=first.id), limit=3, cursor=page.next_cursor)
    assert [item.index for item in page.items + rest.items] == [0, 1, 2, 3, 4]
    assert rest.next_cursor is None
    everything: list[Any] = []
    cursor = None
    while True:
        page = await service.results.list(ADMIN, ResultFilters(), limit=3, cursor=cursor)
        everything += page.items
        if (cursor := page.next_cursor) is None:
            break
    assert len(everything) == 7
    places = [(item.session_id, item.index) for item in everything]
    assert places == sorted(places, reverse=True), "the newest benchmark first, of each its last request first"
    failed = await service.results.list(ADMIN, ResultFilters(error_type="http_5xx"), limit=9)
    assert [(item.status, item.http_status) for item in failed.items] == [("error", 500)]
    assert len((await service.results.list(ADMIN, ResultFilters(model="big"), limit=9)).items) == 1
    assert len((await service.results.list(ADMIN, ResultFilters(status="ok", provider="local"), limit=9)).items) == 6


async def test_a_stream_reads_in_batches(
    service: BenchmarkService, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.benchmarks.results_service.STREAM_BATCH", 3)
    session = await rows.session()
    await rows.results(session, 7)
    stream = await service.results.stream(ADMIN, session.id, with_gaps=True, with_text=True)
    assert [result.index async for result in stream] == list(range(7))


@given(st.text(max_size=60))
def test_a_strange_cursor_is_refused(text: str) -> None:
    noon, id_ = NOON.isoformat(), str(new_id())
    for cursor in (
        text,
        encode_cursor(text, text),
        encode_cursor("created", "desc", noon, text),
        encode_cursor("created", "desc", text, id_),
        encode_cursor("created", "desc", None, id_),
        encode_cursor("created", "asc", noon, id_),
        encode_cursor("name", "desc", noon, id_),
        encode_cursor(1, 2, 3, 4),
    ):
        with pytest.raises(MalformedRequestError):
            place_of(NEWEST_FIRST, cursor)


@given(st.datetimes(), st.uuids())
def test_a_cursor_names_its_place(at: Any, id_: Any) -> None:
    place = Place(at.replace(tzinfo=NOON.tzinfo), id_)
    assert place_of(NEWEST_FIRST, cursor_at(NEWEST_FIRST, place)) == place


async def test_missing_things_are_not_found(service: BenchmarkService) -> None:
    with pytest.raises(NotFoundError):
        await service.get(ADMIN, new_id())
    with pytest.raises(NotFoundError):
        await service.results.get(ADMIN, new_id())


async def test_the_timeline_of_an_ended_or_waiting_benchmark(service: BenchmarkService, rows: Rows) -> None:
    waiting = await rows.session()
    assert (await service.timeline(ADMIN, waiting.id)).t_s == []


async def test_a_spec_stored_before_a_limit_came_stays_readable(service: BenchmarkService, rows: Rows) -> None:
    deep: dict[str, Any] = {}
    for _ in range(100):
        deep = {"a": deep}
    spec = make_spec(load={"kind": "constant", "rate": 1e-300}, sampling={"extra": deep})
    session = await rows.session(spec=spec)
    admin = make_caller(role=Role.ADMIN)
    listed = await service.list(admin, Filters(), limit=10)
    assert [item.id for item in listed.items] == [session.id]
    assert (await service.get(admin, session.id)).spec.sampling.extra == deep
