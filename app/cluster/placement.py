"""Which workers the shards of a stage run on. Pure: who is there, what is taken, who came first → who gets what."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from app.core.errors import ConstraintViolationError

T = TypeVar("T")
WorkerStatus = Literal["running", "draining", "mismatch"]


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """One worker, as the scheduler and the worker itself tell it."""

    name: str
    address: str
    tags: tuple[str, ...]
    slots: int
    version: str
    status: WorkerStatus = "running"
    """`running`, `draining` (takes nothing new), or `mismatch` (another version: gets nothing)."""
    offset_ns: int | None = None  # against the clock of the server that asks
    offset_error_ns: int | None = None
    last_seen: float = 0.0  # Unix seconds
    running: int = 0  # tasks, by its own count


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody who came earlier still waits for."""

    number: int
    tags: tuple[str, ...] = ()


def eligible(workers: Iterable[WorkerInfo], tags: Iterable[str]) -> list[WorkerInfo]:
    """Workers that take new shards and have every tag, by name."""
    wanted = set(tags)
    return sorted(
        (worker for worker in workers if worker.status == "running" and wanted <= set(worker.tags)),
        key=lambda worker: worker.name,
    )


def check_possible(workers: Sequence[WorkerInfo], number: int, tags: Sequence[str]) -> None:
    """Refuse what the cluster could not even run when idle.

    Raises:
        ConstraintViolationError: naming what there is.
    """
    fitting = eligible(workers, tags)
    slots = sum(worker.slots for worker in fitting)
    if slots >= number:
        return
    known = sorted({tag for worker in workers if worker.status == "running" for tag in worker.tags})
    message = f"this benchmark needs {slots_in_words(number, tags)} at once; the cluster has {slots}"
    if not workers:
        message += " (no worker is connected)"
    elif tags:
        message += f"; tags of its workers: {', '.join(known) or 'none'}"
    raise ConstraintViolationError(message, needed=number, available=slots, tags=list(tags), known_tags=known)


def slots_in_words(number: int, tags: Sequence[str] = ()) -> str:
    """Such as "2 worker slots tagged gpu, region=eu"."""
    return f"{number} worker slot{'s' if number > 1 else ''}" + (f" tagged {', '.join(tags)}" if tags else "")


def impossible(workers: Sequence[WorkerInfo], wishes: Mapping[T, Wish]) -> dict[T, str]:
    """Which wishes the cluster could not even fulfil when idle, and why not."""
    found: dict[T, str] = {}
    answers: dict[Wish, str | None] = {}
    for key, wish in wishes.items():
        if wish not in answers:
            try:
                check_possible(workers, wish.number, wish.tags)
            except ConstraintViolationError as error:
                answers[wish] = error.message
            else:
                answers[wish] = None
        if (why := answers[wish]) is not None:
            found[key] = why
    return found


def lost_patience(why: str, seconds: float) -> str:
    """What is said of a benchmark that waited in vain."""
    return f"{why}, and so it was for {seconds:g} s"


def place(
    workers: Sequence[WorkerInfo],
    taken: Mapping[str, int],
    number: int,
    tags: Sequence[str],
    earlier: Sequence[Wish] = (),
) -> list[str] | None:
    """Addresses for `number` shards, the emptiest workers first; None while there is no room.

    Whoever came earlier and could use one of the same workers is served first, so that large ones do not starve.
    """
    fitting = eligible(workers, tags)
    mine = {worker.address for worker in fitting}
    for wish in earlier:
        if mine & {worker.address for worker in eligible(workers, wish.tags)} and _could_ever(workers, wish):
            return None
    if free_slots(workers, taken, tags) < number:
        return None
    free = {worker.address: worker.slots - taken.get(worker.name, 0) for worker in fitting}
    chosen = []
    for _ in range(number):
        address = max(free, key=lambda one: free[one])  # ties: by name, as `eligible` sorts
        free[address] -= 1
        chosen.append(address)
    return chosen


def free_slots(workers: Iterable[WorkerInfo], taken: Mapping[str, int], tags: Iterable[str]) -> int:
    """Slots that nobody has, on workers with every tag."""
    return sum(max(worker.slots - taken.get(worker.name, 0), 0) for worker in eligible(workers, tags))


def _could_ever(workers: Sequence[WorkerInfo], wish: Wish) -> bool:
    """A wish that nothing here can fulfil holds nobody up; it ends by its own patience."""
    return sum(worker.slots for worker in eligible(workers, wish.tags)) >= wish.number
