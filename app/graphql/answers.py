"""Answers that several features share."""

import strawberry


@strawberry.type(description="A problem with an input.")
class Problem:
    """A problem with an input."""

    path: str = strawberry.field(description="Where it is, such as `input.spec.load.closed.concurrency`.")
    message: str = strawberry.field(description="What is wrong.")
    allowed: str | None = strawberry.field(description="What is allowed, where that can be said shortly.")


@strawberry.type(description="What has been deleted.")
class Deleted:
    """What has been deleted."""

    id: strawberry.ID = strawberry.field(description="What it was found by: the id, or of a provider the name.")
