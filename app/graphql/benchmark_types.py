"""The types of benchmarks: what a listing has, and more on demand."""

from typing import Any

import strawberry

from app.accounts.permissions import Permission
from app.benchmarks.changing import version_tag
from app.benchmarks.forecast_views import SpecCheck
from app.benchmarks.results_service import ResultFilters
from app.benchmarks.schemas import BenchmarkSpec, Target
from app.benchmarks.spec_parts import STORED
from app.benchmarks.states import Status
from app.benchmarks.summary_views import Summary
from app.benchmarks.views import BenchmarkListItem, Timeline
from app.core.pagination import Page
from app.graphql import curves, files
from app.graphql.connections import (
    DEFAULT_FIRST,
    After,
    Connection,
    First,
    connection_type,
    cursor_of_client,
    page_size,
)
from app.graphql.context import Info
from app.graphql.derive import NAMES, TYPES, enum_of
from app.graphql.guard import guarded
from app.graphql.inputs import INPUTS
from app.graphql.providers import ProviderType
from app.graphql.results import ResultConnection, connected
from app.graphql.scalars import JSON

NAMES["BenchmarkListItem"] = "Benchmark"

BenchmarkStatus = enum_of(Status, "status")
SpecInput = INPUTS.of(BenchmarkSpec)


@guarded(Permission.PROVIDER_READ, returns=ProviderType | None, cost=2)
async def provider_details(root: strawberry.Parent[Target], info: Info) -> Any:
    """The configured provider; null when it is gone."""
    return await info.context.loaders.providers.load(root.provider)


TYPES.of(Target, more={"provider_details": provider_details})


@guarded(Permission.BENCHMARK_READ, returns=str | None, cost=2)
async def etag(root: strawberry.Parent[BenchmarkListItem], info: Info) -> Any:
    """Names this state of the benchmark, for `ifMatch`; null when it has just been deleted."""
    version = await info.context.loaders.versions.load(root.id)
    return None if version is None else version_tag(root.id, version)


async def _stored_spec(root: BenchmarkListItem, info: Info) -> BenchmarkSpec | None:
    document = await info.context.loaders.specs.load(root.id)
    return None if document is None else BenchmarkSpec.model_validate(document, context=STORED)


@guarded(Permission.BENCHMARK_READ, returns=TYPES.of(BenchmarkSpec) | None, cost=20)
async def spec(root: strawberry.Parent[BenchmarkListItem], info: Info) -> Any:
    """Everything that was said about it when it was submitted; null when it has just been deleted."""
    return await _stored_spec(root, info)


@guarded(Permission.BENCHMARK_READ, returns=JSON | None, cost=20)
async def spec_document(root: strawberry.Parent[BenchmarkListItem], info: Info) -> Any:
    """The same as a document, as REST and `createBenchmark(input: {document: …})` take it."""
    return await _stored_spec(root, info)


@guarded(Permission.BENCHMARK_READ, returns=TYPES.of(Summary) | None, cost=5)
async def summary(root: strawberry.Parent[BenchmarkListItem], info: Info) -> Any:
    """Everything that the run found, once it has ended."""
    found = await info.context.loaders.summaries.load(root.id)
    return None if found is None else Summary.model_validate(found)


@guarded(Permission.BENCHMARK_READ, returns=TYPES.of(Timeline) | None, cost=50)
async def timeline(root: strawberry.Parent[BenchmarkListItem], info: Info) -> Any:
    """What happened in each second of the run, as columns; also while it runs."""
    return await info.context.loaders.timelines.load(root.id)


@guarded(Permission.RESULTS_READ, returns=ResultConnection, cost=5, paged=True)
async def results(
    root: strawberry.Parent[BenchmarkListItem], info: Info, first: First = DEFAULT_FIRST, after: After = None
) -> Any:
    """Its measured requests, in the order of the schedule."""
    size, cursor = page_size(info, first), cursor_of_client(after)
    filters = ResultFilters(session_id=root.id)
    if cursor is None:
        page = await info.context.loaders.first_results(size).load(root.id)
    else:
        service = info.context.services.benchmarks.results
        page = await service.list(info.context.caller, filters, limit=size, cursor=cursor)
    return connected(page or Page(items=[]), filters, after=cursor)


BenchmarkType = TYPES.of(
    BenchmarkListItem,
    more={
        "etag": etag,
        "spec": spec,
        "spec_document": spec_document,
        "summary": summary,
        "timeline": timeline,
        "results": results,
        **curves.FIELDS,
        **files.FIELDS,
    },
)
SpecCheckType = TYPES.of(SpecCheck)


@guarded(Permission.BENCHMARK_READ, returns=int, cost=5)
async def total_count(root: strawberry.Parent[Connection], info: Info) -> Any:
    """How many benchmarks the whole listing has; counted only when it is asked for."""
    return await info.context.services.benchmarks.many.count(info.context.caller, root.scope)


BenchmarkConnection = connection_type(BenchmarkType, "Benchmark", "benchmarks", more={"total_count": total_count})
