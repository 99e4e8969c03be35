"""What changes a benchmark that was submitted: cancelling it, another name, tags or audience, deleting it.

Each change is one transaction with its entry in the audit trail and its event.
"""

import importlib.metadata
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from app.accounts import audit
from app.accounts.caller import Caller
from app.accounts.visibility import check_change
from app.benchmarks import listed, repository, results_removal, states
from app.benchmarks.announcements import announce, control_channel
from app.benchmarks.audience import Audience, shared
from app.benchmarks.changes import BenchmarkUpdate
from app.benchmarks.states import Status
from app.core.clock import Clock
from app.core.conditional import ANY_STATE, Preconditions, etag_of
from app.core.database import Database, WriteSession
from app.core.errors import ConflictError, NotFoundError
from app.events.bus import Bus
from app.events.types import Topic

try:
    _RELEASE = importlib.metadata.version("llm-test-bench")
except importlib.metadata.PackageNotFoundError:  # run from a checkout that is not installed
    _RELEASE = "0"


class BenchmarkChanges:
    """Changes benchmarks for callers who may."""

    def __init__(self, database: Database, clock: Clock, bus: Bus) -> None:
        self.on_marked: Callable[[], None] = lambda: None  # the bell of what takes results away
        self._database = database
        self._clock = clock
        self._bus = bus

    async def cancel(self, caller: Caller, session_id: UUID) -> None:
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

    async def delete(self, caller: Caller, session_id: UUID, conditions: Preconditions = ANY_STATE) -> None:
        """Remove a benchmark and its results; of many results it leaves most to a background duty.

        Raises:
            NotFoundError: when there is none.
            PreconditionFailedError: when it is not as `conditions` want it.
            ForbiddenError: when it is only shared with the caller.
            ConflictError: while it runs.
        """
        async with self._database.write() as session:
            row = await repository.find_status(session, caller, session_id, for_update=True)
            if row is None:
                raise not_found(session_id)
            check_change(caller, row.owner_id, "benchmark")
            conditions.check_write(f'"{version_tag(session_id, row.version)}"')
            states.check_deletable(row.status)
            gone = await results_removal.remove(session, session_id, row.status)
            if gone is None:
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
        if not gone:
            self.on_marked()

    async def retag(
        self,
        caller: Caller,
        session_id: UUID,
        change: Callable[[Sequence[str]], BenchmarkUpdate],
        conditions: Preconditions = ANY_STATE,
    ) -> None:
        """Give a benchmark another name, other tags, or share it with others; what it measured stays as it is.

        `change` is asked with the tags that it has now; nobody changes them in between.

        Raises:
            NotFoundError: when there is none.
            ForbiddenError: when it is only shared with the caller.
            PreconditionFailedError: when it is not as `conditions` want it.
            InvalidRequestError: when it should be shared with a team and its owner has none.
        """
        async with self._database.write() as session:
            row = await repository.find_status(session, caller, session_id, for_update=True)
            if row is None:
                raise not_found(session_id)
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

    async def _cancel(self, session: WriteSession, caller: Caller, session_id: UUID) -> Status:
        # Twice: between reading and changing, the runner may have claimed a pending benchmark.
        for _ in range(2):
            row = await repository.find_status(session, caller, session_id)
            if row is None:
                raise not_found(session_id)
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


def not_found(session_id: UUID) -> NotFoundError:
    """There is none, or the caller may not know of it."""
    return NotFoundError(f"there is no benchmark {session_id}", resource="benchmark", id=str(session_id))
