"""What the API answers about the audit trail."""

from datetime import datetime
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel, Field

from app.accounts.audit_check import Verification
from app.accounts.models import AuditEntry


class AuditEntryView(BaseModel):
    """One entry."""

    sequence: int = Field(description="Its number; there are no gaps.")
    at: datetime = Field(description="When.")
    actor_id: UUID | None = Field(description="Id of who did it; all zeros for the service, its operator, or nobody.")
    actor_name: str = Field(description="Who did it, as they were called then.")
    actor_role: str = Field(description="Their role then.")
    action: str = Field(description="What was done.", examples=["user.update"])
    resource_type: str = Field(description="To what kind of thing.", examples=["user"])
    resource_id: str = Field(description="To which one.")
    changes: dict[str, Any] = Field(description="Before and after, or other facts; without secrets.")
    address: str = Field(description="Where the request came from.")
    request_id: str = Field(description="Which request it was.")
    previous_hash: str = Field(description="Hash of the entry before it.")
    hash: str = Field(description="SHA-256 of this entry and the hash before it.")

    @classmethod
    def of(cls, row: AuditEntry) -> Self:
        """A stored entry."""
        return cls(**{name: getattr(row, name) for name in cls.model_fields})


class AuditCheck(BaseModel):
    """Whether the trail is whole."""

    intact: bool = Field(description="Nothing was found.")
    entries: int = Field(description="How many there are.")
    findings: list[str] = Field(description="What is wrong; a hundred at most.")
    warnings: list[str] = Field(description="What could not be checked.")
    head: str | None = Field(
        description="The last entry as NUMBER:HASH. Keep it elsewhere, and give it to a later check."
    )

    @classmethod
    def of(cls, found: Verification) -> Self:
        """A check as the API tells it."""
        return cls(
            intact=not found.findings,
            entries=found.rows,
            findings=[f"row {finding.sequence}: {finding.problem}" for finding in found.findings],
            warnings=found.warnings,
            head=f"{found.head.sequence}:{found.head.hash}" if found.head else None,
        )
