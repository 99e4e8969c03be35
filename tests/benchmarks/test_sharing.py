"""Sharing a benchmark: who sees it, who may change it, and what listeners are told."""

from uuid import UUID

import pytest

from app.accounts import visibility
from app.accounts.caller import Caller
from app.accounts.permissions import Permission, Role
from app.accounts.visibility import Visibility
from app.benchmarks.audience import Audience, first_audience
from app.benchmarks.changes import BenchmarkUpdate
from app.benchmarks.listing import Filters
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.service import BenchmarkService
from app.core.clock import SystemClock
from app.core.database import Database
from app.core.errors import ForbiddenError, InvalidRequestError, NotFoundError
from app.core.ids import new_id
from app.events.memory import MemoryBus
from app.events.outbox import publish_on_commit
from app.events.types import Topic
from tests.benchmarks.conftest import FakeProviders
from tests.factories import Rows, make_caller, make_event, make_spec

READ_ONLY = frozenset({Permission.BENCHMARK_READ, Permission.BENCHMARK_CREATE})


@pytest.fixture
def bus() -> MemoryBus:
    return MemoryBus()


@pytest.fixture
def service(database: Database, bus: MemoryBus) -> BenchmarkService:
    publish_on_commit(database, bus)
    return BenchmarkService(database, SystemClock(), bus, FakeProviders(), max_workers=2)


async def seen(service: BenchmarkService, caller: Caller) -> list[UUID]:
    return [item.id for item in (await service.list(caller, Filters(), limit=50)).items]


def who_sees(owner: Caller) -> dict[str, Caller]:
    return {
        "owner": owner,
        "teammate": make_caller(team="blue"),
        "other team": make_caller(team="red"),
        "no team": make_caller(),
        "viewer": make_caller(role=Role.VIEWER),
        "admin": make_caller(role=Role.ADMIN),
        "narrow key of an admin": make_caller(role=Role.ADMIN, permissions=READ_ONLY),
    }


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Visibility.PRIVATE, {"owner", "admin"}),
        (Visibility.TEAM, {"owner", "teammate", "admin"}),
        (
            Visibility.ALL,
            {"owner", "teammate", "other team", "no team", "viewer", "admin", "narrow key of an admin"},
        ),
    ],
)
async def test_rows_and_events_follow_one_rule(
    service: BenchmarkService, rows: Rows, wanted: Visibility, expected: set[str]
) -> None:
    owner = make_caller(await rows.user(team="blue"))
    benchmark = await service.submit(owner, BenchmarkSpec.model_validate(make_spec()))
    shared = await service.update(owner, benchmark.id, BenchmarkUpdate(visibility=wanted))
    assert (shared.visibility, shared.team) == (wanted, "blue" if wanted is Visibility.TEAM else None)
    event = make_event(
        Topic.BENCHMARK_COMPLETED, owner_id=owner.user_id, visibility=shared.visibility.value, team=shared.team
    )
    for name, caller in who_sees(owner).items():
        assert (await seen(service, caller) == [benchmark.id]) == (name in expected), name
        assert visibility.may_see(caller, event) == (name in expected), name
        if name not in expected:
            with pytest.raises(NotFoundError):
                await service.get(caller, benchmark.id)


async def test_who_may_only_read_changes_nothing(service: BenchmarkService, rows: Rows) -> None:
    owner = make_caller(await rows.user())
    benchmark = await service.submit(owner, BenchmarkSpec.model_validate(make_spec()), visibility=Visibility.ALL)
    other = make_caller()
    assert (await service.get(other, benchmark.id)).visibility is Visibility.ALL
    for attempt in (
        service.update(other, benchmark.id, BenchmarkUpdate(name="mine now")),
        service.cancel(other, benchmark.id),
        service.delete(other, benchmark.id),
    ):
        with pytest.raises(ForbiddenError, match="shared with you to read"):
            await attempt
    admin = make_caller(role=Role.ADMIN)
    assert (await service.update(admin, benchmark.id, BenchmarkUpdate(name="ours"))).name == "ours"


async def test_a_change_is_told_and_audited(service: BenchmarkService, rows: Rows, bus: MemoryBus) -> None:
    owner = make_caller(await rows.user())
    benchmark = await service.submit(owner, BenchmarkSpec.model_validate(make_spec(name="old")))
    async with bus.subscribe(["benchmark.updated"]) as events:
        same = await service.update(owner, benchmark.id, BenchmarkUpdate(name="old"))
        changed = await service.update(
            owner, benchmark.id, BenchmarkUpdate(name="new", tags=["a", "a", "b"], visibility=Visibility.ALL)
        )
        event = await anext(events)
    assert (same.name, changed.name, changed.tags, changed.spec.name) == ("old", "new", ["a", "b"], "old")
    assert event.payload["changed"] == ["name", "tags", "visibility"]
    assert (event.owner_id, event.visibility, event.session_id) == (owner.user_id, "all", benchmark.id)


async def test_a_team_is_needed_to_share_with_it(service: BenchmarkService, rows: Rows) -> None:
    owner = make_caller(await rows.user())
    spec = BenchmarkSpec.model_validate(make_spec())
    benchmark = await service.submit(owner, spec)
    for attempt in (
        service.update(owner, benchmark.id, BenchmarkUpdate(visibility=Visibility.TEAM)),
        service.submit(owner, spec, visibility=Visibility.TEAM),
    ):
        with pytest.raises(InvalidRequestError, match="no team"):
            await attempt
    with pytest.raises(ForbiddenError, match=r"benchmark\.share"):
        await service.submit(make_caller(permissions=READ_ONLY), spec, visibility=Visibility.ALL)


def test_new_benchmarks_are_shared_as_the_settings_say() -> None:
    lone, member = make_caller(), make_caller(team="blue")
    assert first_audience(lone, None, "team") == Audience(lone.user_id, "private", None)
    assert first_audience(member, None, "team") == Audience(member.user_id, "team", "blue")
    assert first_audience(lone, None, "all") == Audience(lone.user_id, "all", None)
    assert first_audience(make_caller(via="system", user_id=new_id()), None, "private") == Audience()


@pytest.mark.parametrize("body", [{}, {"name": None}, {"name": " "}, {"name": "a\0"}, {"visibility": "some"}, {"x": 1}])
def test_an_empty_or_wrong_change_is_refused(body: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        BenchmarkUpdate.model_validate(body)
