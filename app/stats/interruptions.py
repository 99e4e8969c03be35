"""When a part of a run was interrupted: its shard had died and was taken up again.

An interruption lasts from the instant at which the first request was due that could not be sent, to the end of the last
one that was overdue when the shard was back. Before, less was sent than asked for, then all that was overdue at once:
neither is the load that the run is about, so no steady window reaches into it.
"""

from app.stats.slices import Slices

_NS_PER_S = 1e9


def stretches(slices: Slices, begin: int, end: int) -> list[tuple[int, int]]:
    """The slices from `begin` to before `end` without those of interruptions, as `(low, high)`, the longest first."""
    found, low = [], begin
    for from_ns, to_ns in sorted(slices.interruptions):
        found.append((low, min(slices.number(from_ns), end)))
        low = max(low, slices.number(to_ns) + 1)
    found.append((low, end))
    return sorted(((low, high) for low, high in found if high > low), key=lambda one: one[0] - one[1])


def said(slices: Slices) -> str:
    """In words, in seconds of the run; empty when there was none."""
    if not slices.interruptions:
        return ""
    spans = sorted(slices.interruptions)
    merged = [spans[0]]
    for from_ns, to_ns in spans[1:]:
        if from_ns <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], to_ns))
        else:
            merged.append((from_ns, to_ns))
    told = [
        f"{(from_ns - slices.origin_ns) / _NS_PER_S:.1f} s to {(to_ns - slices.origin_ns) / _NS_PER_S:.1f} s"
        for from_ns, to_ns in merged
    ]
    return f"a part of the run was interrupted, from {' and from '.join(told)}"
