"""The audit trail."""

from datetime import datetime
from typing import Annotated, Any

import strawberry

from app.accounts.audit_check import parse_anchor
from app.accounts.audit_trail import AuditFilters
from app.accounts.audit_views import AuditCheck, AuditEntryView
from app.accounts.permissions import Permission
from app.core.errors import InvalidRequestError
from app.core.pagination import encode_cursor
from app.graphql.connections import (
    DEFAULT_FIRST,
    After,
    First,
    connection,
    connection_type,
    cursor_of_client,
    page_size,
)
from app.graphql.context import Info
from app.graphql.derive import NAMES, TYPES
from app.graphql.guard import guarded
from app.graphql.scalars import BigInt

NAMES["AuditEntryView"] = "AuditEntry"
MAX_TEXT_CHARACTERS = 128

AuditConnection = connection_type(TYPES.of(AuditEntryView), "AuditEntry", "entries of the audit trail")


@strawberry.input(description="What the audit trail is narrowed to. Fields left out do not narrow.")
class AuditFilter:
    """What the audit trail is narrowed to."""

    actor: str | None = strawberry.field(default=None, description="Only by this user: name or id.")
    action: str | None = strawberry.field(default=None, description="Only this action; `auth.*` means a whole family.")
    resource_type: str | None = strawberry.field(default=None, description="Only about this kind of thing.")
    resource_id: str | None = strawberry.field(default=None, description="Only about this one.")
    since: datetime | None = strawberry.field(default=None, description="Not before this moment.")
    until: datetime | None = strawberry.field(default=None, description="Before this moment.")

    def conditions(self) -> AuditFilters:
        """As the service takes them; raises `InvalidRequestError`."""
        for name, value in (
            ("actor", self.actor),
            ("action", self.action),
            ("resourceType", self.resource_type),
            ("resourceId", self.resource_id),
        ):
            if value is not None and len(value) > MAX_TEXT_CHARACTERS:
                _refuse(name, f"use at most {MAX_TEXT_CHARACTERS} characters")
        for name, moment in (("since", self.since), ("until", self.until)):
            if moment is not None and moment.tzinfo is None:
                _refuse(name, "say the time zone, such as 2026-01-31T12:00:00Z")
        return AuditFilters(self.actor, self.action, self.resource_type, self.resource_id, self.since, self.until)


def _refuse(name: str, allowed: str) -> None:
    problem = {"path": f"filter.{name}", "message": "is not allowed", "allowed": allowed}
    raise InvalidRequestError(f"filter.{name}: {allowed}", errors=[problem])


@strawberry.type
class AuditQueries:
    """Reading the audit trail."""

    @guarded(Permission.ADMIN_AUDIT, returns=AuditConnection, cost=5, paged=True)
    async def audit(
        self,
        info: Info,
        filter_: Annotated[
            AuditFilter | None, strawberry.argument(name="filter", description="Which entries; without it all.")
        ] = None,
        first: First = DEFAULT_FIRST,
        after: After = None,
    ) -> Any:
        """Every sign-in and every change of state: who, what, when, from where. Newest first."""
        filters = (filter_ or AuditFilter()).conditions()
        size, cursor = page_size(info, first), cursor_of_client(after)
        page = await info.context.services.accounts.trail.page(filters, limit=size, cursor=cursor)
        return connection(page, lambda entry: encode_cursor(entry.sequence), after=cursor)

    @guarded(Permission.ADMIN_AUDIT, returns=TYPES.of(AuditEntryView), cost=5)
    async def audit_entry(
        self, info: Info, sequence: Annotated[BigInt, strawberry.argument(description="Its number.")]
    ) -> Any:
        """One entry of the audit trail."""
        return await info.context.services.accounts.trail.entry(sequence)

    @guarded(Permission.ADMIN_AUDIT, returns=TYPES.of(AuditCheck), cost=2_000)
    async def audit_check(
        self,
        info: Info,
        anchor: Annotated[
            str | None, strawberry.argument(description="`head` of an earlier check, kept elsewhere.")
        ] = None,
    ) -> Any:
        """Read all of the trail: nothing changed, missing, moved or put in, and nothing cut off at the end."""
        if anchor is not None and len(anchor) > MAX_TEXT_CHARACTERS:
            raise InvalidRequestError("anchor: use NUMBER:HASH of an earlier check")
        return AuditCheck.of(
            await info.context.services.accounts.verify_audit(parse_anchor(anchor) if anchor else None)
        )
