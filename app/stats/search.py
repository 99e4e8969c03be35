"""Search for the highest level of load that meets all criteria: which level next, and what the end of it says. Pure.

The lowest level comes first; from there the level doubles until one is not met or the highest is; then the interval
between the highest met and the lowest failing level is bisected (in the middle for whole numbers, at the geometric mean
for rates) until it is known to the tolerance or the points are used up. An undecided level is treated as failing; when
nothing else is left to do, or it is the very first, it is measured once more and judged by all its samples.

What the answer guarantees: at the answer each criterion was met with the confidence asked for, and the next higher
level that was tried was not (or not provably). What it does not: levels in between, and levels above the one that
failed, are taken to fail as well. A server that does worse at 8 than at 16 can be answered wrongly; every probe is kept
so that this can be seen, and a met level above a failing one is said in a warning.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.stats.criteria import Criteria, Judgement

_DIGITS = 4  # of a rate that bisection makes up


@dataclass(frozen=True)
class SearchPlan:
    """What is searched for. Levels of `concurrency` are whole numbers, those of `rate` are requests per second."""

    parameter: str
    minimum: float
    maximum: float
    criteria: Criteria
    tolerance: float = 0.05
    max_points: int = 16

    @property
    def is_whole(self) -> bool:
        """Whether levels are whole numbers."""
        return self.parameter == "concurrency"


@dataclass(frozen=True)
class Probe:
    """A level that was measured, and the verdict on all samples of that level so far."""

    level: float
    judgement: Judgement


@dataclass(frozen=True)
class _Known:
    """What a history of probes says."""

    latest: dict[float, Judgement] = field(default_factory=dict)  # by level; the last probe saw all samples
    times: dict[float, int] = field(default_factory=dict)

    @property
    def failing(self) -> float | None:
        """The lowest level that is not known to meet the criteria."""
        return min((level for level, one in self.latest.items() if one.verdict != "met"), default=None)

    @property
    def answer(self) -> float | None:
        """The highest met level below that."""
        limit = math.inf if self.failing is None else self.failing
        return max(
            (level for level, one in self.latest.items() if one.verdict == "met" and level < limit), default=None
        )

    def worth_repeating(self, level: float) -> bool:
        """Whether more samples of an undecided level may decide it."""
        one = self.latest[level]
        return one.verdict == "undecided" and one.improvable and self.times[level] == 1


def next_level(plan: SearchPlan, probes: Sequence[Probe]) -> float | None:
    """The level to measure next; None when the search has ended."""
    if len(probes) >= plan.max_points:
        return None
    if not probes:
        return plan.minimum
    known = _known(probes)
    answer, failing = known.answer, known.failing
    if failing is None:
        assert answer is not None
        return None if answer >= plan.maximum else min(2 * answer, plan.maximum)
    if answer is None:
        return failing if known.worth_repeating(failing) else None
    middle = _between(plan, answer, failing)
    if middle is not None:
        return middle
    return failing if known.worth_repeating(failing) else None


def answer(probes: Sequence[Probe]) -> float | None:
    """The highest level that is known to meet the criteria; None when there is none."""
    return _known(probes).answer


def statement(plan: SearchPlan, probes: Sequence[Probe], *, cut_short: str | None = None) -> str:
    """What was found, in one sentence; `cut_short` says why the search ended before it was done."""
    if not probes:
        return f"nothing was found out about {plan.parameter}: {cut_short or 'no level was measured'}"
    known = _known(probes)
    found, failing = known.answer, known.failing
    unit = "" if plan.is_whole else "/s"
    if found is None:
        assert failing is not None
        judgement = known.latest[failing]
        text = f"no {plan.parameter} is known to meet {plan.criteria}: already {level_text(failing)}{unit} "
        text += _failing(judgement)
    else:
        met = known.latest[found]
        text = f"{plan.parameter} {level_text(found)}{unit} meets {plan.criteria} "
        text += f"({100 * plan.criteria.confidence:g} % confidence, {met.requests:,} requests)"
        if failing is not None:
            text += f"; {level_text(failing)}{unit} {_failing(known.latest[failing])}"
        elif found >= plan.maximum:
            text += "; it is the highest level asked for"
    if cut_short is not None:
        text += f"; the search is not finished: {cut_short}"
    elif found is not None and next_level(_endless(plan), probes) is not None:
        text += f"; the search ended after {len(probes)} points, before it knew the limit to {plan.tolerance:.3g} of it"
    return text


def warnings(plan: SearchPlan, probes: Sequence[Probe]) -> list[str]:
    """Signs that levels above a failing one do not all fail, which the search takes for granted."""
    known = _known(probes)
    failing = known.failing
    higher = [level for level, one in known.latest.items() if one.verdict == "met" and failing and level > failing]
    if failing is None or not higher:
        return []
    levels = ", ".join(level_text(level) for level in sorted(higher))
    found = f"{plan.parameter} {levels} meets the criteria although {level_text(failing)} does not"
    return [
        f"{found}: the server is not monotone, or it is chance; the answer counts only levels below the failing one"
    ]


def level_text(level: float) -> str:
    """A level as people write it."""
    return f"{level:,.0f}" if level == int(level) else f"{level:.6g}"


def _failing(judgement: Judgement) -> str:
    if judgement.verdict == "not_met":
        return f"does not: {judgement.reason}"
    return f"is undecided: {judgement.reason}"


def _known(probes: Sequence[Probe]) -> _Known:
    known = _Known()
    for probe in probes:
        known.latest[probe.level] = probe.judgement
        known.times[probe.level] = known.times.get(probe.level, 0) + 1
    return known


def _between(plan: SearchPlan, low: float, high: float) -> float | None:
    """The level that halves what is not known; None when that is little enough."""
    if high - low <= plan.tolerance * low:
        return None
    middle = float((int(low) + int(high)) // 2) if plan.is_whole else _rounded(math.sqrt(low * high))
    return middle if low < middle < high else None


def _rounded(rate: float) -> float:
    return float(f"{rate:.{_DIGITS}g}")


def _endless(plan: SearchPlan) -> SearchPlan:
    return SearchPlan(plan.parameter, plan.minimum, plan.maximum, plan.criteria, plan.tolerance, 10**9)
