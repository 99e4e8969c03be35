"""What a listing of benchmarks is narrowed to and ordered by: the same as over REST, through the same service."""

from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from app.benchmarks.listing import MAX_IDS, CertificateVerdict, Direction, Filters, LoadKind, Sort
from app.benchmarks.states import Status
from app.core.errors import InvalidRequestError
from app.graphql.derive import enum_of

MAX_TEXT_CHARACTERS = 200
MAX_VALUES = 32

StatusType = enum_of(Status, "status")
LoadKindType = enum_of(LoadKind, "load")
VerdictType = enum_of(CertificateVerdict, "verdict")
BenchmarkSort = enum_of(Sort, "sort")
SortDirection = enum_of(Direction, "order")

_SPELLED = {
    "q": "text",
    "created_from": "createdFrom",
    "created_before": "createdBefore",
    "min_error_rate": "minErrorRate",
    "max_error_rate": "maxErrorRate",
}


def plain(value: Any) -> Any:
    """The text of a member of an enumeration, however it came."""
    return getattr(value, "value", value)


@strawberry.input(
    description="What a listing of benchmarks is narrowed to. Fields left out do not narrow. Of a list one is enough, "
    "but of `tags` all are needed."
)
class BenchmarkFilter:
    """What a listing of benchmarks is narrowed to."""

    status: StatusType | None = strawberry.field(default=None, description="Only those in this state.")
    statuses: list[StatusType] | None = strawberry.field(default=None, description="Only those in one of these states.")
    provider: str | None = strawberry.field(default=None, description="Only those with a target at this provider.")
    model: str | None = strawberry.field(default=None, description="Only those with a target of this model.")
    tag: str | None = strawberry.field(default=None, description="Only those with this tag.")
    tags: list[str] | None = strawberry.field(default=None, description="Only those with all of these tags.")
    text: str | None = strawberry.field(
        default=None, description="Only those with each of these words in their name, a tag, a provider or a model."
    )
    owner: str | None = strawberry.field(default=None, description="Only those of the user with this name.")
    load: list[LoadKindType] | None = strawberry.field(default=None, description="Only those with such a load.")
    verdict: list[VerdictType] | None = strawberry.field(
        default=None, description="Only those whose instrument says this of its measurement."
    )
    created_from: datetime | None = strawberry.field(default=None, description="Not submitted before this moment.")
    created_before: datetime | None = strawberry.field(default=None, description="Submitted before this moment.")
    min_error_rate: float | None = strawberry.field(
        default=None, description="At least this share of requests failed, 0 to 1."
    )
    max_error_rate: float | None = strawberry.field(
        default=None, description="At most this share of requests failed, 0 to 1."
    )
    ids: list[UUID] | None = strawberry.field(default=None, description="Only these of those that fit.")

    def conditions(self) -> Filters:
        """As the service takes them; raises `InvalidRequestError`."""
        for name, text in (
            ("provider", self.provider),
            ("model", self.model),
            ("owner", self.owner),
            ("text", self.text),
        ):
            if text is not None and len(text) > MAX_TEXT_CHARACTERS:
                raise _refused(name, "is too long", f"at most {MAX_TEXT_CHARACTERS} characters")
        for name, values, most in (
            ("statuses", self.statuses, MAX_VALUES),
            ("tags", self.tags, MAX_VALUES),
            ("load", self.load, MAX_VALUES),
            ("verdict", self.verdict, MAX_VALUES),
            ("ids", self.ids, MAX_IDS),
        ):
            if values is not None and len(values) > most:
                raise _refused(name, "has too many values", f"at most {most}")
        for name, moment in (("createdFrom", self.created_from), ("createdBefore", self.created_before)):
            if moment is not None and moment.tzinfo is None:
                raise _refused(name, "has no time zone", "such as 2026-01-31T12:00:00Z")
        statuses = [*(self.statuses or ()), *([] if self.status is None else [self.status])]
        tags = [*(self.tags or ()), *([] if self.tag is None else [self.tag])]
        return Filters(
            status=[Status(plain(value)) for value in statuses],
            provider=self.provider,
            model=self.model,
            tag=tags,
            text=self.text,
            owner=self.owner,
            load=[LoadKind(plain(value)) for value in self.load or ()],
            verdict=[CertificateVerdict(plain(value)) for value in self.verdict or ()],
            created_from=self.created_from,
            created_before=self.created_before,
            min_error_rate=self.min_error_rate,
            max_error_rate=self.max_error_rate,
            ids=self.ids or (),
        ).checked(lambda name: f"filter.{_SPELLED.get(name, name)}")


def _refused(name: str, message: str, allowed: str) -> InvalidRequestError:
    path = f"filter.{name}"
    return InvalidRequestError(
        f"{path}: {message}; allowed: {allowed}", errors=[{"path": path, "message": message, "allowed": allowed}]
    )
