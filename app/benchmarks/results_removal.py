"""Removes the results of a benchmark in bounded batches.

Deleting a session takes its results along in one statement, which for millions of them is a long transaction: on SQLite
everybody else waits for it, on PostgreSQL the statement limit may end it.
"""

from uuid import UUID

from sqlalchemy import delete, select

from app.benchmarks.models import BenchmarkSession, Result
from app.benchmarks.states import FINAL
from app.core.database import Database

BATCH = 5_000


async def remove_results(database: Database, session_id: UUID) -> None:
    """All but the last `BATCH` results of a benchmark that has ended, each batch in a transaction of its own.

    The rest goes with the session. A crash leaves a benchmark with fewer results, and the next call goes on.
    """
    of_session = Result.session_id == session_id
    last = -1
    while True:
        async with database.write() as session:
            status = await session.scalar(select(BenchmarkSession.status).where(BenchmarkSession.id == session_id))
            following = select(Result.index).where(of_session, Result.index > last).order_by(Result.index)
            bound = await session.scalar(following.offset(BATCH - 1).limit(1))
            if bound is None or status not in FINAL:
                return
            statement = delete(Result).where(of_session, Result.index > last, Result.index <= bound)
            await session.execute(statement.execution_options(synchronize_session=False))
        last = bound
