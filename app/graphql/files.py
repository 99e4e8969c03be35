"""Where the files of a benchmark are, and the documents that are made of it on request.

GraphQL answers one JSON document, held in memory; an export may have gigabytes. So exports and pages are addresses of
this server, which take the same bearer token or cookie and check the same permission again.
"""

from typing import Annotated, Any

import strawberry

from app.accounts.permissions import Permission
from app.benchmarks.states import FINAL
from app.benchmarks.views import BenchmarkListItem
from app.graphql.context import Info
from app.graphql.curves import MAX_INDEX, Index, within
from app.graphql.derive import TYPES, enum_of
from app.graphql.guard import guarded
from app.graphql.scalars import JSON
from app.reports import service
from app.reports.compat import Tool
from app.reports.exports import MEDIA_TYPES, ExportFormat
from app.reports.schemas import CompatDocument, RequestBody

REST = "/api/v1"
ToolType = enum_of(Tool, "tool")


@strawberry.type(description="A file of all results of a benchmark.")
class Export:
    """A file of all results of a benchmark."""

    format: enum_of(ExportFormat, "format") = strawberry.field(description="As what.")
    media_type: str = strawberry.field(description="What its answer declares itself as.")
    url: str = strawberry.field(
        description="Its address on this server, for GET with the same bearer token or cookie. Not secret by itself."
    )


@guarded(Permission.RESULTS_EXPORT, returns=list[Export])
def exports(
    root: strawberry.Parent[BenchmarkListItem],
    info: Info,
    gaps: Annotated[
        bool, strawberry.argument(description="With every chunk gap in each line of `JSON` and `JSONL`.")
    ] = False,
) -> Any:
    """Every measured request as a file, one entry per format. Also while it runs: then what is stored by now."""
    tail = "&gaps=true" if gaps else ""
    return [
        Export(format=kind, media_type=type_, url=f"{REST}/results/export?session_id={root.id}&format={kind}{tail}")
        for kind, type_ in MEDIA_TYPES.items()
    ]


@guarded(Permission.RESULTS_READ, returns=str | None)
def report_url(
    root: strawberry.Parent[BenchmarkListItem],
    info: Info,
    download: Annotated[bool, strawberry.argument(description="Offer it as a file instead of showing it.")] = False,
) -> Any:
    """Address of its report, one HTML page, on this server, with the same credentials; null until it has ended."""
    if root.status not in FINAL:
        return None
    return f"{REST}/benchmarks/{root.id}/report.html{'?download=true' if download else ''}"


@guarded(Permission.RESULTS_READ, returns=JSON | None, cost=500)
async def bundle(root: strawberry.Parent[BenchmarkListItem], info: Info) -> Any:
    """What it takes to repeat it: the document that `bench --replay` takes. Made anew each time."""
    services = info.context.services
    return await service.bundle(services.benchmarks, services.providers, info.context.caller, root.id)


@guarded(Permission.RESULTS_READ, returns=TYPES.of(CompatDocument) | None, cost=1_000)
async def compat(
    root: strawberry.Parent[BenchmarkListItem],
    info: Info,
    tool: Annotated[ToolType, strawberry.argument(description="Whose names and formulas to use.")],
) -> Any:
    """Its figures as another tool reports them, made from every stored request."""
    name: Any = getattr(tool, "value", tool)
    return await service.compat(info.context.services.benchmarks, info.context.caller, root.id, name)


@guarded(Permission.RESULTS_READ, returns=TYPES.of(RequestBody) | None, cost=100)
async def request_body(root: strawberry.Parent[BenchmarkListItem], info: Info, index: Index) -> Any:
    """What a request asked, made from spec and seed as it was when it was sent; null where that cannot be done."""
    within("index", index, 0, MAX_INDEX)
    services = info.context.services
    return await service.request_body(services.benchmarks, services.providers, info.context.caller, root.id, index)


FIELDS = {
    "exports": exports,
    "report_url": report_url,
    "bundle": bundle,
    "compat": compat,
    "request_body": request_body,
}
