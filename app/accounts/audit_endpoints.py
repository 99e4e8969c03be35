"""REST: the audit trail."""

from datetime import datetime
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime

from app.accounts.audit_check import parse_anchor
from app.accounts.audit_trail import AuditFilters, AuditFormat
from app.accounts.audit_views import AuditCheck, AuditEntryView
from app.accounts.caller import Caller, require
from app.accounts.permissions import Permission
from app.accounts.service import AccountService
from app.core.http import API_PREFIX, error_responses
from app.core.pagination import DEFAULT_PAGE_SIZE, Cursor, Page, PageSize

router = APIRouter(prefix=f"{API_PREFIX}/audit", tags=["audit"])

CanAudit = Annotated[Caller, Depends(require(Permission.ADMIN_AUDIT))]
MEDIA_TYPES = {AuditFormat.JSONL: "application/jsonl", AuditFormat.CSV: "text/csv"}
_FILE: dict[str, Any] = {
    "description": "The file, sent while it is made; a connection that breaks leaves an incomplete one.",
    "content": {
        "application/jsonl": {"schema": {"type": "string", "description": "One JSON object per line."}},
        "text/csv": {"schema": {"type": "string"}},
    },
}


async def _service(request: Request) -> AccountService:
    return cast("AccountService", request.app.state.accounts)


Service = Annotated[AccountService, Depends(_service)]
Text = Annotated[str | None, Query(max_length=128)]


async def _filters(
    actor: Annotated[str | None, Query(max_length=64, description="Only by this user: name or id.")] = None,
    action: Annotated[
        str | None, Query(max_length=64, description="Only this action; `auth.*` means a whole family.")
    ] = None,
    resource_type: Annotated[str | None, Query(max_length=32, description="Only about this kind of thing.")] = None,
    resource_id: Annotated[str | None, Query(max_length=128, description="Only about this one.")] = None,
    since: Annotated[AwareDatetime | None, Query(description="Not before this moment.")] = None,
    until: Annotated[AwareDatetime | None, Query(description="Before this moment.")] = None,
) -> AuditFilters:
    moments: tuple[datetime | None, datetime | None] = (since, until)
    return AuditFilters(actor, action, resource_type, resource_id, *moments)


Filters = Annotated[AuditFilters, Depends(_filters)]


@router.get("", operation_id="listAudit", summary="Read the audit trail", responses=error_responses(400, 401, 403, 422))
async def list_(
    *,
    caller: CanAudit,  # noqa: ARG001
    service: Service,
    filters: Filters,
    limit: PageSize = DEFAULT_PAGE_SIZE,
    cursor: Cursor = None,
) -> Page[AuditEntryView]:
    """Every sign-in and every change of state: who, what, when, from where. Newest first."""
    return await service.trail.page(filters, limit=limit, cursor=cursor)


@router.get(
    "/export",
    operation_id="exportAudit",
    summary="Export the audit trail",
    response_class=StreamingResponse,
    responses={200: _FILE, **error_responses(401, 403, 422)},
)
async def export(
    *,
    caller: CanAudit,
    service: Service,
    filters: Filters,
    kind: Annotated[AuditFormat, Query(alias="format", description="What kind of file.")] = AuditFormat.JSONL,
) -> StreamingResponse:
    """The entries up to now as a file, oldest first; the hashes in it can be checked without the service."""
    stream = await service.trail.export(caller, filters, kind)
    headers = {"Content-Disposition": f'attachment; filename="audit.{kind}"', "Cache-Control": "no-store"}
    return StreamingResponse(stream, media_type=MEDIA_TYPES[kind], headers=headers)


@router.get(
    "/verify",
    operation_id="verifyAudit",
    summary="Check the audit trail",
    responses=error_responses(401, 403, 422),
)
async def verify(
    caller: CanAudit,  # noqa: ARG001
    service: Service,
    anchor: Annotated[
        str | None, Query(max_length=128, description="`head` of an earlier check, kept elsewhere.")
    ] = None,
) -> AuditCheck:
    """Reads all of it: nothing changed, missing, moved or put in, and nothing cut off at the end.

    What no check inside the database can find is that all of it was put back to an older state; with an `anchor` it is
    found.
    """
    return AuditCheck.of(await service.verify_audit(parse_anchor(anchor) if anchor else None))


@router.get(
    "/{sequence}",
    operation_id="getAuditEntry",
    summary="Read one entry of the audit trail",
    responses=error_responses(401, 403, 404, 422),
)
async def get(
    caller: CanAudit,  # noqa: ARG001
    service: Service,
    sequence: Annotated[int, Path(ge=1, le=2**53 - 1, description="Its number.")],
) -> AuditEntryView:
    """By its number."""
    return await service.trail.entry(sequence)
