"""JSONPath selectors, compiled: RFC 9535, the part of it that reads one field out of an answer.

A selector is `$` and then segments: `.name` or `['name']` (or `["name"]`), `[0]`, `[-1]`, `.*` or `[*]`, and
`[?@.name == 'value']` (or `!=`; the path after `@` is made of names and indexes, the value is a string, a number, true,
false or null). Slices, descendants, unions and functions are left out: an answer is read 100,000 times a second, and a
search through all of it has no place there.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

MAX_CHARACTERS = 500
_NOTHING = object()
_MAX_INDEX = 2**53 - 1  # RFC 9535, section 2.1: the numbers that every JSON reader has

_NAME = r"[A-Za-z_\u0080-\ud7ff\ue000-\U0010ffff][0-9A-Za-z_\u0080-\ud7ff\ue000-\U0010ffff]*"
_QUOTED = r"'(?:[^'\\\x00-\x1f]|\\.)*'|\"(?:[^\"\\\x00-\x1f]|\\.)*\""
_BLANK = r"[ \t\n\r]*"
_INDEX = r"-?[1-9][0-9]*|0"
_STEP = rf"\.{_NAME}|\[{_BLANK}(?:{_QUOTED}|{_INDEX}){_BLANK}\]"
_SEGMENT = re.compile(
    rf"{_BLANK}(?:"
    rf"\.(?P<name>{_NAME})"
    rf"|(?P<every>\.\*|\[{_BLANK}\*{_BLANK}\])"
    rf"|\[{_BLANK}(?P<quoted>{_QUOTED}){_BLANK}\]"
    rf"|\[{_BLANK}(?P<index>{_INDEX}){_BLANK}\]"
    rf"|\[{_BLANK}\?{_BLANK}@(?P<path>(?:{_BLANK}(?:{_STEP}))*){_BLANK}(?P<sign>==|!=){_BLANK}"
    rf"(?P<value>{_QUOTED}|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null){_BLANK}\]"
    rf")"
)
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "/": "/", "\\": "\\", "'": "'", '"': '"'}
_ESCAPE = re.compile(
    r"\\u([dD][89abAB][0-9A-Fa-f]{2})\\u([dD][c-fC-F][0-9A-Fa-f]{2})|\\u([0-9A-Fa-f]{4})|\\(.)", re.DOTALL
)

Step = Callable[[list[Any]], list[Any]]


class Selector:
    """A compiled selector. `last_name` is the name that it ends with, None when it ends with something else."""

    __slots__ = ("_needle", "_steps", "last_name", "text")

    def __init__(self, text: str) -> None:
        """Compile it.

        Raises:
            ValueError: it is no selector; the message says from where on.
        """
        if len(text) > MAX_CHARACTERS:
            raise ValueError(f"has more than {MAX_CHARACTERS} characters")
        if not text.startswith("$"):
            raise ValueError(f"{text!r} is no selector: it must start with $, as in $.choices[0].delta.content")
        self.text = text
        self.last_name: str | None = None
        self._steps: list[Step] = []
        at = 1
        while at < len(text):
            found = _SEGMENT.match(text, at)
            if found is None:
                raise ValueError(
                    f"{text!r} is no selector from {text[at : at + 20]!r} on: "
                    "allowed are .name, ['name'], [0], [-1], [*] and [?@.name == 'value']"
                )
            step, self.last_name = _step(found)
            self._steps.append(step)
            at = found.end()
        self._needle = msgspec.json.encode(self.last_name) if self.last_name is not None else b""

    def may_select(self, document: bytes) -> bool:
        """False where the name that it ends with is nowhere in this JSON text: a look that costs a tenth of reading.

        A backslash may be part of any name, so a text with one has to be read.
        """
        return self._needle in document or b"\\" in document

    def every(self, value: Any) -> list[Any]:
        """All that it selects, in order."""
        found = [value]
        for step in self._steps:
            found = step(found)
            if not found:
                break
        return found

    def first(self, value: Any) -> Any:
        """The first that it selects and that is not null; None when there is none."""
        return next((one for one in self.every(value) if one is not None), None)


def compiled(texts: Sequence[str]) -> list[Selector]:
    """Selectors, ready for use; raises as `Selector`."""
    return [Selector(text) for text in texts]


def first_of(selectors: Sequence[Selector], value: Any, document: bytes) -> Any:
    """The first that is not null of what they select; `document` is the JSON text of `value`."""
    for selector in selectors:
        if selector.may_select(document) and (found := selector.first(value)) is not None:
            return found
    return None


def _step(found: re.Match[str]) -> tuple[Step, str | None]:
    if found["every"]:
        return _every, None
    if found["name"] is not None or found["quoted"] is not None:
        name = found["name"] if found["name"] is not None else _unquoted(found["quoted"])
        return _named(name), name
    if found["index"] is not None:
        return _indexed(_index(found["index"])), None
    keys = _path(found["path"])
    return _equal(keys, _literal(found["value"]), wanted=found["sign"] == "=="), None


def _named(name: str) -> Step:
    def step(values: list[Any]) -> list[Any]:
        return [value[name] for value in values if isinstance(value, dict) and name in value]

    return step


def _indexed(index: int) -> Step:
    def step(values: list[Any]) -> list[Any]:
        return [value[index] for value in values if isinstance(value, list) and -len(value) <= index < len(value)]

    return step


def _every(values: list[Any]) -> list[Any]:
    return [one for value in values for one in _children(value)]


def _equal(keys: list[str | int], literal: Any, *, wanted: bool) -> Step:
    def step(values: list[Any]) -> list[Any]:
        return [one for value in values for one in _children(value) if _is_same(_reached(one, keys), literal) is wanted]

    return step


def _children(value: Any) -> Any:
    return value if isinstance(value, list) else value.values() if isinstance(value, dict) else ()


def _reached(value: Any, keys: list[str | int]) -> Any:
    for key in keys:
        if isinstance(key, str):
            if not isinstance(value, dict) or key not in value:
                return _NOTHING
        elif not isinstance(value, list) or not -len(value) <= key < len(value):
            return _NOTHING
        value = value[key]
    return value


def _is_same(value: Any, literal: Any) -> bool:
    if isinstance(value, bool) or isinstance(literal, bool):
        return value is literal
    return bool(value == literal)


def _path(text: str) -> list[str | int]:
    keys: list[str | int] = []
    for found in re.finditer(rf"\.(?P<name>{_NAME})|\[{_BLANK}(?:(?P<quoted>{_QUOTED})|(?P<index>{_INDEX}))", text):
        quoted = found["quoted"]
        keys.append(found["name"] or (_unquoted(quoted) if quoted is not None else _index(found["index"])))
    return keys


def _index(text: str) -> int:
    if abs(int(text)) > _MAX_INDEX:
        raise ValueError(f"the index {text} is out of range")
    return int(text)


def _literal(text: str) -> Any:
    return _unquoted(text) if text[0] in "'\"" else msgspec.json.decode(text)


def _unquoted(text: str) -> str:
    quote = text[0]

    def unescaped(found: re.Match[str]) -> str:
        high, low, code, letter = found.groups()
        if high:
            return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + int(low, 16) - 0xDC00)
        if code and not 0xD800 <= int(code, 16) <= 0xDFFF:
            return chr(int(code, 16))
        if letter in _ESCAPES and not (letter in "'\"" and letter != quote):
            return _ESCAPES[letter]
        raise ValueError(f"{found[0]!r} is no escape in a JSON string")

    return _ESCAPE.sub(unescaped, text[1:-1])
