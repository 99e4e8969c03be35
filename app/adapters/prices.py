"""What a request cost: from prices of one's own, else as its provider says, else from list prices (genai-prices).

An unknown price is None, never 0.
"""

from datetime import datetime
from decimal import Decimal

from app.adapters import registry
from app.adapters.base import Buckets, Terms
from app.adapters.price_list import PriceList


class _Mine:
    prices = PriceList()
    version = 0


def use(prices: PriceList) -> None:
    """Let these win over list prices in this process, from now on. Called when a process is set up."""
    _Mine.prices = prices
    _Mine.version += 1


def mine() -> PriceList:
    """The prices in use that win over list prices."""
    return _Mine.prices


def version() -> int:
    """Changes when `use` is called: a part of the key of whatever keeps costs."""
    return _Mine.version


def cost_usd(kind: str, model: str, buckets: Buckets, terms: Terms = (), at: datetime | None = None) -> Decimal | None:
    """Exact cost in USD, or None when the model's price or the token counts are not known.

    `kind` is a provider kind of the registry. Reasoning tokens are billed as output where they have no price of their
    own, cached input at its own price, and so are audio, images, searches and what is written into a cache for an hour.
    `buckets` are best those of `billed`, `terms` what the function of that name says, and `at` is when the request was
    made: list prices change, and DeepSeek's with the hour of the day. Without it the prices are those of now.
    """
    provider = registry.kind(kind).price_provider
    if buckets.uncached_input is None and buckets.visible_output is None:
        return None
    override = _Mine.prices.find(kind, model)
    if override is not None:
        return override.cost_usd(buckets)
    if provider is None:
        return None
    from genai_prices import Usage, calc_price  # noqa: PLC0415  (its table of 2,300 models takes 0.2 s to load)

    heard = (buckets.audio_input or 0) + (buckets.audio_cache_read or 0)
    # Parts that may overlap must be told, also where they are zero: what is audio and cached, or written and audio.
    usage = Usage(
        input_tokens=(buckets.uncached_input or 0) + (buckets.cache_read or 0) + (buckets.cache_write or 0),
        cache_read_tokens=buckets.cache_read or None,
        cache_write_tokens=buckets.cache_write or None,
        cache_write_1h_tokens=buckets.cache_write_1h or None,
        input_audio_tokens=heard or None,
        cache_audio_read_tokens=(buckets.audio_cache_read or 0) if heard else None,
        cache_audio_write_tokens=0 if heard else None,
        output_tokens=(buckets.visible_output or 0) + (buckets.reasoning or 0),
        output_reasoning_tokens=buckets.reasoning or None,
        output_audio_tokens=buckets.audio_output or None,
        output_image_tokens=buckets.image_output or None,
        web_searches=buckets.web_searches or None,
        input_audio_seconds=buckets.audio_seconds or None,
        audio_seconds=buckets.audio_seconds or None,
    )
    try:
        found = calc_price(
            usage,
            model_ref=model,
            provider_id=provider,
            genai_request_timestamp=at,
            price_context=dict(terms) or None,
        )
    except (LookupError, ValueError):  # no such model; counts that contradict each other, or that it cannot tell apart
        return None
    if not _has_token_price(found.model_price):  # billed by the minute, the page or the search
        return None
    return found.total_price


def billed(kind: str, counted: Buckets, usage: bytes) -> Buckets:
    """What a request is billed for: as its usage object says it, or else what was counted.

    Raises:
        LookupError: there is no such kind.
    """
    if not usage:
        return counted
    try:
        return registry.get(kind).billed(usage) or counted
    except ValueError:  # a usage object of another shape
        return counted


def terms(kind: str, usage: bytes) -> Terms:
    """What a usage object says that the answer was sold as.

    Raises:
        LookupError: there is no such kind.
    """
    if not usage:
        return ()
    try:
        return registry.get(kind).terms(usage)
    except ValueError:  # a usage object of another shape
        return ()


def charged_usd(kind: str, model: str, usage: bytes) -> Decimal | None:
    """What the provider itself says in a usage object that the request cost: goes over list prices, not over own ones.

    Raises:
        LookupError: there is no such kind.
    """
    if not usage or _Mine.prices.find(kind, model) is not None:
        return None
    try:
        return registry.get(kind).charged_usd(usage)
    except ValueError:  # a usage object of another shape
        return None


def _has_token_price(price: object) -> bool:
    return any(getattr(price, name) is not None for name in ("input_mtok", "output_mtok"))
