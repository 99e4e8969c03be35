"""What a request cost, from public list prices (genai-prices, offline). An unknown price is None, never 0."""

from decimal import Decimal

from app.adapters import registry
from app.adapters.base import Buckets


def cost_usd(kind: str, model: str, buckets: Buckets) -> Decimal | None:
    """Exact cost in USD, or None when the model's price or the token counts are not known.

    `kind` is a provider kind of the registry. Reasoning tokens are billed as output, cached input at its own price.
    """
    provider = registry.kind(kind).price_provider
    if provider is None or (buckets.uncached_input is None and buckets.visible_output is None):
        return None
    from genai_prices import Usage, calc_price  # noqa: PLC0415  (its table of 2,300 models takes 0.2 s to load)

    usage = Usage(
        input_tokens=(buckets.uncached_input or 0) + (buckets.cache_read or 0) + (buckets.cache_write or 0),
        cache_read_tokens=buckets.cache_read or None,
        cache_write_tokens=buckets.cache_write or None,
        output_tokens=(buckets.visible_output or 0) + (buckets.reasoning or 0),
    )
    try:
        return calc_price(usage, model_ref=model, provider_id=provider).total_price
    except LookupError:
        return None
