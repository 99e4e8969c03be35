"""A provider's models: what it lists now, joined with what is known of them. Pure but for the tables it reads."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from app.adapters import known_models, registry
from app.adapters.capabilities import Capabilities
from app.adapters.known_models import KnownModel
from app.providers import model_facts
from app.providers.schemas import CapabilitiesView, KindView, ModelList, ModelView, PriceView

_NOTHING = Capabilities()


def merge(
    kind: str,
    live: Sequence[str],
    facts: Mapping[str, Capabilities],
    fetched_at: datetime,
    of_kind: Capabilities | None = None,
) -> ModelList:
    """The models of the live list in its order, then known ones that it does not name.

    What the provider says of a model wins over the tables. What the kind cannot do, no model of it can; beyond that a
    kind says nothing of a single model. `of_kind`: what a custom provider can do, instead of its kind.
    """
    of_kind = of_kind or registry.kind(kind).capabilities
    limits = Capabilities(
        **{name: False for name in Capabilities.__struct_fields__ if getattr(of_kind, name) is False},
        **({"streaming": True} if of_kind.streaming else {}),
    )
    seen: set[str] = set()
    models = []
    for name in dict.fromkeys(live):
        known = known_models.find(kind, _plain(name))
        if known is not None:
            seen.add(known.id)
        said = facts.get(name, _NOTHING)
        models.append(_view(name, known, model_facts.joined(said, limits), is_live=True))
    if registry.kind(kind).price_provider is not None:
        models += [
            _view(known.id, known, limits, is_live=False)
            for known in known_models.every(kind)
            if known.id not in seen and known.id not in live
        ]
    return ModelList(models=models, fetched_at=fetched_at)


def kinds() -> list[KindView]:
    """Every kind that a provider may have."""
    return [
        KindView(
            kind=name,
            title=entry.title,
            default_base_url=entry.default_base_url,
            has_list_prices=entry.price_provider is not None,
            capabilities=_capabilities(entry.capabilities),
        )
        for name in registry.names()
        for entry in (registry.kind(name),)
    ]


def _plain(name: str) -> str:
    return name.removeprefix("models/")  # as Google lists them


def _view(name: str, known: KnownModel | None, said: Capabilities, *, is_live: bool) -> ModelView:
    if known is not None and said.context_length is None:
        said = msgspec.structs.replace(said, context_length=known.context_length)
    price = known.price if known is not None else None
    return ModelView(
        id=name,
        title=known.title if known is not None else None,
        is_live=is_live,
        is_deprecated=known.is_deprecated if known is not None else None,
        capabilities=_capabilities(said),
        price=None if price is None else PriceView(**_fields(price)),
    )


def _capabilities(found: Capabilities) -> CapabilitiesView:
    return CapabilitiesView(**_fields(found))


def _fields(struct: msgspec.Struct) -> dict[str, Any]:
    return {name: getattr(struct, name) for name in struct.__struct_fields__}
