"""Benchmarks: reading, checking, submitting, changing and ending them."""

from typing import Annotated, Any
from uuid import UUID

import strawberry

from app.accounts.permissions import Permission
from app.accounts.visibility import Visibility
from app.benchmarks.changes import BenchmarkUpdate
from app.benchmarks.listing import Direction, Order, Sort
from app.benchmarks.listing_query import usual_direction
from app.benchmarks.presets import Preset, presets
from app.benchmarks.schemas import BenchmarkSpec
from app.core.errors import InvalidRequestError, NotFoundError
from app.graphql.answers import Deleted, Problem
from app.graphql.benchmark_filters import BenchmarkFilter, BenchmarkSort, SortDirection, plain
from app.graphql.benchmark_types import BenchmarkConnection, BenchmarkType, SpecCheckType, SpecInput
from app.graphql.conditions import IdempotencyKey, IfMatch, conditions, once
from app.graphql.connections import DEFAULT_FIRST, After, First, connection, cursor_of_client, page_size
from app.graphql.context import Info
from app.graphql.derive import TYPES, enum_of
from app.graphql.guard import guarded
from app.graphql.inputs import INPUTS, read, read_document
from app.graphql.scalars import JSON

VisibilityType = enum_of(Visibility, "visibility")
PresetType = TYPES.of(Preset)
ChangesInput = INPUTS.of(BenchmarkUpdate)
BenchmarkId = Annotated[UUID, strawberry.argument(name="id", description="Id of the benchmark.")]


@strawberry.input(description="A benchmark to make: exactly one of the two ways to say it.", one_of=True)
class CreateBenchmarkInput:
    """A benchmark to make."""

    spec: SpecInput | None = strawberry.field(
        default=strawberry.UNSET, description="In types of this schema, which editors complete and check."
    )
    document: JSON | None = strawberry.field(
        default=strawberry.UNSET,
        description="As the JSON document that REST, the command line and `specDocument` use.",
    )

    def read(self) -> BenchmarkSpec:
        """The spec; raises `InvalidRequestError`."""
        if self.document is not strawberry.UNSET:
            found = read_document(BenchmarkSpec, self.document, path="input.document")
        else:
            found = read(BenchmarkSpec, self.spec, path="input.spec")
        assert isinstance(found, BenchmarkSpec)
        return found


@strawberry.type(description="What is known about a benchmark before it is made.")
class BenchmarkCheck:
    """What is known about a benchmark before it is made."""

    is_valid: bool = strawberry.field(description="Whether `createBenchmark` would take it now.")
    problems: list[Problem] = strawberry.field(description="What is wrong with it; empty when it is valid.")
    plan: SpecCheckType | None = strawberry.field(description="What it amounts to; null when it is not valid.")


InputArgument = Annotated[CreateBenchmarkInput, strawberry.argument(name="input", description="The benchmark.")]


async def one(info: Info, benchmark_id: UUID) -> Any:
    """A visible benchmark; raises `NotFoundError`."""
    found = await info.context.loaders.benchmarks.load(benchmark_id)
    if found is None:
        raise NotFoundError(f"there is no benchmark {benchmark_id}", resource="benchmark", id=str(benchmark_id))
    return found


