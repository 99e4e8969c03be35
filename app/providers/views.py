"""A provider's row as the API shows it and as the audit log keeps it: without its key."""

from collections.abc import Mapping
from typing import Any

from app.providers import definitions
from app.providers.credentials import has_key
from app.providers.models import Provider
from app.providers.schemas import ProviderView

_AUDITED = ("name", "kind", "base_url", "default_model", "options", "is_enabled")


def view(provider: Provider) -> ProviderView:
    """What the API answers."""
    options, definition = definitions.split(provider.options)
    return ProviderView(
        id=provider.id,
        name=provider.name,
        kind=provider.kind,
        base_url=provider.base_url,
        has_api_key=has_key(provider),
        api_key_ref=provider.credential_ref,
        default_model=provider.default_model,
        options=options,
        definition=definition,
        is_enabled=provider.is_enabled,
        created_at=provider.created_at,
        updated_at=provider.updated_at,
    )


def audited(provider: Provider) -> Mapping[str, Any]:
    """What a line of the audit log says of its state."""
    shown = {field: getattr(provider, field) for field in _AUDITED}
    return shown | {"has_api_key": has_key(provider), "api_key_ref": provider.credential_ref}
