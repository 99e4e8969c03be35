"""What the wire formats share: requests out of JSON, lists of models, which decoder reads an answer."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, ClassVar

import msgspec

from app.adapters.base import Buckets, ChatRequest, HttpRequest, Message, ReplyDecoder, Terms
from app.adapters.decoding import BodyDecoder, StreamDecoder
from app.adapters.errors import error_body_text
from app.adapters.events import Event, Framing
from app.adapters.media import Media, Takes
from app.adapters.sse import SseParser

_encode = msgspec.json.Encoder().encode


class WireFormat(ABC):
    """The base of all adapters; an `EventReader` (see there for what is not explained here).

    `auth` is the header of the key and what stands before the key; `models_path` and `models_in` say where model ids
    are: path, list, field of an item.
    """

    stream_type: str = "text/event-stream"
    new_framing: Callable[[], Framing] = SseParser
    text_fields: tuple[str, ...] = ()
    ends_with_finish_reason: bool = True
    answer_statuses: tuple[int, ...] = (200,)
    is_signed: bool = False
    auth: tuple[str, str] = ("Authorization", "Bearer ")
    models_path: str = "/models"
    models_in: ClassVar[tuple[str, str]] = ("data", "id")
    takes: Takes = Takes()

    @abstractmethod
    def read(self, payload: bytes) -> Event:
        """What one event of the stream means."""

    def read_body(self, body: bytes) -> Event:
        """As an event: several formats have but one shape."""
        return self.read(body)

    @abstractmethod
    def buckets(self, usage: bytes) -> Buckets:
        """The usage object as token counts."""

    def billed(self, usage: bytes) -> Buckets | None:
        """Mostly what was counted."""
        return None

    def terms(self, usage: bytes) -> Terms:
        """Mostly the usual ones."""
        return ()

    def charged_usd(self, usage: bytes) -> Decimal | None:
        """Few say it."""
        return None

    def content(self, message: Message) -> Any:
        """What a message says: its text, or a list of parts where it holds images or sounds."""
        if not message.parts:
            return message.content
        return [
            self.text_part(part) if isinstance(part, str) else self.media_part(self._checked(part))
            for part in message.parts
        ]

    def text_part(self, text: str) -> Any:
        """A piece of text among other parts."""
        return {"type": "text", "text": text}

    def media_part(self, media: Media) -> Any:
        """An image or a sound that the format takes."""
        raise NotImplementedError

    def _checked(self, media: Media) -> Media:
        if problem := self.takes.problem(media):
            raise ValueError(f"this API {problem}")
        return media

    def header_usage(self, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
        """Mostly nothing."""
        return b""

    def join_usage(self, before: bytes, after: bytes) -> bytes:
        """The later one: mostly it holds everything."""
        return after

    def decoder(self, status: int, content_type: str, *, keep_text: bool) -> ReplyDecoder:
        """A stream decoder for the format's streams, else one for a whole body."""
        if status in self.answer_statuses and content_type.lower().startswith(self.stream_type):
            return StreamDecoder(self, keep_text=keep_text)
        return BodyDecoder(self, status, keep_text=keep_text)

    def sign(self, request: HttpRequest, host: str, api_key: str | None, unix_seconds: float) -> HttpRequest:
        return request

    def models_host(self, host: str) -> str:
        return host

    def auth_headers(self, api_key: str | None) -> list[tuple[str, str]]:
        """The header that carries the key."""
        name, prefix = self.auth
        return [(name, prefix + api_key)] if api_key else []

    def post(self, path: str, body: dict[str, Any], request: ChatRequest, api_key: str | None) -> HttpRequest:
        """A POST of the fields of `body` that are not None, and of `request.extra`, which wins.

        Where both have an object under one name, it is joined, so that `extra` can add to it.
        """
        fields = joined(given(body), request.extra)
        headers = [
            ("Content-Type", "application/json"),
            ("Accept", self.stream_type if request.stream else "application/json"),
            *self.auth_headers(api_key),
        ]
        return HttpRequest("POST", path, headers, _encode(fields))

    def error_body(self, body: bytes) -> bytes:
        """As it is: what vendors do in common is known."""
        return body

    def models_request(self, api_key: str | None) -> HttpRequest:
        """A GET of the model list."""
        return HttpRequest("GET", self.models_path, [("Accept", "application/json"), *self.auth_headers(api_key)], b"")

    def parse_models(self, body: bytes) -> list[str]:
        """The ids in that list."""
        name, field = self.models_in
        try:
            value: Any = msgspec.json.decode(body)
            items = value if isinstance(value, list) and value else value[name]  # Together sends the bare list
            ids = [item[field] for item in items]
        except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
            raise ValueError(f"not a model list: {error}") from None
        if not all(isinstance(one, str) for one in ids):
            raise ValueError(f"not a model list: {field!r} is not text")
        return ids

    def parse_error(self, status: int, body: bytes) -> str:
        """The provider's own words."""
        return error_body_text(status, self.error_body(body))


def joined(fields: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
    """The fields with `extra` over them; an object on both sides is joined."""
    found = dict(fields)
    for name, value in extra.items():
        mine = found.get(name)
        found[name] = {**mine, **value} if isinstance(mine, dict) and isinstance(value, dict) else value
    return found


def given(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields that are to be sent: None means "do not send"."""
    return {name: value for name, value in fields.items() if value is not None}


def split_system(messages: tuple[Message, ...]) -> tuple[str | None, list[Message]]:
    """The system messages as one text, and the other turns, for APIs that keep them apart."""
    system = [message.content for message in messages if message.role == "system"]
    return "\n\n".join(system) or None, [message for message in messages if message.role != "system"]
