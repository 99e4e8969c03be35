"""What can be done with benchmarks: submit, list, read, change, cancel, delete. Running them: `tasks`, `executor`."""

import hashlib
from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from app.accounts import audit
from app.accounts.caller import Caller
from app.accounts.visibility import Visibility, may_see_owned
from app.benchmarks import planner, repository, states
from app.benchmarks.announcements import announce
from app.benchmarks.audience import first_audience
from app.benchmarks.bulk import BulkService
from app.benchmarks.changes import BenchmarkUpdate
from app.benchmarks.changing import BenchmarkChanges, not_found, version_tag
from app.benchmarks.checking import ProviderDirectory, SpecChecks
from app.benchmarks.cluster_service import ClusterService
from app.benchmarks.curve_service import CurveService
from app.benchmarks.forecast_views import SpecCheck
from app.benchmarks.listing import NEWEST_FIRST, Filters, Order
from app.benchmarks.live import LiveRuns
from app.benchmarks.many import ManyBenchmarks, head
from app.benchmarks.models import BenchmarkSession
from app.benchmarks.queue_limits import NO_LIMITS, QueueLimits
from app.benchmarks.rendered import RenderedBodies
from app.benchmarks.result_counts import ResultCounts
from app.benchmarks.results_service import ResultService
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.spans import SpanSink, TraceLink, no_link, parent_of
from app.benchmarks.spec_parts import STORED
from app.benchmarks.states import LIVE, Status
from app.benchmarks.views import EMPTY_TIMELINE, Benchmark, BenchmarkPage, Owner, Timeline
from app.core import tracing
from app.core.clock import Clock
from app.core.conditional import ANY_STATE, Preconditions
from app.core.database import Database
from app.core.ids import new_id
from app.events.bus import Bus
from app.events.types import Topic
from app.loadgen.trace_context import execution_span_id


