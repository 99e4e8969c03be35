"""From each vendor's own usage object to dollars: cached, written and reasoning tokens, recomputed by hand.

The usage objects have the shapes of the vendors' documentation; the prices are their public ones per million tokens.
"""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

import pytest

from app.adapters import prices, registry
from app.adapters.price_list import Override, PriceList
from app.benchmarks.measures import MeasureContext, measure
from tests.benchmarks.records import make_record

DAY = datetime(2026, 11, 21, tzinfo=UTC)


class Case(NamedTuple):
    """`parts`: how many tokens at which price per million. `beside`: dollars for what are no tokens of this answer."""

    kind: str
    model: str
    usage: dict[str, Any]
    parts: list[tuple[int, str]]
    beside: str = "0"
    hour: int = 12  # of the day the prices are of, in UTC


_CHAT_DETAILS: dict[str, Any] = {
    "prompt_tokens": 1000,
    "completion_tokens": 300,
    "total_tokens": 1300,
    "prompt_tokens_details": {"cached_tokens": 400, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 200, "audio_tokens": 0},
}
_CLAUDE = {"input_tokens": 500, "cache_read_input_tokens": 400, "cache_creation_input_tokens": 100}
_CASES = {
    "openai": Case("openai", "gpt-5", _CHAT_DETAILS, [(600, "1.25"), (400, "0.125"), (300, "10")]),
    "openai audio": Case(
        "openai", "gpt-audio",
        {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150,
         "prompt_tokens_details": {"audio_tokens": 60, "cached_tokens": 0},
         "completion_tokens_details": {"audio_tokens": 40, "reasoning_tokens": 0}},
        [(40, "2.5"), (60, "32"), (10, "10"), (40, "64")],
    ),
    "responses": Case(
        "openai-responses", "gpt-5",
        {"input_tokens": 1000, "input_tokens_details": {"cached_tokens": 400}, "output_tokens": 300,
         "output_tokens_details": {"reasoning_tokens": 200}, "total_tokens": 1300},
        [(600, "1.25"), (400, "0.125"), (300, "10")],
    ),
    "anthropic 5 minutes": Case(
        "anthropic", "claude-sonnet-4-5",
        {**_CLAUDE, "output_tokens": 300,
         "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 0}},
        [(500, "3"), (400, "0.3"), (100, "3.75"), (300, "15")],
    ),
    "anthropic 1 hour": Case(
        "anthropic", "claude-sonnet-4-5",
        {**_CLAUDE, "output_tokens": 300,
         "cache_creation": {"ephemeral_5m_input_tokens": 70, "ephemeral_1h_input_tokens": 30}},
        [(500, "3"), (400, "0.3"), (70, "3.75"), (30, "6"), (300, "15")],
    ),
    "gemini": Case(
        "gemini", "gemini-2.5-flash",
        {"promptTokenCount": 1000, "cachedContentTokenCount": 400, "candidatesTokenCount": 100,
         "thoughtsTokenCount": 200, "totalTokenCount": 1300},
        [(600, "0.3"), (400, "0.03"), (300, "2.5")],
    ),
    "gemini audio": Case(
        "gemini", "gemini-2.5-flash",
        {"promptTokenCount": 1000, "candidatesTokenCount": 100, "totalTokenCount": 1100,
         "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 200}, {"modality": "AUDIO", "tokenCount": 800}]},
        [(200, "0.3"), (800, "1"), (100, "2.5")],
    ),
    "gemini audio, some of it cached": Case(
        "gemini", "gemini-2.5-flash",
        {"promptTokenCount": 1000, "cachedContentTokenCount": 400, "candidatesTokenCount": 100, "totalTokenCount": 1100,
         "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 200}, {"modality": "AUDIO", "tokenCount": 800}],
         "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 150}, {"modality": "AUDIO", "tokenCount": 250}]},
        [(50, "0.3"), (550, "1"), (150, "0.03"), (250, "0.1"), (100, "2.5")],
    ),
    "gemini images": Case(
        "gemini", "gemini-2.5-flash-image",
        {"promptTokenCount": 17, "candidatesTokenCount": 1336, "totalTokenCount": 1353,
         "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1290}]},
        [(17, "0.3"), (46, "2.5"), (1290, "30")],
    ),
    "gemini just at 200k": Case(
        "gemini", "gemini-2.5-pro",
        {"promptTokenCount": 200_000, "cachedContentTokenCount": 50_000, "candidatesTokenCount": 100,
         "thoughtsTokenCount": 900, "totalTokenCount": 201_000},
        [(150_000, "1.25"), (50_000, "0.125"), (1000, "10")],
    ),
    "gemini over 200k": Case(
        "gemini", "gemini-2.5-pro",
        {"promptTokenCount": 200_001, "cachedContentTokenCount": 50_000, "candidatesTokenCount": 100,
         "thoughtsTokenCount": 900, "totalTokenCount": 201_001},
        [(150_001, "2.5"), (50_000, "0.25"), (1000, "15")],
    ),
    "gemini, what tools found": Case(
        "gemini", "gemini-2.5-flash",
        {"promptTokenCount": 1000, "toolUsePromptTokenCount": 500, "candidatesTokenCount": 100,
         "thoughtsTokenCount": 200, "totalTokenCount": 1800},
        [(1500, "0.3"), (300, "2.5")],
    ),
    "anthropic, a search": Case(
        "anthropic", "claude-sonnet-4-5",
        {**_CLAUDE, "output_tokens": 300, "server_tool_use": {"web_search_requests": 2}},
        [(500, "3"), (400, "0.3"), (100, "3.75"), (300, "15")], "0.02",
    ),
    "anthropic, both times of keeping, no sum": Case(
        "anthropic", "claude-opus-4-5",
        {"input_tokens": 500, "output_tokens": 300, "output_tokens_details": {"thinking_tokens": 250},
         "cache_creation": {"ephemeral_5m_input_tokens": 70, "ephemeral_1h_input_tokens": 30}},
        [(500, "5"), (70, "6.25"), (30, "10"), (300, "25")],
    ),
    "anthropic, a conversation that was summed up": Case(
        "anthropic", "claude-sonnet-4-5",
        {"input_tokens": 600, "output_tokens": 300, "iterations": [
            {"type": "compaction", "input_tokens": 60_000, "output_tokens": 500, "cache_read_input_tokens": 1000},
            {"type": "message", "input_tokens": 600, "output_tokens": 300}]},
        [(600, "3"), (300, "15")], "0.1878",  # 60,000 x $3 + 500 x $15 + 1,000 x $0.30, a million
    ),
    "openai, written to the cache": Case(
        "openai", "gpt-6-sol",
        {**_CHAT_DETAILS, "prompt_tokens_details": {"cached_tokens": 400, "cache_write_tokens": 100}},
        [(500, "2"), (400, "0.2"), (100, "2.5"), (300, "10")],
    ),
    "responses, on the flexible tier": Case(
        "openai-responses", "gpt-5",
        {"input_tokens": 1000, "input_tokens_details": {"cached_tokens": 400}, "output_tokens": 300,
         "output_tokens_details": {"reasoning_tokens": 200}, "total_tokens": 1300, "service_tier": "flex"},
        [(600, "0.625"), (400, "0.0625"), (300, "5")],
    ),
    "openai, in a hurry": Case(
        "openai", "gpt-5", {**_CHAT_DETAILS, "service_tier": "priority"}, [(600, "2.5"), (400, "0.25"), (300, "20")]
    ),
    "mistral audio": Case(
        "mistral", "voxtral-small-24b-2507",
        {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150, "prompt_audio_seconds": 90},
        [(100, "0.1"), (50, "0.4")], "0.006",  # 90 s at $0.24 an hour
    ),
    "moonshot": Case(
        "moonshot", "kimi-k2-0905-preview",
        {"prompt_tokens": 1000, "completion_tokens": 300, "total_tokens": 1300, "cached_tokens": 400},
        [(600, "0.6"), (400, "0.15"), (300, "2.5")],
    ),
    "zai": Case("zai", "glm-4.6", _CHAT_DETAILS, [(600, "0.6"), (400, "0.11"), (300, "2.2")]),
    "azure": Case("azure-openai", "gpt-4o", _CHAT_DETAILS, [(600, "2.5"), (400, "1.25"), (300, "10")]),
    "bedrock 1 hour": Case(
        "bedrock", "anthropic.claude-sonnet-4-5-20250929-v1:0",
        {"inputTokens": 500, "outputTokens": 300, "totalTokens": 1300, "cacheReadInputTokens": 400,
         "cacheWriteInputTokens": 100, "cacheDetails": [{"ttl": "5m", "inputTokens": 70},
                                                        {"ttl": "1h", "inputTokens": 30}]},
        [(500, "3.3"), (400, "0.33"), (70, "4.125"), (30, "6.6"), (300, "16.5")],
    ),
    "bedrock": Case(
        "bedrock", "anthropic.claude-sonnet-4-5-20250929-v1:0",
        {"inputTokens": 500, "outputTokens": 300, "totalTokens": 1300,
         "cacheReadInputTokens": 400, "cacheWriteInputTokens": 100},
        [(500, "3.3"), (400, "0.33"), (100, "4.125"), (300, "16.5")],
    ),
    "cohere": Case(
        "cohere", "command-a",
        {"billed_units": {"input_tokens": 1000, "output_tokens": 300},
         "tokens": {"input_tokens": 1506, "output_tokens": 300}},
        [(1000, "2.5"), (300, "10")],
    ),
    "deepseek": Case(
        "deepseek", "deepseek-reasoner",
        {"prompt_tokens": 1000, "completion_tokens": 300, "total_tokens": 1300,
         "prompt_cache_hit_tokens": 400, "prompt_cache_miss_tokens": 600,
         "completion_tokens_details": {"reasoning_tokens": 200}},
        [(600, "0.55"), (400, "0.14"), (300, "2.19")],
    ),
    "deepseek, by night": Case(
        "deepseek", "deepseek-reasoner",
        {"prompt_tokens": 1000, "completion_tokens": 300, "total_tokens": 1300,
         "prompt_cache_hit_tokens": 400, "prompt_cache_miss_tokens": 600},
        [(600, "0.135"), (400, "0.035"), (300, "0.55")], hour=20,
    ),
    "xai, beside the completion": Case(
        "xai", "grok-3-mini",
        {**_CHAT_DETAILS, "completion_tokens": 100, "total_tokens": 1300},
        [(600, "0.3"), (400, "0.075"), (300, "0.5")],
    ),
    "mistral": Case(
        "mistral", "devstral-2512",
        {"prompt_tokens": 1000, "completion_tokens": 300, "total_tokens": 1300, "num_cached_tokens": 400},
        [(600, "0.4"), (400, "0.04"), (300, "2")],
    ),
    "groq": Case("groq", "openai/gpt-oss-120b", _CHAT_DETAILS, [(600, "0.15"), (400, "0.075"), (300, "0.6")]),
    "together": Case(
        "together", "MiniMaxAI/MiniMax-M3",
        {"prompt_tokens": 1000, "completion_tokens": 300, "total_tokens": 1300, "cached_tokens": 400},
        [(600, "0.3"), (400, "0.06"), (300, "1.2")],
    ),
    "fireworks": Case(
        "fireworks", "accounts/fireworks/models/deepseek-v3p2", _CHAT_DETAILS,
        [(600, "0.56"), (400, "0.28"), (300, "1.68")],
    ),
    "openrouter without its charge": Case(
        "openrouter", "anthropic/claude-sonnet-4.5",
        {**_CHAT_DETAILS, "prompt_tokens_details": {"cached_tokens": 400, "cache_write_tokens": 100}},
        [(500, "3"), (400, "0.3"), (100, "3.75"), (300, "15")],
    ),
    "perplexity without its charge": Case(
        "perplexity", "sonar-deep-research",
        {"prompt_tokens": 100, "completion_tokens": 300, "total_tokens": 400, "reasoning_tokens": 200},
        [(100, "2"), (300, "8"), (200, "3")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", _CASES.values(), ids=_CASES)
def test_list_prices(case: Case) -> None:
    usage = json.dumps(case.usage).encode()
    counted = registry.get(case.kind).buckets(usage)  # type: ignore[attr-defined]
    by_hand = sum((count * Decimal(price) for count, price in case.parts), Decimal(0)) / 1_000_000
    assert prices.charged_usd(case.kind, case.model, usage) is None
    billed, terms = prices.billed(case.kind, counted, usage), prices.terms(case.kind, usage)
    assert prices.cost_usd(case.kind, case.model, billed, terms, DAY.replace(hour=case.hour)) == by_hand + Decimal(
        case.beside
    )
    spoken = [counted.uncached_input, counted.cache_read, counted.cache_write]
    made = [counted.visible_output, counted.reasoning]
    if case.kind != "cohere":  # which bills fewer tokens than the model takes in
        assert sum(filter(None, [*spoken, *made])) == sum(count for count, _ in case.parts), "disjoint, and complete"


@pytest.mark.parametrize(
    ("kind", "model", "usage", "dollars"),
    [
        ("openrouter", "any/model", {"prompt_tokens": 9, "completion_tokens": 5, "cost": 0.00014,
                                     "is_byok": False, "cost_details": {"upstream_inference_cost": 0.00014}},
         "0.00014"),
        ("openrouter", "any/model", {"cost": 0.95, "cost_details": {"upstream_inference_cost": 19}}, "19.95"),
        ("openrouter", "any/model", {"cost": 0.95, "is_byok": True,
                                     "cost_details": {"upstream_inference_cost": 19}}, "19.95"),
        ("openrouter", "any/model", {"cost": 0}, "0"),
        ("xai", "grok-4", {"cost_in_usd_ticks": 37_756_000}, "0.0037756"),
        ("perplexity", "sonar", {"cost": {"input_tokens_cost": 0.000008, "output_tokens_cost": 0.000086,
                                          "request_cost": 0.006, "total_cost": 0.006094}}, "0.006094"),
        ("perplexity-agent", "perplexity/sonar", {"input_tokens": 9, "output_tokens": 5, "total_tokens": 14, "cost": {
            "currency": "USD", "input_cost": 0.000009, "output_cost": 0.000005, "total_cost": 0.005014}}, "0.005014"),
        ("deepinfra", "any/model", {"estimated_cost": 2.7e-7}, "0.00000027"),
    ],
)  # fmt: skip
def test_what_a_vendor_says_it_charged_goes_over_list_prices(
    kind: str, model: str, usage: dict[str, Any], dollars: str
) -> None:
    assert prices.charged_usd(kind, model, json.dumps(usage).encode()) == Decimal(dollars)


@pytest.mark.parametrize(
    "usage", [b"", b"{}", b'{"cost":null}', b'{"cost":-1}', b'{"cost":"x"}', b'{"cost":1e30}', b"[]", b"nonsense"]
)
def test_a_charge_that_is_none(usage: bytes) -> None:
    assert prices.charged_usd("openrouter", "m", usage) is None
    assert prices.charged_usd("openai", "m", usage) is None, "it says none"


@pytest.fixture
def _mine() -> Iterator[None]:
    mine = Override(kind="openrouter", model="*", input=Decimal(1), output=Decimal(2), as_of=date(2026, 8, 1))
    prices.use(PriceList((mine,)))
    yield
    prices.use(PriceList())


def _measured_cost() -> float | None:
    counts: Any = {"uncached_input_tokens": 9, "visible_output_tokens": 5, "reasoning_tokens": None}
    charged = make_record(usage=b'{"prompt_tokens":9,"completion_tokens":5,"cost":0.25}', **counts)
    return measure(charged, MeasureContext("router", "m", "openrouter")).cost_usd


def test_a_result_is_priced_as_of_its_time() -> None:
    """DeepSeek halves its prices and more between 16:30 and 0:30."""
    night = int(DAY.replace(hour=16, minute=45).timestamp()) * 10**9
    counts: Any = {"uncached_input_tokens": 1000, "visible_output_tokens": 300, "reasoning_tokens": None}
    context = MeasureContext("deepseek", "deepseek-reasoner", "deepseek")
    before, after = (
        measure(make_record(usage=b"", intended_ns=at, started_ns=at, **counts), context).cost_usd
        for at in (night - 16 * 60 * 10**9, night)
    )
    assert before == pytest.approx(0.001207)  # 1,000 x $0.55 + 300 x $2.19, a million
    assert after == pytest.approx(0.0003)  # 1,000 x $0.135 + 300 x $0.55


def test_the_charge_is_a_results_cost() -> None:
    assert _measured_cost() == 0.25


@pytest.mark.usefixtures("_mine")
def test_own_prices_go_over_a_charge() -> None:
    assert _measured_cost() == pytest.approx(19e-6)
