"""What can be done with benchmarks: submit, list, read, change, cancel, delete. Running them: `tasks`, `executor`."""

import hashlib
import importlib.metadata
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from app.accounts import audit
from app.accounts.caller import Caller
from app.accounts.visibility import Visibility, check_change, may_see_owned
from app.benchmarks import listed, planner, repository, states
from app.benchmarks.announcements import announce, control_channel
from app.benchmarks.audience import Audience, first_audience, shared
from app.benchmarks.bulk import BulkService
from app.benchmarks.changes import BenchmarkUpdate
from app.benchmarks.checking import ProviderDirectory, SpecChecks
from app.benchmarks.cluster_service import ClusterService
from app.benchmarks.curve_service import CurveService
from app.benchmarks.forecast_views import SpecCheck
from app.benchmarks.listing import NEWEST_FIRST, Filters, Order
from app.benchmarks.live import LiveRuns
from app.benchmarks.many import ManyBenchmarks, head
from app.benchmarks.models import BenchmarkSession
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
from app.core.conditional import ANY_STATE, Preconditions, etag_of
from app.core.database import Database, WriteSession
from app.core.errors import ConflictError, NotFoundError
from app.core.ids import new_id
from app.events.bus import Bus
from app.events.types import Topic
from app.loadgen.trace_context import execution_span_id

try:
    _RELEASE = importlib.metadata.version("llm-test-bench")
