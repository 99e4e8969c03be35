"""Queries of preferences. Takes sessions, opens none, decides nothing."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import WriteSession
from app.preferences.models import RuntimeSetting, UserPreferences

_LOCK = 0x6C74_625F_7365_7474  # "ltb_sett": one change at a time, over all processes


async def lock(session: WriteSession) -> None:
    """Wait for one's turn to change settings (on SQLite a write transaction is the turn)."""
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


async def lock_preferences(session: WriteSession, user_id: UUID) -> None:
    """Wait for one's turn to change this user's preferences."""
    if session.get_bind().dialect.name == "postgresql":
        key = int.from_bytes(user_id.bytes[:8], "big", signed=True)
        await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})


async def runtime_settings(session: AsyncSession) -> Sequence[RuntimeSetting]:
    """Every row, also of those that are as configured again."""
    return (await session.scalars(select(RuntimeSetting).order_by(RuntimeSetting.version))).all()


async def preferences_of(session: AsyncSession, user_id: UUID) -> UserPreferences | None:
    """A user's document."""
    return await session.get(UserPreferences, user_id)
