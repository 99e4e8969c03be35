"""What the API answers about comparisons."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from app.benchmarks.view import View
from app.stats.compare import Verdict

WindowKind = Literal["steady", "whole"]
Bounds = tuple[float | None, float | None]


class RunCurve(View):
    """The distribution of one metric: the value below which each share of the samples lies."""

    n: int = Field(description="Samples.")
    shares: list[float] = Field(description="0 to 1, ascending; denser towards 1.")
    values_ms: list[float] = Field(description="The quantiles, in milliseconds.")


class ComparedRun(View):
    """One run as it was compared."""

    id: str = Field(description="Id of the benchmark; the path of a file for local results.")
    label: str = Field(description="A, B, C …, as sentences call it.")
    name: str = Field(description="Its name.")
    is_baseline: bool = Field(description="Whether the others are compared with it.")
    status: str = Field(description="Status of the benchmark.")
    targets: list[str] = Field(description="provider/model of each target.")
    created_at: datetime | None = Field(description="When it was submitted.")
    source: Literal["rows", "slices"] = Field(
        description="Made from each stored request, or from the slices of time that are kept beside the summary."
    )
    source_reason: str | None = Field(description="Why not every number comes from rows.")
    window: WindowKind = Field(description="Which part of the run was compared.")
    seconds: float = Field(description="Length of that part.")
    requests: int = Field(description="Requests in it.")
    error_share: float | None = Field(description="Failed share of them.")
    certificate: str | None = Field(description="The instrument's verdict on itself.")
    certificate_reason: str | None = Field(description="Why, in words.")
    curves: dict[str, RunCurve] = Field(description="By metric.")


class EstimateView(View):
    """A number of one run."""

    value: float | None = Field(description="Null when not measured, or not enough samples.")
    interval: Bounds | None = Field(description="95 % confidence interval; null bounds where samples do not allow any.")
    n: int = Field(description="Samples.")
    effective_n: float = Field(description="Independent samples that would say as much.")
    needs_n: int | None = Field(None, description="Least samples for a value, where there are fewer.")


class DifferenceView(View):
    """One run against the baseline, in one number."""

    run: str = Field(description="Label of the run.")
    estimate: EstimateView | None = Field(description="Its own number; null when not measured.")
    difference: float | None = Field(description="It less the baseline.")
    interval: Bounds | None = Field(description="95 % confidence interval of the difference.")
    ratio: float | None = Field(description="It divided by the baseline; null where that means nothing.")
    ratio_interval: Bounds | None = Field(description="95 % confidence interval of the ratio.")
    p: float | None = Field(description="Of no difference, by inverting the intervals.")
    p_adjusted: float | None = Field(description="The same among all comparisons of this answer (Holm).")
    verdict: Verdict = Field(description="What the samples allow to say.")
    is_better: bool | None = Field(description="For `lower` and `higher`: whether that is good.")
    instrument_error: float | None = Field(description="What the instruments of both runs may be off by together.")
    sentence: str = Field(description="The verdict in words.")


class FigureView(View):
    """One number over all runs."""

    name: str = Field(description="As gates call it, such as `p95_ttft_ms`.")
    metric: str = Field(description="What is measured.")
    statistic: str = Field(description="mean, p50 … p99, rate, share or ratio.")
    words: str = Field(description="The name in words.")
    unit: str = Field(description="ms, req/s, tok/s, $, or empty for shares.")
    lower_is_better: bool = Field(description="Which way is good.")
    baseline: EstimateView | None = Field(description="The baseline's own number; null when not measured.")
    differences: list[DifferenceView] = Field(description="One for each other run, in their order.")


class PairedView(View):
    """One metric over the prompts that both runs asked and answered; run less baseline."""

    metric: str = Field(description="What is measured.")
    words: str = Field(description="The name in words.")
    n: int = Field(description="Prompts in both.")
    median_difference: float = Field(description="In milliseconds.")
    median_interval: Bounds | None = Field(description="95 %, of the sign test; null below 6 pairs.")
    mean_difference: float = Field(description="In milliseconds.")
    mean_interval: Bounds | None = Field(description="95 %.")
    median_ratio: float | None = Field(description="Median of the ratios.")
    median_ratio_interval: Bounds | None = Field(description="95 %.")
    lower_share: float = Field(description="Share of prompts for which the run was lower.")
    lower_interval: Bounds = Field(description="95 %, Wilson.")
    sentence: str = Field(description="The same in words.")


class Pairing(View):
    """Prompt by prompt against the baseline."""

    run: str = Field(description="Label of the run.")
    matched_by: str | None = Field(description="How prompts were matched; null when they cannot be.")
    reason: str | None = Field(description="Why there are no pairs.")
    metrics: list[PairedView] = Field(description="Empty without pairs.")


class SetupDifference(View):
    """Something in spec, program or machine that is not the same in all runs."""

    path: str = Field(description="Where, such as `spec.load.concurrency`.")
    values: list[str | None] = Field(description="One a run, in their order; null where there is none.")


class ComparisonWarning(View):
    """What a reader must not miss."""

    kind: str = Field(description="For programs: workload, load, target, machine, certificate, version, errors, …")
    runs: list[str] = Field(description="Labels of the runs that it is about.")
    text: str = Field(description="In words.")


class Comparison(View):
    """Two to eight runs, the first of which need not be the baseline."""

    baseline: str = Field(description="Id of the baseline.")
    window: WindowKind = Field(description="What was asked for; each run says what was used.")
    confidence: float = Field(description="Of all intervals.")
    margin: float = Field(description="Share below which a difference does not matter.")
    comparisons: int = Field(description="How many p-values are judged together.")
    conclusions: list[str] = Field(description="The verdicts on the most important numbers.")
    runs: list[ComparedRun] = Field(description="What is compared, in the order asked for.")
    figures: list[FigureView] = Field(description="Each figure of each run, and its difference from the baseline.")
    pairings: list[Pairing] = Field(description="Requests with the same prompt, compared in pairs.")
    setup: list[SetupDifference] = Field(description="What differs in specs and machines.")
    warnings: list[ComparisonWarning] = Field(description="What makes the comparison less than fair.")

    def document(self) -> dict[str, Any]:
        """As JSON values."""
        return self.model_dump(mode="json", by_alias=True)
