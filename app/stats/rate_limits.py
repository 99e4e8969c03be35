"""How a run stood against the server's own rate limits, as its response headers told: the newest and the lowest."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

MAX_NAMES = 16


@dataclass
class Standing:
    """One limit. None: never told. `at_ns` is when the newest response ended, `responses` how many told of it."""

    limit: float | None = None
    remaining: float | None = None
    reset_seconds: float | None = None
    lowest_remaining: float | None = None
    at_ns: int = 0
    responses: int = 0

    def merge(self, other: "Standing") -> None:
        """Take in what another has seen."""
        lowest = [one for one in (self.lowest_remaining, other.lowest_remaining) if one is not None]
        self.lowest_remaining = min(lowest, default=None)
        self.responses += other.responses
        if other.at_ns >= self.at_ns:
            self.limit, self.remaining, self.reset_seconds = other.limit, other.remaining, other.reset_seconds
            self.at_ns = other.at_ns


class RateLimits:
    """Standings by name, such as `requests` and `tokens`; names past `MAX_NAMES` do not count."""

    def __init__(self) -> None:
        self.by_name: dict[str, Standing] = {}

    def add(self, told: Iterable[tuple[int, Mapping[str, Mapping[str, float]]]]) -> None:
        """Take in `(end of the response, limits by name)` of several requests."""
        for at_ns, limits in told:
            for name, parts in limits.items():
                remaining = parts.get("remaining")
                seen = Standing(parts.get("limit"), remaining, parts.get("reset_seconds"), remaining, at_ns, 1)
                self._merge(name, seen)

    def merge(self, other: "RateLimits") -> None:
        """Take in what another has seen."""
        for name, theirs in other.by_name.items():
            self._merge(name, theirs)

    def summary(self) -> dict[str, dict[str, Any]]:
        """Each limit's standing."""
        return {name: asdict(standing) for name, standing in sorted(self.by_name.items())}

    def pack(self) -> dict[str, list[Any]]:
        """Plain values for msgpack."""
        return {name: list(vars(standing).values()) for name, standing in self.by_name.items()}

    @classmethod
    def unpack(cls, packed: Mapping[str, list[Any]]) -> Self:
        """What `pack` was made of."""
        made = cls()
        made.by_name = {name: Standing(*values) for name, values in packed.items()}
        return made

    def _merge(self, name: str, standing: Standing) -> None:
        if name in self.by_name or len(self.by_name) < MAX_NAMES:
            self.by_name.setdefault(name, Standing()).merge(standing)
