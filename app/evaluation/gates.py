"""Regression gates: whether a run is worse than the baseline by more than is allowed. Pure.

A gate fails only for what is known: the run must be worse by more than the limit, and its whole 95 % interval on the
bad side of no change. What may or may not be a regression is *undecided*, and it is up to the user whether that fails.
"""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from app.evaluation.figures import names
from app.evaluation.schemas import Comparison, DifferenceView, FigureView
from app.evaluation.words import quantity, significant


class Gate(NamedTuple):
    """One limit: `limit` is a share with `is_relative`, else in the figure's unit (of shares: a share)."""

    name: str
    limit: float
    is_relative: bool

    @property
    def text(self) -> str:
        """As it was given."""
        shown = f"{significant(100 * self.limit)}%" if self.is_relative or self.name == "error_share" else self.limit
        return f"{self.name}={shown}"


class GateOutcome(NamedTuple):
    """One gate for one run."""

    gate: str
    run: str
    outcome: Literal["passed", "failed", "undecided", "not_measured"]
    text: str


def parse_gate(text: str) -> Gate:
    """`p95_ttft_ms=5%`, `p95_ttft_ms=20` (ms) or `error_share=1%` (percentage points).

    Raises:
        ValueError: saying what is wrong and what is allowed.
    """
    name, _, limit = text.partition("=")
    name, limit = name.strip(), limit.strip()
    if name not in names():
        raise ValueError(f"{name!r} is not compared; allowed are {', '.join(names())}")
    is_percent = limit.endswith("%")
    try:
        value = float(limit.removesuffix("%"))
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e9:
        raise ValueError(f"{text!r} needs a limit of 0 or more, such as {name}=5%")
    if name == "error_share":
        return Gate(name, value / 100 if is_percent else value, is_relative=False)
    return Gate(name, value / 100 if is_percent else value, is_relative=is_percent)


def judge(comparison: Comparison, gates: Sequence[Gate]) -> Iterator[GateOutcome]:
    """Every gate for every run that is not the baseline."""
    by_name = {figure.name: figure for figure in comparison.figures}
    for gate in gates:
        figure = by_name.get(gate.name)
        if figure is None:
            yield GateOutcome(gate.text, "", "not_measured", f"{gate.name} was measured in no run")
            continue
        for found in figure.differences:
            yield _judged(gate, figure, found)


def _judged(gate: Gate, figure: FigureView, found: DifferenceView) -> GateOutcome:
    if found.difference is None or found.interval is None:
        return GateOutcome(gate.text, found.run, "not_measured", found.sentence)
    sign = 1 if figure.lower_is_better else -1
    worse, bounds = sign * found.difference, [None if end is None else sign * end for end in found.interval]
    no_change = 0.0
    if gate.is_relative:
        if found.ratio is None or found.ratio_interval is None:
            return GateOutcome(gate.text, found.run, "not_measured", f"{figure.words} has no ratio to the baseline")
        worse = sign * (found.ratio - 1)
        bounds = [None if end is None else sign * (end - 1) for end in found.ratio_interval]
    low, high = bounds if sign > 0 else reversed(bounds)
    size = f"{significant(100 * worse)} %" if gate.is_relative else quantity(worse, figure.unit)
    text = f"{found.run}'s {figure.words} is {size} worse" if worse > 0 else f"{found.run}'s {figure.words} is no worse"
    if worse > gate.limit and low is not None and low > no_change:
        return GateOutcome(gate.text, found.run, "failed", text)
    if high is None or high > gate.limit:
        return GateOutcome(gate.text, found.run, "undecided", f"{text}, but may be worse than allowed")
    return GateOutcome(gate.text, found.run, "passed", text)
