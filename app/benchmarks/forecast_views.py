"""What is answered about a spec before it runs: what is wrong with it, else what it amounts to."""

from typing import Any

from pydantic import Field

from app.benchmarks.view import View
from app.providers.schemas import PriceView


class ExpectedRange(View):
    """Between what and what a number will probably be."""

    low: float = Field(description="No less than this.")
    high: float | None = Field(description="No more than this; null when the server or the model decides.")


class TargetCost(View):
    """What one target probably costs."""

    provider: str = Field(description="Name of the provider.")
    model: str = Field(description="Name of the model.")
    price: PriceView | None = Field(description="The price it was reckoned with; null when it is not known.")
    usd: ExpectedRange | None = Field(description="Probable cost, in US dollars; null when the price is not known.")


class SpecWarning(View):
    """What will run, but may not say what is wanted of it."""

    path: str = Field(description="The part of the spec that it is about.")
    message: str = Field(description="What to expect, and what would help.")


class SpecCheck(View):
    """What is known about a spec before it runs."""

    requests_planned: int | None = Field(description="Requests in all; null when only time ends the run.")
    estimate_usd: float | None = Field(description="Probable cost from list prices; null when it cannot be told.")
    estimate_note: str | None = Field(description="Why it cannot be told, or what is not exact about it.")
    stages: int = Field(description="Runs one after another: every target at every level; of a search, at most.")
    requests: ExpectedRange = Field(description="Requests over all stages.")
    duration_seconds: ExpectedRange = Field(description="From the first to the last start of a request, over stages.")
    duration_note: str | None = Field(description="What is not in it, or why it cannot be told.")
    peak_users: int | None = Field(description="Most users at once; null for open loops.")
    peak_rate: float | None = Field(
        description="Highest rate, in requests per second; null where users or a trace set it."
    )
    peak_in_flight: int = Field(description="Most requests at once that the spec allows.")
    input_tokens: ExpectedRange = Field(description="Input tokens in all; of given texts at 3 to 5 characters a token.")
    output_tokens: ExpectedRange = Field(description="Output tokens in all.")
    cost: ExpectedRange | None = Field(
        description="Probable cost in US dollars, all targets together; null when a price is not known."
    )
    costs: list[TargetCost] = Field(description="The cost of each target, and its price.")
    warnings: list[SpecWarning] = Field(description="What will run, but may not say what is wanted of it.")


class SpecProblem(View):
    """What is wrong with a field."""

    path: str = Field(description="The field, such as `load.concurrency`; empty: the spec as a whole.")
    message: str = Field(description="What is wrong.")
    allowed: Any = Field(None, description="What is allowed, where that can be said.")


class SpecValidation(View):
    """What creating a benchmark would say about a spec."""

    is_valid: bool = Field(description="Whether it would be taken now.")
    problems: list[SpecProblem] = Field(description="Everything that is wrong with it; empty when it is valid.")
    plan: SpecCheck | None = Field(description="What it amounts to; null when it is not known well enough for that.")
