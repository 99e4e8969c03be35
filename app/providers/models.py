"""Table of configured providers."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, String, true
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base
from app.core.ids import new_id


class Provider(Base):
    """An endpoint that benchmarks can target.

    `credential` is an AES-GCM envelope, never readable at rest; `credential_ref` instead names where the key is read
    from at each use. At most one of them is set.
    """

    __tablename__ = "providers"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    kind: Mapped[str] = mapped_column(String(32))
    base_url: Mapped[str] = mapped_column(String(2048))
    credential: Mapped[str | None] = mapped_column(String(8192))
    credential_ref: Mapped[str | None] = mapped_column(String(1024))
    default_model: Mapped[str | None] = mapped_column(String(200))
    options: Mapped[dict[str, Any]]
    is_enabled: Mapped[bool] = mapped_column(default=True, server_default=true())
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
