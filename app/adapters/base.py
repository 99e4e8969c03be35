"""What every wire format takes and gives: `ChatRequest` → `HttpRequest`, response bytes → `Reply`."""

from array import array
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Literal, NamedTuple, Protocol

import msgspec

from app.adapters.errors import ErrorKind
from app.adapters.media import Media, Takes

TokenCountSource = Literal["usage", "tokenizer", "chunks"]


class NoModelListError(ValueError):
    """This format, as configured, has no way to list models."""


class Message(msgspec.Struct, frozen=True):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str
    parts: tuple[str | Media, ...] = ()  # with images or sounds: all that is said, in order; `content` is its text

    @property
    def media(self) -> list[Media]:
        """The images and sounds among the parts."""
        return [part for part in self.parts if isinstance(part, Media)]


class ChatRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A chat completion, independent of any vendor. None means "do not send".

    `output_tokens` asks for exactly that many tokens where the vendor has a way to say so, else for at most that many.
    `extra` goes into the body as is and wins over everything else.
    """

    model: str
    messages: tuple[Message, ...]
    stream: bool = True
    max_tokens: int | None = None
    output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: tuple[str, ...] | None = None
    seed: int | None = None
    extra: dict[str, Any] = {}


class EmbeddingRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Texts to be turned into vectors, one each. `extra` goes into the body as is and wins over everything else."""

    model: str
    texts: tuple[str, ...]
    extra: dict[str, Any] = {}


class HttpRequest(NamedTuple):
    """An HTTP request without a connection. `addressing` puts `path` behind the path of the endpoint's base URL."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes


class Buckets(msgspec.Struct, frozen=True):
    """Token counts that add up without overlap; None where the provider does not say.

    What follows them are parts that have prices of their own: `cache_write_1h` of `cache_write`, written to be kept for
    an hour; `audio_input` of `uncached_input`; `audio_output` and `image_output` of `visible_output`;
    `audio_cache_read` of `cache_read`. Then what is billed beside tokens: `web_searches`, and `audio_seconds` of input.
    """

    uncached_input: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    visible_output: int | None = None
    reasoning: int | None = None
    cache_write_1h: int | None = None
    audio_input: int | None = None
    audio_output: int | None = None
    audio_cache_read: int | None = None
    image_output: int | None = None
    web_searches: int | None = None
    audio_seconds: int | None = None


Terms = tuple[tuple[str, str], ...]
"""What a vendor sold an answer as, where that has prices of its own: `(("service_tier", "flex"),)`. Mostly empty."""


class Reply:
    """What a response turned out to be, filled while its body is fed.

    `chunk_stamps` has one stamp for each chunk that carries generated output of any kind; `first_output_ns` is the
    first with non-reasoning content. Role-only, empty and ping chunks are in neither. `error_type` is None on success;
    `error_kind` says what a failure that the provider reported means, whatever the provider calls it.
    `answered_ns` is when an answer was there that is not made of output chunks, such as embeddings.
    """

    __slots__ = (
        "answered_ns",
        "buckets",
        "chunk_stamps",
        "error",
        "error_kind",
        "error_type",
        "finish_reason",
        "first_output_ns",
        "keep_text",
        "response_id",
        "response_model",
        "text",
        "timings",
        "token_count_source",
        "usage",
    )

    def __init__(self, *, keep_text: bool) -> None:
        self.keep_text = keep_text
        self.chunk_stamps = array("q")
        self.first_output_ns = 0
        self.answered_ns = 0
        self.response_id: str | None = None
        self.response_model: str | None = None
        self.finish_reason: str | None = None
        self.error_type: str | None = None
        self.error: str | None = None
        self.error_kind: ErrorKind | None = None
        self.buckets = Buckets()
        self.token_count_source: TokenCountSource | None = None
        self.usage = b""
        self.timings = b""  # what the body says about the server's own times, as JSON; see `server_timings`
        self.text: list[str] = []

    def fail(self, error_type: str, error: str) -> None:
        """Keep the first failure: later ones follow from it."""
        if self.error_type is None:
            self.error_type = error_type
            self.error = error


class ReplyDecoder(Protocol):
    """Turns one response body into a `Reply`; bytes may be split at any position."""

    reply: Reply

    @property
    def template(self) -> tuple[bytes, bytes] | None:
        """`(before, after)`: body bytes `before + middle + after` are one event with output, for any plain `middle`.

        Plain is printable ASCII without quotation marks and backslashes. None while no such event is known, and in the
        middle of an event.
        """
        ...

    def take_headers(self, headers: Sequence[tuple[bytes, bytes]]) -> None:
        """Take the headers of the response, before its body: a few APIs count tokens there. May be left out."""
        ...

    def repeat(self, stamps_ns: Sequence[int], middles: Sequence[bytes]) -> None:
        """Take events that fit the template, by their middles; the same as feeding them, but cheap."""
        ...

    def feed(self, stamp_ns: int, data: bytes) -> None:
        """Take body bytes that were received at `stamp_ns`."""
        ...

    def finish(self, *, complete: bool) -> Reply:
        """The body has ended: by its framing (`complete`) or because the connection closed."""
        ...


class Adapter(Protocol):
    """One wire format. Holds no state between requests."""

    @property
    def takes(self) -> Takes:
        """What messages may hold beside text."""
        ...

    def billed(self, usage: bytes) -> Buckets | None:
        """What a usage object says is billed, where that is not just what was counted, or has finer parts.

        None when nothing more is known than the counts of the `Reply`.
        """
        ...

    def terms(self, usage: bytes) -> Terms:
        """What a usage object says that the answer was sold as, where that is not the usual.

        Raises:
            ValueError: the object is of another shape.
        """
        ...

    def charged_usd(self, usage: bytes) -> Decimal | None:
        """What a usage object says that the request cost, in US dollars; None where it does not say.

        Raises:
            ValueError: the object is of another shape.
        """
        ...

    @property
    def is_signed(self) -> bool:
        """Whether a request is good for a few minutes only, because `sign` puts the time into it."""
        ...

    def sign(self, request: HttpRequest, host: str, api_key: str | None, unix_seconds: float) -> HttpRequest:
        """The request as it goes to `host` at this instant; `request.path` is the whole path, with the base URL's."""
        ...

    def models_host(self, host: str) -> str:
        """The host that lists the models of the one that answers requests: nearly always the same."""
        ...

    def encode(self, request: ChatRequest, api_key: str | None) -> HttpRequest:
        """The HTTP request for a chat completion."""
        ...

    def decoder(self, status: int, content_type: str, *, keep_text: bool) -> ReplyDecoder:
        """A fresh decoder for one response."""
        ...

    def models_request(self, api_key: str | None) -> HttpRequest:
        """The HTTP request that lists models; free of charge, so it serves as the health check too.

        Raises:
            NoModelListError: there is no such list.
        """
        ...

    def parse_models(self, body: bytes) -> list[str]:
        """Model ids out of that answer.

        Raises:
            ValueError: when it is not a model list.
        """
        ...

    def parse_error(self, status: int, body: bytes) -> str:
        """The provider's own words out of an error body."""
        ...

    def error_body(self, body: bytes) -> bytes:
        """An error body in a shape that `errors` reads: nearly always as it is."""
        ...


class EmbeddingsAdapter(Protocol):
    """One wire format of embeddings. Holds no state between requests."""

    def encode(self, request: EmbeddingRequest, api_key: str | None) -> HttpRequest:
        """The HTTP request for embeddings."""
        ...

    def decoder(self, status: int, content_type: str, *, items: int) -> ReplyDecoder:
        """A fresh decoder for one response to a request for `items` texts."""
        ...
