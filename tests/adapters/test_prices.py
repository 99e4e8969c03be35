"""Costs, recomputed by hand from list prices; what is unknown stays unknown."""

from decimal import Decimal

import pytest

from app.adapters.base import Buckets
from app.adapters.prices import cost_usd


def test_cached_and_reasoning_tokens_have_their_prices() -> None:
    # gpt-4o: $2.50 input, $1.25 cached input, $10 output per million tokens.
    cost = cost_usd("openai", "gpt-4o", Buckets(900, 100, None, 40, 10))
    assert cost == (900 * Decimal("2.5") + 100 * Decimal("1.25") + 50 * Decimal(10)) / 1_000_000


@pytest.mark.parametrize(
    ("kind", "model", "buckets"),
    [
        ("openai", "no-such-model", Buckets(1, 0, None, 1, 0)),
        ("vllm", "gpt-4o", Buckets(1, 0, None, 1, 0)),
        ("openai", "gpt-4o", Buckets()),
    ],
)
def test_unknown_is_none(kind: str, model: str, buckets: Buckets) -> None:
    assert cost_usd(kind, model, buckets) is None
