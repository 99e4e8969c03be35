"""Several levels of load in one benchmark: the part `explore` of a spec. Each level is a point with its own figures."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from app.benchmarks.loads import MAX_CONCURRENCY, MAX_RATE, MIN_RATE
from app.benchmarks.spec_parts import SpecPart
from app.stats.bounds import samples_needed

MAX_POINTS = 64

Level = Annotated[float, Field(gt=0, le=max(MAX_CONCURRENCY, MAX_RATE))]
Parameter = Literal["concurrency", "rate"]
_RANGES = {"concurrency": (1, MAX_CONCURRENCY), "rate": (MIN_RATE, MAX_RATE)}
LatencyMetric = Literal[
    "ttft_ms",
    "ttfo_ms",
    "tpot_ms",
    "icl_ms",
    "e2e_ms",
    "stream_end_ms",
    "ttft_from_intended_ms",
    "e2e_from_intended_ms",
]


class Sweep(SpecPart):
    """Measure at each of these levels, in order. The stop rule holds for each."""

    kind: Literal["sweep"] = "sweep"
    parameter: Parameter = Field(description="What is varied; `load` must be of a kind that has it.")
    values: list[Level] = Field(min_length=1, max_length=MAX_POINTS, description="In this order.")

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if len(set(self.values)) != len(self.values):
            raise ValueError("values must differ from each other")
        if self.parameter == "concurrency" and any(value != int(value) for value in self.values):
            raise ValueError("values of concurrency must be whole numbers")
        _within_range(self.parameter, "values", *self.values)
        return self

    @property
    def highest(self) -> float:
        """The highest level."""
        return max(self.values)


class Criterion(SpecPart):
    """A percentile of a latency must not exceed a limit."""

    metric: LatencyMetric = Field(description="Which latency.")
    percentile: float = Field(95, gt=0, lt=100, description="Which percentile of it.")
    limit_ms: float = Field(gt=0, le=86_400_000, description="What it must not exceed.")


class Search(SpecPart):
    """Find the highest level that meets every criterion, at `confidence`. The stop rule holds for each probe."""

    kind: Literal["search"] = "search"
    parameter: Parameter = Field(description="What is varied; `load` must be of a kind that has it.")
    minimum: Level = Field(description="Lowest level to try; the first one tried.")
    maximum: Level = Field(description="Highest level to try.")
    criteria: list[Criterion] = Field(default_factory=list, max_length=16, description="All must be met.")
    max_error_rate: float | None = Field(None, ge=0, le=1, description="Most requests that may fail, as a share.")
    confidence: float = Field(0.95, gt=0.5, lt=1, description="With which a level must be known to meet the criteria.")
    tolerance: float = Field(0.05, gt=0, le=1, description="Stop when the answer is known to this share of itself.")
    max_points: int = Field(16, ge=2, le=MAX_POINTS, description="Probes at most.")

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.minimum >= self.maximum:
            raise ValueError("minimum must be below maximum")
        if not self.criteria and self.max_error_rate is None:
            raise ValueError("give criteria, max_error_rate, or both")
        if self.parameter == "concurrency" and (self.minimum != int(self.minimum) or self.maximum != int(self.maximum)):
            raise ValueError("minimum and maximum of concurrency must be whole numbers")
        _within_range(self.parameter, "minimum and maximum", self.minimum, self.maximum)
        return self

    @property
    def highest(self) -> float:
        """The highest level."""
        return self.maximum

    def requests_needed(self) -> int:
        """Least requests at one level with which every criterion can be met at `confidence` (see `stats.bounds`)."""
        shares = [one.percentile / 100 for one in self.criteria if one.metric != "icl_ms"]  # chunks are many a request
        if self.max_error_rate is not None and 0 < self.max_error_rate < 1:
            shares.append(1 - self.max_error_rate)
        return max((samples_needed(share, self.confidence) for share in shares), default=1)


def _within_range(parameter: Parameter, names: str, *levels: float) -> None:
    least, most = _RANGES[parameter]
    if not all(least <= level <= most for level in levels):
        raise ValueError(f"{names} of {parameter} must be between {least:g} and {most:,}")


ExploreSpec = Annotated[Sweep | Search, Field(discriminator="kind")]
