"""Reads by key past SQLAlchemy: the same values, and never older than the last commit."""

import asyncio

from sqlalchemy import select

from app.accounts.models import ApiKey, User
from app.accounts.repository import API_KEY
from app.benchmarks.models import BenchmarkSession
from app.benchmarks.repository import IDENTITY
from app.core.database import Database
from app.core.ids import new_id
from app.core.point_reads import PointQuery
from tests.factories import NOON, Rows, make_user

KINDS = (
    BenchmarkSession.id,
    BenchmarkSession.name,
    BenchmarkSession.tags,
    BenchmarkSession.spec,
    BenchmarkSession.team,
    BenchmarkSession.version,
    BenchmarkSession.started_at,
    BenchmarkSession.finished_at,
)


async def test_each_type_comes_as_sqlalchemy_gives_it(database: Database, rows: Rows) -> None:
    stored = await rows.session(tags=["a", "ü"], visibility="team", team="x", started_at=NOON)
    async with database.read() as session:
        wanted = (await session.execute(select(*KINDS))).one()
    query = PointQuery(select(*KINDS), by=BenchmarkSession.id)
    found = await database.fetch_one(query, stored.id)
    assert found == tuple(wanted)
    assert [type(value) for value in found[1:]] == [type(value) for value in wanted[1:]]
    assert await database.fetch_one(query, new_id()) is None


async def test_a_text_is_a_key_too(database: Database) -> None:
    user = make_user()
    key = ApiKey(
        id=new_id(),
        user_id=user.id,
        name="k",
        prefix="abcdefghij",
        secret_hash="0" * 64,
        scopes=["benchmark.read"],
        created_at=NOON,
        expires_at=NOON,
    )
    async with database.write() as session:
        session.add(user)
        await session.flush()
        session.add(key)
    found = await database.fetch_one(API_KEY, "abcdefghij")
    assert found == (key.id, "0" * 64, ["benchmark.read"], NOON, None, None, user.id, user.username, "user", None, True)
    for other in ("", "ABCDEFGHIJ", "' OR 1=1 --", "x" * 10_000):
        assert await database.fetch_one(API_KEY, other) is None


async def test_a_commit_is_seen_at_once_by_everybody(database: Database, rows: Rows) -> None:
    stored = [await rows.session() for _ in range(5)]
    for visibility in ("all", "private", "all"):
        async with database.write() as session:
            for one in stored:
                (await session.get_one(BenchmarkSession, one.id)).visibility = visibility
        found = await asyncio.gather(*(database.fetch_one(IDENTITY, one.id) for one in stored for _ in range(10)))
        assert {row[1] for row in found if row is not None} == {visibility}
        assert None not in found


async def test_what_is_not_committed_is_not_seen(database: Database) -> None:
    user = make_user()
    query = PointQuery(select(User.username), by=User.id)
    async with database.write() as session:
        session.add(user)
        await session.flush()
        assert await database.fetch_one(query, user.id) is None
    assert await database.fetch_one(query, user.id) == (user.username,)
