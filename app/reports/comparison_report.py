"""The report of a comparison. Pure."""

import math
from collections.abc import Sequence

from app.evaluation.schemas import Comparison, DifferenceView, EstimateView, FigureView, RunCurve
from app.evaluation.words import percent, quantity, significant
from app.reports.html_page import MISSING, Markup, bullets, page, section, table, text
from app.reports.run_report import VERDICTS, charts
from app.reports.svg import forest
from app.stats.compare import Verdict

_CURVES = ("ttft_ms", "tpot_ms", "icl_ms", "e2e_ms")
_WORDS = {
    Verdict.LOWER: "lower",
    Verdict.HIGHER: "higher",
    Verdict.SAME: "no difference",
    Verdict.WITHIN_ERROR: "within the instruments' error",
    Verdict.UNDECIDED: "not enough samples to tell",
    Verdict.TOO_FEW: "too few samples",
    Verdict.NOT_MEASURED: "not measured",
}


def comparison_report(found: Comparison, *, made_by: str, made_at: str) -> str:
    """The document."""
    base = next(run for run in found.runs if run.is_baseline)
    others = [run for run in found.runs if not run.is_baseline]
    title = " against ".join([", ".join(run.name for run in others), base.name])
    curves: dict[str, Sequence[tuple[str, RunCurve]]] = {}
    for metric in _CURVES:
        if named := [(f"{run.label} {run.name}", run.curves[metric]) for run in found.runs if metric in run.curves]:
            curves[metric] = named
    return page(
        f"{title} · LLM Test Bench",
        [
            f'<h1>{text(title)}</h1><p class="muted">{text(_method(found))}</p>',
            section("What can be said", bullets(found.conclusions)),
            section("Be careful", bullets([warning.text for warning in found.warnings], "warn")),
            section("Runs", _runs(found)),
            *(
                section(
                    f"{run.label} {run.name} against {base.label} {base.name}", _differences(found, position, run.label)
                )
                for position, run in enumerate(others)
            ),
            charts(curves),
            section("Prompt by prompt", _pairs(found)),
            section("What differs in spec, program and machine", _setup(found)),
        ],
        made_by,
        made_at,
    )


def _method(found: Comparison) -> str:
    window = "in their steady windows" if all(run.window == "steady" for run in found.runs) else "over whole runs"
    return (
        f"Compared {window}. Intervals are 95 %, widened for requests that depend on each other; verdicts hold for all "
        f"{found.comparisons} comparisons together (Holm). “No difference” means at most {100 * found.margin:g} %."
    )


def _runs(found: Comparison) -> str:
    rows = []
    for run in found.runs:
        style, word = VERDICTS.get(run.certificate or "", ("muted", "not known"))
        rows.append(
            [
                f"{run.label}{' (baseline)' if run.is_baseline else ''}",
                run.name,
                ", ".join(run.targets),
                f"{run.created_at:%Y-%m-%d %H:%M}" if run.created_at else MISSING,
                Markup(f'<span class="{style}">{text(word)}</span>'),
                f"{run.requests:,}",
                f"{significant(run.seconds)} s",
                MISSING if run.error_share is None else percent(run.error_share),
                run.source,
            ]
        )
    head = ["run", "name", "target", "submitted", "certificate", "requests", "length", "failed", "made from"]
    return table(head, rows, numbers=5)


