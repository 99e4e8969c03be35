"""A custom provider: a wire format made of data (`custom_definition`) instead of code.

Events are decoded as plain JSON and read with selectors; repeated events are recognised by template as in every other
format, so a stream of a custom provider costs what the others cost.
"""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec

from app.adapters.base import Buckets, ChatRequest, HttpRequest, NoModelListError, ReplyDecoder
from app.adapters.capabilities import Capabilities
from app.adapters.custom_checks import understood
from app.adapters.custom_definition import Definition, Select, as_list
from app.adapters.custom_request import Asking, takes
from app.adapters.custom_usage import Counting
from app.adapters.decoding import BodyDecoder
from app.adapters.events import NOTHING, Event
from app.adapters.ndjson import NdjsonParser
from app.adapters.selectors import Selector, compiled, first_of
from app.adapters.sse import NamedSseParser, SseParser
from app.adapters.wire_format import WireFormat

_STREAM_TYPES = {
    "sse": ("text/event-stream",),
    "ndjson": ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"),
    "json": ("application/json",),
}
_LAST = Event(is_last=True)
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def from_document(document: Any) -> "Custom":
    """The format that a document describes; the same document gives the same object.

    Keys are taken in alphabetical order, because databases and bundles do not keep another: so that the bytes of a
    request are the same wherever the document has been.

    Raises:
        DefinitionError: naming each wrong field.
    """
    try:
        text = json.dumps(document, allow_nan=False, sort_keys=True).encode()
        _decode(text)
    except (TypeError, ValueError, RecursionError):
        return Custom(understood(document))  # which says what is wrong
    return _from_json(text)


@lru_cache(maxsize=64)
def _from_json(document: bytes) -> "Custom":
    return Custom(understood(_decode(document)))


class _Where:
    """The selectors of an event, or of a whole answer."""

    def __init__(self, select: Select) -> None:
        for field in Select.__struct_fields__:
            setattr(self, field, compiled(as_list(getattr(select, field))))

    text: list[Selector]
    reasoning: list[Selector]
    other_output: list[Selector]
    finish_reason: list[Selector]
    response_id: list[Selector]
    last: list[Selector]


