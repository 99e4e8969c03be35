"""The messages of `/ws`: JSON text, told apart by `type`.

A client says `Auth` first (unless its cookie did), then `Subscribe` and `Unsubscribe`, and answers `Ping` by `Pong`.
"""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from app.core.errors import MalformedRequestError, TestBenchError
from app.events import types as events
from app.events.types import Position

MAX_TOKEN_CHARACTERS = 8192
MAX_TOPICS_PER_MESSAGE = 64

Topics = Annotated[
    list[Annotated[str, msgspec.Meta(max_length=64)]], msgspec.Meta(min_length=1, max_length=MAX_TOPICS_PER_MESSAGE)
]


class FromClient(msgspec.Struct, frozen=True, tag_field="type", tag=True, forbid_unknown_fields=True):
    """A message that clients send."""


class Auth(FromClient, frozen=True):
    """Who I am; again later with a fresh token to stay signed in."""

    token: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_TOKEN_CHARACTERS)]


class Subscribe(FromClient, frozen=True):
    """Send me events of these topics or families (`benchmark.*`), of one benchmark or of all that I may see.

    With `since`, the position of the last event that I know, first what I have missed since then.
    """

    topics: Topics
    session_id: UUID | None = None
    since: Position | None = None


class Unsubscribe(FromClient, frozen=True):
    """Take back a `Subscribe` with the same `session_id` for these topics."""

    topics: Topics
    session_id: UUID | None = None


class Ping(FromClient, frozen=True):
    """Are you there? Both sides may ask."""


class Pong(FromClient, frozen=True):
    """I am."""


ClientMessage = Auth | Subscribe | Unsubscribe | Ping | Pong


class ToClient(msgspec.Struct, frozen=True, tag_field="type", tag=True):
    """A message that only the server sends."""


class Ack(ToClient, frozen=True, omit_defaults=True):
    """What was asked has been done.

    That of a `Subscribe` comes after what was missed; `position` is where the live events begin, and `replayed` how
    many came before it.
    """

    of: Literal["Auth", "Subscribe", "Unsubscribe"]
    username: str | None = None
    topics: list[str] | None = None
    session_id: UUID | None = None
    position: Position | None = None
    replayed: int | None = None


class Event(ToClient, frozen=True):
    """Something happened. Numbers `seq` count all events of the service within an `epoch`, also those of others."""

    topic: str
    payload: dict[str, Any]
    timestamp: datetime
    session_id: UUID | None
    epoch: str
    seq: int


class Gap(ToClient, frozen=True, omit_defaults=True):
    """Events may have been missed: read the state anew by REST, and go on from `position`."""

    reason: str
    position: Position
    topics: list[str] | None = None
    session_id: UUID | None = None


class Dropped(ToClient, frozen=True):
    """You read too slowly: `count` ticks were replaced by newer ones since the last such message."""

    count: int


class Restarting(ToClient, frozen=True):
    """The server stops and closes with 1012 now; connect again after `reconnect_after_ms`, which differs per client."""

    reconnect_after_ms: int


class Error(ToClient, frozen=True):
    """What was asked has not been done; codes are those of REST."""

    code: str
    message: str


_decoder: msgspec.json.Decoder[ClientMessage] = msgspec.json.Decoder(ClientMessage)
_encoder = msgspec.json.Encoder()


def decode(data: str | bytes) -> ClientMessage:
    """Read a client's message.

    Raises:
        MalformedRequestError: saying what is wrong and where.
    """
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise MalformedRequestError(f"not a message of this protocol: {error}") from None


def encode(message: ToClient | Ping | Pong) -> str:
    """A server's message as text."""
    return _encoder.encode(message).decode()


def encode_event(event: events.Event) -> str:
    """An event as text.

    Raises:
        TypeError: when its payload is not JSON.
    """
    return encode(Event(event.topic, event.payload, event.timestamp, event.session_id, event.epoch, event.seq))


def encode_error(error: TestBenchError) -> str:
    """An error of the service as text; details are folded into the message."""
    problems = error.details.get("errors")
    if not problems:
        return encode(Error(error.code, error.message))
    lines = [f"{problem['path']}: {problem['message']}" for problem in problems]
    allowed = next((problem["allowed"] for problem in problems if "allowed" in problem), ())
    text = "; ".join((error.message, *lines)) + (f" (allowed: {', '.join(allowed)})" if allowed else "")
    return encode(Error(error.code, text))
