"""REST routes that hand out files."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse

from app.accounts.caller import Caller, require
from app.accounts.permissions import Permission
from app.benchmarks.results_service import ResultService
from app.benchmarks.service import BenchmarkService
from app.core.http import error_responses
from app.reports.exports import MEDIA_TYPES, ExportFormat, stream_results
from app.reports.schemas import ExportRequest

router = APIRouter(tags=["results"])

CanExport = Annotated[Caller, Depends(require(Permission.RESULTS_EXPORT))]


def _service(request: Request) -> ResultService:
    service = request.app.state.benchmarks
    assert isinstance(service, BenchmarkService)
    return service.results


Service = Annotated[ResultService, Depends(_service)]

_FILE: dict[str, Any] = {
    "description": "The file, sent while it is made; a connection that breaks leaves an incomplete one.",
    "content": {
        "text/csv": {"schema": {"type": "string"}},
        "application/json": {"schema": {"type": "array", "items": {"type": "object"}}},
        "application/jsonl": {"schema": {"type": "string", "description": "One JSON object per line."}},
    },
    "headers": {"Content-Disposition": {"schema": {"type": "string"}, "description": "Suggests a file name."}},
}


@router.post(
    "/results/export",
    operation_id="exportResults",
    summary="Export results",
    response_class=StreamingResponse,
    responses={200: _FILE, **error_responses(400, 401, 403, 404, 422)},
)
async def export_results(body: ExportRequest, caller: CanExport, service: Service) -> StreamingResponse:
    """Every measured request of a benchmark as a file. Also of one that still runs: then what is stored by now."""
    rows = await service.stream(caller, body.session_id)
    return StreamingResponse(
        stream_results(rows, body.format),
        media_type=MEDIA_TYPES[body.format],
        headers={
            "Content-Disposition": f'attachment; filename="{_file_name(body.session_id, body.format)}"',
            "Cache-Control": "no-store",
        },
    )


def _file_name(session_id: UUID, kind: ExportFormat) -> str:
    return f"results-{session_id}.{kind}"
