"""The listing against a plain Python sort and filter over the same rows, on both databases."""

import itertools
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.accounts.caller import Caller
from app.accounts.permissions import Role
from app.benchmarks import listed
from app.benchmarks.changes import BenchmarkUpdate
from app.benchmarks.listing import CertificateVerdict, Direction, Filters, LoadKind, Order, Sort
from app.benchmarks.models import BenchmarkSession
from app.benchmarks.service import BenchmarkService
from app.benchmarks.states import Status
from app.core.clock import SystemClock
from app.core.database import Database
from app.core.errors import InvalidRequestError, MalformedRequestError
from app.events.memory import MemoryBus
from tests.benchmarks.conftest import FakeProviders
from tests.factories import NOON, Rows, make_caller, make_session, make_spec

ADMIN = make_caller(role=Role.ADMIN)
LOADS: list[dict[str, Any]] = [
    {"kind": "closed", "concurrency": 64},
    {"kind": "closed", "concurrency": 9},
    {"kind": "closed_steps", "steps": [{"concurrency": 4, "seconds": 1}, {"concurrency": 200, "seconds": 1}]},
    {"kind": "poisson", "rate": 12.5},
    {"kind": "ramp", "from_rate": 2, "to_rate": 100, "seconds": 9},
]
NAMES = ("Zürich nightly", "alpha", "Alpha", "ALPHA 2", "beta_50%", "ångström", "日本", "Ωmega", "e\u0301tude")
KEYS: dict[Sort, Callable[[BenchmarkSession, dict[UUID | None, str]], Any]] = {
    Sort.CREATED: lambda row, _: row.created_at,
    Sort.NAME: lambda row, _: listed.folded(row.name),
    Sort.STATUS: lambda row, _: row.status,
    Sort.TARGET: lambda row, _: listed.folded(f"{row.providers[0]} / {row.models[0]}"),
    Sort.LOAD: lambda row, _: (row.spec["load"]["kind"].startswith("closed") is False, level(row.spec["load"])),
    Sort.REQUESTS: lambda row, _: (row.summary or {}).get("requests", {}).get("total"),
    Sort.TTFT_P50: lambda row, _: metric(row, "ttft_ms", "p50"),
    Sort.TTFT_P95: lambda row, _: metric(row, "ttft_ms", "p95"),
    Sort.TPOT_P50: lambda row, _: metric(row, "tpot_ms", "p50"),
    Sort.OUTPUT_TOKENS: lambda row, _: (row.summary or {}).get("rates", {}).get("output_tokens_per_s"),
    Sort.ERRORS: lambda row, _: (row.summary or {}).get("error_rate"),
    Sort.COST: lambda row, _: (row.summary or {}).get("cost_usd"),
    Sort.VERDICT: lambda row, _: ((row.summary or {}).get("instrument") or {}).get("verdict"),
    Sort.OWNER: lambda row, names: names.get(row.owner_id),
    Sort.TAGS: lambda row, _: ", ".join(sorted(map(listed.folded, row.tags))) or None,
}


def level(load: dict[str, Any]) -> float:
    return float(
        max(
            load.get("concurrency", 0),
            load.get("rate", 0),
            load.get("to_rate", 0),
            *[s["concurrency"] for s in load.get("steps", [{"concurrency": 0}])],
        )
    )


def metric(row: BenchmarkSession, name: str, percentile: str) -> float | None:
    found = (row.summary or {}).get("metrics", {}).get(name) or {}
    return found.get(percentile)


def a_summary(chance: random.Random) -> dict[str, Any]:
    """Few values, so that ties are common, and some of everything missing."""

    def maybe(*values: Any) -> Any:
        return chance.choice((None, *values))

    return {
        "requests": {"total": chance.choice((0, 7, 1000))},
        "error_rate": maybe(0.0, 0.25, 1.0),
        "metrics": {
            "ttft_ms": maybe({"p50": maybe(0.1, 20.0, 1e6), "p95": maybe(1.5, 2.5)}),
            "tpot_ms": maybe({"p50": maybe(3.25)}),
        },
        "rates": {"output_tokens_per_s": maybe(0.0, 812.0625)},
        "cost_usd": maybe(0.0, 0.004),
        "instrument": maybe({"verdict": "trusted"}, {"verdict": "suspect"}, {"verdict": "client_bound"}),
    }


@pytest.fixture
def service(database: Database) -> BenchmarkService:
    return BenchmarkService(database, SystemClock(), MemoryBus(), FakeProviders())


Stock = tuple[list[BenchmarkSession], dict[UUID | None, str]]


