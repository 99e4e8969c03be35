"""What is known of models without asking: context length and price, from genai-prices and prices of one's own."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import version
from typing import Any

import msgspec

from app.adapters import prices, registry
from app.adapters.price_dates import released
from app.adapters.price_list import Override


class ModelPrice(msgspec.Struct, frozen=True, kw_only=True):
    """US dollars per million tokens; None where there is no such price, which then is that of input or output.

    `is_tiered`: these are the prices of short prompts, long ones cost more. `as_of` is a day (ISO 8601) where known.
    """

    input: Decimal | None = None
    output: Decimal | None = None
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None
    reasoning: Decimal | None = None
    per_request: Decimal | None = None
    is_tiered: bool = False
    source: str
    as_of: str | None = None


class KnownModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model in the tables; None where they say nothing."""

    id: str
    title: str | None = None
    context_length: int | None = None
    is_deprecated: bool | None = None
    price: ModelPrice | None = None


def find(kind: str, model: str) -> KnownModel | None:
    """What is known of a model of a kind; its `id` is the table's, which may stand for several dated names."""
    listed = _listed(kind, model)
    override = prices.mine().find(kind, model)
    if override is None:
        return listed
    base = listed or KnownModel(id=model)
    return msgspec.structs.replace(base, price=_own_price(override))


def every(kind: str) -> Iterator[KnownModel]:
    """The models of a kind's vendor that the table holds and that are billed by the token."""
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415 - takes 0.2 s to load

    provider_id = registry.kind(kind).price_provider
    for provider in get_snapshot().providers:
        if provider.id == provider_id:
            for model in provider.models:
                known = _known(model)
                if known.price is not None:
                    override = prices.mine().find(kind, model.id)
                    yield msgspec.structs.replace(known, price=_own_price(override)) if override else known


def _listed(kind: str, model: str) -> KnownModel | None:
    provider_id = registry.kind(kind).price_provider
    if provider_id is None:
        return None
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415 - takes 0.2 s to load

    try:
        _, found = get_snapshot().find_provider_model(model, None, provider_id, None)
    except LookupError:
        return None
    return _known(found)


def _known(model: Any) -> KnownModel:
    price = model.get_prices(datetime.now(UTC))
    fields = {
        "input": price.input_mtok,
        "output": price.output_mtok,
        "cache_read": price.cache_read_mtok,
        "cache_write": price.cache_write_mtok,
        "reasoning": price.output_reasoning_mtok,
    }
    per_thousand = price.requests_kcount
    shown = None
    if fields["input"] is not None or fields["output"] is not None:
        shown = ModelPrice(
            **{name: _base(value) for name, value in fields.items()},
            per_request=None if per_thousand is None else _base(per_thousand) / 1000,
            is_tiered=any(hasattr(value, "tiers") for value in fields.values()),
            source=f"genai-prices {version('genai-prices')}",
            as_of=released(version("genai-prices")),
        )
    return KnownModel(
        id=model.id,
        title=model.name,
        context_length=model.context_window,
        is_deprecated=model.deprecated,
        price=shown,
    )


def _base(price: Any) -> Any:
    return getattr(price, "base", price)


def _own_price(override: Override) -> ModelPrice:
    return ModelPrice(
        input=override.input,
        output=override.output,
        cache_read=override.cache_read,
        cache_write=override.cache_write,
        reasoning=override.reasoning,
        per_request=override.per_request or None,
        source="configuration",
        as_of=override.as_of.isoformat(),
    )
