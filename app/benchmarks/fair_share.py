"""Who is next: round robin between users, and of each user's benchmarks the oldest. Pure.

Always the user with the fewest benchmarks running (or already picked) comes next, and of these the one whose oldest has
waited longest. So one who submits a hundred holds nobody up who submits one.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Waiting:
    """A benchmark that waits."""

    id: UUID
    owner_id: UUID | None
    created_at: datetime


def fair_order(
    waiting: Iterable[Waiting], running: Mapping[UUID | None, int], *, per_user: int = 0, only_startable: bool = False
) -> list[UUID]:
    """Ids in the order in which they will run. `running` counts each user's running benchmarks.

    With `per_user` a user never has more running than that; `only_startable` leaves out those who therefore wait for
    one of their own. Otherwise these come last.
    """
    queues: dict[UUID | None, deque[Waiting]] = defaultdict(deque)
    for one in sorted(waiting, key=lambda one: (one.created_at, one.id)):
        queues[one.owner_id].append(one)
    load: Counter[UUID | None] = Counter(running)
    order: list[UUID] = []
    while queues:
        open_to = [owner for owner in queues if not per_user or load[owner] < per_user]
        if not open_to:
            if only_startable:
                break
            open_to = list(queues)
        owner = min(open_to, key=lambda one: (load[one], queues[one][0].created_at, queues[one][0].id))
        order.append(queues[owner].popleft().id)
        load[owner] += 1
        if not queues[owner]:
            del queues[owner]
    return order
