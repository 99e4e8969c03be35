"""How many benchmarks may wait, and what whoever comes to a full queue is told.

Nothing of a refused submission is stored; what waits already keeps its place.
"""

from typing import NamedTuple
from uuid import UUID

from app.benchmarks import repository
from app.core.database import WriteSession
from app.core.errors import RateLimitedError, ServiceUnavailableError

RETRY_SECONDS = 15
"""When to come back: there is room as soon as one benchmark starts, and the shortest take about so long."""


class QueueFullError(ServiceUnavailableError):
    """So many benchmarks wait that no more are taken; `details` has `waiting`, `limit` and `retry_after_seconds`."""

    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(RETRY_SECONDS)}


class QueueLimits(NamedTuple):
    """Benchmarks that may wait, over all servers; 0 is no limit."""

    all: int = 0
    of_one_user: int = 0

    async def check_room(self, session: WriteSession, owner_id: UUID | None) -> None:
        """Whether one more may wait; it stays so until the transaction ends.

        Raises:
            QueueFullError: nobody's may.
            RateLimitedError: none of this user may.
        """
        if not any(self):
            return
        await repository.one_submits(session)
        waiting, own = await repository.count_waiting(session, owner_id)
        if self.all and waiting >= self.all:
            raise QueueFullError(
                f"{waiting} benchmarks wait to be run, and no more than {self.all} may; try again later",
                waiting=waiting,
                limit=self.all,
                retry_after_seconds=RETRY_SECONDS,
            )
        if self.of_one_user and owner_id is not None and own >= self.of_one_user:
            raise RateLimitedError(
                f"{own} of your benchmarks wait to be run, and no more than {self.of_one_user} of one user may; "
                "try again later, or cancel some",
                retry_after_seconds=RETRY_SECONDS,
                waiting=own,
                limit=self.of_one_user,
            )


NO_LIMITS = QueueLimits()