def _differences(found: Comparison, position: int, label: str) -> str:
    base = next(run for run in found.runs if run.is_baseline)
    reach = _reach(found.figures, position)
    rows = []
    for figure in found.figures:
        each = figure.differences[position]
        if each.verdict is Verdict.NOT_MEASURED:
            continue
        low, middle, high = _changes(figure, each)
        word = {True: "good", False: "poor", None: "none"}[each.is_better]
        better = {True: " (better)", False: " (worse)", None: ""}[each.is_better]
        style = {True: "ok", False: "bad", None: ""}[each.is_better]
        rows.append(
            [
                figure.words,
                _estimate(figure.baseline, figure.unit),
                _estimate(each.estimate, figure.unit),
                _change(figure, each),
                Markup(forest(low, middle, high, reach, word)),
                Markup(
                    f'<span class="{style}" title="{text(each.sentence)}">{text(_WORDS[each.verdict] + better)}</span>'
                ),
            ]
        )
    shown = f"−{100 * reach:g} … +{100 * reach:g} %"  # noqa: RUF001
    return table(["", base.label, label, "difference, 95 % CI", shown, "verdict"], rows)


def _changes(figure: FigureView, each: DifferenceView) -> tuple[float | None, float | None, float | None]:
    if each.ratio is not None and each.ratio_interval is not None:
        low, high = (None if end is None else end - 1 for end in each.ratio_interval)
        return low, each.ratio - 1, high
    if figure.unit == "" and each.interval is not None:
        return each.interval[0], each.difference, each.interval[1]
    return None, None, None


def _reach(figures: Sequence[FigureView], position: int) -> float:
    sizes = [
        abs(value)
        for figure in figures
        for value in _changes(figure, figure.differences[position])
        if value is not None
    ]
    largest = sorted(sizes)[int(0.9 * (len(sizes) - 1))] if sizes else 0.1
    return next((step for step in (0.05, 0.1, 0.2, 0.5, 1.0, 2.0) if step >= largest), 5.0)


def _estimate(number: EstimateView | None, unit: str) -> str:
    if number is None:
        return MISSING
    if number.value is None or number.needs_n:
        return f"n ≥ {number.needs_n:,}" if number.needs_n else MISSING
    within = _within(number.interval, unit)
    return Markup(f'{text(quantity(number.value, unit))}<span class="ci">{text(within)}</span>')


def _within(interval: tuple[float | None, float | None] | None, unit: str) -> str:
    if interval is None or interval == (None, None):
        return "no interval at this n"
    factor = 100 if unit == "" else 1
    ends = ["?" if end is None else significant(factor * end) for end in interval]
    return " … ".join(ends)


def _change(figure: FigureView, each: DifferenceView) -> str:
    if each.difference is None:
        return MISSING
    sign = "+" if each.difference > 0 else "−" if each.difference < 0 else "±"  # noqa: RUF001
    if figure.unit == "":
        shown = f"{sign}{significant(100 * abs(each.difference))} points"
    else:
        shown = f"{sign}{quantity(abs(each.difference), figure.unit)}"
    if each.ratio is not None and math.isfinite(each.ratio):
        shown += f" ({100 * (each.ratio - 1):+.1f} %)"
    return Markup(f'{text(shown)}<span class="ci">{text(_within(each.interval, figure.unit))}</span>')


def _pairs(found: Comparison) -> str:
    lines = [pair.sentence for pairing in found.pairings for pair in pairing.metrics]
    lines += [f"{pairing.run}: no pairs, because {pairing.reason}." for pairing in found.pairings if pairing.reason]
    rows = [
        [
            f"{pairing.run} {pair.words}",
            f"{pair.n:,}",
            f"{pair.median_difference:+.4g} ms",
            _within(pair.median_interval, "ms"),
            f"{pair.mean_difference:+.4g} ms",
            _within(pair.mean_interval, "ms"),
            percent(pair.lower_share),
            _within(pair.lower_interval, ""),
        ]
        for pairing in found.pairings
        for pair in pairing.metrics
    ]
    head = ["", "pairs", "median difference", "95 % CI", "mean difference", "95 % CI", "lower for", "95 % CI, %"]
    return bullets(lines) + table(head, rows)


def _setup(found: Comparison) -> str:
    rows = [[setup.path, *(value or MISSING for value in setup.values)] for setup in found.setup]
    return table(["", *(run.label for run in found.runs)], rows, numbers=len(found.runs) + 1)
