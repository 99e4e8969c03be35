"""What one request cost: what the provider charged if it says so, else its tokens by the price list. Pure."""

from functools import lru_cache

import msgspec

from app.adapters import prices
from app.adapters.base import Buckets, Terms

MAX_USAGE_BYTES = 64 * 1024
"""A usage object above it is not read."""
_MAX_TOKENS = 500_000_000  # the sum of three still fits the 32-bit column


def token_count(tokens: int | None) -> int | None:
    """A token count; None for what no model can have meant."""
    return tokens if tokens is not None and 0 <= tokens <= _MAX_TOKENS else None


def cost_usd(kind: str, model: str, counted: Buckets, usage: bytes) -> float | None:
    """Of a request to a model of a provider of that kind, with its usage as it came; None when it is not known."""
    known = usage if len(usage) <= MAX_USAGE_BYTES else b""
    try:
        charged = prices.charged_usd(kind, model, known)
        if charged is not None:
            return float(charged)
        billed = prices.billed(kind, counted, known)
        terms = prices.terms(kind, known)
    except LookupError:
        return None
    return _listed(prices.version(), kind, model, terms, *map(token_count, msgspec.structs.astuple(billed)))


# One price look-up takes tens of microseconds, and most requests of a run have one of few sizes.
@lru_cache(maxsize=8_192)
def _listed(_prices: int, kind: str, model: str, terms: Terms, *buckets: int | None) -> float | None:
    try:
        cost = prices.cost_usd(kind, model, Buckets(*buckets), terms)
    except LookupError:
        return None
    return None if cost is None else float(cost)


def warm_prices(kind: str, model: str) -> None:
    """Load the price table now if this target needs it."""
    _listed(prices.version(), kind, model, (), 1, None, None, 1, None)
