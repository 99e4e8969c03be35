"""What a spec probably costs, by which price: a range for each target. An unknown price is unknown, never 0."""

from collections.abc import Sequence

from app.adapters import known_models, prices
from app.adapters.base import Buckets
from app.benchmarks.forecast import Between, Forecast
from app.benchmarks.forecast_views import ExpectedRange, TargetCost
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.workloads import OnePrompt, SharedPrefixPrompts, SyntheticConversations
from app.providers.schemas import PriceView


def quotes(spec: BenchmarkSpec, kinds: Sequence[str], found: Forecast) -> list[TargetCost]:
    """The cost of each target. The lowest has every repeated input token at the price of cached ones."""
    return [
        _quote(spec, kind, target.provider, target.model, found)
        for target, kind in zip(spec.targets, kinds, strict=True)
    ]


def total(costs: Sequence[TargetCost]) -> ExpectedRange | None:
    """Of all targets together; None when the price of one is not known."""
    ranges = [cost.usd for cost in costs if cost.usd is not None]
    if len(ranges) < len(costs):
        return None
    highs = [one.high for one in ranges if one.high is not None]
    return ExpectedRange(low=sum(one.low for one in ranges), high=sum(highs) if len(highs) == len(ranges) else None)


def _quote(spec: BenchmarkSpec, kind: str, provider: str, model: str, found: Forecast) -> TargetCost:
    known = known_models.find(kind, model)
    price = None if known is None or known.price is None else known.price
    low = _cost(kind, model, found.input_tokens.low, found.output_tokens.low, cached=_repeated(spec))
    high = None
    if found.input_tokens.high is not None and found.output_tokens.high is not None:
        high = _cost(kind, model, found.input_tokens.high, found.output_tokens.high)
    each = None if low is None else Between(low, high)
    usd = None if each is None else found.requests_per_target.product(each)
    return TargetCost(
        provider=provider,
        model=model,
        price=None if price is None else PriceView(**{name: getattr(price, name) for name in price.__struct_fields__}),
        usd=None if usd is None else ExpectedRange(low=usd.low, high=usd.high),
    )


def _repeated(spec: BenchmarkSpec) -> float:
    """Share of the input that earlier requests have sent, and a cache may hold."""
    workload = spec.workload
    if isinstance(workload, OnePrompt):
        return 1.0
    if isinstance(workload, SharedPrefixPrompts):
        own = workload.input_tokens if isinstance(workload.input_tokens, int) else _mean(workload.input_tokens)
        return workload.prefix_tokens / (workload.prefix_tokens + own)
    if isinstance(workload, SyntheticConversations):
        return (workload.turns - 1) / (workload.turns + 1)  # of turn k all but its own message, of equal ones
    return 0.0


def _mean(length: object) -> float:
    if (mean := getattr(length, "mean", None)) is not None:
        return float(mean)
    if (values := getattr(length, "values", None)) is not None:
        return float(sum(values) / len(values))
    return float(getattr(length, "minimum", 0) + getattr(length, "maximum", 0)) / 2


def _cost(kind: str, model: str, input_tokens: float, output_tokens: float, *, cached: float = 0.0) -> float | None:
    read = round(input_tokens * cached)
    buckets = Buckets(max(round(input_tokens) - read, 0), read or None, None, round(output_tokens), None)
    try:
        found = prices.cost_usd(kind, model, buckets)
    except LookupError:
        return None
    return None if found is None else float(found)
