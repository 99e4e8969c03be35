"""Differences between two runs: intervals, p-values, and what may be said about them. Pure and deterministic.

The interval of a difference b - a comes from the two runs' own intervals by the method of variance estimates recovery
(MOVER; Zou and Donner, "Construction of confidence limits about effect measures", Statistics in Medicine 27, 2008):

    low = (b - a) - sqrt((b - b_low)² + (a_high - a)²),  high = (b - a) + sqrt((b_high - b)² + (a - a_low)²).

For shares with Wilson's intervals this is Newcombe's hybrid score interval (Statistics in Medicine 17, 1998, method
10). Ratios are differences of logarithms. The p-value is the largest 1 - confidence whose interval still holds "no
difference", both as a difference and as a ratio. Several differences are judged together with Holm's step-down
procedure (Scandinavian Journal of Statistics 6, 1979). Swapping the runs mirrors every interval exactly.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.stats.estimates import Estimate, Interval

CONFIDENCE = 0.95
LEAST_P = 1e-9
_STEPS = 14  # of a bisection over nine decades: to a thousandth of ln p


class Verdict(StrEnum):
    """What the samples allow to say of b against a."""

    LOWER = "lower"
    HIGHER = "higher"
    SAME = "same"  # the whole interval lies within the margin
    WITHIN_ERROR = "within_error"  # smaller than what the instrument itself may be off by
    UNDECIDED = "undecided"  # there may be a difference, or none
    TOO_FEW = "too_few"  # samples for this statistic
    NOT_MEASURED = "not_measured"


@dataclass(frozen=True)
class Difference:
    """b against a. Infinite bounds are None; so is the ratio where it has no meaning."""

    difference: float
    interval: tuple[float | None, float | None]
    ratio: float | None
    ratio_interval: tuple[float | None, float | None] | None
    p: float


def difference_of(a: Estimate, b: Estimate, *, with_ratio: bool = True) -> Difference | None:
    """What b - a and b / a are; None when one of them has no value."""
    if a.value is None or b.value is None:
        return None
    with_ratio = with_ratio and a.value > 0 and b.value > 0
    low, high = _mover(a, b, CONFIDENCE)
    ratio, ratios = None, None
    if with_ratio:
        ratio = b.value / a.value
        log_low, log_high = _log_mover(a, b, CONFIDENCE)
        ratios = (math.exp(log_low) if log_low > -700 else None, math.exp(log_high) if log_high < 700 else None)
    return Difference(b.value - a.value, (_finite(low), _finite(high)), ratio, ratios, _p(a, b, with_ratio=with_ratio))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values in the same order: below 0.05 means beyond doubt among all of them."""
    order = sorted(range(len(p_values)), key=lambda position: p_values[position])
    adjusted, worst = [1.0] * len(p_values), 0.0
    for step, position in enumerate(order):
        worst = max(worst, min(1.0, (len(p_values) - step) * p_values[position]))
        adjusted[position] = worst
    return adjusted


def largest_change(found: Difference) -> float | None:
    """By how much b may differ from a at most, as a share of the smaller one; the same when the runs are swapped."""
    if found.ratio_interval is None:
        return 0.0 if found.difference == 0 and found.interval == (0.0, 0.0) else None
    low, high = found.ratio_interval
    if not low or high is None:
        return None
    return math.exp(max(abs(math.log(low)), abs(math.log(high)))) - 1


def verdict_of(
    found: Difference | None,
    p_adjusted: float,
    *,
    margin: float,
    absolute_margin: float | None = None,
    instrument_error: float | None = None,
) -> Verdict:
    """What to say; `margin` is the share below which a difference does not matter.

    Where ratios mean nothing, `absolute_margin` is used; `instrument_error` is in the unit of the values.
    """
    if found is None:
        return Verdict.TOO_FEW
    if instrument_error is not None and found.difference and abs(found.difference) <= instrument_error:
        return Verdict.WITHIN_ERROR
    if p_adjusted < 1 - CONFIDENCE:
        return Verdict.LOWER if found.difference < 0 else Verdict.HIGHER
    low, high = found.interval
    if absolute_margin is not None:
        is_same = low is not None and high is not None and max(abs(low), abs(high)) <= absolute_margin
    else:
        change = largest_change(found)
        is_same = change is not None and change <= margin
    return Verdict.SAME if is_same else Verdict.UNDECIDED


def _mover(a: Estimate, b: Estimate, confidence: float) -> Interval:
    assert a.value is not None
    assert b.value is not None
    return _recover(a.value, a.interval(confidence), b.value, b.interval(confidence))


def _log_mover(a: Estimate, b: Estimate, confidence: float) -> Interval:
    assert a.value
    assert b.value
    return _recover(math.log(a.value), _logs(a.interval(confidence)), math.log(b.value), _logs(b.interval(confidence)))


def _recover(a: float, of_a: Interval, b: float, of_b: Interval) -> Interval:
    low = b - a - math.hypot(b - of_b[0], of_a[1] - a)
    return low, b - a + math.hypot(of_b[1] - b, a - of_a[0])


def _logs(interval: Interval) -> Interval:
    low, high = interval
    return (math.log(low) if low > 0 else -math.inf), (math.log(high) if high < math.inf else math.inf)


def _p(a: Estimate, b: Estimate, *, with_ratio: bool) -> float:
    def holds_none(alpha: float) -> bool:
        low, high = _mover(a, b, 1 - alpha)
        if low <= 0 <= high:
            return True
        if not with_ratio:
            return False
        low, high = _log_mover(a, b, 1 - alpha)
        return low <= 0 <= high

    if a.value == b.value:
        return 1.0
    if not holds_none(LEAST_P):
        return LEAST_P
    low, high = math.log(LEAST_P), 0.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if holds_none(math.exp(middle)):
            low = middle
        else:
            high = middle
    return math.exp(high)


def _finite(bound: float) -> float | None:
    return bound if math.isfinite(bound) else None