class BenchmarkService:
    """Serves requests about benchmarks; `results` and `curves` serve those about what they measured, `many` several."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        bus: Bus,
        providers: ProviderDirectory,
        *,
        live: LiveRuns | None = None,
        max_workers: int | None = None,
        default_visibility: str = Visibility.PRIVATE,
        queue: QueueLimits = NO_LIMITS,
    ) -> None:
        self.results = ResultService(database)
        self.result_counts = ResultCounts(database)
        self.live = LiveRuns() if live is None else live
        self.many = ManyBenchmarks(database, self.live)
        self.changes = BenchmarkChanges(database, clock, bus)
        self.bulk = BulkService(self.changes)
        self.curves = CurveService(database, self.live)
        self.on_submitted: Callable[[], None] = lambda: None  # the runner's bell
        self.run_at_once: Callable[[int], None] = lambda _number: None  # the runner's room
        self.cluster: ClusterService | None = None
        self._database = database
        self._clock = clock
        self.checks = SpecChecks(providers, max_workers=max_workers)
        self._rendered = RenderedBodies()
        self.default_visibility = default_visibility
        self._queue = queue
        self.spans: SpanSink | None = None  # who exports traces
        self.trace_link: TraceLink = no_link

    def _link(self, row: BenchmarkSession | Row[Any]) -> str | None:
        span = execution_span_id(row.trace_id, row.id.hex) if row.trace_id else None
        return self.trace_link(row.trace_id, span)

    async def count_unfinished(self) -> int:
        """Benchmarks that wait or run, over all servers of this database."""
        async with self._database.read() as session:
            return await repository.count_unfinished(session)

    async def submit(self, caller: Caller, spec: BenchmarkSpec, *, visibility: Visibility | None = None) -> Benchmark:
        """Store a benchmark; it runs as soon as there is room. Without `visibility` it is shared as the settings say.

        Raises:
            InvalidRequestError: when a provider does not exist or does not take what the workload holds, there are
                fewer worker slots than wanted, or the budget cannot be kept.
            QueueFullError: too many benchmarks wait.
            RateLimitedError: too many of this user wait.
        """
        document = await self.checks.checked(spec)
        audience = first_audience(caller, visibility, self.default_visibility)
        trace = tracing.current_or_new()
        row = BenchmarkSession(
            id=new_id(),
            name=spec.name,
            status=Status.PENDING,
            **audience._asdict(),
            spec=document,
            tags=list(dict.fromkeys(spec.tags)),
            providers=list(dict.fromkeys(target.provider for target in spec.targets)),
            models=list(dict.fromkeys(target.model for target in spec.targets)),
            requests_planned=planner.requests_planned(spec),
            requests_ok=0,
            requests_failed=0,
            created_at=self._clock.now(),
            trace_id=trace.trace_id,
            parent_span_id=parent_of(trace, self.spans),
        )
        async with self._database.write() as session:
            await self._queue.check_room(session, row.owner_id)
            session.add(row)
            await session.flush()
            announce(
                session,
                Topic.BENCHMARK_CREATED,
                session_id=row.id,
                audience=audience,
                name=row.name,
                status=Status.PENDING,
                at=row.created_at,
            )
            told = {"name": row.name, "visibility": row.visibility}
            await audit.record(session, caller, "benchmark.create", "benchmark", row.id, told)
        self.on_submitted()
        owner = Owner(id=row.owner_id, username=caller.username) if row.owner_id else None
        return Benchmark(
            id=row.id,
            name=row.name,
            status=Status.PENDING,
            tags=row.tags,
            owner=owner,
            visibility=Visibility(audience.visibility),
            team=audience.team,
            created_at=row.created_at,
            started_at=None,
            finished_at=None,
            trace_id=row.trace_id,
            trace_url=self._link(row),
            error=None,
            progress=None,
            spec=spec,
            summary=None,
        )

    async def check(self, caller: Caller, spec: BenchmarkSpec) -> SpecCheck:
        """What `submit` would say about a spec, and what it would cost; stores nothing. Raises as `submit`."""
        return await self.checks.check(spec)

    async def list(
        self,
        caller: Caller,
        filters: Filters,
        order: Order = NEWEST_FIRST,
        *,
        limit: int,
        cursor: str | None = None,
    ) -> BenchmarkPage:
        """A page of visible benchmarks; raises as `ManyBenchmarks.page`."""
        return await self.many.page(caller, filters, order, limit=limit, cursor=cursor)

    async def get(self, caller: Caller, session_id: UUID) -> Benchmark:
        """One visible benchmark.

        Raises:
            NotFoundError: when there is none.
        """
        async with self._database.read() as session:
            row = await repository.find(session, caller, session_id)
            if row is None:
                raise not_found(session_id)
            progress = self.live.progress(session_id)
            if progress is None and row.status in LIVE:  # another replica runs it
                document = await repository.find_live_document(session, session_id)
                progress = (document or {}).get("progress")
        return Benchmark.model_validate(
            head(row, progress) | {"spec": row.spec, "summary": row.summary, "trace_url": self._link(row)},
            context=STORED,
        )

    async def read(self, caller: Caller, session_id: UUID) -> tuple[str, bytes]:
        """One visible benchmark as its entity tag and JSON; raises as `get`.

        One query where nothing has changed since it was last asked for, and the benchmark is not running.
        """
        found = await self._database.fetch_one(repository.IDENTITY, session_id)
        if found is None:
            raise not_found(session_id)
        owner_id, visibility, team, status, version, owner_name = found
        if status == states.REMOVED or not may_see_owned(caller, owner_id, visibility, team):
            raise not_found(session_id)
        tag = version_tag(session_id, version)
        known = (session_id, version, owner_name)
        if status not in LIVE and (body := self._rendered.get(known)) is not None:
            return f'"{tag}"', body
        body = (await self.get(caller, session_id)).model_dump_json(by_alias=True).encode()
        if status in LIVE:  # progress is not a version: what a write would overwrite stays the same
            return f'"{tag}.{hashlib.blake2b(body, digest_size=8).hexdigest()}"', body
        # Read after the version was: when it changed in between, a newer body has an older tag, and 304 is never wrong.
        self._rendered.put(known, body)
        return f'"{tag}"', body

    async def cancel(self, caller: Caller, session_id: UUID) -> Benchmark:
        """Stop a benchmark and read it; raises as `BenchmarkChanges.cancel`."""
        await self.changes.cancel(caller, session_id)
        return await self.get(caller, session_id)

    async def update(
        self, caller: Caller, session_id: UUID, changes: BenchmarkUpdate, conditions: Preconditions = ANY_STATE
    ) -> Benchmark:
        """Change a benchmark and read it; raises as `BenchmarkChanges.retag`."""
        await self.changes.retag(caller, session_id, lambda _tags: changes, conditions)
        return await self.get(caller, session_id)

    async def delete(self, caller: Caller, session_id: UUID, conditions: Preconditions = ANY_STATE) -> None:
        """Remove a benchmark and its results; raises as `BenchmarkChanges.delete`."""
        await self.changes.delete(caller, session_id, conditions)

    async def timeline(self, caller: Caller, session_id: UUID) -> Timeline:
        """What happened in each second, also while the benchmark runs; raises as `get`."""
        async with self._database.read() as session:
            if await repository.find_status(session, caller, session_id) is None:
                raise not_found(session_id)
            columns = self.live.timeline(session_id)
            if columns is None:
                document = await repository.find_live_document(session, session_id)
                columns = (document or {}).get("columns")
        return Timeline.model_validate(columns or EMPTY_TIMELINE)
