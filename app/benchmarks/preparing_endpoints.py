"""REST routes about benchmarks that are not there yet: presets, and what creating one would say."""

from typing import Annotated, Any

from fastapi import APIRouter, Body

from app.benchmarks.endpoints import CanCreate, CanRead, Service
from app.benchmarks.forecast_views import SpecValidation
from app.benchmarks.presets import Presets, presets
from app.core.http import API_PREFIX, error_responses

router = APIRouter(prefix=f"{API_PREFIX}/benchmarks", tags=["benchmarks"])


@router.get(
    "/presets",
    operation_id="listBenchmarkPresets",
    summary="List ready-made benchmarks",
    responses=error_responses(401, 403),
)
async def list_presets(_: CanRead) -> Presets:
    """Specs to start from: each is whole but for its `targets`. `bench --preset NAME` takes the same."""
    return presets()


@router.post(
    "/validate",
    operation_id="validateBenchmark",
    summary="Check a benchmark without making it",
    responses=error_responses(400, 401, 403, 413, 422),
    openapi_extra={
        "requestBody": {
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/BenchmarkSpec"}}},
            "required": True,
        }
    },
)
async def validate(
    _: CanCreate, service: Service, document: Annotated[Any, Body(description="A benchmark spec, right or wrong.")]
) -> SpecValidation:
    """Everything that is wrong with a spec, and what it amounts to: requests, time, tokens, cost, warnings.

    Nothing is stored. A spec that is wrong is answered with 200 and its `problems`; only what is no JSON is refused.
    """
    return await service.checks.validate(document)