class Custom(WireFormat):
    """The adapter. Answers with status 201 are taken too."""

    answer_statuses = (200, 201)

    def __init__(self, definition: Definition) -> None:
        stream = definition.stream
        self.definition = definition
        types = (stream.content_type,) if stream.content_type is not None else _STREAM_TYPES[stream.framing]
        self._event = _Where(definition.select)
        self._answer = _Where(definition.body) if definition.body is not None else self._event
        self._counting = Counting(definition.usage)
        error = definition.error
        self._failure = compiled(as_list(error.found))
        self._failure_text = compiled(as_list(error.message))
        self._failure_type = compiled(as_list(error.type))
        ends = [] if stream.end is None else [stream.end.encode()]
        self._ends = tuple(b":%b}" % _encode(end.decode()) for end in ends) if stream.named else tuple(ends)
        self._has_names = stream.named
        self.takes = takes(definition.request)
        self._asking = Asking(definition, types[0])
        self._is_stream = stream.framing != "json"
        self.stream_type, self._stream_types = types[0], types
        self.new_framing = NdjsonParser if stream.framing == "ndjson" else NamedSseParser if stream.named else SseParser
        self.ends_with_finish_reason = stream.ends_with_finish_reason
        names = (selector.last_name for selector in (*self._event.text, *self._event.reasoning))
        self.text_fields = tuple(dict.fromkeys(name for name in names if name))

    def capabilities(self) -> Capabilities:
        """What the definition says; whether it streams, and shows images or sounds, follows from the rest of it."""
        said = {name: getattr(self.definition.capabilities, name) for name in Capabilities.__struct_fields__}
        for name, types in (("vision", self.takes.images), ("audio", self.takes.audio)):
            said[name] = bool(types) and said[name] is not False
        streams = self._is_stream if said["streaming"] is None else said["streaming"]
        return Capabilities(**said | {"streaming": streams, "embeddings": False})

    def encode(self, request: ChatRequest, api_key: str | None) -> HttpRequest:
        """The filled template."""
        return self._asking.chat(request, api_key, stream=request.stream and self._is_stream)

    def decoder(self, status: int, content_type: str, *, keep_text: bool) -> ReplyDecoder:
        """A stream decoder only where there are streams."""
        if not self._is_stream:
            return BodyDecoder(self, status, keep_text=keep_text)
        told = content_type.lower()
        return super().decoder(
            status, self.stream_type if told.startswith(self._stream_types) else "application/json", keep_text=keep_text
        )

    def read(self, payload: bytes) -> Event:
        """One event."""
        is_end = payload.endswith(self._ends) if self._has_names else payload.strip() in self._ends
        return _LAST if is_end and self._ends else self._said(payload, self._event)

    def read_body(self, body: bytes) -> Event:
        """A whole answer."""
        return self._said(body, self._answer)

    def error_body(self, body: bytes) -> bytes:
        """The selected message and type in the shape that every reader of errors knows; else the body as it is."""
        try:
            return self._error(_decode(body), body)
        except (ValueError, RecursionError):
            return body

    def buckets(self, usage: bytes) -> Buckets:
        """Counts by the definition's selectors, made disjoint as it says."""
        return self._counting.buckets(usage)

    def header_usage(self, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
        """The counts in the headers that the definition names."""
        return self._counting.told(headers)

    def join_usage(self, before: bytes, after: bytes) -> bytes:
        """Fields of both, the later ones win: some say input first and output last."""
        return self._counting.joined(before, after)

    def models_request(self, api_key: str | None) -> HttpRequest:
        """A GET of the model list.

        Raises:
            NoModelListError: the definition has none.
        """
        if self.definition.models is None:
            raise NoModelListError("its definition has no [models]")
        return self._asking.models(self.definition.models.path, api_key)

    def parse_models(self, body: bytes) -> list[str]:
        """The ids in that list."""
        models = self.definition.models
        try:
            found = _every(compiled(as_list(models.id) if models is not None else []), _decode(body))
        except (ValueError, RecursionError) as error:
            raise ValueError(f"not a model list: {error}") from None
        if not found or not all(isinstance(one, str) for one in found):
            raise ValueError("not a model list: models.id selects no names in it")
        return found

    def _said(self, payload: bytes, where: _Where) -> Event:
        value = _decode(payload)
        if not isinstance(value, dict | list):
            raise ValueError("neither an object nor a list")  # noqa: TRY004  (of the answer)
        if first_of(self._failure, value, payload) not in (None, False):
            return Event(error=self._error(value, payload), is_last=True)
        finish = first_of(where.finish_reason, value, payload)
        response_id = first_of(where.response_id, value, payload)
        last = first_of(where.last, value, payload)
        said = Event(
            text=_joined(where.text, value, payload),
            reasoning=_joined(where.reasoning, value, payload),
            other_output=bool(first_of(where.other_output, value, payload)),
            response_id=response_id if isinstance(response_id, str) else None,
            finish_reason=finish if isinstance(finish, str) else None,
            usage=self._counting.found(value, payload),
            is_last=last == {} or bool(last),  # `event: done` has mostly no more than that to say
        )
        return NOTHING if said == NOTHING else said

    def _error(self, value: Any, payload: bytes) -> bytes:
        text = first_of(self._failure_text, value, payload)
        kind = first_of(self._failure_type, value, payload)
        if text is None and kind is None:
            return payload
        said = text if isinstance(text, str) else str(kind) if text is None else _encode(text).decode()
        return _encode({"error": {"message": said} | ({} if kind is None else {"type": str(kind)})})


def _every(selectors: list[Selector], value: Any) -> list[Any]:
    return [one for selector in selectors for one in selector.every(value)]


def _joined(selectors: list[Selector], value: Any, payload: bytes) -> str:
    near = [selector for selector in selectors if selector.may_select(payload)]
    return "".join([one for selector in near for one in selector.every(value) if isinstance(one, str)])


class Undescribed(WireFormat):
    """What stands for a custom provider of which nothing is known but that it is one."""

    def encode(self, request: ChatRequest, api_key: str | None) -> HttpRequest:
        """There is no way."""
        raise ValueError("a provider of the kind 'custom' needs its definition")

    def models_request(self, api_key: str | None) -> HttpRequest:
        """There is no way."""
        raise NoModelListError("a provider of the kind 'custom' needs its definition")

    def read(self, payload: bytes) -> Event:
        """There is no way."""
        raise ValueError("a provider of the kind 'custom' needs its definition")

    def buckets(self, usage: bytes) -> Buckets:
        """There is no way."""
        raise ValueError("a provider of the kind 'custom' needs its definition")
