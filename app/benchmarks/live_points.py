"""Which seconds of a running benchmark are known, and what of them a live view has been told. Pure.

A request tells of itself when it has ended: only then its first token and chunks are put where they happened. So of the
newest seconds it is known how many requests ended, failed and were under way, but not yet how fast tokens came. Each
shard says up to when it has told everything (`ShardTick.settled_ns`: the start of its oldest request without a record).
Seconds before that are *whole*; of later ones a live view is told what is known, and the rest as soon as it is.
"""

from collections.abc import Hashable, Iterable
from typing import Any, NamedTuple

import numpy as np

from app.stats.timeline import Timeline

EVERYTHING_NS = 2**63 - 1
"""`settled_ns` of a shard that has ended."""

NOT_WAITED_FOR_S = 60.0
"""One request that never ends must not hold a live view back for ever: seconds older than this are told as they are."""

_LEAST_WAIT_S = 5.0
_SHORT_S = 3.0
_REPORT_S = 0.5  # from the end of a request to its report: a tick, and its way here
_MOST_AT_ONCE = 120
_NS_PER_S = 10**9
_LATE_COLUMNS = (
    *(f"{name}_p{percentile}_ms" for name in ("ttft", "gap") for percentile in (50, 95, 99)),
    "output_tokens_per_s",
    "chunks_per_s",
)

Columns = dict[str, list[float | None]]


class Known(NamedTuple):
    """How many points of a timeline are told, and how many of them are whole."""

    told: int
    whole: int


class LivePoints:
    """Follows the ticks of all shards of a run that began at `origin_ns`."""

    def __init__(self, origin_ns: int) -> None:
        self._origin_ns = origin_ns
        self._shards: dict[Hashable, tuple[int, int]] = {}  # reported, settled
        self._width_s = 1
        self._told = self._whole = 0
        self._due: set[int] = set()  # points to tell again

    def take(self, shard: Hashable, at_ns: int, settled_ns: int, delta: Timeline, width_s: int) -> None:
        """A shard's report; `delta` is what it adds to the timeline, whose points are `width_s` wide by now."""
        reported_ns = EVERYTHING_NS if settled_ns == EVERYTHING_NS else at_ns
        self._shards[shard] = (reported_ns, settled_ns)
        self._widen(width_s)
        self._due.update(point for point in _touched(delta, width_s) if point < self._whole)

    def known(self, now_ns: int, longest_s: float | None) -> Known:
        """What can be told; of 100 requests 99 take at most `longest_s`, None before the first has ended."""
        if not self._shards:
            return Known(0, 0)
        patience_s = min(max(_LEAST_WAIT_S, 1.5 * (longest_s or NOT_WAITED_FOR_S)), NOT_WAITED_FOR_S)
        newest_ns = now_ns - round(_REPORT_S * _NS_PER_S)
        reported_ns = min(newest_ns, max(self._least(0), now_ns - round(_LEAST_WAIT_S * _NS_PER_S)))
        settled_ns = min(reported_ns, max(self._least(1), now_ns - round(patience_s * _NS_PER_S)))
        whole = max(self._points(settled_ns), self._whole)
        told = max(self._points(reported_ns), whole)
        # While requests are short all of a second is known soon enough to be told at once.
        is_short = longest_s is not None and longest_s <= _SHORT_S
        is_soon = is_short and (told - whole) * self._width_s <= _LEAST_WAIT_S
        return Known(whole if is_soon else told, whole)

    def news(self, known: Known) -> list[int]:
        """Points before the newest that were never told, have become whole or have changed; each is named once."""
        self._due.update(range(self._told, known.told))
        self._due.update(range(min(self._whole, self._told), min(known.whole, known.told)))
        self._told, self._whole = max(self._told, known.told), max(self._whole, known.whole)
        self._due.discard(self._told - 1)
        chosen = sorted(self._due)[:_MOST_AT_ONCE]
        self._due.difference_update(chosen)
        return chosen

    def _least(self, which: int) -> int:
        return min(shard[which] for shard in self._shards.values())

    def _points(self, until_ns: int) -> int:
        return max((until_ns - self._origin_ns) // (self._width_s * _NS_PER_S), 0)

    def _widen(self, width_s: int) -> None:
        while self._width_s < width_s:
            self._width_s *= 2
            self._told, self._whole = self._told // 2, self._whole // 2
            self._due = {point // 2 for point in self._due}


def masked(columns: Columns, first: int, whole: int) -> Columns:
    """Columns whose first row is point `first`, without what is not known yet of the points from `whole` on."""
    keep = max(whole - first, 0)
    return columns | {name: [*columns[name][:keep], *[None] * (len(columns[name]) - keep)] for name in _LATE_COLUMNS}


def rows_of(columns: Columns) -> list[dict[str, Any]]:
    """Columns as one document a row."""
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _touched(delta: Timeline, width_s: int) -> Iterable[int]:
    rows = set(np.flatnonzero(delta.sums[: delta.length].any(axis=1)).tolist())
    for series in delta.histograms.values():
        rows.update(series)
    return {row * delta.width_s // width_s for row in rows}
