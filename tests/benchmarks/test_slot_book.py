"""Slots of workers, as several servers share them."""

from uuid import UUID

import pytest

from app.benchmarks.slot_book import SLOT_PREFIX, SlotBook
from app.cluster.placement import WorkerInfo
from app.core import leases
from app.core.database import Database
from app.core.ids import new_id

WORKERS = [WorkerInfo("big", "tls://big", ("gpu",), 12, "1")]


async def held(database: Database) -> set[str]:
    async with database.read() as session:
        return {row.name.removeprefix(SLOT_PREFIX) for row in await leases.held(session, SLOT_PREFIX)}


async def take(book: SlotBook, benchmark: UUID, shards: range, tags: tuple[str, ...] = ()) -> list[str] | str:
    return await book.place(benchmark, 1.0, WORKERS, shards, tags)


async def test_a_shard_that_moves_gives_back_its_own_slot_only(database: Database) -> None:
    book, benchmark = SlotBook(database, "a"), new_id()
    assert await take(book, benchmark, range(12)) == ["tls://big"] * 12
    await book.free(benchmark, 1)
    assert await held(database) == {f"{benchmark}/{shard}" for shard in range(12) if shard != 1}
    await book.free(benchmark)
    assert await held(database) == set()


async def test_a_server_that_goes_on_has_the_slots_and_the_one_before_does_not(database: Database) -> None:
    before, after, benchmark = SlotBook(database, "a"), SlotBook(database, "b"), new_id()
    await take(before, benchmark, range(12))
    # All are taken, but by the benchmark itself: whoever goes on with it need not wait for them.
    assert await take(after, benchmark, range(12)) == ["tls://big"] * 12
    await before.free(benchmark)
    assert len(await held(database)) == 12
    assert isinstance(await take(before, new_id(), range(1)), str)


@pytest.mark.parametrize(("tags", "words"), [((), "2 worker slots, of which 1 are free"), (("gpu",), "tagged gpu")])
async def test_who_finds_no_room_is_told_what_there_is(database: Database, tags: tuple[str, ...], words: str) -> None:
    book = SlotBook(database, "a")
    await take(book, new_id(), range(11))
    first, later = new_id(), new_id()
    assert words in await take(book, first, range(2), tags)
    assert isinstance(await book.place(later, 2.0, WORKERS, range(1), ()), str), "who came first is served first"
    await book.waits_no_more(first)
    assert await book.place(later, 2.0, WORKERS, range(1), ()) == ["tls://big"]
