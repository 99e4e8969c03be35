"""REST routes that change several benchmarks at once."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from app.benchmarks.bulk import BulkAnswer, BulkDelete, BulkService, BulkUpdate
from app.benchmarks.endpoints import CanDelete, CanShare
from app.benchmarks.service import BenchmarkService
from app.core.http import API_PREFIX, error_responses

router = APIRouter(prefix=f"{API_PREFIX}/benchmarks", tags=["benchmarks"])


async def _service(request: Request) -> BulkService:
    service = request.app.state.benchmarks
    assert isinstance(service, BenchmarkService)
    return service.bulk


async def _required(request: Request) -> bool:
    return bool(request.app.state.settings.server.http.require_if_match)


Service = Annotated[BulkService, Depends(_service)]
IfMatchRequired = Annotated[bool, Depends(_required)]


@router.post(
    "/bulk/delete",
    operation_id="deleteBenchmarks",
    summary="Delete several benchmarks",
    responses=error_responses(400, 401, 403, 413, 422),
)
async def delete(caller: CanDelete, service: Service, body: BulkDelete, required: IfMatchRequired) -> BulkAnswer:
    """Remove each with all its results; running ones are left. What cannot be deleted is told and stops nothing."""
    return await service.delete(caller, body, if_match_required=required)


@router.post(
    "/bulk/update",
    operation_id="updateBenchmarks",
    summary="Tag or share several benchmarks",
    responses=error_responses(400, 401, 403, 413, 422),
)
async def update(caller: CanShare, service: Service, body: BulkUpdate, required: IfMatchRequired) -> BulkAnswer:
    """Adds and removes tags, and shares, of each that you own; an administrator's are all."""
    return await service.update(caller, body, if_match_required=required)
