"""Requests as points of a scatter plot: chosen in the database without favour, and bounded.

Up to `limit` requests all are told. Of more, those whose index, taken through a fixed permutation of 0 … P - 1, falls
below a share of P: every request has the same chance, whatever it measured, the choice is the same each time, and,
the permutation's step being the golden ratio of P, it is spread evenly over the schedule (a Kronecker sequence).
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.benchmarks.curve_views import ExtremePoint, PointField, Points
from app.benchmarks.models import BenchmarkSession, Result

EXTREMES = 20
_PRIME = 1_000_003
_STEP = 618_035  # P over the golden ratio; prime to P


async def points(
    session: AsyncSession,
    session_id: UUID,
    x: PointField,
    y: PointField,
    *,
    conditions: Sequence[ColumnElement[bool]],
    limit: int,
) -> Points:
    """Points of one benchmark; the caller's right to see it has been checked."""
    origin_ns = await _origin_ns(session, session_id) if "started_s" in {x, y} else 0
    across, up = _measure(x, origin_ns), _measure(y, origin_ns)
    mine = [Result.session_id == session_id, across.is_not(None), up.is_not(None), *conditions]
    n = (await session.execute(select(func.count()).where(*mine))).scalar_one()
    chosen = list(mine)
    if n > limit:
        chosen.append(Result.index % _PRIME * _STEP % _PRIME < limit * _PRIME // n)
    query = select(Result.index, across.label("x"), up.label("y"), Result.status).where(*chosen)
    # Spread evenly, the choice differs from `limit` by a few; where indices repeat modulo P, by more.
    rows = (await session.execute(query.order_by(Result.index).limit(2 * limit))).all()
    far = [Result.session_id == session_id, up.is_not(None), *conditions]
    top = select(Result.index, across.label("x"), up.label("y"), Result.status).where(*far)
    slowest = (await session.execute(top.order_by(up.desc(), Result.index).limit(EXTREMES))).all()
    values = [tuple(row) for row in rows]
    return Points(
        x=x,
        y=y,
        n=n,
        is_sample=n > limit,
        sampling=_words(len(values), n, limit),
        index=[row[0] for row in values],
        xs=[float(row[1]) for row in values],
        ys=[float(row[2]) for row in values],
        ok=[row[3] == "ok" for row in values],
        extremes=[
            ExtremePoint(index=index, x=None if one is None else float(one), y=float(other), status=status)
            for index, one, other, status in map(tuple, slowest)
        ],
    )


def _words(shown: int, n: int, limit: int) -> str:
    if n <= limit:
        return f"all {n:,} requests that have both"
    return (
        f"{shown:,} of {n:,} requests, each with the same chance whatever it measured, spread evenly over the schedule;"
        f" the {EXTREMES} highest are told apart"
    )


def _measure(name: PointField, origin_ns: int) -> ColumnElement[Any]:
    if name == "started_s":
        return case((Result.started_ns.is_not(None), (Result.started_ns - origin_ns) / 1e9))
    column: ColumnElement[Any] = getattr(Result, name)
    return column


async def _origin_ns(session: AsyncSession, session_id: UUID) -> int:
    """The instant from which the run's seconds count; the first intended start where no summary says it."""
    told = select(BenchmarkSession.summary).where(BenchmarkSession.id == session_id)
    summary = (await session.execute(told)).scalar_one_or_none() or {}
    if origin := (summary.get("window") or {}).get("origin_ns"):
        return int(origin)
    first = select(func.min(Result.intended_ns)).where(Result.session_id == session_id)
    return int((await session.execute(first)).scalar_one() or 0)
