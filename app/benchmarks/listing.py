"""The listing of benchmarks: what it can be narrowed to, its orders, and the place of a page in one of them.

Every order is a keyset of one column and the id, both in the same direction, and each has its index. Rows whose column
is null (not measured, no owner, no tag) come last in both directions: they are a second keyset, of the id alone,
because an index walked backwards has its nulls first.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple, Self
from uuid import UUID

from sqlalchemy import ColumnElement, Select, collate, false, func, literal, select, tuple_, type_coerce
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from app.accounts.caller import Caller
from app.accounts.models import User
from app.benchmarks import listed
from app.benchmarks.audience import visible_to
from app.benchmarks.models import BenchmarkSession
from app.benchmarks.states import Status
from app.core.errors import InvalidRequestError
from app.core.pagination import bad_cursor, decode_values, encode_cursor, uuid_of

MAX_IDS = 100
"""Benchmarks that a listing can be narrowed to by name of each."""
MAX_MATCHING = 10_000
"""Ids that are told at once of those that match."""


class Sort(StrEnum):
    """What a listing is ordered by."""

    CREATED = "created"
    NAME = "name"
    STATUS = "status"
    TARGET = "target"
    LOAD = "load"
    REQUESTS = "requests"
    TTFT_P50 = "ttft_p50"
    TTFT_P95 = "ttft_p95"
    TPOT_P50 = "tpot_p50"
    OUTPUT_TOKENS = "output_tokens"
    ERRORS = "errors"
    COST = "cost"
    VERDICT = "verdict"
    OWNER = "owner"
    TAGS = "tags"


class Direction(StrEnum):
    """Which end of an order comes first."""

    ASC = "asc"
    DESC = "desc"


class LoadKind(StrEnum):
    """A kind of load, as specs name it."""

    CLOSED = "closed"
    CLOSED_STEPS = "closed_steps"
    CONSTANT = "constant"
    POISSON = "poisson"
    GAMMA = "gamma"
    RAMP = "ramp"
    STEPS = "steps"
    SPIKE = "spike"
    TRACE = "trace"


class CertificateVerdict(StrEnum):
    """What the instrument says of its own measurement."""

    TRUSTED = "trusted"
    SUSPECT = "suspect"
    CLIENT_BOUND = "client_bound"


_NUMBERS = (int, float)
_COLUMNS: dict[Sort, tuple[InstrumentedAttribute[Any], tuple[type, ...]]] = {
    Sort.CREATED: (BenchmarkSession.created_at, (str,)),
    Sort.NAME: (BenchmarkSession.name_key, (str,)),
    Sort.STATUS: (BenchmarkSession.status, (str,)),
    Sort.TARGET: (BenchmarkSession.target_key, (str,)),
    Sort.LOAD: (BenchmarkSession.load_key, (str,)),
    Sort.REQUESTS: (BenchmarkSession.requests, (int,)),
    Sort.TTFT_P50: (BenchmarkSession.ttft_p50_ms, _NUMBERS),
    Sort.TTFT_P95: (BenchmarkSession.ttft_p95_ms, _NUMBERS),
    Sort.TPOT_P50: (BenchmarkSession.tpot_p50_ms, _NUMBERS),
    Sort.OUTPUT_TOKENS: (BenchmarkSession.output_tokens_per_s, _NUMBERS),
    Sort.ERRORS: (BenchmarkSession.error_rate, _NUMBERS),
    Sort.COST: (BenchmarkSession.cost_usd, _NUMBERS),
    Sort.VERDICT: (BenchmarkSession.verdict, (str,)),
    Sort.OWNER: (User.username, (str,)),
    Sort.TAGS: (BenchmarkSession.tags_key, (str,)),
}
_NULLABLE = frozenset(
    {
        Sort.REQUESTS,
        Sort.TTFT_P50,
        Sort.TTFT_P95,
        Sort.TPOT_P50,
        Sort.OUTPUT_TOKENS,
        Sort.ERRORS,
        Sort.COST,
        Sort.VERDICT,
        Sort.OWNER,
        Sort.TAGS,
    }
)


class Order(NamedTuple):
    """An order of the listing; by default newest first."""

    sort: Sort = Sort.CREATED
    direction: Direction = Direction.DESC


NEWEST_FIRST = Order()


@dataclass(frozen=True, slots=True)
class Filters:
    """What a listing is narrowed to; None and empty do not narrow. Of several values one is enough, but not of tags."""

    status: Sequence[Status] = ()
    provider: str | None = None
    model: str | None = None
    tag: Sequence[str] = ()
    text: str | None = None
    """Words that each occur in the name, a tag, a provider or a model; case does not matter."""
    owner: str | None = None
    load: Sequence[LoadKind] = ()
    verdict: Sequence[CertificateVerdict] = ()
    created_from: datetime | None = None
    created_before: datetime | None = None
    min_error_rate: float | None = None
    max_error_rate: float | None = None
    ids: Sequence[UUID] = ()

    def checked(self, spelled: Callable[[str], str] = str) -> Self:
        """Itself; `spelled` writes the names of fields as the request has them.

        Raises:
            InvalidRequestError: too many words, an end before its beginning, or a moment that no calendar has.
        """
        if len(listed.words_of(self.text or "")) > listed.MAX_WORDS:
            raise _refused(spelled("q"), "has too many words", f"at most {listed.MAX_WORDS} words")
        begin, end = (
            _in_utc(spelled(name), moment)
            for name, moment in (("created_from", self.created_from), ("created_before", self.created_before))
        )
        if begin is not None and end is not None and end <= begin:
            raise _refused(spelled("created_before"), "is not after the beginning", f"after {begin.isoformat()}")
        for name in ("min_error_rate", "max_error_rate"):
            share = getattr(self, name)
            if share is not None and not 0 <= share <= 1:
                raise _refused(spelled(name), "is no share", "0 … 1")
        low, high = self.min_error_rate, self.max_error_rate
        if low is not None and high is not None and high < low:
            raise _refused(spelled("max_error_rate"), "is below the least", f"{low:g} … 1")
        return self

    def conditions(self, dialect: str) -> list[ColumnElement[bool]]:
        """As SQL; raises as `checked`."""
        self.checked()
        texts = (self.provider, self.model, self.text, self.owner, *self.tag)
        if any(value is not None and not _is_storable(value) for value in texts):
            return [false()]  # no stored text has it, and PostgreSQL refuses to be asked
        row = BenchmarkSession
        found: list[ColumnElement[bool]] = [
            column.in_(values)
            for column, values in (
                (row.status, self.status),
                (row.load_kind, self.load),
                (row.verdict, self.verdict),
                (row.id, self.ids),
            )
            if values
        ]
        lists = [(row.providers, self.provider), (row.models, self.model), *((row.tags, tag) for tag in self.tag)]
        found += [list_has(dialect, column, value) for column, value in lists if value is not None]
        found += [row.search_text.contains(word, autoescape=True) for word in listed.words_of(self.text or "")]
        if self.owner is not None:
            found.append(row.owner_id == select(User.id).where(User.username == self.owner).scalar_subquery())
        if self.created_from is not None:
            found.append(row.created_at >= self.created_from.astimezone(UTC))
        if self.created_before is not None:
            found.append(row.created_at < self.created_before.astimezone(UTC))
        if self.min_error_rate is not None:
            found.append(row.error_rate >= self.min_error_rate)
        if self.max_error_rate is not None:
            found.append(row.error_rate <= self.max_error_rate)
        return found

    @property
    def is_narrow(self) -> bool:
        """Whether anything narrows."""
        return any(getattr(self, field.name) not in (None, (), "") for field in fields(self))


class Place(NamedTuple):
    """Where a row stands in an order."""

    value: Any
    id: UUID


def cursor_at(order: Order, place: Place) -> str:
    """The cursor after a row; it is good for this order only."""
    value = place.value.isoformat() if isinstance(place.value, datetime) else place.value
    return encode_cursor(order.sort.value, order.direction.value, value, str(place.id))


def place_of(order: Order, cursor: str) -> Place:
    """The place behind a cursor of this order.

    Raises:
        MalformedRequestError: it is none, or of another order.
    """
    found = decode_values(cursor)
    if len(found) != 4 or found[:2] != [order.sort.value, order.direction.value] or not isinstance(found[3], str):
        raise bad_cursor()
    value, id_ = found[2], uuid_of(found[3])
    kinds = _COLUMNS[order.sort][1]
    if value is None and order.sort in _NULLABLE:
        return Place(None, id_)
    if type(value) not in kinds or (isinstance(value, str) and not _is_storable(value)):
        raise bad_cursor()
    if order.sort is not Sort.CREATED:
        return Place(value, id_)
    try:
        return Place(datetime.fromisoformat(value).astimezone(UTC), id_)
    except (ValueError, OverflowError):
        raise bad_cursor() from None


async def places(
    session: AsyncSession, caller: Caller, filters: Filters, order: Order, limit: int, after: Place | None
) -> list[Place]:
    """Where up to `limit` visible sessions stand, after a place. Reads no row of which the index says enough."""
    column: ColumnElement[Any] = _COLUMNS[order.sort][0]  # type: ignore[assignment]
    dialect = session.get_bind().dialect.name
    if order.sort is Sort.OWNER and dialect == "postgresql":
        column = collate(column, "C")
    query: Select[Any] = select(BenchmarkSession.id, column.label("value"))
    if order.sort is Sort.OWNER:
        query = query.outerjoin(User, User.id == BenchmarkSession.owner_id)
    query = query.where(visible_to(caller), *filters.conditions(dialect))
    found: list[Place] = []
    if after is None or after.value is not None:
        known = query if order.sort not in _NULLABLE else query.where(column.is_not(None))
        if after is not None:
            known = known.where(_beyond(order, (column, BenchmarkSession.id), (after.value, after.id)))
        rows = await session.execute(known.order_by(*_directed(order, column, BenchmarkSession.id)).limit(limit))
        found = [Place(row.value, row.id) for row in rows]
        after = None
    if order.sort in _NULLABLE and len(found) < limit:
        unknown = query.where(column.is_(None))
        if after is not None:
            unknown = unknown.where(_beyond(order, (BenchmarkSession.id,), (after.id,)))
        rows = await session.execute(unknown.order_by(*_directed(order, BenchmarkSession.id)).limit(limit - len(found)))
        found += [Place(None, row.id) for row in rows]
    return found


async def count(session: AsyncSession, caller: Caller, filters: Filters) -> int:
    """How many visible sessions fit."""
    query = select(func.count()).select_from(BenchmarkSession)
    query = query.where(visible_to(caller), *filters.conditions(session.get_bind().dialect.name))
    return (await session.execute(query)).scalar_one()


def list_has(dialect: str, column: InstrumentedAttribute[list[str]], value: str) -> ColumnElement[bool]:
    """Whether a JSON list column holds a string."""
    if dialect == "postgresql":
        return type_coerce(column, JSONB).contains([value])
    items = func.json_each(column).table_valued("value")
    return select(items.c.value).where(items.c.value == value).exists()


def _beyond(order: Order, columns: tuple[Any, ...], values: tuple[Any, ...]) -> ColumnElement[bool]:
    left = tuple_(*columns)
    right = tuple_(*(literal(value, column.type) for column, value in zip(columns, values, strict=True)))
    return left > right if order.direction is Direction.ASC else left < right


def _directed(order: Order, *columns: Any) -> list[ColumnElement[Any]]:
    return [column.asc() if order.direction is Direction.ASC else column.desc() for column in columns]


def _is_storable(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _in_utc(path: str, moment: datetime | None) -> datetime | None:
    try:
        return None if moment is None else moment.astimezone(UTC)
    except OverflowError:
        raise _refused(path, "is out of range", "years 1 to 9999 in UTC") from None


def _refused(path: str, message: str, allowed: str) -> InvalidRequestError:
    return InvalidRequestError(
        f"{path}: {message}; allowed: {allowed}", errors=[{"path": path, "message": message, "allowed": allowed}]
    )
