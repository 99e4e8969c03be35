"""A comparison in a terminal: what was compared, what may be said, the numbers, and what to be careful about."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from app.cli.terminal import Console
from app.evaluation.gates import GateOutcome
from app.evaluation.schemas import Comparison, DifferenceView, EstimateView, FigureView
from app.evaluation.words import quantity, significant
from app.stats.compare import Verdict

_STYLES = {True: "green", False: "red", None: ""}
_WORDS = {
    Verdict.LOWER: "lower",
    Verdict.HIGHER: "higher",
    Verdict.SAME: "no difference",
    Verdict.WITHIN_ERROR: "within error",
    Verdict.UNDECIDED: "cannot tell",
    Verdict.TOO_FEW: "too few samples",
    Verdict.NOT_MEASURED: "not measured",
}
_GATES = {"passed": "green", "failed": "red", "undecided": "yellow", "not_measured": "red"}


def print_comparison(found: Comparison, console: Console | None = None) -> None:
    """Everything that a reader needs; curves and p-values are in the JSON."""
    console = console or Console()
    for run in found.runs:
        mark = " (baseline)" if run.is_baseline else ""
        window = "steady window" if run.window == "steady" else "whole run"
        said = f"{run.requests:,} requests in {significant(run.seconds)} s ({window})"
        console.print(Text.assemble((f"{run.label} ", "bold"), f"{run.name}{mark}: {said}, {', '.join(run.targets)}"))
    console.print()
    for sentence in found.conclusions:
        console.print(Text(f"  {sentence}"))
    for position, run in enumerate([run for run in found.runs if not run.is_baseline]):
        base = next(each for each in found.runs if each.is_baseline)
        console.print()
        console.print(_table(found, position, base.label, run.label), highlight=False)
    for pairing in found.pairings:
        for pair in pairing.metrics:
            console.print(Text(f"pairs       {pair.sentence}"))
        if pairing.reason:
            console.print(Text(f"pairs       {pairing.run}: none, {pairing.reason}", style="dim"))
    for warning in found.warnings:
        console.print(Text(f"warning     {warning.text}", style="yellow"))
    for setup in found.setup:
        values = ", ".join(f"{run.label} {value or '—'}" for run, value in zip(found.runs, setup.values, strict=True))
        console.print(Text(f"differs     {setup.path}: {values}", style="dim"))
    console.print(
        Text(
            f"intervals   95 %, of dependent requests; verdicts hold for all {found.comparisons} comparisons together "
            f"(Holm); no difference means at most {100 * found.margin:g} %",
            style="dim",
        )
    )


def print_gates(outcomes: Sequence[GateOutcome], console: Console | None = None) -> None:
    """One line a gate and run."""
    console = console or Console()
    for outcome in outcomes:
        word = outcome.outcome.replace("_", " ")
        console.print(Text(f"gate        {outcome.gate}: {word}. {outcome.text}", style=_GATES[outcome.outcome]))


def _table(found: Comparison, position: int, base: str, label: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    table.add_column(f"{label} against {base}")
    for name in (base, label, "difference", "95 % CI"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict")
    for figure in found.figures:
        each = figure.differences[position]
        better = {True: "better", False: "worse", None: ""}[each.is_better]
        verdict = ", ".join(part for part in (_WORDS[each.verdict], better) if part)
        table.add_row(
            figure.words,
            _value(figure.baseline, figure.unit),
            _value(each.estimate, figure.unit),
            _difference(figure, each),
            _interval(figure, each),
            Text(verdict, style=_STYLES[each.is_better]),
        )
    return table


def _value(number: EstimateView | None, unit: str) -> str:
    if number is None:
        return "—"
    if number.value is None or number.needs_n:
        return f"n≥{number.needs_n:,}" if number.needs_n else "—"
    return quantity(number.value, unit)


def _difference(figure: FigureView, each: DifferenceView) -> str:
    if each.ratio is not None:
        return f"{100 * (each.ratio - 1):+.1f} %"
    if each.difference is None:
        return ""
    return f"{100 * each.difference:+.2f} points" if figure.unit == "" else f"{each.difference:+.4g} {figure.unit}"


def _interval(figure: FigureView, each: DifferenceView) -> str:
    if each.ratio_interval is not None:
        ends = [None if end is None else f"{100 * (end - 1):+.1f}" for end in each.ratio_interval]
    elif each.interval is not None:
        factor = 100 if figure.unit == "" else 1
        ends = [None if end is None else f"{factor * end:+.3g}" for end in each.interval]
    else:
        return ""
    return " … ".join("?" if end is None else end for end in ends)
