"""REST: how the cluster is."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from app.accounts.caller import Caller, require
from app.accounts.permissions import Permission
from app.benchmarks.cluster_service import ClusterService, ClusterView
from app.core.http import API_PREFIX, error_responses

router = APIRouter(prefix=API_PREFIX, tags=["cluster"])

CanRead = Annotated[Caller, Depends(require(Permission.BENCHMARK_READ))]


async def _service(request: Request) -> ClusterService:
    service = request.app.state.benchmarks.cluster
    assert isinstance(service, ClusterService)
    return service


@router.get("/cluster", operation_id="getCluster", summary="Workers and queue", responses=error_responses(401, 403))
async def get_cluster(caller: CanRead, service: Annotated[ClusterService, Depends(_service)]) -> ClusterView:
    """Workers with tags, slots, clocks and what runs on them; and the benchmarks that wait, in their order.

    Of benchmarks that the caller may not see only their place is shown.
    """
    return await service.get(caller)
