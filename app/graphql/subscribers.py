"""How many listen: bounds per user and in all, and the end of every stream when the server goes down."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from app.core.errors import ConflictError, ServiceUnavailableError
from app.core.settings import GraphQLSettings


class TooManySubscriptionsError(ConflictError):
    """A user has as many subscriptions as allowed."""


class TooManySocketsError(ConflictError):
    """A user has as many WebSockets as allowed."""


class Seat:
    """The place of one WebSocket: its address's at first, then its user's."""

    def __init__(self, strangers: Counter[str], of_user: Counter[UUID], address: str, most_of_user: int) -> None:
        self._strangers, self._of_user = strangers, of_user
        self._most_of_user = most_of_user
        self._address = address
        self._user_id: UUID | None = None
        strangers[address] += 1

    def belongs_to(self, user_id: UUID) -> None:
        """Count it for its user from now on.

        Raises:
            TooManySocketsError: the user has too many.
        """
        if self._of_user[user_id] >= self._most_of_user:
            setting = "server.graphql.max_connections_per_user"
            raise TooManySocketsError(
                f"you have {self._most_of_user} WebSockets; close one first ({setting})",
                limit=self._most_of_user,
                setting=setting,
            )
        if self._user_id is None:
            self._user_id = user_id
            self._of_user[user_id] += 1
            _discount(self._strangers, self._address)

    def leave(self) -> None:
        """The WebSocket has ended."""
        if self._user_id is None:
            _discount(self._strangers, self._address)
        else:
            _discount(self._of_user, self._user_id)


def _discount(counter: Counter[Any], key: Any) -> None:
    counter[key] -= 1
    if not counter[key]:
        del counter[key]


class Subscribers:
    """Counts the subscriptions and WebSockets of this process."""

    def __init__(self, limits: GraphQLSettings) -> None:
        self.closing = asyncio.Event()
        self.rechecked = asyncio.Event()
        """Set, and another one put in its place, when somebody may do less than before."""
        self.rechecks = 0
        self.connections = 0
        self._limits = limits
        self._by_user: Counter[UUID] = Counter()
        self._sockets: Counter[UUID] = Counter()
        self._strangers: Counter[str] = Counter()

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
            _discount(self._by_user, user_id)

    @contextmanager
    def connection(self, address: str) -> Iterator[Seat | None]:
        """Count a WebSocket while the block runs; None where there is no room for it."""
        most_of_one = self._limits.max_connections_per_user
        full = self.connections >= self._limits.max_connections
        if self.closing.is_set() or full or self._strangers[address] >= most_of_one:
            yield None
            return
        self.connections += 1
        seat = Seat(self._strangers, self._sockets, address, most_of_one)
        try:
            yield seat
        finally:
            self.connections -= 1
            seat.leave()

    def recheck(self) -> None:
        """Let every stream ask at once whether it may go on."""
        self.rechecks += 1
        asked, self.rechecked = self.rechecked, asyncio.Event()
        asked.set()

    def close(self) -> None:
        """End every stream."""
        self.closing.set()
