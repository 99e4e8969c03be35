"""Queries of answered requests. Takes sessions, opens none, decides nothing."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CursorResult, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import WriteSession
from app.idempotency.models import IdempotencyKey

PURGE_BATCH = 1000


async def find(session: AsyncSession, user_id: UUID, route: str, key_hash: str) -> IdempotencyKey | None:
    """The request that was sent with this key."""
    query = select(IdempotencyKey).where(
        IdempotencyKey.user_id == user_id, IdempotencyKey.route == route, IdempotencyKey.key_hash == key_hash
    )
    return (await session.scalars(query)).one_or_none()


async def count_of(session: AsyncSession, user_id: UUID) -> int:
    """Keys that are kept for a user."""
    query = select(func.count()).select_from(IdempotencyKey).where(IdempotencyKey.user_id == user_id)
    return (await session.execute(query)).scalar_one()


async def take_over(session: WriteSession, key: IdempotencyKey, until: datetime) -> bool:
    """Lock an abandoned request, exactly once over all processes."""
    return await _changed(
        session,
        update(IdempotencyKey)
        .where(
            IdempotencyKey.id == key.id,
            IdempotencyKey.status.is_(None),
            IdempotencyKey.locked_until == key.locked_until,
        )
        .values(locked_until=until),
    )


async def finish(session: WriteSession, key_id: UUID, locked_until: datetime, status: int, answer: str) -> bool:
    """Keep the answer, unless another process has taken the request over since."""
    return await _changed(
        session,
        update(IdempotencyKey)
        .where(
            IdempotencyKey.id == key_id, IdempotencyKey.status.is_(None), IdempotencyKey.locked_until == locked_until
        )
        .values(status=status, answer=answer),
    )


async def forget(session: WriteSession, key_id: UUID, locked_until: datetime) -> None:
    """Remove a request that changed nothing, so that the key may be used again."""
    await session.execute(
        delete(IdempotencyKey)
        .where(
            IdempotencyKey.id == key_id, IdempotencyKey.status.is_(None), IdempotencyKey.locked_until == locked_until
        )
        .execution_options(synchronize_session=False)
    )


async def purge(session: WriteSession, before: datetime) -> None:
    """Remove up to `PURGE_BATCH` keys that expired."""
    expired = select(IdempotencyKey.id).where(IdempotencyKey.expires_at <= before).limit(PURGE_BATCH)
    await session.execute(
        delete(IdempotencyKey)
        .where(IdempotencyKey.id.in_(expired.scalar_subquery()))
        .execution_options(synchronize_session=False)
    )


async def _changed(session: WriteSession, statement: object) -> bool:
    result = await session.execute(statement.execution_options(synchronize_session=False))  # type: ignore[attr-defined]
    assert isinstance(result, CursorResult)
    return result.rowcount == 1
