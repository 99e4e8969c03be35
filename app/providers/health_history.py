"""How a provider's tests went before: each is a line of the audit trail, so the history outlives restarts.

Pure reading and writing of those lines; the tests themselves are made in `health.py`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import AuditEntry
from app.adapters.errors import ErrorKind
from app.providers.schemas import ProviderHealth

ACTION = "provider.test"
MAX_CHECKS = 200
_MESSAGE_CHARACTERS = 300


class HealthCheckView(BaseModel):
    """One test of a provider."""

    checked_at: datetime = Field(description="When.")
    checked_by: str = Field(description="Who asked for it, as they were called then.")
    status: Literal["ok", "unreachable", "unauthorized", "error"] = Field(description="How it went.")
    auth: Literal["ok", "refused", "unknown"] = Field(description="Of the key.")
    latency_ms: float | None = Field(description="Of the control call over a new connection; not a measurement.")
    completion_ms: float | None = Field(description="Of the completion, where one was asked for and worked.")
    error_type: ErrorKind | None = Field(description="What a refusal means.")
    message: str = Field(description="The same for people, shortened.")


class HealthHistory(BaseModel):
    """The tests of a provider."""

    checks: list[HealthCheckView] = Field(description="Newest first.")


def facts(name: str, found: ProviderHealth) -> Mapping[str, Any]:
    """What the trail keeps of a test of the provider `name`. Its message holds no key."""
    completion = found.completion
    return {
        "name": name,
        "status": found.status,
        "auth": found.auth,
        "latency_ms": found.latency_ms,
        "completion_ms": completion.latency_ms if completion else None,
        "model": completion.model if completion else None,
        "error_type": found.error_type,
        "message": found.message[:_MESSAGE_CHARACTERS],
    }


async def read(session: AsyncSession, provider_id: UUID, limit: int) -> HealthHistory:
    """The newest `limit` tests."""
    query = (
        select(AuditEntry)
        .where(
            AuditEntry.resource_type == "provider",
            AuditEntry.resource_id == str(provider_id),
            AuditEntry.action == ACTION,
        )
        .order_by(AuditEntry.sequence.desc())
        .limit(limit)
    )
    return HealthHistory(checks=[_view(entry) for entry in await session.scalars(query)])


def _view(entry: AuditEntry) -> HealthCheckView:
    kept = {name: entry.changes.get(name) for name in HealthCheckView.model_fields}
    return HealthCheckView.model_validate(kept | {"checked_at": entry.at, "checked_by": entry.actor_name})
