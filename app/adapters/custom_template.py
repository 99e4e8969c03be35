"""The request body of a custom provider: JSON with placeholders → a function that fills it in. Pure.

`"{name}"` alone becomes the value itself, with its type; within a longer text it becomes text. A field whose value is
absent is left out, and so is an object or a list that becomes empty by that. `{{` and `}}` are braces.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

MAX_DEPTH = 16
ABSENT = object()

Values = Mapping[str, Any]
Fill = Callable[[Values], Any]

_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([a-z_]+)\}")
_STRAY = re.compile(r"[{}]")


class TemplateError(ValueError):
    """A template is wrong at `path`."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path
        self.message = message


def compiled(value: Any, allowed: tuple[str, ...], path: str) -> Fill:
    """The function that fills the template in; it gives `ABSENT` when nothing is left.

    Raises:
        TemplateError: an unknown placeholder, a stray brace, or too deep.
    """
    return _compiled(value, allowed, path, MAX_DEPTH)


def placeholders(value: Any) -> Iterator[str]:
    """The names that a template uses."""
    if isinstance(value, str):
        yield from (found[1] for found in _PLACEHOLDER.finditer(value) if found[1])
    elif isinstance(value, dict):
        for one in value.values():
            yield from placeholders(one)
    elif isinstance(value, list):
        for one in value:
            yield from placeholders(one)


def _compiled(value: Any, allowed: tuple[str, ...], path: str, depth: int) -> Fill:
    if not depth:
        raise TemplateError(path, f"is nested more than {MAX_DEPTH} deep")
    if isinstance(value, str):
        return _text(value, allowed, path)
    if isinstance(value, dict):
        fields = [(key, _compiled(one, allowed, f"{path}.{key}", depth - 1)) for key, one in value.items()]
        return _object(fields)
    if isinstance(value, list):
        return _list([_compiled(one, allowed, f"{path}[{at}]", depth - 1) for at, one in enumerate(value)])
    if value is not None and not isinstance(value, bool | int | float):
        raise TemplateError(path, f"a {type(value).__name__} is no JSON value; write it as text")
    if isinstance(value, float) and not math.isfinite(value):
        raise TemplateError(path, "is no number that JSON has")
    return lambda _values: value


def _object(fields: list[tuple[str, Fill]]) -> Fill:
    def fill(values: Values) -> Any:
        made = {key: one for key, field in fields if (one := field(values)) is not ABSENT}
        return made if made or not fields else ABSENT

    return fill


def _list(items: list[Fill]) -> Fill:
    def fill(values: Values) -> Any:
        made = [one for item in items if (one := item(values)) is not ABSENT]
        return made if made or not items else ABSENT

    return fill


def _text(text: str, allowed: tuple[str, ...], path: str) -> Fill:
    for name in placeholders(text):
        if name == "api_key" and name not in allowed:
            raise TemplateError(path, "{api_key} goes into request.headers or request.query only")
        if name not in allowed:
            raise TemplateError(path, f"unknown placeholder {{{name}}}; allowed are {braced(allowed)}")
    if _STRAY.search(_PLACEHOLDER.sub("", text)):
        raise TemplateError(path, "has a single brace; write {{ or }} for one, {name} for a placeholder")
    whole = _PLACEHOLDER.fullmatch(text)
    if whole is not None and (name := whole[1]):
        return lambda values: _value(values, name)
    return _mixed(text)


def _mixed(text: str) -> Fill:
    names = list(placeholders(text))
    if not names:
        plain = text.replace("{{", "{").replace("}}", "}")
        return lambda _values: plain

    def fill(values: Values) -> Any:
        if any(_value(values, name) is ABSENT for name in names):
            return ABSENT

        def said(found: re.Match[str]) -> str:
            return found[0][0] if found[1] is None else str(values[found[1]])

        return _PLACEHOLDER.sub(said, text)

    return fill


def _value(values: Values, name: str) -> Any:
    found = values.get(name)
    return ABSENT if found is None else found


def braced(names: tuple[str, ...]) -> str:
    """`{a}, {b}`, for messages."""
    return ", ".join(f"{{{name}}}" for name in names)
