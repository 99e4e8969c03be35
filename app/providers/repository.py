"""Queries of providers. Takes sessions, opens none, decides nothing."""

from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.providers.models import Provider


async def by_name(session: AsyncSession, name: str, *, for_update: bool = False) -> Provider | None:
    """The provider called `name`; `for_update` makes other writers wait, where the database does not anyway."""
    query = select(Provider).where(Provider.name == name)
    return (await session.scalars(query.with_for_update() if for_update else query)).first()


async def with_names(session: AsyncSession, names: Iterable[str]) -> Sequence[Provider]:
    """Those of these providers that exist."""
    return (await session.scalars(select(Provider).where(Provider.name.in_(set(names))))).all()


async def names_among(session: AsyncSession, names: Iterable[str]) -> dict[str, bool]:
    """Which of `names` exist, and whether each is enabled."""
    rows = await session.execute(select(Provider.name, Provider.is_enabled).where(Provider.name.in_(set(names))))
    return dict(rows.tuples().all())


async def page(session: AsyncSession, after: str | None, limit: int) -> Sequence[Provider]:
    """Providers by name, after the name `after`."""
    query = select(Provider).order_by(Provider.name).limit(limit)
    if after is not None:
        if "\0" in after:  # a cursor made up by a client; PostgreSQL cannot be asked, and no name has one
            return []
        query = query.where(Provider.name > after)
    return (await session.scalars(query)).all()
