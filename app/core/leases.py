"""Leases: rows that say who does what until when, with a fencing epoch that grows whenever the holder changes.

Whoever holds a lease writes under its epoch, in one transaction with `is_held`: a holder that was asleep while another
took over then changes nothing. Time is the database's, so that clocks of servers need not agree. A holder whose
lease has run out keeps it as long as nobody else wanted it.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Double, String, delete, literal_column, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base, JsonDocument, WriteSession

_NOW = {
    "postgresql": "extract(epoch from clock_timestamp())",
    "sqlite": "((julianday('now') - 2440587.5) * 86400.0)",
}
_TAKE = """
INSERT INTO leases (name, holder, epoch, expires_at) VALUES (:name, :holder, 1, {now} + :seconds)
ON CONFLICT (name) DO UPDATE SET
  epoch = CASE WHEN leases.holder = excluded.holder THEN leases.epoch ELSE leases.epoch + 1 END,
  holder = excluded.holder, expires_at = excluded.expires_at
WHERE leases.holder = excluded.holder OR leases.expires_at <= {now}
RETURNING epoch
"""


class LeaseRow(Base):
    """One lease. `expires_at` is in Unix seconds by the database's clock; `detail` belongs to the holder."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    holder: Mapped[str] = mapped_column(String(128))
    epoch: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[float] = mapped_column(Double)
    detail: Mapped[dict[str, Any] | None] = mapped_column(JsonDocument)


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease that somebody has got."""

    name: str
    holder: str
    epoch: int


def now(session: AsyncSession) -> Any:
    """The database's clock as an expression, in Unix seconds."""
    return literal_column(_NOW[session.get_bind().dialect.name], Double)


async def take(session: WriteSession, name: str, holder: str, seconds: float) -> Lease | None:
    """Get or keep a lease; None while another holds it."""
    statement = text(_TAKE.format(now=_NOW[session.get_bind().dialect.name]))
    result = await session.execute(statement, {"name": name, "holder": holder, "seconds": seconds})
    epoch = result.scalar_one_or_none()
    return None if epoch is None else Lease(name, holder, epoch)


async def keep(session: WriteSession, lease: Lease, seconds: float, detail: dict[str, Any] | None = None) -> bool:
    """Hold it longer, with `detail` if that is given; False when another has taken it."""
    values: dict[str, Any] = {"expires_at": now(session) + seconds}
    if detail is not None:
        values["detail"] = detail
    statement = update(LeaseRow).where(*_exactly(lease)).values(values).returning(LeaseRow.name)
    return (await session.execute(statement.execution_options(synchronize_session=False))).first() is not None


async def is_held(session: WriteSession, lease: Lease) -> bool:
    """Whether it is still this holder's, and stays so until the transaction ends."""
    query = select(LeaseRow.epoch).where(*_exactly(lease)).with_for_update()
    return (await session.execute(query)).first() is not None


async def release(session: WriteSession, lease: Lease, *, forget: bool = False) -> None:
    """Let others have it at once; with `forget` nobody will want it again, and the row goes."""
    if forget:
        await session.execute(delete(LeaseRow).where(*_exactly(lease)).execution_options(synchronize_session=False))
        return
    statement = update(LeaseRow).where(*_exactly(lease)).values(expires_at=0.0)
    await session.execute(statement.execution_options(synchronize_session=False))


async def forget(session: WriteSession, name: str) -> None:
    """Remove the lease of exactly that name, whoever holds it."""
    statement = delete(LeaseRow).where(LeaseRow.name == name)
    await session.execute(statement.execution_options(synchronize_session=False))


async def forget_all(session: WriteSession, prefix: str, holder: str) -> None:
    """Remove every lease of that holder whose name begins so."""
    statement = delete(LeaseRow).where(LeaseRow.name.startswith(prefix, autoescape=True), LeaseRow.holder == holder)
    await session.execute(statement.execution_options(synchronize_session=False))


async def find(session: AsyncSession, name: str) -> LeaseRow | None:
    """The row of that name, also when it has run out."""
    return (await session.scalars(select(LeaseRow).where(LeaseRow.name == name))).one_or_none()


async def held(session: AsyncSession, prefix: str) -> list[LeaseRow]:
    """Every lease in force whose name begins so."""
    query = select(LeaseRow).where(
        LeaseRow.name.startswith(prefix, autoescape=True), LeaseRow.expires_at > now(session)
    )
    return list((await session.scalars(query.order_by(LeaseRow.name))).all())


async def all_of(session: AsyncSession, prefix: str, holder: str) -> list[LeaseRow]:
    """Every lease of that holder whose name begins so, also those that have run out."""
    query = select(LeaseRow).where(LeaseRow.name.startswith(prefix, autoescape=True), LeaseRow.holder == holder)
    return list((await session.scalars(query)).all())


def _exactly(lease: Lease) -> tuple[Any, ...]:
    return LeaseRow.name == lease.name, LeaseRow.holder == lease.holder, LeaseRow.epoch == lease.epoch
