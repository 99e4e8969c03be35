"""Definitions of custom providers, kept beside the options: checked before they are stored, told apart when read."""

from collections.abc import Mapping
from typing import Any

import msgspec

from app.adapters import registry
from app.adapters.custom_checks import DefinitionError
from app.core.errors import InvalidRequestError
from app.providers.schemas import ProviderOptions

_FIELD = "definition"


def checked(kind: str, definition: Any) -> dict[str, Any] | None:
    """The definition, if it is right and has a place with this kind.

    Raises:
        InvalidRequestError: with the path `definition.…` of each wrong field.
    """
    if kind != registry.CUSTOM:
        if definition is not None:
            raise _invalid([("", f"goes with the kind '{registry.CUSTOM}' only, not with '{kind}'")])
        return None
    if definition is None:
        raise _invalid([("", f"is required: the kind '{registry.CUSTOM}' is what it describes")])
    try:
        registry.kind(kind, definition)
    except DefinitionError as error:
        raise _invalid(error.problems) from None
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(definition))
    return plain


def kept(options: ProviderOptions, definition: dict[str, Any] | None) -> dict[str, Any]:
    """Both as they are stored."""
    return options.model_dump() | ({} if definition is None else {_FIELD: definition})


def split(stored: Mapping[str, Any]) -> tuple[ProviderOptions, dict[str, Any] | None]:
    """What is stored, as options and definition."""
    options = {name: value for name, value in stored.items() if name != _FIELD}
    return ProviderOptions.model_validate(options), stored.get(_FIELD)


def _invalid(problems: list[tuple[str, str]]) -> InvalidRequestError:
    errors = [{"path": ".".join(filter(None, (_FIELD, path))), "message": message} for path, message in problems]
    return InvalidRequestError("; ".join(f"{one['path']}: {one['message']}" for one in errors), errors=errors)
