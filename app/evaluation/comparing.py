"""Two to eight runs as one comparison: a document of numbers and sentences. Pure.

Every run is compared in its steady window, when each of them has one and it is asked for, else as a whole: mixing both
would compare a start-up with none.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from app.evaluation import prompts, setups
from app.evaluation.figures import ABSOLUTE_MARGIN, HEADLINES, NAMES, Figure, estimate, figures
from app.evaluation.schemas import (
    ComparedRun,
    Comparison,
    ComparisonWarning,
    DifferenceView,
    EstimateView,
    FigureView,
    PairedView,
    Pairing,
    RunCurve,
    WindowKind,
)
from app.evaluation.words import paired_sentence, percent, verdict_sentence
from app.stats.batch import CHUNK_METRIC, Batch
from app.stats.compare import CONFIDENCE, Difference, Verdict, difference_of, holm, verdict_of
from app.stats.estimates import Estimate, Sample
from app.stats.pairing import pair_up, paired
from app.stats.run_samples import RunSamples, from_rows, from_slices
from app.stats.slices import Slices

LABELS = "ABCDEFGH"
LEAST_RUNS, MOST_RUNS = 2, len(LABELS)
DEFAULT_MARGIN = 0.05
_OPEN_LOADS = frozenset({"constant", "poisson", "gamma", "ramp", "steps", "spike", "trace"})
_ERRORS = {"ttft_ms": "ttft_ms", "ttfo_ms": "ttft_ms", "icl_ms": "icl_ms", "e2e_ms": "e2e_ms"}
_PAIRED_METRICS = ("ttft_ms", "tpot_ms", "e2e_ms")
_SURVIVORS = 0.01  # error shares that differ by this much leave latencies of different sets of requests


@dataclass(frozen=True)
class MeasuredRun:
    """One run as it was read. `batch` holds its stored requests, `indices` their places in the schedule.

    `slices` are what is kept beside the summary; `source_reason` says why `batch` or its gaps are missing.
    """

    id: str
    name: str
    status: str
    summary: Mapping[str, Any]
    spec: Mapping[str, Any] | None = None
    batch: Batch | None = None
    indices: Sequence[int] = ()
    slices: Slices | None = None
    source_reason: str | None = None
    created_at: datetime | None = None

    @property
    def program(self) -> str | None:
        """What measured it."""
        said = (self.summary.get("instrument") or {}).get("program") or self.summary.get("program")
        return str(said) if said else None

    @property
    def can_be_compared(self) -> bool:
        """Whether there is anything to compare."""
        return bool(self.batch is not None and len(self.batch)) or bool(self.slices and self.slices.length)


def compare(
    runs: Sequence[MeasuredRun], *, baseline: int = 0, window: WindowKind = "steady", margin: float = DEFAULT_MARGIN
) -> Comparison:
    """The comparison; raises `ValueError` for a number of runs that is not allowed, or one without requests."""
    if not LEAST_RUNS <= len(runs) <= MOST_RUNS:
        raise ValueError(f"a comparison has {LEAST_RUNS} to {MOST_RUNS} runs, not {len(runs)}")
    for run in runs:
        if not run.can_be_compared:
            raise ValueError(f"{run.name} ({run.id}) has no stored requests, and nothing beside them to compare")
    labels = LABELS[: len(runs)]
    used, said = _window(runs, labels, window)
    samples = [_samples(run, used) for run in runs]
    documents = [_document(run) for run in runs]
    rows = _figures(runs, samples, labels, baseline, margin)
    return Comparison(
        baseline=runs[baseline].id,
        window=window,
        confidence=CONFIDENCE,
        margin=margin,
        comparisons=sum(each.p is not None for row in rows for each in row.differences),
        conclusions=[
            each.sentence
            for row in rows
            if row.name in HEADLINES
            for each in row.differences
            if each.verdict is not Verdict.NOT_MEASURED
        ],
        runs=[
            _run(run, sample, label, used, is_baseline=position == baseline)
            for position, (run, sample, label) in enumerate(zip(runs, samples, labels, strict=True))
        ],
        figures=rows,
        pairings=[
            _pairing(runs[baseline], run, labels[baseline], label)
            for run, label in zip(runs, labels, strict=True)
            if run is not runs[baseline]
        ],
        setup=setups.differences(documents),
        warnings=[
            *said,
            *setups.warnings(labels, documents, baseline),
            *_survivors(samples, labels, baseline),
        ],
    )


def _window(runs: Sequence[MeasuredRun], labels: str, wanted: WindowKind) -> tuple[WindowKind, list[ComparisonWarning]]:
    if wanted == "whole":
        return "whole", []
    without = [label for run, label in zip(runs, labels, strict=True) if _steady(run) is None]
    if not without:
        return "steady", []
    text = f"No steady window in {', '.join(without)}: all runs are compared as a whole, start-up included."
    return "whole", [ComparisonWarning(kind="window", runs=without, text=text)]


def _steady(run: MeasuredRun) -> tuple[int, int] | None:
    found = run.summary.get("window") or {}
    if any(found.get(name) is None for name in ("from_s", "to_s", "origin_ns")):
        return None
    origin = int(found["origin_ns"])
    return origin + round(found["from_s"] * 1e9), origin + round(found["to_s"] * 1e9)


def _samples(run: MeasuredRun, window: WindowKind) -> RunSamples:
    edges = _steady(run) if window == "steady" else None
    kept = from_slices(run.slices, edges) if run.slices is not None and run.slices.length else None
    if run.batch is None or not len(run.batch):
        assert kept is not None
        return kept
    found = from_rows(run.batch, edges)
    if CHUNK_METRIC not in found.metrics and kept is not None and CHUNK_METRIC in kept.metrics:
        found = dataclasses.replace(found, metrics={**found.metrics, CHUNK_METRIC: kept.metrics[CHUNK_METRIC]})
    return found


def _document(run: MeasuredRun) -> dict[str, Any]:
    return {"spec": run.spec, "summary": run.summary, "program": run.program, "status": run.status}


def _run(run: MeasuredRun, samples: RunSamples, label: str, window: WindowKind, *, is_baseline: bool) -> ComparedRun:
    instrument = run.summary.get("instrument") or {}
    return ComparedRun(
        id=run.id,
        label=label,
        name=run.name,
        is_baseline=is_baseline,
        status=run.status,
        targets=[f"{one['provider']}/{one['model']}" for one in (run.spec or {}).get("targets") or ()],
        created_at=run.created_at,
        source="rows" if samples.source == "rows" else "slices",
        source_reason=run.source_reason,
        window=window,
        seconds=samples.seconds,
        requests=samples.requests,
        error_share=samples.errors.value,
        certificate=instrument.get("verdict"),
        certificate_reason=instrument.get("reason"),
        curves={name: curve(samples.metrics[name]) for name in NAMES if name in samples.metrics},
    )


def curve(sample: Sample) -> RunCurve:
    """The quantile function at shares that stand evenly on a linear and on a log-nines axis, up to 1 - 1 / n."""
    nines = [1 - 10 ** -(tenths / 10) for tenths in range(5, 61)]
    every = sorted({round(share, 9) for share in [*(step / 40 for step in range(39)), *nines]})
    last = max(1 - 1 / sample.n, 0.0)
    shares = np.array([*(share for share in every if share < last), last], dtype=np.float64)
    return RunCurve(n=sample.n, shares=shares.tolist(), values_ms=np.round(sample.quantiles(shares), 6).tolist())


def _figures(
    runs: Sequence[MeasuredRun], samples: Sequence[RunSamples], labels: str, baseline: int, margin: float
) -> list[FigureView]:
    open_loop = any(((run.spec or {}).get("load") or {}).get("kind") in _OPEN_LOADS for run in runs)
    has_reasoning = any(_reasons(sample) for sample in samples)
    others = [position for position in range(len(runs)) if position != baseline]
    found: list[tuple[Figure, list[Estimate | None], dict[int, Difference | None]]] = []
    for figure in figures(open_loop=open_loop):
        if figure.metric == "ttfo_ms" and not has_reasoning:
            continue  # nothing but visible output came: it is TTFT again
        numbers = [estimate(figure, sample) for sample in samples]
        if all(number is None for number in numbers):
            continue
        base = numbers[baseline]
        differences: dict[int, Difference | None] = {}
        for position in others:
            number = numbers[position]
            told = base is not None and number is not None and not base.needs_n and not number.needs_n
            differences[position] = (
                difference_of(base, number, with_ratio=figure.metric != "error_share")
                if told and base is not None and number is not None
                else None
            )
        found.append((figure, numbers, differences))
    judged = [each for _, _, differences in found for each in differences.values() if each is not None]
    adjusted = iter(holm([each.p for each in judged]))
    rows = []
    for figure, numbers, differences in found:
        views = []
        for position in others:
            known = differences[position]
            p_adjusted = next(adjusted) if known is not None else None
            error = _instrument_error(figure, runs[baseline], runs[position])
            views.append(
                _difference(
                    figure,
                    (labels[baseline], labels[position]),
                    (numbers[baseline], numbers[position]),
                    known,
                    p_adjusted,
                    margin,
                    error,
                )
            )
        rows.append(
            FigureView(**figure._asdict(), baseline=_estimate(numbers[baseline]), differences=views),
        )
    return rows


def _difference(
    figure: Figure,
    labels: tuple[str, str],
    numbers: tuple[Estimate | None, Estimate | None],
    found: Difference | None,
    p_adjusted: float | None,
    margin: float,
    error: float | None,
) -> DifferenceView:
    base, number = numbers
    if base is None or number is None:
        verdict = Verdict.NOT_MEASURED
    else:
        verdict = verdict_of(
            found,
            1.0 if p_adjusted is None else p_adjusted,
            margin=margin,
            absolute_margin=ABSOLUTE_MARGIN if figure.metric == "error_share" else None,
            instrument_error=error,
        )
    needed = [each.needs_n for each in numbers if each is not None and each.needs_n]
    facts = {
        "needs_n": float(max(needed)) if needed else None,
        "instrument_error": error,
        "p": found.p if found else None,
    }
    is_better = None
    if verdict in {Verdict.LOWER, Verdict.HIGHER}:
        is_better = (verdict is Verdict.LOWER) == figure.lower_is_better
    return DifferenceView(
        run=labels[1],
        estimate=_estimate(number),
        difference=found.difference if found else None,
        interval=found.interval if found else None,
        ratio=found.ratio if found else None,
        ratio_interval=found.ratio_interval if found else None,
        p=found.p if found else None,
        p_adjusted=p_adjusted,
        verdict=verdict,
        is_better=is_better,
        instrument_error=error,
        sentence=verdict_sentence(labels[1], labels[0], figure, verdict, found, facts),
    )


def _estimate(number: Estimate | None) -> EstimateView | None:
    if number is None:
        return None
    interval = None
    if number.value is not None and not number.needs_n:
        low, high = number.interval(CONFIDENCE)
        interval = (low if np.isfinite(low) else None, high if np.isfinite(high) else None)
    return EstimateView(
        value=number.value, interval=interval, n=number.n, effective_n=number.effective_n, needs_n=number.needs_n
    )


def _reasons(samples: RunSamples) -> bool:
    first, visible = samples.metrics.get("ttft_ms"), samples.metrics.get("ttfo_ms")
    if first is None or visible is None:
        return False
    return first.n != visible.n or not np.array_equal(first.values, visible.values)


def _instrument_error(figure: Figure, *runs: MeasuredRun) -> float | None:
    """What the stamps of both runs may be off by together: the calibrated p99 errors, added up."""
    measure = _ERRORS.get(figure.metric.replace("_from_intended", ""))
    total = 0.0
    for run in runs:
        calibration = (run.summary.get("instrument") or {}).get("calibration") or {}
        error = (calibration.get("errors_ms") or {}).get(measure) if measure else None
        if error is None:
            return None
        total += float(error["p99"])
    return total


def _survivors(samples: Sequence[RunSamples], labels: str, baseline: int) -> list[ComparisonWarning]:
    found = []
    base = samples[baseline].errors
    for label, sample in zip(labels, samples, strict=True):
        known = difference_of(base, sample.errors, with_ratio=False) if base.n and sample.errors.n else None
        if known is not None and abs(known.difference) >= _SURVIVORS and known.p < 1 - CONFIDENCE:
            text = (
                f"{percent(sample.errors.value or 0)} of {label}'s requests failed, {percent(base.value or 0)} of "
                f"{labels[baseline]}'s. Latencies are of successful requests only: the run that fails more may look "
                "faster for it."
            )
            found.append(ComparisonWarning(kind="errors", runs=[label], text=text))
    return found


def _pairing(base: MeasuredRun, run: MeasuredRun, base_label: str, label: str) -> Pairing:
    def none(reason: str) -> Pairing:
        return Pairing(run=label, matched_by=None, reason=reason, metrics=[])

    if base.spec is None or run.spec is None:
        return none("one of the runs does not say what it asked")
    if base.batch is None or run.batch is None or not base.indices or not run.indices:
        return none("only stored requests can be paired, and one of the runs has none")
    matched = prompts.keys(base.spec, run.spec, (base.summary.get("workload"), run.summary.get("workload")))
    if isinstance(matched, str):
        return none(matched)
    by, key_a, key_b = matched
    metrics = []
    for name in _PAIRED_METRICS:
        a, b = pair_up(_keyed(base, name, key_a), _keyed(run, name, key_b))
        found = paired(a, b)
        if found is not None:
            sentence = paired_sentence(label, base_label, NAMES[name], found.n, found.lower_share, found.median_ratio)
            metrics.append(PairedView(metric=name, words=NAMES[name], sentence=sentence, **dataclasses.asdict(found)))
    if not metrics:
        return none("no prompt was answered in both runs")
    return Pairing(run=label, matched_by=by, reason=None, metrics=metrics)


def _keyed(run: MeasuredRun, metric: str, key: prompts.Key) -> list[tuple[Any, float]]:
    assert run.batch is not None
    values = run.batch.metrics[metric]
    good = run.batch.first_tries & ~np.isnan(values)
    return [(key(run.indices[position]), float(values[position])) for position in np.flatnonzero(good).tolist()]
