"""What is made of a stored benchmark on request, for REST and GraphQL alike."""

import asyncio
from uuid import UUID

from app.accounts.caller import Caller
from app.benchmarks.service import BenchmarkService
from app.providers.service import ProviderService
from app.reports import bundling, rebuilding
from app.reports.compat import Tool, new_view, see_stream
from app.reports.schemas import Bundle, CompatDocument, RequestBody


async def compat(benchmarks: BenchmarkService, caller: Caller, session_id: UUID, tool: Tool) -> CompatDocument:
    """The figures under another tool's names, from every stored request.

    Raises:
        NotFoundError: when the caller sees no such benchmark.
    """
    spec = (await benchmarks.get(caller, session_id)).spec
    rows = await benchmarks.results.stream(caller, session_id, with_gaps=True)
    return CompatDocument(**await see_stream(new_view(tool, spec.slo.model_dump()), rows))


async def bundle(benchmarks: BenchmarkService, providers: ProviderService, caller: Caller, session_id: UUID) -> Bundle:
    """The reproducibility bundle; with addresses only for callers who may read providers.

    Raises:
        NotFoundError: when the caller sees no such benchmark.
    """
    benchmark = await benchmarks.get(caller, session_id)
    found = [await bundling.endpoint_of(providers, caller, target) for target in benchmark.spec.targets]
    return Bundle(**await asyncio.to_thread(bundling.bundle_of, benchmark, found))


async def request_body(
    benchmarks: BenchmarkService, providers: ProviderService, caller: Caller, session_id: UUID, index: int
) -> RequestBody:
    """What a request asked, made again from spec and seed.

    Raises:
        NotFoundError: when the caller sees no such benchmark, or it has no such request.
    """
    await benchmarks.results.check_exists(caller, session_id, index)
    benchmark = await benchmarks.get(caller, session_id)
    target = benchmark.spec.targets[rebuilding.target_of(benchmark, index)]
    endpoint = await bundling.endpoint_of(providers, caller, target)
    return await asyncio.to_thread(rebuilding.rebuilt, benchmark, endpoint, index)
