"""REST routes of HTML reports."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from app.benchmarks.calibrations import program
from app.core.http import API_PREFIX, error_responses
from app.evaluation.endpoints import Baseline, CanRead, Ids, Margin, Service, Window
from app.evaluation.service import wanted
from app.reports.comparison_report import comparison_report
from app.reports.endpoints import Benchmarks
from app.reports.html_page import POLICY
from app.reports.run_report import run_report

router = APIRouter(prefix=API_PREFIX, tags=["comparisons"])

_PAGE: dict[str, Any] = {
    "description": "One file that opens offline, makes no request and runs no script.",
    "content": {"text/html": {"schema": {"type": "string"}}},
    "headers": {"Content-Disposition": {"schema": {"type": "string"}, "description": "Suggests a file name."}},
}
Download = Annotated[bool, Query(description="Offer it as a file instead of showing it.")]


@router.get(
    "/benchmarks/{session_id}/report.html",
    operation_id="getBenchmarkReport",
    summary="Get the report of a benchmark",
    response_class=Response,
    responses={200: _PAGE, **error_responses(401, 403, 404, 409, 422)},
)
async def run_report_page(
    caller: CanRead,
    benchmarks: Benchmarks,
    service: Service,
    session_id: Annotated[UUID, Path(description="Id of a benchmark that has ended.")],
    download: Download = False,
) -> Response:
    """All its numbers with intervals, its distributions, the certificate, the spec and the machine."""
    run = await service.run(caller, session_id)
    timeline = (await benchmarks.timeline(caller, session_id)).model_dump()
    made = await asyncio.to_thread(run_report, run, timeline, made_by=program(), made_at=_now())
    return _page(made, f"report-{session_id}.html", download=download)


@router.get(
    "/comparisons/report.html",
    operation_id="getComparisonReport",
    summary="Get the report of a comparison",
    response_class=Response,
    responses={200: _PAGE, **error_responses(401, 403, 404, 409, 422)},
)
async def comparison_report_page(
    *,
    caller: CanRead,
    service: Service,
    ids: Ids,
    baseline: Baseline = None,
    window: Window = "steady",
    margin_percent: Margin = 5.0,
    download: Download = False,
) -> Response:
    """What `GET /comparisons` answers, as a page."""
    found = await service.compare(caller, wanted(ids, baseline, window, margin_percent))
    made = await asyncio.to_thread(comparison_report, found, made_by=program(), made_at=_now())
    return _page(made, f"comparison-{found.baseline}.html", download=download)


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M}"


def _page(made: str, name: str, *, download: bool) -> Response:
    shown = "attachment" if download else "inline"
    headers = {
        "Content-Disposition": f'{shown}; filename="{name}"',
        "Content-Security-Policy": f"{POLICY}; frame-ancestors 'none'; sandbox",
        "Cache-Control": "no-store",
    }
    return Response(made.encode(errors="replace"), media_type="text/html; charset=utf-8", headers=headers)
