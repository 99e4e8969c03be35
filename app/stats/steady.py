"""Which part of a run is steady: the start burst, the warm-up of a server and the drain at the end are left out.

A window is chosen by the start of requests alone: those with `from <= started - origin < to`, whatever they lasted, so
long requests are not left out more often than short ones. Its edges are edges of slices (`stats.slices`). Without
explicit times they are found per target (or point of an exploration) like this:

1. *Drain.* It begins with the last start. The window ends at least the p99 of `stream_end_ms` before the slice of the
   last start: what starts in the window hardly runs on into the drain.
2. *Batches.* Neighbouring slices from the first start to that end are joined, 2**k of them, until a batch has five
   starts on average. There must be ten batches.
3. *Start burst.* MSER (White 1997; with batches of five, MSER-5: White, Cobb and Spratt 2000) leaves out the first d
   batches, d minimising sum((x_i - mean)**2) / (n - d)**2 over the rest, d <= n / 2. It looks at three series, and the
   latest of their answers counts: mean time to first token and mean time from the intended start to the end of the body
   by start, and requests in flight. At least one median request from the first start on is left out in any case,
   because until then the system fills.
4. *Still drifting?* What is left must be five batches. None of the three series may drift in it: no linear trend of
   more than 10 % of its mean over the window with p < 0.001, its standard error corrected for first-order
   autocorrelation of the residuals. A server that warms up or degrades all the time has no steady state, and gets none.

Where a part of the run was interrupted (`stats.interruptions`), points 2 to 4 are about the stretches between: the
longest that has a steady part gives the window.

Given times win over what would be found: the window begins `warmup_seconds` after the first start and ends
`cooldown_seconds` before the last end, both rounded inwards to edges of slices.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from app.stats import interruptions
from app.stats.criteria import number
from app.stats.run_statistics import TargetStatistics
from app.stats.slices import Slices

STARTS_PER_BATCH = 5
MIN_BATCHES = 10
MIN_STEADY_BATCHES = 5
MAX_DRIFT = 0.10
DRIFT_P = 0.001
_NS_PER_S = 10**9
_TOO_SHORT = (
    f"the run was too short: fewer than {STARTS_PER_BATCH * MIN_BATCHES} requests started before the last ones drained"
)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class GivenWindow:
    """Seconds that the user leaves out; None lets them be found."""

    warmup_seconds: float | None = None
    cooldown_seconds: float | None = None

    @property
    def is_set(self) -> bool:
        """Whether anything is given."""
        return (self.warmup_seconds, self.cooldown_seconds) != (None, None)


@dataclass(frozen=True)
class Window:
    """Slices `low` … `high` - 1 of a target, or the reason why there are none."""

    method: Literal["mser-5", "given", "none"]
    reason: str
    low: int = 0
    high: int = 0

    @property
    def exists(self) -> bool:
        """Whether there is one."""
        return self.method != "none"

    def view(self, slices: Slices) -> dict[str, Any]:
        """The `window` part of a summary."""
        width_s = slices.width_s
        return {
            "from_s": self.low * width_s if self.exists else None,
            "to_s": self.high * width_s if self.exists else None,
            "origin_ns": slices.origin_ns,
            "method": self.method,
            "reason": self.reason,
        }


@dataclass(frozen=True)
class Trend:
    """A straight line through a series: its first and last value, and the p-value of its slope."""

    begin: float
    end: float
    p_value: float

    @property
    def change(self) -> float:
        """Over the whole series, as a share of its mean."""
        mean = (self.begin + self.end) / 2
        return (self.end - self.begin) / mean if mean > 0 else 0.0


def find_window(statistics: TargetStatistics, given: GivenWindow | None = None) -> Window:
    """The steady window of one target at one level of load."""
    slices, given = statistics.slices, given or GivenWindow()
    started = slices.column("ok") + slices.column("failed")
    busy = np.flatnonzero(started)
    if not statistics.counters.total:
        return Window("none", "no request ended")
    if not len(busy):
        return Window("none", "the run was measured without slices of time")
    begin, last = slices.first + int(busy[0]), slices.first + int(busy[-1])
    if given.is_set:
        return _given_window(statistics, given, begin, last)
    if not statistics.metrics["stream_end_ms"].n:
        return Window("none", "no request succeeded at its first try")
    end = _before_drain(statistics, last)
    return _between_interruptions(statistics, begin, end, last)


def mser(series: Floats) -> int:
    """How many leading values to leave out, at most half of them; the least such number."""
    n = len(series)
    if not n:
        return 0
    scores = [float(((series[d:] - series[d:].mean()) ** 2).sum()) / (n - d) ** 2 for d in range(n // 2 + 1)]
    return int(np.argmin(scores))


def trend(series: Floats) -> Trend | None:
    """A least-squares line through equally spaced values; None below five. Source: as for `steady`, point 4."""
    from scipy.special import stdtr  # noqa: PLC0415 - loading it takes half a second, which summaries alone need

    n = len(series)
    if n < MIN_STEADY_BATCHES:
        return None
    times = np.arange(n) - (n - 1) / 2
    slope = float(times @ series / (times @ times))
    mean = float(series.mean())
    half = slope * (n - 1) / 2
    residuals = series - mean - slope * times
    squares = float(residuals @ residuals)
    if squares <= 1e-18 * max(mean * mean, 1e-300) * n:  # a perfect line
        return Trend(mean - half, mean + half, 0.0 if abs(half) > 1e-9 * abs(mean) else 1.0)
    again = min(max(float(residuals[1:] @ residuals[:-1]) / squares, 0.0), 0.9)
    error = math.sqrt(squares / (n - 2) / float(times @ times) * (1 + again) / (1 - again))
    return Trend(mean - half, mean + half, 2 * float(stdtr(n - 2, -abs(slope / error))))


def batched(values: Floats, weights: Floats, joined: int) -> Floats:
    """Weighted means of `joined` neighbouring values each, NaN where weights are 0, without a last partial batch."""
    length = len(values) // joined * joined
    known = np.where(weights[:length] > 0, values[:length], 0.0).reshape(-1, joined)
    loads = weights[:length].reshape(-1, joined)
    total = loads.sum(axis=1)
    return np.where(total > 0, (known * loads).sum(axis=1) / np.where(total > 0, total, 1.0), np.nan)


def _given_window(statistics: TargetStatistics, given: GivenWindow, begin: int, last: int) -> Window:
    slices, counters = statistics.slices, statistics.counters
    told = []
    low, high = begin, slices.number(counters.last_end_ns) + 1
    if given.warmup_seconds is not None:
        told.append(f"warm-up of {given.warmup_seconds:g} s")
        if given.warmup_seconds:
            edge = counters.first_start_ns + round(given.warmup_seconds * _NS_PER_S)
            low = slices.number(edge - 1) + 1
    if given.cooldown_seconds is not None:
        told.append(f"cool-down of {given.cooldown_seconds:g} s")
        if given.cooldown_seconds:
            high = slices.number(counters.last_end_ns - round(given.cooldown_seconds * _NS_PER_S))
    else:
        high = _before_drain(statistics, last)
    if given.warmup_seconds is None:
        found = _start(statistics, begin, high)
        if isinstance(found, str):
            return Window("none", f"given: {told[0]}; the start of the window: {found}")
        low = found
    words = " and ".join(told)
    if high <= low:
        return Window("none", f"the given {words} leave nothing of {counters.duration_seconds:.3g} s")
    started = slices.total("ok", low, high) + slices.total("failed", low, high)
    if not started:
        return Window("none", f"no request started between the given {words}")
    reason = f"given: {words}, rounded to slices of {slices.width_s:g} s"
    inside = any(
        slices.number(to_ns) >= low and slices.number(from_ns) < high for from_ns, to_ns in slices.interruptions
    )
    return Window("given", f"{reason}; in it, {interruptions.said(slices)}" if inside else reason, low, high)


def _between_interruptions(statistics: TargetStatistics, begin: int, end: int, last: int) -> Window:
    """The steady part of the longest stretch that has one."""
    slices = statistics.slices
    width_s, interrupted, why_not = slices.width_s, interruptions.said(slices), None
    for low, high in interruptions.stretches(slices, begin, end):
        found = _start(statistics, low, high)
        if isinstance(found, str):
            why_not = why_not or found
            continue
        tail = "at the end" if interrupted else "of drain"
        left_out = (
            f"{(found - begin) * width_s:.3g} s from the first start and {(last + 1 - high) * width_s:.3g} s {tail}"
        )
        return Window("mser-5", f"without {left_out}" + (f": {interrupted}" if interrupted else ""), found, high)
    if interrupted:
        return Window("none", interrupted + (f"; beside that {why_not}" if why_not else ""))
    return Window("none", why_not or _TOO_SHORT)


def _before_drain(statistics: TargetStatistics, last: int) -> int:
    longest = statistics.metrics["stream_end_ms"].histogram.percentiles(99.0)
    return last - -(-(longest[0] if longest else 0) // statistics.slices.width_ns)


def _start(statistics: TargetStatistics, begin: int, end: int) -> int | str:
    """The slice in which the steady part begins, or why there is none."""
    slices = statistics.slices
    rows = slice(begin - slices.first, max(end - slices.first, 0))
    started = (slices.column("ok") + slices.column("failed"))[rows]
    if end <= begin or started.sum() < STARTS_PER_BATCH * MIN_BATCHES:
        return _TOO_SHORT
    joined = 1
    while started.sum() / (len(started) // joined) < STARTS_PER_BATCH:
        joined *= 2
    if len(started) // joined < MIN_BATCHES:
        return f"the run was too short: it makes fewer than {MIN_BATCHES} batches of {STARTS_PER_BATCH} requests"
    median = statistics.metrics["stream_end_ms"].histogram.percentiles(50.0)
    filling = -(-(median[0] if median else 0) // slices.width_ns)
    series = _series(slices, rows, joined)
    cut = max(-(-filling // joined), *(_cut(values) for _, _, values in series), 0)
    if len(started) // joined - cut < MIN_STEADY_BATCHES:
        return "the run was too short: hardly anything is left between start burst and drain"
    for name, unit, values in series:
        left = values[cut:]
        line = trend(left[~np.isnan(left)])
        if line is not None and abs(line.change) > MAX_DRIFT and line.p_value < DRIFT_P:
            way = "rose" if line.change > 0 else "fell"
            ends = f"{number(max(line.begin, 0.0))} to {number(max(line.end, 0.0))}{unit}"
            return f"there was no steady state: {name} {way} from {ends} to the end"
    return begin + cut * joined


def _series(slices: Slices, rows: slice, joined: int) -> list[tuple[str, str, Floats]]:
    series = []
    for name, metric in (("time to first token", "ttft_ms"), ("time to the end", "stream_end_from_intended_ms")):
        counts, means = slices.means_ms(metric)
        series.append((name, " ms", batched(means[rows], counts[rows], joined)))
    in_flight = slices.column("in_flight_s")[rows] / slices.width_s
    if in_flight.any():
        series.append(("requests in flight", "", batched(in_flight, np.ones_like(in_flight), joined)))
    return [(name, unit, values) for name, unit, values in series if (~np.isnan(values)).sum() >= MIN_STEADY_BATCHES]


def _cut(values: Floats) -> int:
    """MSER over the batches that have a value, in batches altogether."""
    known = np.flatnonzero(~np.isnan(values))
    cut = mser(values[known])
    return int(known[cut]) if cut else 0
