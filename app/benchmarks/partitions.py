"""The partitions of the results table on PostgreSQL: which there are, making them ahead, dropping one.

A session's id begins with the milliseconds of its creation (UUIDv7), so a range of ids is a range of time. Partitions
are a day wide where results are deleted after weeks, and wider where they are kept long, so that there are never more
than some hundreds. What fits nowhere (ids of another kind, a clock that is far off) is in the default partition.

All of it may be done by several servers at once: one does it, the others leave it to that one.
"""

import logging
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.core.database import Database, WriteSession

log = logging.getLogger(__name__)

AHEAD = timedelta(days=3)
_LOCK_KEY = 0x6C74_625F_7061_7274  # "ltb_part"
# Attaching and dropping wait for whoever reads the table, and everybody else then waits for them.
_LOCK_TIMEOUT = "2s"
_BOUNDS = re.compile(r"FROM \((MINVALUE|'[^']+')\) TO \((MAXVALUE|'[^']+')\)")
_LIST = text(
    "SELECT child.relname AS name, pg_get_expr(child.relpartbound, child.oid) AS bounds FROM pg_inherits "
    "JOIN pg_class child ON child.oid = inhrelid WHERE inhparent = CAST('results' AS regclass)"
)
_EPOCH = datetime.fromtimestamp(0, UTC)
_LAST_MILLISECOND = 253_402_300_799_999  # of the year 9999


class Partition(NamedTuple):
    """Results of the sessions whose ids are `low` ≤ id < `high`."""

    name: str
    low: UUID
    high: UUID

    @property
    def begins(self) -> datetime:
        """Sessions that were created from then on …"""
        return created_at(self.low)

    @property
    def ends(self) -> datetime:
        """… and before then."""
        return created_at(self.high)


def first_id(at: datetime) -> UUID:
    """The least id of a session that is created at an instant, to the millisecond."""
    return UUID(int=(at - _EPOCH) // timedelta(milliseconds=1) << 80)


def created_at(session_id: UUID) -> datetime:
    """When a session with this id was created, to the millisecond; 9999 at the latest."""
    return _EPOCH + timedelta(milliseconds=min(session_id.int >> 80, _LAST_MILLISECOND))


def width_for(retention_days: int) -> timedelta:
    """How long a time the sessions of a new partition span: a day up to sixty days, a week up to a year."""
    if 0 < retention_days <= 60:
        return timedelta(days=1)
    return timedelta(days=7 if 0 < retention_days <= 366 else 30)


def missing(partitions: Iterable[Partition], now: datetime, width: timedelta) -> list[Partition]:
    """Partitions to make so that every session created from today until `AHEAD` has one that is not the default."""
    known = sorted(partitions, key=lambda one: one.low)
    begins = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    found: list[Partition] = []
    while begins <= now + AHEAD:
        covering = next((one for one in known if one.low <= first_id(begins) < one.high), None)
        if covering is not None:
            begins = covering.ends
            continue
        following = next((one for one in known if one.low > first_id(begins)), None)
        ends = begins + width
        if following is not None:
            ends = min(ends, following.begins)
        if ends <= begins:  # less than a millisecond is free
            break
        found.append(Partition(f"results_p{begins:%Y%m%d}", first_id(begins), first_id(ends)))
        begins = ends
    return found


async def existing(session: Any) -> list[Partition]:
    """All but the default one, oldest first."""
    found = []
    for row in await session.execute(_LIST):
        if (bounds := _BOUNDS.match(row.bounds.removeprefix("FOR VALUES "))) is None:
            continue  # the default one
        low, high = bounds.groups()
        found.append(
            Partition(
                row.name,
                UUID(int=0) if low == "MINVALUE" else UUID(low.strip("'")),
                UUID(int=2**128 - 1) if high == "MAXVALUE" else UUID(high.strip("'")),
            )
        )
    return sorted(found, key=lambda one: one.low)


async def take_turn(session: WriteSession) -> None:
    """Wait, but not long, until no other server changes partitions; holds until the transaction ends."""
    await session.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'"))
    await session.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK_KEY})"))


async def make_ahead(database: Database, now: datetime, retention_days: int) -> Sequence[str]:
    """Make the partitions of today and the next days; the names of those that were made.

    Nothing on SQLite. One that cannot be made now (somebody reads for long, another server makes it) is left for the
    next time: rows then go to the default partition, out of which they are moved when it is made.
    """
    if database.dialect != "postgresql":
        return []
    async with database.read() as session:
        wanted = missing(await existing(session), now, width_for(retention_days))
    made = []
    for partition in wanted:
        try:
            if await _make(database, partition):
                made.append(partition.name)
        except DBAPIError as error:
            log.warning("partition %s cannot be made now, will try again: %s", partition.name, error.orig)
    return made


async def _make(database: Database, partition: Partition) -> bool:
    name, low, high = partition
    async with database.write() as session:
        await take_turn(session)
        if any(one.low < high and low < one.high for one in await existing(session)):
            return False
        # Attached when it is filled, because making it as a partition would lock the whole table.
        await session.execute(
            text(f"CREATE TABLE {name} (LIKE results INCLUDING DEFAULTS INCLUDING STORAGE INCLUDING COMPRESSION)")
        )
        await session.execute(
            text(
                "WITH moved AS (DELETE FROM results_default WHERE session_id >= :low AND session_id < :high "  # noqa: S608
                f"RETURNING *) INSERT INTO {name} SELECT * FROM moved"
            ),
            {"low": low, "high": high},
        )
        await session.execute(
            text(f"ALTER TABLE results ATTACH PARTITION {name} FOR VALUES FROM ('{low}') TO ('{high}')")
        )
    return True


async def drop(session: WriteSession, partition: Partition) -> None:
    """Drop a partition with every row in it; after `take_turn`."""
    await session.execute(text(f'DROP TABLE "{partition.name}"'))
