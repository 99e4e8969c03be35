"""REST routes of comparisons. Their reports are the reports room's."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from app.accounts.caller import Caller, require
from app.accounts.permissions import Permission
from app.core.http import API_PREFIX, error_responses
from app.evaluation.schemas import Comparison, WindowKind
from app.evaluation.service import ComparisonService, wanted

router = APIRouter(prefix=f"{API_PREFIX}/comparisons", tags=["comparisons"])

CanRead = Annotated[Caller, Depends(require(Permission.RESULTS_READ))]


async def comparison_service(request: Request) -> ComparisonService:
    """The service that the application made."""
    service = request.app.state.comparisons
    assert isinstance(service, ComparisonService)
    return service


Service = Annotated[ComparisonService, Depends(comparison_service)]
Ids = Annotated[
    str, Query(description="Ids of two to eight benchmarks that have ended, separated by commas.", max_length=400)
]
Baseline = Annotated[
    str | None, Query(description="The one that the others are compared with; by default the first.", max_length=64)
]
Window = Annotated[
    WindowKind, Query(description="`steady`: in their steady windows, where each has one; `whole`: start-up included.")
]
Margin = Annotated[float, Query(ge=0.1, le=100, description="Percent below which a difference does not matter to you.")]


@router.get(
    "",
    operation_id="compareBenchmarks",
    summary="Compare benchmarks",
    responses=error_responses(401, 403, 404, 409, 422),
)
async def compare(
    *,
    caller: CanRead,
    service: Service,
    ids: Ids,
    baseline: Baseline = None,
    window: Window = "steady",
    margin_percent: Margin = 5.0,
) -> Comparison:
    """Differences with 95 % confidence intervals that hold for dependent requests, and what may be said of them.

    Takes seconds for many requests; the answer for the same benchmarks is remembered.
    """
    return await service.compare(caller, wanted(ids, baseline, window, margin_percent))
