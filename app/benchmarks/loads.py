"""When requests start: the part `load` of a spec. A new kind of load is one more class in the union at the end."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from app.benchmarks.spec_parts import STORED, SpecPart

MAX_CONCURRENCY = 20_000
MAX_RATE = 100_000
MIN_RATE = 0.000_01
"""A little less than one request a day; with far less, arrivals leave the range of a clock."""
MAX_STEPS = 1_000
MAX_TRACE_REQUESTS = 1_000_000
WEEK_SECONDS = 7 * 86_400.0


def _within_a_clock(rate: float, info: ValidationInfo) -> float:
    if rate < MIN_RATE and info.context is not STORED:
        raise ValueError(f"must be at least {MIN_RATE:g}")
    return rate


Rate = Annotated[float, AfterValidator(_within_a_clock), Field(gt=0, le=MAX_RATE)]
Users = Annotated[int, Field(ge=1, le=MAX_CONCURRENCY)]
Seconds = Annotated[float, Field(gt=0, le=WEEK_SECONDS)]
ArrivalProcess = Literal["constant", "poisson", "gamma"]


class ClosedLoad(SpecPart):
    """Closed loop: `concurrency` users, each sends the next request when its last one has ended."""

    kind: Literal["closed"] = "closed"
    concurrency: Users = Field(description="Users, over all workers.")
    ramp_up_seconds: float = Field(
        0, ge=0, le=86_400, description="Users join one by one, evenly over this time; 0: all at once."
    )


class UserStep(SpecPart):
    """A stretch of a closed loop."""

    concurrency: Users = Field(description="Users, over all workers.")
    seconds: Seconds = Field(description="How long.")


class ClosedStepsLoad(SpecPart):
    """Closed loop whose number of users changes in steps; the run ends with the last one."""

    kind: Literal["closed_steps"] = "closed_steps"
    steps: list[UserStep] = Field(min_length=1, max_length=MAX_STEPS, description="One after another.")

    @property
    def concurrency(self) -> int:
        """The most users at once."""
        return max(step.concurrency for step in self.steps)


class OpenLoad(SpecPart):
    """Open loop: requests start by an absolute schedule, whatever the server does."""

    max_in_flight: int = Field(
        MAX_CONCURRENCY,
        ge=1,
        le=MAX_CONCURRENCY,
        description="Hard cap; arrivals beyond it wait, and the wait shows as schedule delay.",
    )


class SteadyOpenLoad(OpenLoad):
    """Open loop of one rate."""

    rate: Rate = Field(description=f"Requests per second over all workers, at least {MIN_RATE:g}.")


class ConstantLoad(SteadyOpenLoad):
    """Open loop, evenly spaced arrivals."""

    kind: Literal["constant"] = "constant"


class PoissonLoad(SteadyOpenLoad):
    """Open loop, exponential gaps between arrivals."""

    kind: Literal["poisson"] = "poisson"


class GammaLoad(SteadyOpenLoad):
    """Open loop, gamma-distributed gaps: `burstiness` 1 is Poisson, below it arrivals come in bursts."""

    kind: Literal["gamma"] = "gamma"
    burstiness: float = Field(gt=0.01, le=100, description="Shape of the gamma distribution.")


class VaryingOpenLoad(OpenLoad):
    """Open loop whose rate changes. Arrivals are those of a process of rate 1, stretched by the rate over time."""

    arrival: ArrivalProcess = Field("poisson", description="Gaps between arrivals.")
    burstiness: float = Field(1, gt=0.01, le=100, description="With `gamma`: the shape; 1 is Poisson.")


class RampLoad(VaryingOpenLoad):
    """Open loop whose rate goes from one value to another, and stays there."""

    kind: Literal["ramp"] = "ramp"
    from_rate: Rate = Field(description="Requests per second at the start.")
    to_rate: Rate = Field(description="Requests per second at the end of the ramp, and after it.")
    seconds: Seconds = Field(description="Length of the ramp.")
    curve: Literal["linear", "exponential"] = Field(
        "linear", description="`exponential`: by the same factor in every second."
    )


class RateStep(SpecPart):
    """A stretch of an open loop."""

    rate: Rate = Field(description="Requests per second.")
    seconds: Seconds = Field(description="How long.")


class StepsLoad(VaryingOpenLoad):
    """Open loop whose rate changes in steps; the run ends with the last one."""

    kind: Literal["steps"] = "steps"
    steps: list[RateStep] = Field(min_length=1, max_length=MAX_STEPS, description="One after another.")


class SpikeLoad(VaryingOpenLoad):
    """Open loop of one rate with a burst of another in it."""

    kind: Literal["spike"] = "spike"
    rate: Rate = Field(description="Requests per second before and after the spike.")
    spike_rate: Rate = Field(description="Requests per second in the spike.")
    spike_at_seconds: float = Field(ge=0, le=WEEK_SECONDS, description="When it begins.")
    spike_seconds: Seconds = Field(description="How long it lasts.")


class TraceLoad(OpenLoad):
    """Open loop that starts requests exactly when a recorded trace did; the run ends with the trace."""

    kind: Literal["trace"] = "trace"
    at_seconds: list[Annotated[float, Field(ge=0, le=WEEK_SECONDS)]] = Field(
        min_length=1, max_length=MAX_TRACE_REQUESTS, description="Seconds from the start, ascending."
    )
    speed: float = Field(1, gt=0, le=1_000, description="2 replays in half the time.")

    @model_validator(mode="after")
    def _ascends(self) -> Self:
        if any(later < earlier for earlier, later in zip(self.at_seconds, self.at_seconds[1:], strict=False)):
            raise ValueError("at_seconds must ascend")
        return self


LoadSpec = Annotated[
    ClosedLoad
    | ClosedStepsLoad
    | ConstantLoad
    | PoissonLoad
    | GammaLoad
    | RampLoad
    | StepsLoad
    | SpikeLoad
    | TraceLoad,
    Field(discriminator="kind"),
]
ENDS_BY_ITSELF = (ClosedStepsLoad, StepsLoad, TraceLoad)
"""Loads that need no stop rule."""
