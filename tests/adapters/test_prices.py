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
    ("kind", "model", "buckets", "dollars_per_million"),
    [
        # uncached input, read from the cache, written to it, output: the public list prices, in the buckets' order
        ("openai", "o3", Buckets(60, 40, None, 20, 10), ("2", "0.5", "0", "8")),
        ("openai-responses", "o3", Buckets(60, 40, None, 20, 10), ("2", "0.5", "0", "8")),
        ("azure-openai", "gpt-4o", Buckets(60, 40, None, 30, None), ("2.5", "1.25", "0", "10")),
        ("anthropic", "claude-sonnet-4-5", Buckets(50, 40, 10, 20, 10), ("3", "0.3", "3.75", "15")),
        (
            "bedrock",
            "anthropic.claude-sonnet-4-5-20250929-v1:0",
            Buckets(50, 40, 10, 30),
            ("3.3", "0.33", "4.125", "16.5"),
        ),
        ("gemini", "gemini-2.5-flash", Buckets(60, 40, None, 20, 10), ("0.3", "0.03", "0", "2.5")),
        ("xai", "grok-3-mini", Buckets(60, 40, None, 20, 10), ("0.3", "0.075", "0", "0.5")),
        ("cohere", "command-r-plus", Buckets(60, None, None, 30), ("2.5", "0", "0", "10")),
        ("mistral", "mistral-large-latest", Buckets(100, None, None, 30), ("2", "0", "0", "6")),
        ("groq", "llama-3.3-70b-versatile", Buckets(100, None, None, 30), ("0.59", "0", "0", "0.79")),
        ("openrouter", "anthropic/claude-sonnet-4.5", Buckets(50, 40, 10, 20, 10), ("3", "0.3", "3.75", "15")),
    ],
)
def test_each_vendor_by_hand(kind: str, model: str, buckets: Buckets, dollars_per_million: tuple[str, ...]) -> None:
    output = (buckets.visible_output or 0) + (buckets.reasoning or 0)
    counts = (buckets.uncached_input or 0, buckets.cache_read or 0, buckets.cache_write or 0, output)
    expected = sum(count * Decimal(price) for count, price in zip(counts, dollars_per_million, strict=True)) / 1_000_000
    assert cost_usd(kind, model, buckets) == expected


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
