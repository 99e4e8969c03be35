"""The benchmark spec: everything that a user says about one benchmark, and what is allowed.

Unknown fields are errors. `LoadSpec`, `WorkloadSpec` are tagged by `kind`; a new kind is one more class in the union.
"""

import math
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationInfo, model_validator

MAX_REQUESTS = 100_000_000
MAX_CONCURRENCY = 20_000
MAX_PROMPT_CHARACTERS = 2_000_000
MIN_RATE = 0.000_01
"""A little less than one request a day; with far less, arrivals leave the range of a clock."""
MAX_EXTRA_DEPTH = 32
"""Real request bodies (tools with JSON schemas) nest about ten deep; encoders give up at 255."""


STORED = {"stored": True}
"""Validation context of specs out of the database: limits that came later must not make them unreadable."""


def _within_a_clock(rate: float, info: ValidationInfo) -> float:
    if rate < MIN_RATE and info.context is not STORED:
        raise ValueError(f"must be at least {MIN_RATE:g}")
    return rate


def _plain_json(document: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
    """Refuse what no encoder takes: containers without end, and numbers that JSON does not have."""
    if info.context is STORED:
        return document
    level: list[Any] = [document]
    for _ in range(MAX_EXTRA_DEPTH + 1):
        if any(isinstance(value, float) and not math.isfinite(value) for value in level):
            raise ValueError("must hold finite numbers only")
        containers = [value for value in level if isinstance(value, dict | list)]
        level = [item for value in containers for item in (value.values() if isinstance(value, dict) else value)]
    if level:
        raise ValueError(f"must not be nested deeper than {MAX_EXTRA_DEPTH} levels")
    return document


Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Tag = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
Prompt = Annotated[str, StringConstraints(min_length=1, max_length=MAX_PROMPT_CHARACTERS)]


class SpecPart(BaseModel):
    """A part of the spec; unknown fields are refused, values are never silently converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Target(SpecPart):
    """What is measured: a configured provider and one of its models."""

    provider: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")] = Field(
        description="Name of a configured provider.", examples=["local"]
    )
    model: Annotated[str, StringConstraints(min_length=1, max_length=200)] = Field(
        description="Name of the model, as the provider knows it.", examples=["llama-3.1-8b"]
    )


class OnePrompt(SpecPart):
    """Every request sends the same prompt (beware of server-side caches)."""

    kind: Literal["prompt"] = "prompt"
    prompt: Prompt = Field(description="The user message.")


class PromptList(SpecPart):
    """Requests take the prompts in order, again from the first when they run out."""

    kind: Literal["list"] = "list"
    prompts: list[Prompt] = Field(min_length=1, max_length=100_000, description="User messages, one per request.")


class SyntheticPrompts(SpecPart):
    """Made-up prompts of about `input_tokens`, unique per request, asking for exactly `output_tokens`."""

    kind: Literal["synthetic"] = "synthetic"
    input_tokens: int = Field(ge=1, le=1_000_000, description="Length of each prompt, approximately.")
    output_tokens: int = Field(ge=1, le=1_000_000, description="Sent as the cap on output tokens.")


WorkloadSpec = Annotated[OnePrompt | PromptList | SyntheticPrompts, Field(discriminator="kind")]


class ClosedLoad(SpecPart):
    """Closed loop: `concurrency` users, each sends the next request when its last one has ended."""

    kind: Literal["closed"] = "closed"
    concurrency: int = Field(ge=1, le=MAX_CONCURRENCY, description="Users, over all workers.")


class OpenLoad(SpecPart):
    """Open loop: requests start by an absolute schedule, whatever the server does."""

    rate: Annotated[float, AfterValidator(_within_a_clock)] = Field(
        gt=0, le=100_000, description=f"Requests per second over all workers, at least {MIN_RATE:g}."
    )
    max_in_flight: int = Field(
        MAX_CONCURRENCY,
        ge=1,
        le=MAX_CONCURRENCY,
        description="Hard cap; arrivals beyond it wait, and the wait shows as schedule delay.",
    )


class ConstantLoad(OpenLoad):
    """Open loop, evenly spaced arrivals."""

    kind: Literal["constant"] = "constant"


class PoissonLoad(OpenLoad):
    """Open loop, exponential gaps between arrivals."""

    kind: Literal["poisson"] = "poisson"


LoadSpec = Annotated[ClosedLoad | ConstantLoad | PoissonLoad, Field(discriminator="kind")]


class StopRule(SpecPart):
    """The run ends at whichever comes first, for each target; at least one must be given."""

    requests: int | None = Field(None, ge=1, le=MAX_REQUESTS, description="Requests to start, per target.")
    duration_seconds: float | None = Field(None, gt=0, le=7 * 86_400, description="Start no request after this.")

    @model_validator(mode="after")
    def _something_stops_it(self) -> Self:
        if self.requests is None and self.duration_seconds is None:
            raise ValueError("give requests, duration_seconds, or both")
        return self


class SloLimits(SpecPart):
    """A request is good when it succeeded and met every limit given here."""

    ttft_ms: float | None = Field(None, gt=0, description="Longest time to first token.")
    tpot_ms: float | None = Field(None, gt=0, description="Longest time per output token.")
    e2e_ms: float | None = Field(None, gt=0, description="Longest time to the last output chunk.")


class Sampling(SpecPart):
    """What is asked of the model. Fields left out are not sent."""

    stream: bool = Field(True, description="Ask for a streamed answer; without it there is no time to first token.")
    system: Annotated[str, StringConstraints(min_length=1, max_length=MAX_PROMPT_CHARACTERS)] | None = Field(
        None, description="System message."
    )
    max_tokens: int | None = Field(None, ge=1, le=1_000_000, description="Cap on output tokens.")
    temperature: float | None = Field(None, ge=0, le=2, description="Sampling temperature.")
    top_p: float | None = Field(None, gt=0, le=1, description="Nucleus sampling.")
    stop: list[str] | None = Field(None, max_length=16, description="Texts that end the output.")
    seed: int | None = Field(None, ge=0, le=2**53 - 1, description="The provider's seed, not the schedule's.")
    extra: Annotated[dict[str, Any], AfterValidator(_plain_json)] = Field(
        default_factory=dict, description="Further fields, put into the request body as is."
    )


class RetryPolicy(SpecPart):
    """When a failed request is tried again. Retried requests keep their first intended start and count attempts."""

    max_attempts: int = Field(1, ge=1, le=10, description="1 means never retry.")
    base_delay_ms: float = Field(500, gt=0, le=60_000, description="Wait before the second try; it doubles with each.")
    max_delay_ms: float = Field(20_000, gt=0, le=600_000, description="A longer Retry-After ends the request.")


class Timeouts(SpecPart):
    """Each ends the request with its own error class."""

    connect_seconds: float = Field(10, gt=0, le=3600, description="DNS, TCP and TLS together.")
    first_token_seconds: float = Field(120, gt=0, le=86_400, description="From the start to the first output.")
    between_chunks_seconds: float = Field(60, gt=0, le=86_400, description="Silence within a stream.")
    total_seconds: float = Field(600, gt=0, le=86_400, description="The whole request.")


class BenchmarkSpec(SpecPart):
    """One benchmark."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "name": "nightly, 64 users",
                    "tags": ["nightly"],
                    "targets": [{"provider": "local", "model": "llama-3.1-8b"}],
                    "workload": {"kind": "synthetic", "input_tokens": 512, "output_tokens": 128},
                    "load": {"kind": "closed", "concurrency": 64},
                    "stop": {"requests": 1000},
                    "slo": {"ttft_ms": 500, "tpot_ms": 40},
                }
            ]
        },
    )

    name: Name = Field(description="Shown in listings; need not be unique.")
    tags: list[Tag] = Field(default_factory=list, max_length=32, description="For finding it again.")
    targets: list[Target] = Field(
        min_length=1, max_length=16, description="Measured one after another, so that they never compete."
    )
    workload: WorkloadSpec = Field(description="What is asked.")
    load: LoadSpec = Field(description="When requests start.")
    stop: StopRule
    slo: SloLimits = Field(default_factory=SloLimits)
    sampling: Sampling = Field(default_factory=Sampling)
    retry: RetryPolicy = Field(default_factory=RetryPolicy)
    timeouts: Timeouts = Field(default_factory=Timeouts)
    seed: int = Field(0, ge=0, le=2**63 - 1, description="Same seed, same schedule and prompts.")
    workers: int = Field(1, ge=1, le=64, description="Engine processes; each wants a core of its own.")
    save_responses: bool = Field(False, description="Keep response texts in the results.")
    save_gaps: bool = Field(True, description="Keep every chunk gap as a compact blob.")

    @model_validator(mode="after")
    def _every_worker_has_work(self) -> Self:
        if isinstance(self.load, ClosedLoad) and self.workers > self.load.concurrency:
            raise ValueError(f"workers ({self.workers}) must not exceed load.concurrency ({self.load.concurrency})")
        if len({(target.provider, target.model) for target in self.targets}) != len(self.targets):
            raise ValueError("targets must differ from each other")
        return self
