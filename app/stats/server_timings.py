"""Distributions of what servers say about their own times, by name, in bounded memory."""

from collections.abc import Iterable, Mapping
from typing import Any, Self

import numpy as np

from app.stats.distribution import Distribution

MAX_NAMES = 32


class ServerTimings:
    """Milliseconds by name; names past `MAX_NAMES` do not count."""

    def __init__(self) -> None:
        self.by_name: dict[str, Distribution] = {}

    def add(self, timings: Iterable[Mapping[str, float]]) -> None:
        """Take in what several requests were told."""
        columns: dict[str, list[float]] = {}
        for one in timings:
            for name, milliseconds in one.items():
                columns.setdefault(name, []).append(milliseconds)
        for name, values in columns.items():
            if (distribution := self._of(name)) is not None:
                distribution.record_ms(np.array(values, dtype=np.float64))

    def merge(self, other: "ServerTimings") -> None:
        """Take in what another has seen."""
        for name, theirs in other.by_name.items():
            if (mine := self._of(name)) is not None:
                mine.merge(theirs)

    def summary(self) -> dict[str, Any]:
        """A metric's summary for each name."""
        return {name: distribution.summary() for name, distribution in sorted(self.by_name.items())}

    def pack(self) -> dict[str, list[Any]]:
        """Plain values for msgpack."""
        return {name: distribution.pack() for name, distribution in self.by_name.items()}

    @classmethod
    def unpack(cls, packed: Mapping[str, list[Any]]) -> Self:
        """What `pack` was made of."""
        made = cls()
        made.by_name = {name: Distribution.unpack(values) for name, values in packed.items()}
        return made

    def _of(self, name: str) -> Distribution | None:
        if name not in self.by_name and len(self.by_name) >= MAX_NAMES:
            return None
        return self.by_name.setdefault(name, Distribution())
