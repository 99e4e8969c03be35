"""PostgreSQL plans each statement for the values that it is asked with."""

from sqlalchemy import select, text

from app.benchmarks.models import Result
from app.core.database import Database
from app.core.settings import StorageSettings


async def test_no_plan_is_kept_for_all_values(postgres_settings: StorageSettings) -> None:
    database = Database(postgres_settings)
    query = select(Result.index).where(Result.model == "small").order_by(Result.index)
    async with database.engine.connect() as session:
        for limit in range(1, 9):  # from the sixth time on, PostgreSQL would think of keeping one
            await session.execute(query.limit(limit))
        kept = "SELECT custom_plans, generic_plans FROM pg_prepared_statements WHERE statement LIKE 'SELECT results.%'"
        found = tuple((await session.execute(text(kept))).one())
    await database.close()
    assert found == (8, 0)
