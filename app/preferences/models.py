"""Tables of preferences."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base


class RuntimeSetting(Base):
    """One changed setting: `value` is `{"value": …}`, or null where the configuration decides again."""

    __tablename__ = "runtime_settings"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[dict[str, Any]]
    version: Mapped[int] = mapped_column(Integer, index=True)
    updated_at: Mapped[datetime]
    updated_by: Mapped[str] = mapped_column(String(64))


class UserPreferences(Base):
    """What one user likes: a small JSON document that only their programs read."""

    __tablename__ = "user_preferences"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    document: Mapped[dict[str, Any]]
    version: Mapped[int] = mapped_column(Integer)
    updated_at: Mapped[datetime]
