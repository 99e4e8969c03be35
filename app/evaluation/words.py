"""Verdicts as sentences. Numbers have three significant figures and their unit."""

import math

from app.evaluation.figures import Figure
from app.stats.compare import Difference, Verdict, largest_change


def significant(value: float, digits: int = 3) -> str:
    """Three significant figures without an exponent where people expect none."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else str(value)
    magnitude = math.floor(math.log10(abs(value)))
    decimals = max(0, digits - 1 - magnitude)
    rounded = round(value, digits - 1 - magnitude)
    return f"{rounded:,.{min(decimals, 12)}f}"


def quantity(value: float, unit: str) -> str:
    """A number with its unit; shares in percent."""
    if unit == "$":
        return f"{'-' if value < 0 else ''}${significant(abs(value))}"
    if unit == "":
        return f"{significant(100 * value)} %"
    return f"{significant(value)} {unit}"


def percent(share: float) -> str:
    """A share as a percentage, of which two figures say enough."""
    return f"{significant(100 * share, 2)} %"


def verdict_sentence(  # noqa: PLR0911 - one return a verdict
    run: str, baseline: str, figure: Figure, verdict: Verdict, found: Difference | None, facts: dict[str, float | None]
) -> str:
    """What may be said about one number; `facts`: needs_n of the run and baseline, instrument_error, p, margin."""
    head = f"{run}'s {figure.words}"
    if verdict is Verdict.NOT_MEASURED:
        return f"{figure.words} was not measured in both {run} and {baseline}."
    if verdict is Verdict.TOO_FEW or found is None:
        needed = facts.get("needs_n")
        return f"Not enough samples to tell about {figure.words}" + (
            f": it needs n ≥ {needed:,.0f}." if needed else "."
        )
    if verdict is Verdict.WITHIN_ERROR:
        error = facts.get("instrument_error") or 0.0
        return (
            f"{head} differs from {baseline}'s by {quantity(abs(found.difference), figure.unit)}, which is within the "
            f"instruments' own error ({quantity(error, figure.unit)})."
        )
    if verdict in {Verdict.LOWER, Verdict.HIGHER}:
        return f"{head} is {_change(found, figure)} than {baseline}'s{_interval(found, figure)}."
    if verdict is Verdict.SAME:
        if (most := largest_change(found)) is None:
            low, high = found.interval
            return f"{head}: no difference larger than {_points(max(abs(low or 0), abs(high or 0)))} from {baseline}'s."
        return f"{head}: no difference larger than {percent(most)} from {baseline}'s."
    seen = f"{_change(found, figure)} than {baseline}'s{_interval(found, figure)}" if found.difference else "the same"
    p = facts.get("p")
    several = ", and not beyond doubt among all comparisons" if p is not None and p < 0.05 else ""
    return f"Not enough samples to tell: {head} looks {seen}{several}."


def paired_sentence(run: str, baseline: str, words: str, n: int, lower_share: float, ratio: float | None) -> str:
    """What pairs say."""
    middle = ""
    if ratio is not None:
        same = abs(ratio - 1) < 5e-4
        middle = f", at the median {'the same' if same else _by(ratio)}"
    return f"{run}'s {words} is lower than {baseline}'s for {percent(lower_share)} of {n:,} prompts{middle}."


def _by(ratio: float) -> str:
    if ratio >= 2:
        return f"{significant(ratio)} times as high"
    return f"{percent(abs(ratio - 1))} {'lower' if ratio < 1 else 'higher'}"


def _change(found: Difference, figure: Figure) -> str:
    if found.ratio is not None and found.ratio < 2:
        return f"{percent(abs(found.ratio - 1))} {'lower' if found.ratio < 1 else 'higher'}"
    way = "lower" if found.difference < 0 else "higher"
    if figure.unit == "":
        return f"{_points(abs(found.difference))} {way}"
    if found.ratio is not None:
        return f"{quantity(abs(found.difference), figure.unit)} ({significant(found.ratio)} times) {way}"
    return f"{quantity(abs(found.difference), figure.unit)} {way}"


def _points(share: float) -> str:
    return f"{significant(100 * share, 2)} percentage points"


def _interval(found: Difference, figure: Figure) -> str:
    """The interval as sizes in the direction of the change; with signs where it holds both directions."""
    if found.ratio is not None and found.ratio < 2 and found.ratio_interval is not None:
        low, high = found.ratio_interval
        ends = [None if bound is None else 100 * (bound - 1) for bound in (low, high)]
        unit = " %"
    else:
        factor = 100 if figure.unit == "" else 1
        ends = [None if bound is None else factor * bound for bound in found.interval]
        unit = " points" if figure.unit == "" else f" {figure.unit}"
    if all(end is None for end in ends):
        return ", with no interval at this n"
    one, other = ends
    known = [end for end in ends if end is not None]
    digits = 2 if unit in {" %", " points"} else 3
    if one is not None and other is not None and one * other > 0:
        small, large = sorted((abs(one), abs(other)))
        return f", 95 % CI {significant(small, digits)}\u2013{significant(large, digits)}{unit}"
    if len(known) == 1:
        return f", 95 % CI {'from' if one is not None else 'up to'} {_signed(known[0], digits)}{unit}"
    return f", 95 % CI {_signed(known[0], digits)} to {_signed(known[1], digits)}{unit}"


def _signed(value: float, digits: int) -> str:
    sign = "\u2212" if value < 0 else "+"
    return f"{sign}{significant(abs(value), digits)}"
