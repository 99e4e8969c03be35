"""The same change to many benchmarks.

Each is a transaction of its own with its own audit entry, so that one refusal neither undoes nor hides the others; the
answer says of each what became of it.
"""

from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from typing import Annotated, Any, Protocol
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from app.accounts.caller import Caller
from app.accounts.visibility import Visibility
from app.benchmarks.changes import BenchmarkUpdate
from app.benchmarks.spec_parts import Tag
from app.benchmarks.view import View
from app.core.conditional import Preconditions
from app.core.errors import ConflictError, ForbiddenError, NotFoundError, TestBenchError
from app.core.validation import without_nul

MAX_ITEMS = 200
"""Of one request: about a second of work, so that no request holds a connection for long."""
MAX_TAGS = 32

AnyTag = Annotated[Tag, AfterValidator(without_nul)]


class Item(BaseModel):
    """One of the benchmarks."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: UUID = Field(description="Its id.")
    if_match: str | None = Field(
        None, max_length=4096, description="Change it only while its ETag is this; as the header of the same name."
    )


Items = Annotated[
    list[Item],
    Field(min_length=1, max_length=MAX_ITEMS, description="Which; each once.", examples=[[{"id": str(UUID(int=7))}]]),
]


def _each_once(items: Sequence[Item]) -> None:
    if len({item.id for item in items}) < len(items):
        raise ValueError("name each benchmark once")


class BulkDelete(BaseModel):
    """Benchmarks to delete."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    items: Items

    @model_validator(mode="after")
    def _are_different(self) -> "BulkDelete":
        _each_once(self.items)
        return self


class BulkUpdate(BaseModel):
    """What changes of each; what is left out stays."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    items: Items
    add_tags: list[AnyTag] = Field(default_factory=list, max_length=MAX_TAGS, description="Tags that each gets.")
    remove_tags: list[AnyTag] = Field(default_factory=list, max_length=MAX_TAGS, description="Tags that each loses.")
    visibility: Visibility | None = Field(
        None, description="With whom to share them: nobody, the owner's team, or all."
    )

    @model_validator(mode="after")
    def _say_something(self) -> "BulkUpdate":
        _each_once(self.items)
        if not self.add_tags and not self.remove_tags and self.visibility is None:
            raise ValueError("give add_tags, remove_tags or visibility")
        if both := {*self.add_tags} & {*self.remove_tags}:
            raise ValueError(f"the tag {min(both)} is both to add and to remove")
        return self


class BulkOutcome(StrEnum):
    """What became of one benchmark."""

    DONE = "done"
    NOT_FOUND = "not_found"
    FORBIDDEN = "forbidden"
    CONFLICT = "conflict"
    REFUSED = "refused"


class BulkItem(View):
    """One benchmark, and what became of it."""

    id: UUID = Field(description="Its id.")
    outcome: BulkOutcome = Field(description="What became of it.")
    message: str | None = Field(description="Why nothing changed; null when it did.")


class BulkAnswer(View):
    """What became of each, in the order of the request."""

    done: int = Field(description="How many were changed.")
    items: list[BulkItem] = Field(description="Each benchmark, and what became of it.")


class Changer(Protocol):
    """What is asked of the service of single benchmarks."""

    async def delete(self, caller: Caller, session_id: UUID, conditions: Preconditions) -> None: ...

    async def retag(
        self,
        caller: Caller,
        session_id: UUID,
        change: Callable[[Sequence[str]], BenchmarkUpdate],
        conditions: Preconditions,
    ) -> None: ...


class BulkService:
    """Serves requests that change several benchmarks; permissions and ownership are checked for each."""

    def __init__(self, benchmarks: Changer) -> None:
        self._benchmarks = benchmarks

    async def delete(self, caller: Caller, body: BulkDelete, *, if_match_required: bool = False) -> BulkAnswer:
        """Delete each that may be deleted; those that run are in conflict."""

        async def one(item: Item, conditions: Preconditions) -> None:
            await self._benchmarks.delete(caller, item.id, conditions)

        return await _each(body.items, one, if_match_required=if_match_required)

    async def update(self, caller: Caller, body: BulkUpdate, *, if_match_required: bool = False) -> BulkAnswer:
        """Change tags and audience of each that may be changed."""

        def change(tags: Sequence[str]) -> BenchmarkUpdate:
            given: dict[str, Any] = {} if body.visibility is None else {"visibility": body.visibility}
            if body.add_tags or body.remove_tags:
                kept = [tag for tag in tags if tag not in body.remove_tags]
                given["tags"] = list(dict.fromkeys([*kept, *body.add_tags]))
                if len(given["tags"]) > MAX_TAGS:
                    raise ConflictError(f"it would have {len(given['tags'])} tags, and at most {MAX_TAGS} are allowed")
            return BenchmarkUpdate(**given)

        async def one(item: Item, conditions: Preconditions) -> None:
            await self._benchmarks.retag(caller, item.id, change, conditions)

        return await _each(body.items, one, if_match_required=if_match_required)


async def _each(
    items: Sequence[Item], change: Callable[[Item, Preconditions], Awaitable[None]], *, if_match_required: bool
) -> BulkAnswer:
    outcomes = []
    for item in items:
        outcome, message = BulkOutcome.DONE, None
        try:
            await change(item, Preconditions(item.if_match, None, if_match_required, said_in="if_match"))
        except TestBenchError as error:
            if error.http_status >= 500:  # the database is away: the rest would fare no better
                raise
            outcome, message = _OUTCOMES.get(type(error), _fallback(error)), error.message
        outcomes.append(BulkItem(id=item.id, outcome=outcome, message=message))
    return BulkAnswer(done=sum(item.outcome is BulkOutcome.DONE for item in outcomes), items=outcomes)


_OUTCOMES: dict[type[TestBenchError], BulkOutcome] = {
    NotFoundError: BulkOutcome.NOT_FOUND,
    ForbiddenError: BulkOutcome.FORBIDDEN,
}


def _fallback(error: TestBenchError) -> BulkOutcome:
    return BulkOutcome.CONFLICT if isinstance(error, ConflictError) else BulkOutcome.REFUSED
