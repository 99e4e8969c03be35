"""What one request cost: what the provider charged if it says so, else its tokens by the price list. Pure."""

from datetime import UTC, datetime
from functools import lru_cache

import msgspec

from app.adapters import prices
from app.adapters.base import Buckets, Terms

MAX_USAGE_BYTES = 64 * 1024
"""A usage object above it is not read."""
_QUARTER_NS = 900 * 10**9  # of an hour: list prices change at no other times
_PRICED_SINCE_NS = 1_577_836_800 * 10**9  # 2020: nobody sold tokens before, so an earlier clock is wrong
_MAX_TOKENS = 500_000_000  # the sum of three still fits the 32-bit column


def token_count(tokens: int | None) -> int | None:
    """A token count; None for what no model can have meant."""
    return tokens if tokens is not None and 0 <= tokens <= _MAX_TOKENS else None


def cost_usd(kind: str, model: str, counted: Buckets, usage: bytes, at_ns: int) -> float | None:
    """Of a request to a model of a provider of that kind, with its usage as it came; None when it is not known.

    `at_ns` is when it began (Unix time): list prices change, and DeepSeek's with the hour of the day.
    """
    known = usage if len(usage) <= MAX_USAGE_BYTES else b""
    try:
        charged = prices.charged_usd(kind, model, known)
        if charged is not None:
            return float(charged)
        billed = prices.billed(kind, counted, known)
        terms = prices.terms(kind, known)
    except LookupError:
        return None
    quarter = at_ns // _QUARTER_NS if at_ns >= _PRICED_SINCE_NS else None
    return _listed(prices.version(), kind, model, terms, quarter, *map(token_count, msgspec.structs.astuple(billed)))


# One price look-up takes tens of microseconds, and most requests of a run have one of few sizes.
@lru_cache(maxsize=8_192)
def _listed(
    _prices: int, kind: str, model: str, terms: Terms, quarter: int | None, *buckets: int | None
) -> float | None:
    at = None if quarter is None else datetime.fromtimestamp(quarter * 900, UTC)
    try:
        cost = prices.cost_usd(kind, model, Buckets(*buckets), terms, at)
    except LookupError:
        return None
    return None if cost is None else float(cost)


def warm_prices(kind: str, model: str) -> None:
    """Load the price table now if this target needs it."""
    _listed(prices.version(), kind, model, (), None, 1, None, None, 1, None)
