"""Queries of accounts. Takes sessions, opens none, decides nothing."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import CursorResult, delete, func, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import ApiKey, RefreshToken, SignInRecord, User
from app.core.database import WriteSession
from app.core.point_reads import PointQuery

_HOLDER = (User.id, User.username, User.role, User.team, User.is_active)
SIGN_IN = PointQuery(
    select(SignInRecord.revoked_at, *_HOLDER).join(User, User.id == SignInRecord.user_id), by=SignInRecord.id
)
"""Whether a sign-in goes on, and whose it is."""
API_KEY = PointQuery(
    select(ApiKey.id, ApiKey.secret_hash, ApiKey.scopes, ApiKey.expires_at, ApiKey.last_used_at, ApiKey.revoked_at)
    .add_columns(*_HOLDER)
    .join(User, User.id == ApiKey.user_id),
    by=ApiKey.prefix,
)
"""All about the key with a prefix, and whose it is."""

_LOCK_USERS = 0x6C74_625F_7573_6572  # "ltb_user"


async def lock_users(session: WriteSession) -> None:
    """Wait for one's turn to change users (on SQLite a write transaction is the turn)."""
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_USERS})


async def user_by_name(session: AsyncSession, username: str) -> User | None:
    """The user called so; names are compared without case."""
    if "\0" in username:  # PostgreSQL cannot even be asked
        return None
    return (await session.scalars(select(User).where(func.lower(User.username) == username.lower()))).first()


async def user_by_id(session: AsyncSession, user_id: UUID) -> User | None:
    """The user with this id."""
    return await session.get(User, user_id)


async def count_users(session: AsyncSession) -> int:
    """How many users there are."""
    return await session.scalar(select(func.count()).select_from(User)) or 0


async def all_users(session: AsyncSession) -> Sequence[User]:
    """Every user, by name."""
    return (await session.scalars(select(User).order_by(User.username))).all()


async def refresh_token_by_hash(
    session: AsyncSession, token_hash: str
) -> tuple[RefreshToken, SignInRecord, User] | None:
    """The refresh token with this hash, the sign-in that it belongs to, and whose that is; read afresh."""
    query = (
        select(RefreshToken, SignInRecord, User)
        .join(SignInRecord, SignInRecord.id == RefreshToken.family_id)
        .join(User, User.id == SignInRecord.user_id)
        .where(RefreshToken.token_hash == token_hash)
        .execution_options(populate_existing=True)
    )
    row = (await session.execute(query)).first()
    return (row[0], row[1], row[2]) if row else None


async def spend_refresh_token(session: WriteSession, token_id: UUID, now: datetime, successor_salt: str) -> bool:
    """Mark it used, exactly once over all processes; False when it was used already."""
    result = await session.execute(
        update(RefreshToken)
        .where(RefreshToken.id == token_id, RefreshToken.used_at.is_(None))
        .values(used_at=now, successor_salt=successor_salt)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(result, CursorResult)
    return result.rowcount == 1


async def revoke_family(session: WriteSession, family_id: UUID, now: datetime) -> None:
    """End a sign-in, and with it every token of it."""
    await session.execute(
        update(SignInRecord)
        .where(SignInRecord.id == family_id, SignInRecord.revoked_at.is_(None))
        .values(revoked_at=now)
        .execution_options(synchronize_session=False)
    )


async def revoke_user(session: WriteSession, user_id: UUID, now: datetime, *, but: UUID | None = None) -> int:
    """End every sign-in of a user, except `but`; says how many were not over yet."""
    statement = update(SignInRecord).where(
        SignInRecord.user_id == user_id, SignInRecord.revoked_at.is_(None), SignInRecord.expires_at > now
    )
    if but is not None:
        statement = statement.where(SignInRecord.id != but)
    result = await session.execute(statement.values(revoked_at=now).execution_options(synchronize_session=False))
    assert isinstance(result, CursorResult)
    return result.rowcount


async def api_keys_of(session: AsyncSession, user_id: UUID) -> Sequence[ApiKey]:
    """A user's keys that are not revoked, newest first."""
    return (
        await session.scalars(
            select(ApiKey).where(ApiKey.user_id == user_id, ApiKey.revoked_at.is_(None)).order_by(ApiKey.id.desc())
        )
    ).all()


async def api_key_by_id(session: AsyncSession, key_id: UUID) -> ApiKey | None:
    """The key with this id."""
    return await session.get(ApiKey, key_id)


async def touch_api_key(session: WriteSession, key_id: UUID, now: datetime, older_than: datetime, address: str) -> None:
    """Set `last_used_at` and from where, unless another process just did."""
    await session.execute(
        update(ApiKey)
        .where(ApiKey.id == key_id, or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at < older_than))
        .values(last_used_at=now, last_used_address=address[:64])
        .execution_options(synchronize_session=False)
    )


async def users_page(session: AsyncSession, limit: int, after: UUID | None, part: str | None) -> Sequence[User]:
    """Up to `limit` users, newest first (ids sort by time)."""
    query = select(User).order_by(User.id.desc()).limit(limit)
    if after is not None:
        query = query.where(User.id < after)
    if part is not None and "\0" in part:
        return []
    if part:
        query = query.where(
            or_(*(column.icontains(part, autoescape=True) for column in (User.username, User.email, User.team)))
        )
    return (await session.scalars(query)).all()


async def lock_active_admins(session: WriteSession) -> list[UUID]:
    """Ids of the active administrators; nobody else changes them before this transaction ends."""
    query = select(User.id).where(User.role == "admin", User.is_active).order_by(User.id).with_for_update()
    return list(await session.scalars(query))


async def revoke_keys_of(session: WriteSession, user_id: UUID, now: datetime) -> int:
    """Revoke every API key of a user; says how many there were."""
    result = await session.execute(
        update(ApiKey)
        .where(ApiKey.user_id == user_id, ApiKey.revoked_at.is_(None))
        .values(revoked_at=now)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(result, CursorResult)
    return result.rowcount


async def sign_ins_of(session: AsyncSession, user_id: UUID, now: datetime, limit: int) -> Sequence[SignInRecord]:
    """A user's sign-ins that are not over, the last used first."""
    query = select(SignInRecord).where(
        SignInRecord.user_id == user_id, SignInRecord.revoked_at.is_(None), SignInRecord.expires_at > now
    )
    return (await session.scalars(query.order_by(SignInRecord.last_used_at.desc(), SignInRecord.id).limit(limit))).all()


async def forget_old_sign_ins(session: WriteSession, user_id: UUID, before: datetime) -> None:
    """Delete a user's sign-ins that were over before then; their tokens go with them."""
    await session.execute(
        delete(SignInRecord)
        .where(
            SignInRecord.user_id == user_id,
            or_(SignInRecord.expires_at < before, SignInRecord.revoked_at < before),
        )
        .execution_options(synchronize_session=False)
    )
