"""How far a run is, as its coordinator notes it for whoever might have to go on: beside its lease in the database."""

from dataclasses import dataclass, field
from typing import Any, Self

from app.stats.instrument import InstrumentFacts
from app.stats.pace import Pace


@dataclass(frozen=True)
class Done:
    """A stage that is over: what cannot be found in its stored results."""

    instrument: list[Any]
    pace: list[Any]

    def facts(self) -> tuple[InstrumentFacts, Pace]:
        """The engines' facts, and how requests started."""
        return InstrumentFacts.unpack(self.instrument), Pace.unpack(self.pace)


@dataclass
class Course:
    """The stages that are over, in order, and the one that runs."""

    origin_ns: int = 0  # of the run's statistics; 0 before the first stage
    done: list[Done] = field(default_factory=list)
    running: tuple[int, int, int] | None = None  # target, point, and its first instant in Unix nanoseconds

    def begin_ns(self, target_index: int, point: int) -> int | None:
        """When this stage began, if it has already."""
        if self.running is None or self.running[:2] != (target_index, point):
            return None
        return self.running[2]

    def begin(self, origin_ns: int, target_index: int, point: int, begin_ns: int) -> None:
        """A stage begins."""
        self.origin_ns = origin_ns
        self.running = (target_index, point, begin_ns)

    def end(self, instrument: InstrumentFacts, pace: Pace) -> None:
        """The stage that runs is over."""
        self.done.append(Done(instrument.pack(), pace.pack()))
        self.running = None

    def detail(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "origin_ns": self.origin_ns,
            "done": [[one.instrument, one.pace] for one in self.done],
            "running": list(self.running) if self.running else None,
        }

    @classmethod
    def of(cls, detail: dict[str, Any] | None) -> Self:
        """What `detail` was made from; a course that has not begun when there is none."""
        if not detail:
            return cls()
        running = detail["running"]
        return cls(
            detail["origin_ns"],
            [Done(instrument, pace) for instrument, pace in detail["done"]],
            (running[0], running[1], running[2]) if running else None,
        )
