"""What one event of a stream, or one whole body, says: the meeting point of all wire formats."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from app.adapters.base import Buckets

ABSENT = msgspec.Raw(b"null")
"""The default of a field that is kept as raw JSON: what an explicit null reads as, too."""


class Event(msgspec.Struct, frozen=True, gc=False):
    """One event, understood. The default of each field is "says nothing about it".

    `text` is answer content, `reasoning` is thinking; `other_output` is generated output that is no text: tool calls,
    images, audio. `usage` is the provider's own object, `error` its failure as JSON,
    `timings` what it says about its own times (see `server_timings`). After `is_last` nothing follows
    that matters.
    """

    text: str = ""
    reasoning: str = ""
    other_output: bool = False
    response_id: str | None = None
    finish_reason: str | None = None
    usage: bytes = b""
    timings: bytes = b""
    error: bytes = b""
    is_last: bool = False
    response_model: Any = None  # the model that answers, by its own word; whoever reads it checks that it is a text


NOTHING = Event()


def raw_object(raw: msgspec.Raw) -> bytes:
    """The JSON of a field that was kept as it came; empty when it was absent or null."""
    return b"" if raw == ABSENT else bytes(raw)


class Framing(Protocol):
    """Cuts a body into the payloads of its events; bytes may be split anywhere."""

    def feed(self, data: bytes) -> list[bytes]:
        """The payloads of the events that end within `data`.

        Raises:
            ValueError: the bytes are not of this framing; nothing that follows can be read.
        """
        ...

    def is_idle(self) -> bool:
        """Whether the next byte begins a new event."""
        ...

    def finish(self) -> list[bytes]:
        """What the last event holds that was not closed, if it can be read; raises as `feed`."""
        ...


class EventReader(Protocol):
    """What events and bodies of one wire format mean.

    `text_fields` are the JSON fields that hold output, by which repeated events are recognised.
    `ends_with_finish_reason` is False where a further, closing event is always sent. Responses with one of
    `answer_statuses` are answers.
    """

    @property
    def new_framing(self) -> Callable[[], Framing]: ...
    @property
    def stream_type(self) -> str: ...
    @property
    def text_fields(self) -> tuple[str, ...]: ...
    @property
    def ends_with_finish_reason(self) -> bool: ...
    @property
    def answer_statuses(self) -> tuple[int, ...]: ...

    def read(self, payload: bytes) -> Event:
        """What an event of a stream says; `NOTHING` for a ping.

        Raises:
            ValueError: it is none of this format (msgspec's errors are ValueErrors).
        """
        ...

    def read_body(self, body: bytes) -> Event:
        """What a whole body says; raises as `read`."""
        ...

    def error_body(self, body: bytes) -> bytes:
        """An error body in a shape that `errors` reads."""
        ...

    def header_usage(self, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
        """What the headers of a response say of its usage, as a JSON object; empty where they say nothing."""
        ...

    def buckets(self, usage: bytes) -> Buckets:
        """The usage object in disjoint buckets.

        Raises:
            ValueError: it is no usage object.
        """
        ...

    def join_usage(self, before: bytes, after: bytes) -> bytes:
        """One usage object out of two that a stream sent, in this order."""
        ...
