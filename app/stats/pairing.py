"""The same prompts in two runs: differences pair by pair, which leave out how prompts differ from each other. Pure.

The median difference has the order-statistic interval of the sign test (Conover, "Practical Nonparametric Statistics",
3rd edition, section 3.4), the mean difference Student's t, the share of faster pairs Wilson's; all with the effective
number of pairs of `stats.dependence`, in the order in which the baseline asked.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.stats.compare import CONFIDENCE
from app.stats.estimates import Interval, Quantile, Sample, Share, mean_of

Floats = NDArray[np.float64]
LEAST_PAIRS = 6  # below it, no 95 % interval of a median exists: 2 * 0.5**5 is above 5 %


@dataclass(frozen=True)
class Paired:
    """b - a over prompts that both runs asked and answered; intervals None when there are too few pairs."""

    n: int
    median_difference: float
    median_interval: Interval | None
    mean_difference: float
    mean_interval: Interval | None
    median_ratio: float | None
    median_ratio_interval: Interval | None
    lower_share: float
    lower_interval: Interval


def pair_up(a: Sequence[tuple[Hashable, float]], b: Sequence[tuple[Hashable, float]]) -> tuple[Floats, Floats]:
    """Values of a and b by prompt, in a's order; a prompt that was asked several times counts once, by its mean."""
    means = []
    for values in (a, b):
        gathered: dict[Hashable, list[float]] = {}
        for key, value in values:
            gathered.setdefault(key, []).append(value)
        means.append({key: sum(found) / len(found) for key, found in gathered.items()})
    ours, theirs = means
    both = [key for key in ours if key in theirs]
    return np.array([ours[key] for key in both]), np.array([theirs[key] for key in both])


def paired(a: Floats, b: Floats) -> Paired | None:
    """What pairs say; None without any."""
    n = len(a)
    if n == 0:
        return None
    order = np.arange(n)
    differences = Sample(b - a, order)
    median = Quantile(differences, 50.0)
    positive = bool((a > 0).all() and (b > 0).all())
    logs = Quantile(Sample(np.log(b / a), order), 50.0) if positive else None
    lower = Share((b < a).astype(np.float64), np.ones(n))
    mean = mean_of(differences)
    middle = float(np.median(b - a))
    ratio = float(np.exp(np.median(np.log(b / a)))) if positive else None
    ratios = _finite(logs.interval(CONFIDENCE)) if logs is not None and n >= LEAST_PAIRS else None
    return Paired(
        n=n,
        median_difference=middle,
        median_interval=_finite(median.interval(CONFIDENCE)) if n >= LEAST_PAIRS else None,
        mean_difference=float((b - a).mean()),
        mean_interval=_finite(mean.interval(CONFIDENCE)) if n >= LEAST_PAIRS else None,
        median_ratio=ratio,
        median_ratio_interval=(float(np.exp(ratios[0])), float(np.exp(ratios[1]))) if ratios else None,
        lower_share=float((b < a).mean()),
        lower_interval=lower.interval(CONFIDENCE),
    )


def _finite(interval: Interval) -> Interval | None:
    return interval if np.isfinite(interval).all() else None
