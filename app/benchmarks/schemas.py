"""The benchmark spec: everything that a user says about one benchmark, and what is allowed.

Unknown fields are errors. The larger parts have files of their own: `loads.py` (when requests start), `workloads.py`
(what is asked), `explorations.py` (several levels of load); `spec_parts.py` is what all are made of.
"""

from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, ValidationInfo, field_validator

from app.benchmarks.explorations import ExploreSpec, Search
from app.benchmarks.loads import ENDS_BY_ITSELF, ClosedLoad, ClosedStepsLoad, LoadSpec, SteadyOpenLoad
from app.benchmarks.spec_parts import MAX_PROMPT_CHARACTERS, STORED, Name, SpecPart, Tag, plain_json
from app.benchmarks.workloads import WorkloadSpec
from app.cluster.tags import MAX_TAGS, TAG_PATTERN

MAX_REQUESTS = 100_000_000


class Target(SpecPart):
    """What is measured: a configured provider and one of its models."""

    provider: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")] = Field(
        description="Name of a configured provider.", examples=["local"]
    )
    model: Annotated[str, StringConstraints(min_length=1, max_length=200)] = Field(
        description="Name of the model, as the provider knows it.", examples=["llama-3.1-8b"]
    )


class StopRule(SpecPart):
    """The run ends at whichever comes first, for each target (and each point, when several levels are explored).

    At least one must be given, unless the load ends by itself (`steps`, `closed_steps`, `trace`).
    """

    requests: int | None = Field(None, ge=1, le=MAX_REQUESTS, description="Requests to start, per target.")
    duration_seconds: float | None = Field(None, gt=0, le=7 * 86_400, description="Start no request after this.")


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
    extra: Annotated[dict[str, Any], AfterValidator(plain_json)] = Field(
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


class SteadyWindow(SpecPart):
    """Which part of a run is steady. What is left out is found automatically (see `stats.steady`)."""

    warmup_seconds: float | None = Field(None, ge=0, le=86_400, description="Not steady yet, from the start.")
    cooldown_seconds: float | None = Field(None, ge=0, le=86_400, description="No longer steady, up to the end.")


class ClientLimits(SpecPart):
    """What the client allows itself, over all workers. Requests held back show the wait as schedule delay."""

    requests_per_minute: float | None = Field(None, gt=0, le=6_000_000, description="Started, at most.")
    tokens_per_minute: float | None = Field(
        None, gt=0, le=1e12, description="Input and output, at most; estimated before a request, corrected after it."
    )


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
    stop: StopRule = Field(default_factory=StopRule, validate_default=True)
    explore: ExploreSpec | None = Field(None, description="Measure at several levels of load, one after another.")
    window: SteadyWindow = Field(default_factory=SteadyWindow)
    slo: SloLimits = Field(default_factory=SloLimits)
    sampling: Sampling = Field(default_factory=Sampling)
    retry: RetryPolicy = Field(default_factory=RetryPolicy)
    timeouts: Timeouts = Field(default_factory=Timeouts)
    limits: ClientLimits = Field(default_factory=ClientLimits)
    budget_usd: float | None = Field(
        None, gt=0, le=1e9, description="Refused when the estimate exceeds it; stopped when the cost reaches it."
    )
    seed: int = Field(0, ge=0, le=2**63 - 1, description="Same seed, same schedule and prompts.")
    workers: int = Field(1, ge=1, le=64, description="Engine processes; each wants a core of its own.")
    placement: list[Annotated[str, StringConstraints(pattern=TAG_PATTERN)]] = Field(
        default_factory=list,
        max_length=MAX_TAGS,
        description="Tags that every worker of this benchmark must have, such as gpu or region=eu.",
        examples=[["region=eu", "gpu"]],
    )
    save_responses: bool = Field(False, description="Keep texts and headers of responses in the results.")
    save_gaps: bool = Field(True, description="Keep every chunk gap as a compact blob.")
    propagate_trace: bool = Field(
        False,
        description="Send a W3C `traceparent` with each request: the benchmark's `trace_id`, and a span of its own "
        "that its result keeps as `metadata.span_id`.",
    )

    # The checks between parts belong to the later one of them, so that an error names a field.

    @field_validator("targets")
    @classmethod
    def _targets_differ(cls, targets: list[Target]) -> list[Target]:
        if len({(target.provider, target.model) for target in targets}) != len(targets):
            raise ValueError("targets must differ from each other")
        return targets

    @field_validator("stop")
    @classmethod
    def _something_stops_it(cls, stop: StopRule, info: ValidationInfo) -> StopRule:
        if stop == StopRule() and "load" in info.data and not isinstance(info.data["load"], ENDS_BY_ITSELF):
            raise ValueError("give requests, duration_seconds, or both")
        return stop

    @field_validator("explore")
    @classmethod
    def _load_has_the_parameter(cls, explore: ExploreSpec | None, info: ValidationInfo) -> ExploreSpec | None:
        if explore is not None and "load" in info.data:
            needed, kinds = {
                "concurrency": (ClosedLoad, "closed"),
                "rate": (SteadyOpenLoad, "constant, poisson or gamma"),
            }[explore.parameter]
            if not isinstance(info.data["load"], needed):
                raise ValueError(f"parameter {explore.parameter} needs a load of kind {kinds}")
        return explore

    @field_validator("explore")
    @classmethod
    def _a_search_can_decide(cls, explore: ExploreSpec | None, info: ValidationInfo) -> ExploreSpec | None:
        if isinstance(explore, Search) and info.context is not STORED and "stop" in info.data:
            requests, needed = info.data["stop"].requests, explore.requests_needed()
            if requests is not None and requests < needed:
                raise ValueError(
                    f"stop.requests ({requests:,}) is too small: at {100 * explore.confidence:g} % confidence these "
                    f"criteria cannot be met by fewer than {needed:,} requests at a level"
                )
        return explore

    @field_validator("workers")
    @classmethod
    def _every_worker_has_work(cls, workers: int, info: ValidationInfo) -> int:
        load, explore = info.data.get("load"), info.data.get("explore")
        if explore is not None and explore.parameter == "concurrency":  # levels below it get fewer workers
            if workers > explore.highest:
                raise ValueError(f"workers ({workers}) must not exceed the highest concurrency ({explore.highest:g})")
        elif isinstance(load, ClosedLoad | ClosedStepsLoad) and workers > load.concurrency:
            raise ValueError(f"workers ({workers}) must not exceed load.concurrency ({load.concurrency})")
        return workers
