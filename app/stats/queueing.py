"""Do in-flight requests, throughput and time in system fit together, and does the server keep up?

Little's law (Little 1961): in a steady state L = X * W, whatever the order of service. Here

- L: requests in flight, as engines sampled them four times a second (not computed from the requests);
- X: requests that ended in the window, failed ones too, divided by its length;
- W: mean time from start (of a retried request: intended start) to end, of those that started in the window.

The three come from different sources, so a ratio L / (X * W) far from 1 says that the window is not steady or that the
instrument missed something. It may be off by 10 %, by one mean request at the window's edges (W / length), and by three
standard errors of the samples of L (Poisson); beyond that there is a warning.

In an open loop the server has no say in the arrivals. When it is too slow, requests in flight keep growing, or, with a
cap on them, the delay until they start. The phase from one median request after the first start to the last start is
cut into at most 16 equal parts; growing means that the last quarter's mean is 1.5 times the first's or more, with a
linear trend of p < 0.001. In flight counts only when time from the intended start to the end grows as well, because
rising arrivals alone fill a healthy server too.
"""

from typing import Any

import numpy as np

from app.stats.criteria import number
from app.stats.run_statistics import TargetStatistics
from app.stats.slices import Slices
from app.stats.steady import DRIFT_P, Floats, Window, batched, trend

TOLERANCE = 0.10
GROWTH = 1.5
_PARTS = 16
_MIN_PARTS = 8
_SAMPLES_PER_S = 4
_LEAST_GROWTH = 2.0  # requests in flight


def queueing(
    statistics: TargetStatistics, window: Window, *, open_loop: bool, held_by_rate_limit: int = 0
) -> dict[str, Any] | None:
    """The `queueing` part of a summary; None when there is neither a window nor growth, or nothing was sampled."""
    slices = statistics.slices
    grown = _growth(statistics, held_by_rate_limit) if open_loop else None
    if window.exists:
        low, high = window.low, window.high
    elif grown is not None:
        low, high = _load_phase(slices)
    else:
        return None
    seconds = (high - low) * slices.width_s
    in_flight = slices.total("in_flight_s", low, high) / seconds
    ended = slices.total("ended_ok", low, high) + slices.total("ended_failed", low, high)
    started = slices.total("ok", low, high) + slices.total("failed", low, high)
    if not (in_flight and ended and started):
        return None
    mean_s = slices.total("time_in_system_s", low, high) / started
    ratio = in_flight / (ended / seconds * mean_s) if mean_s else None
    warning = grown
    if warning is None and ratio is not None:
        warning = _little(ratio, in_flight, seconds, mean_s)
    return {
        "in_flight_mean": in_flight,
        "throughput_per_s": ended / seconds,
        "time_in_system_mean_ms": mean_s * 1e3,
        "little_ratio": ratio,
        "is_stable": warning is None,
        "warning": warning,
    }


def _little(ratio: float, in_flight: float, seconds: float, mean_s: float) -> str | None:
    sampling = 3 / (in_flight * _SAMPLES_PER_S * seconds) ** 0.5
    if abs(ratio - 1) <= TOLERANCE + mean_s / seconds + sampling:
        return None
    return (
        f"Little's law fails: {number(in_flight)} requests were in flight on average, but throughput times time in "
        f"system is {number(in_flight / ratio)}; the window is not steady, or requests were lost to the measurement"
    )


def _load_phase(slices: Slices) -> tuple[int, int]:
    """The slices from the first start to the last, the last (partial) one left out."""
    busy = np.flatnonzero(slices.column("ok") + slices.column("failed"))
    return slices.first + int(busy[0]), slices.first + max(int(busy[-1]), int(busy[0]) + 1)


def _growth(statistics: TargetStatistics, held_by_rate_limit: int) -> str | None:
    slices = statistics.slices
    if not slices.length or not slices.column("ok").any():
        return None
    low, high = _load_phase(slices)
    median = statistics.metrics["stream_end_ms"].histogram.percentiles(50.0)
    low += -(-(median[0] if median else 0) // slices.width_ns)
    rows = slice(low - slices.first, high - slices.first)
    joined = max(-(-(high - low) // _PARTS), 1)
    if (high - low) // joined < _MIN_PARTS:
        return None
    in_flight = slices.column("in_flight_s")[rows] / slices.width_s
    held = _grew(batched(in_flight, np.ones_like(in_flight), joined))
    waits = {}
    for metric in ("stream_end_from_intended_ms", "schedule_delay_ms"):
        counts, means = slices.means_ms(metric)
        waits[metric] = _grew(batched(means[rows], counts[rows], joined))
    total, delay = waits["stream_end_from_intended_ms"], waits["schedule_delay_ms"]
    if total is None:
        return None
    if delay is not None and delay[1] - delay[0] >= (total[1] - total[0]) / 2:
        cause = (
            "the client's own rate limit holds them back"
            if held_by_rate_limit
            else "the server does not keep up with the arrival rate"
        )
        return (
            f"{cause}: requests waited longer and longer to be started, first {number(delay[0])} ms, at the end "
            f"{number(delay[1])} ms"
        )
    if held is not None and held[1] - held[0] >= _LEAST_GROWTH:
        grew = f"in-flight grew from {number(held[0])} to {number(held[1])}"
        return f"the server does not keep up with the arrival rate: {grew}"
    return None


def _grew(values: Floats) -> tuple[float, float] | None:
    """Means of the first and the last quarter, when the series grows; else None."""
    values = values[~np.isnan(values)]
    line = trend(values) if len(values) >= _MIN_PARTS else None
    quarter = len(values) // 4
    if line is None or line.p_value >= DRIFT_P or line.end <= line.begin:
        return None
    first, last = float(values[:quarter].mean()), float(values[-quarter:].mean())
    return (first, last) if last >= GROWTH * max(first, 0.0) else None
