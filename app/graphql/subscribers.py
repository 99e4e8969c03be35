"""How many listen: bounds per user and in all, and the end of every stream when the server goes down."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from app.core.errors import ConflictError, ServiceUnavailableError
from app.core.settings import GraphQLSettings


class TooManySubscriptionsError(ConflictError):
    """A user has as many subscriptions as allowed."""


class Subscribers:
    """Counts the subscriptions and WebSockets of this process."""

    def __init__(self, limits: GraphQLSettings) -> None:
        self.closing = asyncio.Event()
        self.connections = 0
        self._limits = limits
        self._by_user: Counter[UUID] = Counter()

    @property
    def subscriptions(self) -> int:
        """Subscriptions that run now."""
        return self._by_user.total()

    @contextmanager
    def subscription(self, user_id: UUID) -> Iterator[None]:
        """Count a subscription while the block runs.

        Raises:
            TooManySubscriptionsError: the user has too many.
            ServiceUnavailableError: the server is going down.
        """
        most = self._limits.max_subscriptions_per_user
        if self.closing.is_set():
            raise ServiceUnavailableError("the server is going down; connect again in a moment")
        if self._by_user[user_id] >= most:
            setting = "server.graphql.max_subscriptions_per_user"
            raise TooManySubscriptionsError(
                f"you have {most} subscriptions; end one first ({setting})", limit=most, setting=setting
            )
        self._by_user[user_id] += 1
        try:
            yield
        finally:
            self._by_user[user_id] -= 1
            if not self._by_user[user_id]:
                del self._by_user[user_id]

    @contextmanager
    def connection(self) -> Iterator[bool]:
        """Count a WebSocket while the block runs; says whether there is room for it."""
        if self.closing.is_set() or self.connections >= self._limits.max_connections:
            yield False
            return
        self.connections += 1
        try:
            yield True
        finally:
            self.connections -= 1

    def close(self) -> None:
        """End every stream."""
        self.closing.set()
