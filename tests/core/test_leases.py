import asyncio

from sqlalchemy import update

from app.core import leases
from app.core.database import Database
from app.core.leases import Lease, LeaseRow


async def take(database: Database, holder: str, seconds: float = 60) -> Lease | None:
    async with database.write() as session:
        return await leases.take(session, "duty/x", holder, seconds)


async def test_one_holds_a_lease_and_keeps_it_by_asking_again(database: Database) -> None:
    first = await take(database, "a")
    assert first == Lease("duty/x", "a", 1)
    assert await take(database, "b") is None
    assert await take(database, "a") == first


async def test_of_many_who_ask_at_once_one_gets_it(database: Database) -> None:
    found = await asyncio.gather(*(take(database, name) for name in "abcd"))
    assert len([lease for lease in found if lease is not None]) == 1


async def test_the_epoch_grows_with_the_holder_and_fences_the_earlier_one(database: Database) -> None:
    old = await take(database, "a", seconds=-1)
    new = await take(database, "b")
    assert old is not None
    assert new == Lease("duty/x", "b", 2)
    async with database.write() as session:
        assert not await leases.is_held(session, old)
        assert await leases.is_held(session, new)
        assert not await leases.keep(session, old, 60)
        await leases.release(session, old, forget=True)
        assert await leases.is_held(session, new)


async def test_who_has_run_out_keeps_it_while_nobody_wants_it(database: Database) -> None:
    old = await take(database, "a", seconds=-1)
    assert old is not None
    async with database.write() as session:
        assert await leases.held(session, "duty/") == []
        assert await leases.keep(session, old, 60, {"far": 1})
        assert [row.detail for row in await leases.held(session, "duty/")] == [{"far": 1}]
    assert await take(database, "b") is None


async def test_a_released_lease_is_free_at_once_and_its_detail_stays(database: Database) -> None:
    old = await take(database, "a")
    assert old is not None
    async with database.write() as session:
        await leases.keep(session, old, 60, {"far": 1})
        await leases.release(session, old)
    new = await take(database, "b")
    assert new is not None
    assert new.epoch == 2
    async with database.read() as session:
        row = await leases.find(session, "duty/x")
    assert row is not None
    assert row.detail == {"far": 1}


async def test_names_are_taken_literally(database: Database) -> None:
    async with database.write() as session:
        await leases.take(session, "slot/a_b/1", "x", 60)
        await leases.take(session, "slot/acb/1", "x", 60)
        assert [row.name for row in await leases.held(session, "slot/a_b/")] == ["slot/a_b/1"]
        await leases.forget_all(session, "slot/a_b/", "another")
        assert [row.name for row in await leases.held(session, "slot/a_b/")] == ["slot/a_b/1"]
        await leases.forget_all(session, "slot/a_b/", "x")
        await session.execute(update(LeaseRow).values(expires_at=0.0))
        assert [row.name for row in await leases.all_of(session, "slot/", "x")] == ["slot/acb/1"]
