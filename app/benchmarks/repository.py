"""Queries on sessions. Bound parameters only; the service decides what they mean."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Row,
    Select,
    String,
    and_,
    case,
    delete,
    func,
    literal,
    or_,
    select,
    text,
    type_coerce,
    update,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from app.accounts.caller import Caller
from app.accounts.models import User
from app.benchmarks import listed
from app.benchmarks.audience import visible_to
from app.benchmarks.fair_share import Waiting
from app.benchmarks.models import BenchmarkSession, Result
from app.benchmarks.states import LIVE, Status
from app.core import leases
from app.core.database import WriteSession
from app.core.leases import LeaseRow
from app.core.point_reads import PointQuery

_CLAIM_KEY = 0x6C74_625F_636C_616D  # "ltb_clam"
_SUBMIT_KEY = 0x6C74_625F_7375_626D  # "ltb_subm"

_HEARTBEAT = frozenset({"heartbeat_at", "requests_ok", "requests_failed", "timeline"})
IDENTITY = PointQuery(
    select(
        BenchmarkSession.owner_id,
        BenchmarkSession.visibility,
        BenchmarkSession.team,
        BenchmarkSession.status,
        BenchmarkSession.version,
        User.username,
    ).outerjoin(User, User.id == BenchmarkSession.owner_id),
    by=BenchmarkSession.id,
)
"""Who may see a session, and which version of it there is: all that reading an unchanged one needs."""


_HEAD = (
    BenchmarkSession.id,
    BenchmarkSession.name,
    BenchmarkSession.status,
    BenchmarkSession.tags,
    BenchmarkSession.owner_id,
    BenchmarkSession.visibility,
    BenchmarkSession.team,
    User.username.label("owner_name"),
    BenchmarkSession.created_at,
    BenchmarkSession.started_at,
    BenchmarkSession.finished_at,
    BenchmarkSession.trace_id,
    BenchmarkSession.error,
)
_FIGURES = tuple(getattr(BenchmarkSession, name) for name in listed.FIGURES)


_SPEC_PARTS = tuple(BenchmarkSession.spec[name].label(name) for name in ("targets", "load", "stop"))


def _joined(query: Select[Any]) -> Select[Any]:
    return query.outerjoin(User, User.id == BenchmarkSession.owner_id)


async def rows_of(session: AsyncSession, caller: Caller, ids: Sequence[UUID]) -> Sequence[Row[Any]]:
    """The visible ones of these sessions, as in a listing, in no order.

    Parts of the spec are taken out of it in the database: whole specs may hold megabytes of prompts.
    """
    query = _joined(select(*_HEAD, *_FIGURES, *_SPEC_PARTS)).where(BenchmarkSession.id.in_(ids), visible_to(caller))
    return (await session.execute(query)).all()


async def column_of(
    session: AsyncSession, caller: Caller, column: InstrumentedAttribute[Any], ids: Sequence[UUID]
) -> dict[UUID, Any]:
    """One column of the visible ones of these sessions."""
    query = select(BenchmarkSession.id, column).where(BenchmarkSession.id.in_(ids), visible_to(caller))
    return dict((await session.execute(query)).tuples().all())


async def find(session: AsyncSession, caller: Caller, session_id: UUID) -> Row[Any] | None:
    """One visible session with its spec."""
    query = _joined(select(*_HEAD, BenchmarkSession.summary, BenchmarkSession.spec)).where(
        BenchmarkSession.id == session_id, visible_to(caller)
    )
    return (await session.execute(query)).one_or_none()


async def find_status(
    session: AsyncSession, caller: Caller, session_id: UUID, *, for_update: bool = False
) -> Row[Any] | None:
    """Status, name, tags, targets, version and audience of one visible session, and the team of its owner."""
    query = select(
        BenchmarkSession.status,
        BenchmarkSession.name,
        BenchmarkSession.tags,
        BenchmarkSession.providers,
        BenchmarkSession.models,
        BenchmarkSession.version,
        BenchmarkSession.owner_id,
        BenchmarkSession.visibility,
        BenchmarkSession.team,
        User.team.label("owner_team"),
    )
    query = _joined(query).where(BenchmarkSession.id == session_id, visible_to(caller))
    if for_update:  # other writers wait, so that a version that was checked is the one that is changed
        query = query.with_for_update(of=BenchmarkSession)
    return (await session.execute(query)).one_or_none()


async def find_live_document(session: AsyncSession, session_id: UUID) -> dict[str, Any] | None:
    """The stored timeline, and the progress beside it while the benchmark runs."""
    query = select(BenchmarkSession.timeline).where(BenchmarkSession.id == session_id)
    return (await session.execute(query)).scalar_one_or_none()


async def change(session: WriteSession, session_id: UUID, current: Sequence[str], **values: Any) -> bool:
    """Compare and set: change a session only while its status is one of `current`; says whether it was.

    Counts as a new version, unless only what a running benchmark reports changes.
    """
    if values.keys() <= _HEARTBEAT:
        values["version"] = BenchmarkSession.version
    if "summary" in values:
        values |= listed.figure_columns(values["summary"])
    statement = update(BenchmarkSession).where(BenchmarkSession.id == session_id, BenchmarkSession.status.in_(current))
    result = await session.execute(statement.values(values).execution_options(synchronize_session=False))
    return cast("CursorResult[Any]", result).rowcount == 1


async def describe(session: WriteSession, session_id: UUID, **values: Any) -> None:
    """Change what a benchmark is called and who sees it, whatever its status."""
    statement = update(BenchmarkSession).where(BenchmarkSession.id == session_id)
    await session.execute(statement.values(values).execution_options(synchronize_session=False))


async def remove(session: WriteSession, session_id: UUID, status: str) -> bool:
    """Delete a session and its results while its status is `status`; says whether it was."""
    statement = delete(BenchmarkSession).where(BenchmarkSession.id == session_id, BenchmarkSession.status == status)
    result = await session.execute(statement.execution_options(synchronize_session=False))
    return cast("CursorResult[Any]", result).rowcount == 1


async def waiting(session: AsyncSession) -> list[Waiting]:
    """Sessions that wait to be run."""
    columns = (BenchmarkSession.id, BenchmarkSession.owner_id, BenchmarkSession.created_at)
    query = select(*columns).where(BenchmarkSession.status == Status.PENDING)
    rows = await session.execute(query.order_by(BenchmarkSession.created_at, BenchmarkSession.id))
    return [Waiting(row.id, row.owner_id, row.created_at) for row in rows]


async def running_by_owner(session: AsyncSession) -> dict[UUID | None, int]:
    """How many benchmarks of each user run, on all servers."""
    query = select(BenchmarkSession.owner_id, func.count()).where(BenchmarkSession.status.in_(LIVE))
    return {row.owner_id: row[1] for row in await session.execute(query.group_by(BenchmarkSession.owner_id))}


async def one_claims(session: WriteSession) -> None:
    """Let nobody else claim benchmarks until this transaction ends."""
    if session.get_bind().dialect.name == "postgresql":  # on SQLite every writer is alone
        await session.execute(text(f"SELECT pg_advisory_xact_lock({_CLAIM_KEY})"))


async def one_submits(session: WriteSession) -> None:
    """Let nobody else add a benchmark to the queue until this transaction ends."""
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(text(f"SELECT pg_advisory_xact_lock({_SUBMIT_KEY})"))


async def count_waiting(session: AsyncSession, owner_id: UUID | None) -> tuple[int, int]:
    """How many sessions wait to be run, and how many of these belong to `owner_id`."""
    own = func.count(case((BenchmarkSession.owner_id == owner_id, 1)))
    query = select(func.count(), own).where(BenchmarkSession.status == Status.PENDING)
    return (await session.execute(query)).one()._tuple()  # noqa: SLF001


async def left_behind(session: AsyncSession, heartbeat_before: datetime | None) -> Sequence[BenchmarkSession]:
    """Live sessions whose coordinator is gone: its lease has run out, or (without one) it was last heard of before.

    Without a limit, all live ones.
    """
    query = select(BenchmarkSession).where(BenchmarkSession.status.in_(LIVE))
    if heartbeat_before is not None:
        name = literal("run/") + _id_text(session)
        query = query.outerjoin(LeaseRow, LeaseRow.name == name)
        silent = func.coalesce(BenchmarkSession.heartbeat_at, BenchmarkSession.created_at) < heartbeat_before
        query = query.where(or_(LeaseRow.expires_at <= leases.now(session), and_(LeaseRow.name.is_(None), silent)))
    return (await session.scalars(query)).all()


def _id_text(session: AsyncSession) -> ColumnElement[str]:
    """A session's id as `UUID.hex` has it."""
    if session.get_bind().dialect.name == "postgresql":
        return func.replace(sql_cast(BenchmarkSession.id, String), "-", "")
    return type_coerce(BenchmarkSession.id, String)


async def count_results(session: AsyncSession, session_id: UUID) -> dict[str, int]:
    """Stored results of a session, by status."""
    query = select(Result.status, func.count()).where(Result.session_id == session_id).group_by(Result.status)
    return {row.status: row[1] for row in await session.execute(query)}


async def count_unfinished(session: AsyncSession) -> int:
    """Sessions that wait or run."""
    query = select(func.count()).where(BenchmarkSession.status.in_([Status.PENDING, *LIVE]))
    return (await session.execute(query)).scalar_one()
