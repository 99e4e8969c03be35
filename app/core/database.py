"""Database sessions, column types and the declarative base.

One request or one task is one transaction: `Database.write()` opens it, commits when the block ends well and rolls
back otherwise; nobody else commits. `read()` hands out a session of another type, so a reader is never given a writer.
"""

import sqlite3
from collections.abc import AsyncIterator, Hashable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from sqlalchemy import JSON, DateTime, MetaData, TypeDecorator, Uuid, event, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DataError, IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Session

from app.core import sqlite
from app.core.outages import Outages
from app.core.point_reads import PointQuery, PointReads, point_connections, time_limits
from app.core.settings import StorageSettings


class UtcDateTime(TypeDecorator[datetime]):
    """Timezone-aware UTC on both dialects; SQLite alone would hand back naive values."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("naive datetime given to a UTC column")
        if value is None:
            return None
        try:
            return value.astimezone(UTC)
        except OverflowError:  # within a day of either end of time: a bound of some query
            return datetime.min.replace(tzinfo=UTC) if value.year == 1 else datetime.max.replace(tzinfo=UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            return value.replace(tzinfo=UTC)
        return value


JsonDocument = JSON().with_variant(JSONB(), "postgresql")

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Base of every table; constraint names are fixed so that migrations are the same on both dialects."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {datetime: UtcDateTime, UUID: Uuid, dict[str, Any]: JsonDocument, list[str]: JsonDocument}


class ReadSession(AsyncSession):
    """A session for queries; flushing changes is an error."""


class WriteSession(AsyncSession):
    """A session inside one transaction."""


class Database:
    """Owns the connection pool of one process."""

    def __init__(self, settings: StorageSettings) -> None:
        self._settings = settings
        self._outages = Outages()
        self.engine = _create_engine(settings)
        self.point_reads = PointReads(self.engine.sync_engine.url, settings)
        self._read = async_sessionmaker(self.engine, class_=ReadSession, expire_on_commit=False, autoflush=False)
        self.write_session_class = type("DatabaseWriteSession", (Session,), {})  # of this database alone, for hooks
        self.write_session_info: dict[str, Any] = {}  # what every write session carries, see `Session.info`
        self._write = async_sessionmaker(
            self.engine,
            class_=WriteSession,
            sync_session_class=self.write_session_class,
            expire_on_commit=False,
            info=self.write_session_info,
        )

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.engine.dialect.name

    @asynccontextmanager
    async def read(self) -> AsyncIterator[ReadSession]:
        """A read-only session."""
        with self._watched(), _wrapped_failures():
            async with self._read() as session:
                event.listen(session.sync_session, "before_flush", _refuse_flush)
                yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[WriteSession]:
        """One transaction: commits at the end of the block, rolls back when it raises."""
        with self._watched(), _wrapped_failures():
            async with self._write() as session, session.begin():
                if self.dialect == "sqlite":
                    # The driver would begin at the first change only; what was read before it could be stale by then,
                    # and upgrading a stale reader fails at once instead of waiting for its turn.
                    await session.execute(text("BEGIN IMMEDIATE"))
                yield session

    @contextmanager
    def _watched(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self._outages.failed(error)
            raise
        else:
            self._outages.worked()

    @asynccontextmanager
    async def unhurried(self) -> AsyncIterator[AsyncEngine]:
        """An engine of its own whose statements may take as long as they take, for migrations."""
        engine = _create_engine(self._settings, with_time_limit=False)
        try:
            yield engine
        finally:
            await engine.dispose()

    async def optimise(self) -> None:
        """Let SQLite refresh what its query planner knows of tables that have changed much; PostgreSQL does so itself.

        A few milliseconds, as it reads a sample of each index only.
        """
        if self.dialect == "sqlite":
            async with self.write() as session:
                await session.execute(text("PRAGMA analysis_limit=1000"))
                await session.execute(text("PRAGMA optimize"))

    async def fetch_one(self, query: PointQuery, key: Hashable) -> tuple[Any, ...] | None:
        """The row that `query` finds by its key, past SQLAlchemy: for what every request asks."""
        with _wrapped_failures():
            return await self.point_reads.fetch_one(query, key)

    async def close(self) -> None:
        """Close every pooled connection."""
        await self.point_reads.close()
        await self.engine.dispose()


@contextmanager
def _wrapped_failures() -> Iterator[None]:
    # SQLAlchemy wraps what its driver adapter raises, but not what asyncpg raises while it connects: errors of the
    # socket, and refusals such as "the database system is starting up".
    try:
        yield
    except asyncpg.IntegrityConstraintViolationError as error:  # of a COPY, which goes past SQLAlchemy too
        raise IntegrityError(None, None, error) from error
    except asyncpg.DataError as error:
        raise DataError(None, None, error) from error
    # InternalClientError: a connection that broke in the middle of an operation.
    except (
        OSError,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        asyncpg.InternalClientError,
        sqlite3.Error,
    ) as error:
        if isinstance(error, OSError) and error.filename is not None:  # of a file in the block, not of a socket
            raise
        raise OperationalError(None, None, error) from error


def _refuse_flush(session: Any, _context: Any, _instances: Any) -> None:
    if session.new or session.dirty or session.deleted:
        raise RuntimeError("a read session was asked to write")


def _create_engine(settings: StorageSettings, *, with_time_limit: bool = True) -> AsyncEngine:
    common: dict[str, Any] = {
        "json_serializer": lambda value: orjson.dumps(value).decode(),
        "json_deserializer": orjson.loads,
        "hide_parameters": True,  # a failed statement is logged: whole answers of models, thousands of rows at once
    }
    if settings.backend == "sqlite":
        if settings.database_url is None:
            settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        engine = create_async_engine(
            settings.url,
            connect_args={"timeout": settings.connection_timeout_seconds, "async_creator_fn": sqlite.connect},
            **common,
        )
        event.listen(engine.sync_engine, "connect", sqlite.tune)
        return engine
    connect_args: dict[str, Any] = {"timeout": settings.connection_timeout_seconds}
    if with_time_limit:
        connect_args |= time_limits(settings.statement_timeout_seconds)
    # A plan that is kept for all values knows no LIMIT, and sorts all it finds: 0.3 s instead of 0.5 ms for a page of
    # one model among ten million results. Making one for the values at hand takes about 0.5 ms.
    connect_args.setdefault("server_settings", {})["plan_cache_mode"] = "force_custom_plan"
    return create_async_engine(
        settings.url,
        pool_size=max(1, settings.max_connections - point_connections(settings)),
        max_overflow=0,
        pool_timeout=settings.connection_timeout_seconds,
        pool_pre_ping=True,
        connect_args=connect_args,
        **common,
    )
