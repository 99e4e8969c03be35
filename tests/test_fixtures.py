"""The suite's own fixtures keep their promises: fresh, migrated, real."""

from sqlalchemy import func, select, text

from app.accounts.models import User
from app.benchmarks.models import Result
from app.benchmarks.schemas import BenchmarkSpec
from app.core.database import Database
from tests.factories import Rows, make_failed_result, make_spec
from tests.servers import RedisServer


async def test_each_test_gets_an_empty_migrated_database(database: Database, rows: Rows) -> None:
    async with database.read() as session:
        assert await session.scalar(select(func.count()).select_from(User)) == 0
        assert await session.scalar(text("SELECT version_num FROM alembic_version")) is not None
    await rows.user()


async def test_rows_of_one_test_are_not_seen_by_the_next(database: Database, rows: Rows) -> None:
    owner = await rows.user()
    benchmark = await rows.session(owner_id=owner.id)
    await rows.provider()
    await rows.results(benchmark, 3)
    await rows.add([make_failed_result(3, session_id=benchmark.id)])
    async with database.read() as session:
        assert await session.scalar(select(func.count()).select_from(User)) == 1
        assert await session.scalar(select(func.count()).select_from(Result)) == 4
        assert (await session.scalars(select(Result.status).order_by(Result.index))).all()[-1] == "error"


def test_redis_is_flushed_and_survives_a_stop(redis_server: RedisServer) -> None:
    assert redis_server.command("DBSIZE") == ":0"
    redis_server.command("SET", "left", "over")
    redis_server.stop()
    assert redis_server.command("PING") is None


def test_redis_comes_back_for_the_next_test(redis_server: RedisServer) -> None:
    assert redis_server.command("DBSIZE") == ":0"


def test_the_default_spec_is_valid() -> None:
    assert BenchmarkSpec.model_validate(make_spec()).stop.requests == 10
