"""Reading the audit trail: a page at a time, or all of it as a stream."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, false, func, select

from app.accounts import audit
from app.accounts.audit_views import AuditEntryView
from app.accounts.caller import Caller
from app.accounts.models import AuditEntry
from app.core.database import Database
from app.core.errors import InvalidRequestError, NotFoundError
from app.core.pagination import Page, decode_cursor, encode_cursor

STREAM_BATCH = 1_000
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class AuditFormat(StrEnum):
    """What an export may be."""

    JSONL = "jsonl"
    CSV = "csv"


class AuditFilters(NamedTuple):
    """What is wanted of the trail; None does not narrow."""

    actor: str | None = None
    action: str | None = None
    resource_type: str | None = None
    resource_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """As SQL."""
        texts = (self.actor, self.action, self.resource_type, self.resource_id)
        if any("\0" in value for value in texts if value is not None):
            return [false()]  # no stored text has one, and PostgreSQL refuses to be asked
        found: list[ColumnElement[bool]] = []
        if self.actor is not None:
            found.append(_is_actor(self.actor))
        if self.action is not None:
            family = self.action.removesuffix("*")
            is_family = self.action.endswith(".*")
            found.append(
                AuditEntry.action.startswith(family, autoescape=True) if is_family else AuditEntry.action == family
            )
        if self.resource_type is not None:
            found.append(AuditEntry.resource_type == self.resource_type)
        if self.resource_id is not None:
            found.append(AuditEntry.resource_id == self.resource_id)
        if self.since is not None:
            found.append(AuditEntry.at >= _in_utc("since", self.since))
        if self.until is not None:
            found.append(AuditEntry.at < _in_utc("until", self.until))
        return found


class AuditTrail:
    """Serves requests about the trail."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, filters: AuditFilters, *, limit: int, cursor: str | None = None) -> Page[AuditEntryView]:
        """Up to `limit` entries, newest first.

        Raises:
            MalformedRequestError: the cursor is not one of ours.
        """
        query = select(AuditEntry).where(*filters.conditions()).order_by(AuditEntry.sequence.desc()).limit(limit + 1)
        if cursor:
            query = query.where(AuditEntry.sequence < decode_cursor(cursor, int)[0])
        async with self._database.read() as session:
            rows = (await session.scalars(query)).all()
        more = len(rows) > limit
        return Page(
            items=[AuditEntryView.of(row) for row in rows[:limit]],
            next_cursor=encode_cursor(rows[limit - 1].sequence) if more else None,
        )

    async def entry(self, sequence: int) -> AuditEntryView:
        """One entry; raises `NotFoundError`."""
        async with self._database.read() as session:
            row = await session.scalar(select(AuditEntry).where(AuditEntry.sequence == sequence))
        if row is None:
            raise NotFoundError(f"there is no entry {sequence}")
        return AuditEntryView.of(row)

    async def export(self, caller: Caller, filters: AuditFilters, kind: AuditFormat) -> AsyncIterator[bytes]:
        """The entries up to now, oldest first, as a file; that somebody took it is an entry too."""
        async with self._database.read() as session:
            end = await session.scalar(select(func.max(AuditEntry.sequence))) or 0
        async with self._database.write() as session:
            told = {name: value for name, value in filters._asdict().items() if value is not None}
            await audit.record(session, caller, "audit.export", "audit", "trail", {"format": kind, "filters": told})
        return _written(self._entries(filters, end), kind)

    async def _entries(self, filters: AuditFilters, end: int) -> AsyncIterator[Sequence[AuditEntryView]]:
        last = 0
        while True:
            query = select(AuditEntry).where(
                *filters.conditions(), AuditEntry.sequence > last, AuditEntry.sequence <= end
            )
            async with self._database.read() as session:
                rows = (await session.scalars(query.order_by(AuditEntry.sequence).limit(STREAM_BATCH))).all()
            yield [AuditEntryView.of(row) for row in rows]
            if len(rows) < STREAM_BATCH:
                return
            last = rows[-1].sequence


async def _written(batches: AsyncIterator[Sequence[AuditEntryView]], kind: AuditFormat) -> AsyncIterator[bytes]:
    if kind is AuditFormat.CSV:
        yield _csv([list(AuditEntryView.model_fields)])
    async for batch in batches:
        documents = [entry.model_dump(mode="json") for entry in batch]
        if kind is AuditFormat.CSV:
            yield _csv([[_cell(value) for value in document.values()] for document in documents])
        else:
            yield b"".join(orjson.dumps(document) + b"\n" for document in documents)


def _csv(rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = orjson.dumps(value).decode() if isinstance(value, dict) else str(value)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text  # a spreadsheet would run it


def _in_utc(name: str, moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # before year 1 or after 9999 there
        raise InvalidRequestError(
            f"{name}: use a moment between the years 1 and 9999 in UTC",
            errors=[{"path": name, "message": "is out of range", "allowed": "years 1 to 9999 in UTC"}],
        ) from None


def _is_actor(actor: str) -> ColumnElement[bool]:
    try:
        return AuditEntry.actor_id == UUID(actor)
    except ValueError:
        return AuditEntry.actor_name == actor