@pytest.fixture
async def stock(rows: Rows, database: Database) -> Stock:
    chance = random.Random(7)
    owners = [await rows.user(username=name) for name in ("anna", "Bert", "zoe-2")]
    found = []
    for number in range(60):
        targets = [{"provider": chance.choice(("local", "cloud")), "model": chance.choice(("small", "LARGE"))}]
        found.append(
            make_session(
                spec=make_spec(name=chance.choice(NAMES), targets=targets, load=chance.choice(LOADS)),
                status=chance.choice([*Status]),
                owner_id=chance.choice([None, *[owner.id for owner in owners]]),
                tags=chance.sample(["nightly", "GPU", "größe", "a_b"], chance.randint(0, 2)),
                summary=a_summary(chance) if chance.random() < 0.8 else None,
                created_at=NOON + timedelta(seconds=number // 3),
            )
        )
    async with database.write() as session:
        session.add_all(found)
    return found, {owner.id: owner.username for owner in owners}


async def everything(
    service: BenchmarkService, filters: Filters, order: Order, *, limit: int, caller: Caller = ADMIN
) -> list[UUID]:
    found: list[UUID] = []
    cursor = None
    while True:
        page = await service.list(caller, filters, order, limit=limit, cursor=cursor)
        assert len(page.items) == len(page.cursors) <= limit
        found += [item.id for item in page.items]
        assert page.next_cursor in {None, page.cursors[-1] if page.cursors else None}
        if (cursor := page.next_cursor) is None:
            return found


def plainly(stock: Stock, order: Order, keep: Callable[[BenchmarkSession], bool] = lambda _: True) -> list[UUID]:
    rows, names = stock
    key = KEYS[order.sort]
    kept = [(key(row, names), row.id) for row in rows if keep(row)]
    reverse = order.direction is Direction.DESC
    known = sorted([pair for pair in kept if pair[0] is not None], reverse=reverse)
    unknown = sorted([pair for pair in kept if pair[0] is None], key=lambda pair: pair[1], reverse=reverse)
    return [id_ for _, id_ in known + unknown]


async def test_every_order_is_a_plain_sort_with_nulls_last(service: BenchmarkService, stock: Stock) -> None:
    for sort, direction in itertools.product(Sort, Direction):
        order = Order(sort, direction)
        expected = plainly(stock, order)
        assert await everything(service, Filters(), order, limit=500) == expected, order
        assert await everything(service, Filters(), order, limit=7) == expected, order


ORDERS = (Order(), Order(Sort.TTFT_P50, Direction.ASC), Order(Sort.NAME, Direction.DESC))
CASES: dict[str, tuple[Filters, Callable[[BenchmarkSession], bool]]] = {
    "two states": (
        Filters(status=[Status.FAILED, Status.PENDING]),
        lambda row: row.status in {"failed", "pending"},
    ),
    "all tags": (Filters(tag=["nightly", "GPU"]), lambda row: {"nightly", "GPU"} <= {*row.tags}),
    "a provider": (Filters(provider="cloud"), lambda row: row.providers == ["cloud"]),
    "a model": (Filters(model="LARGE"), lambda row: row.models == ["LARGE"]),
    "words": (
        Filters(text="ALPHA  large"),
        lambda row: "alpha" in row.name.casefold() and row.models == ["LARGE"],
    ),
    "a word in any case": (Filters(text="GRÖSSE"), lambda row: "größe" in row.tags),
    "a word in another form": (Filters(text="\u00e9tude"), lambda row: row.name == "e\u0301tude"),
    "no pattern": (Filters(text="_50%"), lambda row: row.name == "beta_50%"),
    "loads": (
        Filters(load=[LoadKind.RAMP, LoadKind.CLOSED_STEPS]),
        lambda row: row.spec["load"]["kind"] in {"ramp", "closed_steps"},
    ),
    "a verdict": (
        Filters(verdict=[CertificateVerdict.SUSPECT]),
        lambda row: KEYS[Sort.VERDICT](row, {}) == "suspect",
    ),
    "a share of errors": (
        Filters(min_error_rate=0.1, max_error_rate=0.9),
        lambda row: KEYS[Sort.ERRORS](row, {}) == 0.25,
    ),
    "a time": (
        Filters(created_from=NOON + timedelta(seconds=3), created_before=NOON + timedelta(seconds=9)),
        lambda row: NOON + timedelta(seconds=3) <= row.created_at < NOON + timedelta(seconds=9),
    ),
    "nothing": (Filters(text="no such thing"), lambda _row: False),
    "NUL": (Filters(text="a\0"), lambda _row: False),
    "much at once": (
        Filters(status=[Status.COMPLETED], text="local", load=[LoadKind.CLOSED, LoadKind.POISSON]),
        lambda row: (
            row.status == "completed"
            and row.providers == ["local"]
            and row.spec["load"]["kind"] in {"closed", "poisson"}
        ),
    ),
}


async def test_filters_narrow_in_every_order(service: BenchmarkService, stock: Stock) -> None:
    for (case, (filters, keep)), order in itertools.product(CASES.items(), ORDERS):
        expected = plainly(stock, order, keep)
        assert case in {"nothing", "NUL"} or expected, "a case that finds nothing shows nothing"
        assert await everything(service, filters, order, limit=4) == expected, (case, order)
        found = await service.many.matching(ADMIN, filters, order, limit=3)
        assert (found.count, found.ids) == (len(expected), expected[:3]), (case, order)


async def test_people_count_and_page_only_what_they_see(service: BenchmarkService, stock: Stock) -> None:
    rows, names = stock
    anna = next(id_ for id_, name in names.items() if name == "anna")
    caller = make_caller(role=Role.USER, user_id=anna)
    order = Order(Sort.COST, Direction.DESC)
    mine = plainly(stock, order, lambda row: row.owner_id == anna)
    assert mine
    assert await everything(service, Filters(), order, limit=2, caller=caller) == mine
    assert (await service.many.matching(caller, Filters(), order, limit=0)).count == len(mine)
    hidden = [row.id for row in rows if row.owner_id != anna][:5]
    assert await everything(service, Filters(ids=hidden), order, limit=9, caller=caller) == []
    assert await everything(service, Filters(owner="zoe-2"), order, limit=9, caller=caller) == []
    assert set(await everything(service, Filters(owner="anna"), order, limit=9)) == set(mine)
    assert await everything(service, Filters(owner="nobody"), order, limit=9) == []


async def test_a_cursor_of_another_order_is_refused(service: BenchmarkService, stock: Stock) -> None:
    assert stock
    page = await service.list(ADMIN, Filters(), Order(Sort.NAME, Direction.ASC), limit=2)
    for order in (Order(), Order(Sort.NAME, Direction.DESC), Order(Sort.COST, Direction.ASC)):
        with pytest.raises(MalformedRequestError):
            await service.list(ADMIN, Filters(), order, limit=2, cursor=page.next_cursor)


@pytest.mark.parametrize(
    ("filters", "path"),
    [
        (Filters(text="a " * 17), "q"),
        (Filters(created_from=NOON, created_before=NOON), "created_before"),
        (Filters(min_error_rate=0.5, max_error_rate=0.4), "max_error_rate"),
        (Filters(min_error_rate=float("nan")), "min_error_rate"),
    ],
)
async def test_what_contradicts_itself_is_refused(service: BenchmarkService, filters: Filters, path: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        await service.list(ADMIN, filters, limit=2)
    (problem,) = caught.value.details["errors"]
    assert problem["path"] == path
    assert problem["allowed"]


async def test_other_names_and_tags_are_found_at_once(service: BenchmarkService, rows: Rows) -> None:
    session = await rows.session(spec=make_spec(name="before"), tags=["old"])
    await service.update(ADMIN, session.id, BenchmarkUpdate(name="ÄFTER", tags=["new"]))
    for text, number in (("before", 0), ("old", 0), ("äfter new small", 1)):
        assert (await service.many.matching(ADMIN, Filters(text=text), Order(), limit=0)).count == number, text
    later = await rows.session(spec=make_spec(name="b"), tags=["a"])
    order = Order(Sort.TAGS, Direction.ASC)
    assert await everything(service, Filters(), order, limit=1) == [later.id, session.id]


@pytest.mark.parametrize(
    ("load", "explore", "key"),
    [
        ({"kind": "closed", "concurrency": 8}, None, "a users 000000008.000000"),
        ({"kind": "closed", "concurrency": 8}, {"values": [1, 64, 16]}, "a users 000000064.000000"),
        ({"kind": "constant", "rate": 2.5}, {"minimum": 1, "maximum": 90}, "b requests/s 000000090.000000"),
        ({"kind": "steps", "steps": [{"rate": 3}, {"rate": 7.5}]}, None, "b requests/s 000000007.500000"),
        ({"kind": "spike", "rate": 3, "spike_rate": 30}, None, "b requests/s 000000030.000000"),
        ({"kind": "trace", "at_seconds": [0, 1, 2]}, None, "c trace 000000003.000000"),
    ],
)
def test_a_load_is_sorted_by_its_unit_and_its_highest_level(
    load: dict[str, Any], explore: dict[str, Any] | None, key: str
) -> None:
    found = listed.spec_columns(make_spec(load=load, explore=explore))
    assert (found["load_key"], found["load_kind"]) == (key, load["kind"])


def test_old_summaries_give_what_they_have() -> None:
    old = {"requests": {"total": 8, "failed": 2}, "metrics": {"ttft_ms": None}, "rates": {}}
    found = listed.figure_columns(old)
    assert (found["requests"], found["error_rate"], found["ttft_p50_ms"], found["verdict"]) == (8, 0.25, None, None)
    assert listed.figure_columns({"instrument": {"verdict": "odd"}, "cost_usd": float("nan")})["cost_usd"] is None


def test_keys_fit_an_index() -> None:
    found = listed.text_columns("ﬃ" * 200, ["💥" * 64] * 32, ["p"], ["m"])
    assert max(len(str(found[name]).encode()) for name in ("name_key", "tags_key")) <= 2000
    assert len(found["search_text"]) > 2000
