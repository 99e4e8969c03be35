"""Who wants which events: an index, so that an event costs only the clients that asked for it."""

from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar
from uuid import UUID

from app.events.types import Event, Position, Topic

Interest = tuple[Topic, UUID | None]
Client = TypeVar("Client", bound=Hashable)


class Wanted:
    """The interests of one client, and from which position on each is told.

    Two interests may cover the same event (a family, and one benchmark of it): it is told once. An interest that begins
    in the past replays only what no other covers; the live events follow for all alike.
    """

    def __init__(self) -> None:
        self._from: dict[Interest, Position] = {}

    def __len__(self) -> int:
        return len(self._from)

    def __iter__(self) -> Iterator[Interest]:
        return iter(self._from)

    def count_with(self, interests: set[Interest]) -> int:
        """How many there would be with `interests`."""
        return len(self._from.keys() | interests)

    def add(self, interest: Interest, told_from: Position) -> None:
        """Take up an interest, or let one begin earlier."""
        known = self._from.get(interest)
        if known is None or known.epoch != told_from.epoch or told_from.seq < known.seq:
            self._from[interest] = told_from

    def remove(self, interest: Interest) -> bool:
        """Give an interest up; whether there was one."""
        return self._from.pop(interest, None) is not None

    def covers(self, event: Event) -> bool:
        """Whether the event has been told already."""
        for key in {(event.topic, None), (event.topic, event.session_id)}:
            begin = self._from.get(key)
            if begin is not None and (begin.epoch != event.epoch or event.seq > begin.seq):
                return True
        return False


class Index(Generic[Client]):
    """All clients by interest."""

    def __init__(self) -> None:
        self._clients: dict[Interest, set[Client]] = {}

    def add(self, client: Client, interest: Interest) -> None:
        """The client wants such events."""
        self._clients.setdefault(interest, set()).add(client)

    def remove(self, client: Client, interest: Interest) -> None:
        """It does not any more."""
        clients = self._clients.get(interest, set())
        clients.discard(client)
        if not clients:
            self._clients.pop(interest, None)

    def __len__(self) -> int:
        return len(self._clients)

    def of(self, event: Event) -> set[Client]:
        """Clients that want the event."""
        everywhere = self._clients.get((event.topic, None), set())
        if event.session_id is None:
            return set(everywhere)
        return everywhere | self._clients.get((event.topic, event.session_id), set())
