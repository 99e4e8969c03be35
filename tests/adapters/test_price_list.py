"""Prices of one's own, and that no cent is lost over a million requests."""

import tomllib
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.adapters import known_models, prices
from app.adapters.base import Buckets
from app.adapters.price_dates import released
from app.adapters.price_list import Override, PriceList
from app.benchmarks.request_costs import _listed

DAY = date(2026, 8, 1)
MINE = PriceList(
    (
        Override(kind="vllm", model="special", input=Decimal(9), output=Decimal(9), as_of=DAY),
        Override(
            kind="vllm", model="llama-*", input=Decimal("0.1"), output=Decimal("0.4"), cache_read=Decimal("0.02"),
            cache_write=Decimal("0.125"), reasoning=Decimal("0.3"), per_request=Decimal("0.001"), as_of=DAY,
        ),
        Override(kind="vllm", model="*", input=Decimal(1), output=Decimal(2), as_of=DAY),
        Override(kind="openai", model="gpt-4o", input=Decimal(5), output=Decimal(7), as_of=DAY),
    )
)  # fmt: skip


@pytest.fixture
def _mine() -> Iterator[None]:
    prices.use(MINE)
    yield
    prices.use(PriceList())


@pytest.mark.usefixtures("_mine")
def test_own_prices_win() -> None:
    buckets = Buckets(1000, 200, 80, 300, 50)
    by_hand = Decimal("0.0001") + Decimal("0.000004") + Decimal("0.00001") + Decimal("0.00012") + Decimal("0.000015")
    assert prices.cost_usd("vllm", "llama-3", buckets) == by_hand + Decimal("0.001")
    assert prices.cost_usd("vllm", "other", buckets) == Decimal(1280 + 700) / 1_000_000
    assert prices.cost_usd("vllm", "special", buckets) == Decimal(9 * 1630) / 1_000_000
    assert prices.cost_usd("openai", "gpt-4o", buckets) == Decimal(5 * 1280 + 7 * 350) / 1_000_000
    assert prices.cost_usd("sglang", "llama-3", buckets) is None
    assert prices.cost_usd("vllm", "llama-3", Buckets()) is None
    shown = known_models.find("openai", "gpt-4o")
    assert shown is not None
    assert shown.context_length == 128_000
    assert shown.price is not None
    assert (shown.price.input, shown.price.source, shown.price.as_of) == (Decimal(5), "configuration", "2026-08-01")


def test_costs_that_are_kept_follow_the_prices() -> None:
    before = _listed(prices.version(), "openai", "gpt-4o", (), None, 1_000_000, None, None, 0, None)
    prices.use(MINE)
    try:
        during = _listed(prices.version(), "openai", "gpt-4o", (), None, 1_000_000, None, None, 0, None)
    finally:
        prices.use(PriceList())
    assert (before, during) == (2.5, 5.0)


def test_reasoning_and_requests_with_prices_of_their_own() -> None:
    # Perplexity's sonar-deep-research: $2 input, $8 output, $3 reasoning per million tokens.
    cost = prices.cost_usd("perplexity", "sonar-deep-research", Buckets(1000, None, None, 300, 200))
    assert cost == (1000 * Decimal(2) + 300 * Decimal(8) + 200 * Decimal(3)) / 1_000_000
    # Its sonar: $1 input and output per million tokens, and $12 per thousand requests.
    assert prices.cost_usd("perplexity", "sonar", Buckets(1000, None, None, 500, None)) == Decimal("0.0135")


def test_what_is_not_billed_by_the_token_is_unknown() -> None:
    assert prices.cost_usd("groq", "whisper-large-v3", Buckets(1, None, None, 1, None)) is None


@settings(max_examples=25)
@given(
    price=st.lists(st.decimals(0, 1000, places=6), min_size=4, max_size=4),
    seed=st.integers(0, 2**32 - 1),
)
def test_no_cent_is_lost_over_a_million_requests(price: list[Decimal], seed: int) -> None:
    """As a run adds them up: each request's cost as a float, batch by batch; against exact arithmetic."""
    entry = Override(
        kind="vllm", model="m", input=price[0], cache_read=price[1], output=price[2], reasoning=price[3], as_of=DAY
    )
    random = np.random.default_rng(seed)
    sizes = random.integers(0, 5000, size=(64, 4))  # 64 kinds of requests, a million of them
    rounds = random.integers(0, 31_250, size=64)
    each = [entry.cost_usd(Buckets(int(a), int(b), None, int(c), int(d))) for a, b, c, d in sizes]
    exact = sum((cost * int(n) for cost, n in zip(each, rounds, strict=True)), Decimal(0))
    requests = np.repeat(np.array([float(cost) for cost in each]), rounds)
    random.shuffle(requests)
    total = 0.0
    for batch in np.array_split(requests, 500):
        total += float(batch.sum())
    assert abs(Decimal(total) - exact) < Decimal("0.001"), "a tenth of a cent"


def test_the_day_of_the_list_prices_is_that_of_the_locked_release() -> None:
    lock = tomllib.loads((Path(__file__).parents[2] / "uv.lock").read_text())
    [found] = [one for one in lock["package"] if one["name"] == "genai-prices"]
    day = str(found["sdist"]["upload-time"])[:10]
    assert released(found["version"]) == day, "write the new release into app/adapters/price_dates.py"
    assert released("0.0.0") is None
    known = known_models.find("openai", "gpt-4o-mini")
    assert known is not None
    assert known.price is not None
    assert known.price.as_of == released(version("genai-prices"))