@strawberry.type
class BenchmarkQueries:
    """Reading benchmarks."""

    @guarded(Permission.BENCHMARK_READ, returns=BenchmarkType | None, cost=5)
    async def benchmark(self, info: Info, benchmark_id: BenchmarkId) -> Any:
        """One benchmark that you may see."""
        return await one(info, benchmark_id)

    @guarded(Permission.BENCHMARK_READ, returns=BenchmarkConnection, cost=5, paged=True)
    async def benchmarks(
        self,
        info: Info,
        filter_: Annotated[
            BenchmarkFilter | None, strawberry.argument(name="filter", description="Which ones; without it all.")
        ] = None,
        sort: Annotated[
            BenchmarkSort | None, strawberry.argument(description="By what; by default when they were submitted.")
        ] = None,
        order: Annotated[
            SortDirection | None,
            strawberry.argument(description="Without it newest and largest first, and texts from A."),
        ] = None,
        first: First = DEFAULT_FIRST,
        after: After = None,
    ) -> Any:
        """The benchmarks that you may see. A cursor is good for one order."""
        filters = (filter_ or BenchmarkFilter()).conditions()
        by = Sort(plain(sort)) if sort is not None else Sort.CREATED
        direction = Direction(plain(order)) if order is not None else usual_direction(by)
        size, cursor = page_size(info, first), cursor_of_client(after)
        service = info.context.services.benchmarks
        page = await service.list(info.context.caller, filters, Order(by, direction), limit=size, cursor=cursor)
        return connection(page, page.cursors, after=cursor, scope=filters)

    @guarded(Permission.BENCHMARK_READ, returns=list[PresetType], cost=20)
    async def benchmark_presets(self, info: Info) -> Any:
        """Specs to start from: each is whole but for its `targets`. `bench --preset NAME` takes the same."""
        return presets().presets

    @guarded(Permission.BENCHMARK_CREATE, returns=BenchmarkCheck, cost=20)
    async def validate_benchmark(self, info: Info, new: InputArgument) -> Any:
        """Check a benchmark without making it: what is wrong with it, else how many requests and what cost."""
        try:
            plan = await info.context.services.benchmarks.check(info.context.caller, new.read())
        except InvalidRequestError as error:
            found = error.details.get("errors") or [{"path": "", "message": error.message}]
            problems = [Problem(path=one["path"], message=one["message"], allowed=one.get("allowed")) for one in found]
            return BenchmarkCheck(is_valid=False, problems=problems, plan=None)
        return BenchmarkCheck(is_valid=True, problems=[], plan=plan)


@strawberry.type
class BenchmarkMutations:
    """Making, changing and ending benchmarks."""

    @guarded(Permission.BENCHMARK_CREATE, returns=BenchmarkType, cost=20)
    async def create_benchmark(
        self,
        info: Info,
        new: InputArgument,
        visibility: Annotated[
            VisibilityType | None,
            strawberry.argument(description="With whom to share it; by default `security.default_visibility`."),
        ] = None,
        idempotency_key: IdempotencyKey = None,
    ) -> Any:
        """Store a benchmark and run it as soon as there is room. Follow it with `benchmarkProgress`."""
        shared = None if visibility is None else Visibility(getattr(visibility, "value", visibility))
        spec = new.read()

        async def make() -> dict[str, Any]:
            made = await info.context.services.benchmarks.submit(info.context.caller, spec, visibility=shared)
            return {"id": str(made.id)}

        made = await once(info, "createBenchmark", idempotency_key, [new, shared], make)
        return await one(info, UUID(made["id"]))

    @guarded(Permission.BENCHMARK_SHARE, returns=BenchmarkType, cost=20)
    async def update_benchmark(
        self,
        info: Info,
        benchmark_id: BenchmarkId,
        changes: Annotated[
            ChangesInput, strawberry.argument(name="input", description="What changes; the rest stays.")
        ],
        if_match: IfMatch = None,
    ) -> Any:
        """Rename, tag or share a benchmark; what it measured stays as it is. For its owner, or an administrator."""
        body = read(BenchmarkUpdate, changes, path="input")
        wanted = conditions(info, if_match)
        await info.context.services.benchmarks.update(info.context.caller, benchmark_id, body, wanted)
        return await one(info, benchmark_id)

    @guarded(Permission.BENCHMARK_CANCEL, returns=BenchmarkType, cost=20)
    async def cancel_benchmark(self, info: Info, benchmark_id: BenchmarkId) -> Any:
        """A pending benchmark ends at once; a running one starts nothing more, and what was measured is kept."""
        await info.context.services.benchmarks.cancel(info.context.caller, benchmark_id)
        return await one(info, benchmark_id)

    @guarded(Permission.BENCHMARK_DELETE, returns=Deleted, cost=20)
    async def delete_benchmark(self, info: Info, benchmark_id: BenchmarkId, if_match: IfMatch = None) -> Any:
        """Remove a benchmark and all its results. Cancel a running one first."""
        wanted = conditions(info, if_match)
        await info.context.services.benchmarks.delete(info.context.caller, benchmark_id, wanted)
        return Deleted(id=strawberry.ID(str(benchmark_id)))
