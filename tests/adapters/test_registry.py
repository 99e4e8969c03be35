"""The table of kinds: every entry is whole, and works against the simulator where it has a format of its own."""

from urllib.parse import urlsplit

import pytest
from genai_prices.data import providers

from app.adapters import registry
from app.adapters.base import ChatRequest, Message

ADAPTERS = [name for name in registry.names() if name != "custom"]  # which needs a definition: see test_custom
KINDS = pytest.mark.parametrize("kind", [registry.kind(name) for name in registry.names()], ids=registry.names())
PRICE_PROVIDERS = {provider.id for provider in providers}
REQUEST = ChatRequest(model="acme/m", messages=(Message("system", "be brief"), Message("user", "words of mine")))


@KINDS
def test_every_entry_is_whole(kind: registry.Kind) -> None:
    assert kind.title.strip()
    assert kind.price_provider is None or kind.price_provider in PRICE_PROVIDERS
    if kind.default_base_url is not None:
        parts = urlsplit(kind.default_base_url)
        is_local = parts.hostname == "127.0.0.1"
        assert parts.scheme == ("http" if is_local else "https")
        assert not kind.default_base_url.endswith("/")
        assert not is_local or kind.price_provider is None


@pytest.mark.parametrize("kind", [registry.kind(name) for name in ADAPTERS], ids=ADAPTERS)
def test_every_adapter_asks_for_answers_and_models(kind: registry.Kind) -> None:
    method, path, headers, body = kind.adapter.encode(REQUEST, "secret")
    assert method == "POST"
    assert path.startswith("/")
    assert b"words of mine" in body
    assert b"be brief" in body
    assert any("secret" in value for _, value in headers)
    assert not any("secret" in value for _, value in kind.adapter.encode(REQUEST, None).headers)
    models = kind.adapter.models_request("secret")
    assert (models.method, models.body) == ("GET", b"")
    assert any("secret" in value for _, value in models.headers)


def test_titles_are_all_different() -> None:
    titles = [registry.kind(name).title for name in registry.names()]
    assert len(set(titles)) == len(titles)


def test_unknown_kinds_name_the_known_ones() -> None:
    with pytest.raises(registry.UnknownKindError, match="known are openai, "):
        registry.get("nope")
