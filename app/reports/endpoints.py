"""REST routes that hand out files."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import StreamingResponse

from app.accounts.caller import Caller, require
from app.accounts.permissions import Permission
from app.benchmarks.service import BenchmarkService
from app.core.http import API_PREFIX, error_responses
from app.reports import listing_exports, service
from app.reports.compat import Tool
from app.reports.exports import MEDIA_TYPES, ExportFormat, stream_results
from app.reports.listing_exports import ListingExport, stream_listing
from app.reports.schemas import Bundle, CompatDocument, ExportRequest, RequestBody

router = APIRouter(prefix=API_PREFIX, tags=["results"])

CanExport = Annotated[Caller, Depends(require(Permission.RESULTS_EXPORT))]
CanRead = Annotated[Caller, Depends(require(Permission.RESULTS_READ))]


async def _benchmarks(request: Request) -> BenchmarkService:
    service = request.app.state.benchmarks
    assert isinstance(service, BenchmarkService)
    return service


Benchmarks = Annotated[BenchmarkService, Depends(_benchmarks)]

_FILE: dict[str, Any] = {
    "description": "The file, sent while it is made; a connection that breaks leaves an incomplete one.",
    "content": {
        "text/csv": {"schema": {"type": "string"}},
        "application/json": {
            "schema": {
                "oneOf": [{"type": "array", "items": {"type": "object"}}, {"type": "object"}],
                "description": "An array of results; with `vllm` one object.",
            }
        },
        "application/jsonl": {"schema": {"type": "string", "description": "One JSON object per line."}},
    },
    "headers": {"Content-Disposition": {"schema": {"type": "string"}, "description": "Suggests a file name."}},
}
_LISTING_FILE: dict[str, Any] = {
    **_FILE,
    "content": {
        **_FILE["content"],
        "application/json": {"schema": {"type": "array", "items": {"type": "object"}}},
    },
}


@router.post(
    "/results/export",
    operation_id="exportResults",
    summary="Export results",
    response_class=StreamingResponse,
    responses={200: _FILE, **error_responses(400, 401, 403, 404, 422)},
)
async def export_results(body: ExportRequest, caller: CanExport, benchmarks: Benchmarks) -> StreamingResponse:
    """Every measured request of a benchmark as a file. Also of one that still runs: then what is stored by now."""
    as_vllm = body.format is ExportFormat.VLLM
    spec = (await benchmarks.get(caller, body.session_id)).spec.model_dump(mode="json") if as_vllm else None
    rows = await benchmarks.results.stream(caller, body.session_id, with_gaps=body.gaps or as_vllm, with_text=as_vllm)
    return StreamingResponse(
        stream_results(rows, body.format, with_gaps=body.gaps, spec=spec),
        media_type=MEDIA_TYPES[body.format],
        headers={
            "Content-Disposition": f'attachment; filename="{_file_name(body.session_id, body.format)}"',
            "Cache-Control": "no-store",
        },
    )


@router.get(
    "/results/export",
    operation_id="downloadResults",
    summary="Export results, by address",
    response_class=StreamingResponse,
    responses={200: _FILE, **error_responses(400, 401, 403, 404, 422)},
)
async def download_results(
    caller: CanExport,
    benchmarks: Benchmarks,
    session_id: Annotated[UUID, Query(description="The benchmark whose results to export.")],
    format: Annotated[ExportFormat, Query(description="As what; see the POST of this path.")] = ExportFormat.CSV,  # noqa: A002 - as in the body
    gaps: Annotated[bool, Query(description="Add every chunk gap to each line of `json` and `jsonl`.")] = False,
) -> StreamingResponse:
    """As the POST, for what can only open addresses (spreadsheets, links)."""
    return await export_results(ExportRequest(session_id=session_id, format=format, gaps=gaps), caller, benchmarks)


@router.post(
    "/benchmarks/bulk/export",
    operation_id="exportBenchmarks",
    summary="Export several benchmarks' summaries",
    response_class=StreamingResponse,
    responses={200: _LISTING_FILE, **error_responses(400, 401, 403, 413, 422)},
)
async def export_benchmarks(body: ListingExport, caller: CanExport, benchmarks: Benchmarks) -> StreamingResponse:
    """One row per benchmark with what the listing shows of it; figures are empty until it has a summary."""
    return StreamingResponse(
        stream_listing(benchmarks.many, caller, body),
        media_type=listing_exports.MEDIA_TYPES[body.format],
        headers={
            "Content-Disposition": f'attachment; filename="benchmarks.{body.format}"',
            "Cache-Control": "no-store",
        },
    )


@router.get(
    "/benchmarks/{session_id}/compat/{tool}",
    operation_id="getCompatView",
    summary="See results as another tool reports them",
    responses=error_responses(401, 403, 404, 422),
)
async def compat(
    caller: CanRead,
    benchmarks: Benchmarks,
    session_id: Annotated[UUID, Path(description="Id of the benchmark.")],
    tool: Annotated[Tool, Path(description="Whose names and formulas to use.")],
) -> CompatDocument:
    """The figures of the stored requests under the names and by the formulas of vLLM bench, AIPerf or GuideLLM.

    Made from every stored request, so it takes as long as an export; also while the benchmark runs.
    """
    return await service.compat(benchmarks, caller, session_id, tool)


@router.get(
    "/benchmarks/{session_id}/bundle",
    operation_id="getBundle",
    summary="Get what it takes to repeat a benchmark",
    responses=error_responses(401, 403, 404, 422),
)
async def bundle(
    request: Request,
    caller: CanRead,
    benchmarks: Benchmarks,
    session_id: Annotated[UUID, Path(description="Id of the benchmark.")],
) -> Bundle:
    """The reproducibility bundle: `llm-test-bench bench --replay` repeats a run of one target from it.

    Made from the stored spec, so it is the same whenever it is asked for, as long as the providers' kinds are.
    Addresses are in it only for callers who may read providers.
    """
    return await service.bundle(benchmarks, request.app.state.providers, caller, session_id)


@router.get(
    "/benchmarks/{session_id}/requests/{index}/body",
    operation_id="getRequestBody",
    summary="Make the body of a request again",
    responses=error_responses(401, 403, 404, 422),
)
async def request_body(
    *,
    request: Request,
    caller: CanRead,
    benchmarks: Benchmarks,
    session_id: Annotated[UUID, Path(description="Id of the benchmark.")],
    index: Annotated[int, Path(description="Position in the schedule.", ge=0, lt=2**63)],
) -> RequestBody:
    """What the request asked, made from spec and seed as it was when it was sent; null where that cannot be done."""
    return await service.request_body(benchmarks, request.app.state.providers, caller, session_id, index)


def _file_name(session_id: UUID, kind: ExportFormat) -> str:
    ending = "vllm.json" if kind is ExportFormat.VLLM else kind
    return f"results-{session_id}.{ending}"
