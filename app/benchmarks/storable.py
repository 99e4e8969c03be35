"""What no database and no engine can take in a spec that is otherwise valid JSON."""

from collections.abc import Iterator
from typing import Any

from app.core.errors import InvalidRequestError

_LARGEST_INTEGER = 2**63


def check_storable(document: dict[str, Any]) -> None:
    """Raise `InvalidRequestError` naming every place with a NUL, half a surrogate pair or an integer past 64 bits."""
    if problems := list(_problems(document, ())):
        errors = [{"path": ".".join(path) or "(body)", "message": message} for path, message in problems]
        raise InvalidRequestError("; ".join(f"{error['path']}: {error['message']}" for error in errors), errors=errors)


def _problems(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, str):
        if message := _wrong_text(value):
            yield path, message
    elif isinstance(value, dict):
        for key, item in value.items():
            if message := _wrong_text(key):
                yield path, f"in a key: {message}"
            else:
                yield from _problems(item, (*path, key))
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _problems(item, (*path, str(position)))
    elif isinstance(value, int) and not -_LARGEST_INTEGER <= value < _LARGEST_INTEGER:
        yield path, "must fit into 64 bits"


def _wrong_text(text: str) -> str | None:
    if "\0" in text:
        return "must not contain the character NUL"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "must not contain half of a surrogate pair"
    return None
