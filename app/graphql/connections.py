"""Relay connections over the keyset pages of the services: forwards only, since their cursors lead nowhere else."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import strawberry

from app.core.errors import InvalidRequestError
from app.core.pagination import DEFAULT_PAGE_SIZE, Page

First = Annotated[
    int, strawberry.argument(description="How many items, at least 1 and at most `server.graphql.max_page_size`.")
]
After = Annotated[
    str | None, strawberry.argument(description="A cursor: items after it. Without one, from the beginning.")
]
DEFAULT_FIRST = DEFAULT_PAGE_SIZE


@strawberry.type(description="Where a page stands in its listing.")
class PageInfo:
    """Where a page stands."""

    has_next_page: bool = strawberry.field(description="Whether there are items behind this page.")
    has_previous_page: bool = strawberry.field(description="Whether the page began after a cursor.")
    start_cursor: str | None = strawberry.field(description="The cursor of its first item; null when it is empty.")
    end_cursor: str | None = strawberry.field(
        description="The cursor of its last item, for `after` of the next page; null when it is empty."
    )


@dataclass(frozen=True, slots=True)
class Edge:
    """An item and its place."""

    cursor: str
    node: Any


@dataclass(frozen=True, slots=True)
class Connection:
    """A page of items with their places."""

    edges: list[Edge]
    page_info: PageInfo
    scope: Any = None
    """What was listed, for fields that say something about all of it."""

    @property
    def nodes(self) -> list[Any]:
        """The items alone."""
        return [edge.node for edge in self.edges]


def connection_type(node: Any, title: str, plural: str, *, more: dict[str, Any] | None = None) -> Any:
    """The connection type of `node`, and its edge type."""
    edge = strawberry.type(
        type(
            f"{title}Edge",
            (),
            {
                "__annotations__": {"cursor": str, "node": node},
                "cursor": strawberry.field(description="Its place, for `after`."),
                "node": strawberry.field(description="The item."),
            },
        ),
        description=f"A place in a listing of {plural}.",
    )
    fields = {
        "__annotations__": {"edges": list[edge], "nodes": list[node], "page_info": PageInfo},
        "edges": strawberry.field(description="The items of this page with their places."),
        "nodes": strawberry.field(description="The items of this page alone."),
        "page_info": strawberry.field(description="Where this page stands."),
    }
    return strawberry.type(type(f"{title}Connection", (), fields | (more or {})), description=f"A page of {plural}.")


def connection(
    page: Page[Any], cursor_of: Callable[[Any], str] | Sequence[str], *, after: str | None, scope: Any = None
) -> Connection:
    """The connection of a service's page; `cursor_of` makes the cursor of an item, or has one for each."""
    cursors = [cursor_of(item) for item in page.items] if callable(cursor_of) else cursor_of
    edges = [Edge(cursor, item) for cursor, item in zip(cursors, page.items, strict=True)]
    info = PageInfo(
        has_next_page=page.next_cursor is not None,
        has_previous_page=after is not None,
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )
    return Connection(edges, info, scope)


def page_size(info: strawberry.Info[Any, Any], first: int) -> int:
    """`first`, when it is allowed; raises `InvalidRequestError`."""
    most = info.context.limits.max_page_size
    if not 1 <= first <= most:
        allowed = f"1 … {most}"
        message = f"must be between 1 and {most} (server.graphql.max_page_size)"
        raise InvalidRequestError(
            f"first: {message}", errors=[{"path": "first", "message": message, "allowed": allowed}]
        )
    return first


def cursor_of_client(after: str | None) -> str | None:
    """`after`, when it is not longer than a cursor can be; an empty one is none. Raises `InvalidRequestError`."""
    if after is not None and len(after) > 500:
        raise InvalidRequestError(
            "after: the cursor is not valid", errors=[{"path": "after", "message": "use a cursor of an earlier page"}]
        )
    return after or None
