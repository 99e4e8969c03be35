"""What a few vendors say in `usage` that a request cost: the amount charged, discounts and fees in it. Pure.

Sources: OpenRouter, "Usage accounting" (`cost` in credits, which are US dollars; with a key of one's own `cost` is
OpenRouter's fee alone and `cost_details.upstream_inference_cost` is what the vendor charges beside it); xAI, "Cost
tracking" (`cost_in_usd_ticks`, 10^10 to the dollar); Perplexity, "Chat completions" and "Agent API" (`cost.total_cost`,
with the fee of the search); DeepInfra (`estimated_cost`).
"""

from collections.abc import Callable
from decimal import Decimal

import msgspec

Charge = Callable[[bytes], Decimal | None]
"""Usage object → US dollars; None where it does not say; raises `ValueError` where it is of another shape."""

_TICKS = Decimal(10**10)
_MOST_USD = Decimal(1_000_000)  # no single request cost more


class _Details(msgspec.Struct):
    upstream_inference_cost: Decimal | None = None


class _OpenRouter(msgspec.Struct):
    cost: Decimal | None = None
    is_byok: bool | None = None
    cost_details: _Details | None = None


class _Xai(msgspec.Struct):
    cost_in_usd_ticks: int | None = None


class _Parts(msgspec.Struct):
    total_cost: Decimal | None = None


class _Perplexity(msgspec.Struct):
    cost: _Parts | None = None


class _DeepInfra(msgspec.Struct):
    estimated_cost: Decimal | None = None


_decode_openrouter = msgspec.json.Decoder(_OpenRouter).decode
_decode_xai = msgspec.json.Decoder(_Xai).decode
_decode_perplexity = msgspec.json.Decoder(_Perplexity).decode
_decode_deepinfra = msgspec.json.Decoder(_DeepInfra).decode


def openrouter(usage: bytes) -> Decimal | None:
    """Its charge, and the vendor's where the key is one's own."""
    said = _decode_openrouter(usage)
    upstream = said.cost_details.upstream_inference_cost if said.cost_details is not None else None
    if said.cost is None:
        return None
    return _sound(said.cost if said.is_byok is False or upstream is None else said.cost + upstream)


def xai(usage: bytes) -> Decimal | None:
    """Exact, out of whole ticks."""
    ticks = _decode_xai(usage).cost_in_usd_ticks
    return None if ticks is None else _sound(ticks / _TICKS)


def perplexity(usage: bytes) -> Decimal | None:
    """Tokens and search together."""
    cost = _decode_perplexity(usage).cost
    return None if cost is None else _sound(cost.total_cost)


def deepinfra(usage: bytes) -> Decimal | None:
    """Its own estimate."""
    return _sound(_decode_deepinfra(usage).estimated_cost)


def _sound(dollars: Decimal | None) -> Decimal | None:
    return dollars if dollars is not None and dollars.is_finite() and 0 <= dollars <= _MOST_USD else None
