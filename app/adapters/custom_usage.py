"""The token counts of a custom provider: found by selectors, kept raw, made disjoint as its definition says. Pure."""

from collections.abc import Sequence
from typing import Any, get_args

import msgspec

from app.adapters.base import Buckets
from app.adapters.custom_definition import CountName, Usage, as_list
from app.adapters.selectors import compiled, first_of

_COUNTS: tuple[CountName, ...] = get_args(CountName)
_MAX_DIGITS = 18
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class Counting:
    """Reads the counts of one definition. What is kept is the provider's object, or by selector what was selected."""

    def __init__(self, usage: Usage) -> None:
        self._usage = usage
        self._object = compiled(as_list(usage.object))
        self._counts = {name: compiled(as_list(getattr(usage, name))) for name in _COUNTS}
        self._headers = {header.lower().encode(): header for header in usage.headers.values()}

    def found(self, value: Any, payload: bytes) -> bytes:
        """The usage in an event, whose JSON text is `payload`; empty when there is none."""
        if self._object:
            found = first_of(self._object, value, payload)
            return _encode(found) if isinstance(found, dict) else b""
        near = [one for several in self._counts.values() for one in several if one.may_select(payload)]
        kept = {one.text: count for one in near if (count := one.first(value)) is not None}
        return _encode(kept) if kept else b""

    def told(self, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
        """The counts in the headers of a response, by the headers' names; empty when there are none."""
        if not self._headers:
            return b""
        found = {
            self._headers[name.lower()]: int(value)
            for name, value in headers
            if name.lower() in self._headers and value.isdigit() and len(value) <= _MAX_DIGITS
        }
        return _encode(found) if found else b""

    def buckets(self, usage: bytes) -> Buckets:
        """The counts, without overlap."""
        said = _decode(usage)
        found = {name: self._count(said, name) for name in _COUNTS}
        total, output = found["input"], found["output"]
        if total is not None and self._usage.input_includes_cached:
            total = max(0, total - (found["cache_read"] or 0) - (found["cache_write"] or 0))
        if output is not None and self._usage.output_includes_reasoning:
            output = max(0, output - (found["reasoning"] or 0))
        return Buckets(total, found["cache_read"], found["cache_write"], output, found["reasoning"])

    def joined(self, before: bytes, after: bytes) -> bytes:
        """Fields of both objects, the later ones win."""
        later = {name: value for name, value in _decode(after).items() if value is not None}
        return _encode(_decode(before) | later)

    def _count(self, usage: Any, name: CountName) -> int | None:
        selected = (one.first(usage) if self._object else usage.get(one.text) for one in self._counts[name])
        header = self._usage.headers.get(name)
        for found in (*selected, *([] if header is None else [usage.get(header)])):
            if isinstance(found, float) and found.is_integer():  # infinity and NaN are none
                return int(found)
            if isinstance(found, int) and not isinstance(found, bool):
                return found
        return None