except importlib.metadata.PackageNotFoundError:  # run from a checkout that is not installed
    _RELEASE = "0"


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
    ) -> None:
        self.results = ResultService(database)
        self.result_counts = ResultCounts(database)
        self.live = LiveRuns() if live is None else live
        self.many = ManyBenchmarks(database, self.live)
        self.bulk = BulkService(self)
        self.curves = CurveService(database, self.live)
        self.on_submitted: Callable[[], None] = lambda: None  # the runner's bell
        self.run_at_once: Callable[[int], None] = lambda _number: None  # the runner's room
        self.cluster: ClusterService | None = None
        self._database = database
        self._clock = clock
        self._bus = bus
        self.checks = SpecChecks(providers, max_workers=max_workers)
        self._rendered = RenderedBodies()
        self.default_visibility = default_visibility
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
            await self._audit(
                session, caller, "benchmark.create", row.id, {"name": row.name, "visibility": row.visibility}
            )
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
                raise _not_found(session_id)
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
            raise _not_found(session_id)
        owner_id, visibility, team, status, version, owner_name = found
        if not may_see_owned(caller, owner_id, visibility, team):
            raise _not_found(session_id)
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
        """Stop a benchmark: pending ones end at once, running ones keep what was measured.

        Raises:
            NotFoundError: when there is none.
            ForbiddenError: when it is only shared with the caller.
            ConflictError: when it has ended.
        """
        async with self._database.write() as session:
            status = await self._cancel(session, caller, session_id)
        if status == Status.CANCELLING:
            await self._bus.publish_raw(control_channel(session_id), b"cancel")
        return await self.get(caller, session_id)

    async def delete(self, caller: Caller, session_id: UUID, conditions: Preconditions = ANY_STATE) -> None:
        """Remove a benchmark and its results.

        Raises:
            NotFoundError: when there is none.
            PreconditionFailedError: when it is not as `conditions` want it.
            ForbiddenError: when it is only shared with the caller.
            ConflictError: while it runs.
        """
        async with self._database.write() as session:
            row = await repository.find_status(session, caller, session_id, for_update=True)
            if row is None:
                raise _not_found(session_id)
            check_change(caller, row.owner_id, "benchmark")
            conditions.check_write(f'"{version_tag(session_id, row.version)}"')
            states.check_deletable(row.status)
            if not await repository.remove(session, session_id, row.status):
                raise ConflictError("the benchmark has just changed its state; try again", status=row.status)
            announce(
                session,
                Topic.BENCHMARK_DELETED,
                session_id=session_id,
                audience=Audience.of(row),
                name=row.name,
                status=Status(row.status),
                at=self._clock.now(),
            )
            await self._audit(session, caller, "benchmark.delete", session_id, {"name": row.name})

    async def update(
        self, caller: Caller, session_id: UUID, changes: BenchmarkUpdate, conditions: Preconditions = ANY_STATE
    ) -> Benchmark:
        """Give a benchmark another name, other tags, or share it with others; what it measured stays as it is.

        Raises:
            NotFoundError: when there is none.
            ForbiddenError: when it is only shared with the caller.
            PreconditionFailedError: when it is not as `conditions` want it.
            InvalidRequestError: when it should be shared with a team and its owner has none.
        """
        await self.retag(caller, session_id, lambda _tags: changes, conditions)
        return await self.get(caller, session_id)

    async def retag(
        self,
        caller: Caller,
        session_id: UUID,
        change: Callable[[Sequence[str]], BenchmarkUpdate],
        conditions: Preconditions = ANY_STATE,
    ) -> None:
        """As `update`, with a change that depends on the tags that it has now; nobody changes them in between."""
        async with self._database.write() as session:
            row = await repository.find_status(session, caller, session_id, for_update=True)
            if row is None:
                raise _not_found(session_id)
            check_change(caller, row.owner_id, "benchmark")
            conditions.check_write(f'"{version_tag(session_id, row.version)}"')
            now = Audience.of(row)
            changes = change(row.tags)
            audience = now if changes.visibility is None else shared(now, changes.visibility, row.owner_team)
            before = {"name": row.name, "tags": row.tags, "visibility": now.visibility, "team": now.team}
            after = before | changes.given() | {"visibility": audience.visibility, "team": audience.team}
            if after != before:
                found = listed.text_columns(str(after["name"]), after["tags"], row.providers, row.models)
                await repository.describe(session, session_id, **after, **found)
                changed = [name for name in after if after[name] != before[name]]
                announce(
                    session,
                    Topic.BENCHMARK_UPDATED,
                    session_id=session_id,
                    audience=audience,
                    name=str(after["name"]),
                    status=Status(row.status),
                    at=self._clock.now(),
                    changed=changed,
                )
                told = {
                    "before": {name: before[name] for name in changed},
                    "after": {name: after[name] for name in changed},
                }
                await self._audit(session, caller, "benchmark.update", session_id, told)

    async def timeline(self, caller: Caller, session_id: UUID) -> Timeline:
        """What happened in each second, also while the benchmark runs; raises as `get`."""
        async with self._database.read() as session:
            if await repository.find_status(session, caller, session_id) is None:
                raise _not_found(session_id)
            columns = self.live.timeline(session_id)
            if columns is None:
                document = await repository.find_live_document(session, session_id)
                columns = (document or {}).get("columns")
        return Timeline.model_validate(columns or EMPTY_TIMELINE)

    async def _cancel(self, session: WriteSession, caller: Caller, session_id: UUID) -> Status:
        # Twice: between reading and changing, the runner may have claimed a pending benchmark.
        for _ in range(2):
            row = await repository.find_status(session, caller, session_id)
            if row is None:
                raise _not_found(session_id)
            check_change(caller, row.owner_id, "benchmark")
            wanted = states.after_cancel(row.status)
            if wanted == row.status:
                return wanted
            now = self._clock.now()
            ended = {"finished_at": now} if wanted == Status.CANCELLED else {}
            if await repository.change(session, session_id, [row.status], status=wanted, **ended):
                if ended:
                    announce(
                        session,
                        Topic.BENCHMARK_CANCELLED,
                        session_id=session_id,
                        audience=Audience.of(row),
                        name=row.name,
                        status=wanted,
                        at=now,
                    )
                await self._audit(
                    session, caller, "benchmark.cancel", session_id, {"before": row.status, "after": wanted}
                )
                return wanted
        raise ConflictError("the benchmark has just changed its state; try again")

    async def _audit(
        self, session: WriteSession, caller: Caller, action: str, session_id: UUID, changes: dict[str, Any]
    ) -> None:
        await audit.record(session, caller, action, "benchmark", session_id, changes)


def version_tag(session_id: UUID, version: int) -> str:
    """What names one version of a benchmark, without quotes; releases differ in what they answer."""
    return etag_of(session_id, version, _RELEASE).strip('"')


def _not_found(session_id: UUID) -> NotFoundError:
    return NotFoundError(f"there is no benchmark {session_id}", resource="benchmark", id=str(session_id))
