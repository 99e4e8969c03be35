"""What a wire format is from the server's side, and the HTTP around it: requests in, response bytes out."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import msgspec

from app.simulator.script import Ask, Script

COMMENT = b": ping\n\n"
"""What keeps a stream of server-sent events alive without being one."""

_MARK = "@@@@@"
_READY_LIMIT = 64
_END = b"0\r\n\r\n"
_REASONS = {
    200: "OK",
    201: "Created",
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Content Too Large",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
    504: "Gateway Timeout",
    529: "Overloaded",
}
_encode = msgspec.json.Encoder().encode


class Refusal(NamedTuple):
    """How an API refuses what its words alone tell apart: the status, the body as JSON, and further headers."""

    status: int
    body: Any
    headers: Mapping[str, str] = {}


class Format(ABC):
    """One wire format. Event methods give whole events, ready to be sent as the body's next chunk.

    `content_type` is that of streams; `token_varies` says that events of tokens differ in more than their text;
    `whole_status` is that of answers that are no stream, `wrong_status` that of refusals of what it cannot read;
    `too_long` answers a prompt beyond the context, `no_quota` an account that is used up.
    """

    too_long: ClassVar[Refusal]
    no_quota: ClassVar[Refusal]

    content_type: ClassVar[str] = "text/event-stream; charset=utf-8"
    token_varies: ClassVar[bool] = False
    whole_status: ClassVar[int] = 200
    wrong_status: ClassVar[int] = 400

    @abstractmethod
    def ask(self, target: str, body: Any) -> Ask:
        """What a decoded JSON body asks for; `target` is the request's path.

        Raises:
            ValueError: saying what is wrong with it.
        """

    def opening(self, script: Script) -> bytes:
        """What comes before the first token."""
        return b""

    def turning(self, script: Script) -> bytes:
        """What comes between the last token of reasoning and the first of the answer."""
        return b""

    @abstractmethod
    def token(self, script: Script, number: int, word: str) -> bytes:
        """One token."""

    @abstractmethod
    def closing(self, script: Script) -> bytes:
        """Finish reason, usage and what else ends a stream."""

    def ping(self) -> bytes:
        """What keeps a silent stream alive; empty where the format has nothing for that."""
        return b""

    @abstractmethod
    def failure(self, message: str) -> bytes:
        """An error in the middle of a stream."""

    @abstractmethod
    def whole(self, script: Script) -> Any:
        """The answer that is no stream, as JSON."""

    def accepted(self, response_id: str, ask: Ask, address: str) -> Any:
        """What answers a request whose stream is fetched from `address`, as JSON; only such formats are asked."""
        raise NotImplementedError

    def whole_failure(self, script: Script, message: str) -> Any:
        """An answer that is no stream and says, with a good status, that it failed; None where there is no such."""
        return None

    @abstractmethod
    def error(self, status: int, message: str) -> tuple[Any, dict[str, str]]:
        """An error body as JSON, and the headers that come with it."""

    def rate_headers(self, limit: int, left: int) -> dict[str, str]:
        """How headers say that `left` of `limit` requests a minute are left: OpenAI's way, which most have."""
        return {
            "x-ratelimit-limit-requests": str(limit),
            "x-ratelimit-remaining-requests": str(left),
            "x-ratelimit-reset-requests": "1m0s",
        }


class Answer:
    """The bytes of one answer, piece by piece."""

    def __init__(self, form: Format, script: Script) -> None:
        self._form = form
        self._script = script
        # 100,000 a second are not put together anew.
        self._ready = [] if form.token_varies or len(script.words) > _READY_LIMIT else self._visible_tokens()

    def head(self) -> bytes:
        """Status line and headers of a stream, with the events that real servers send at once."""
        opening = self._form.opening(self._script)
        return (
            b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n%b\r\n"
            % (self._form.content_type.encode(), self._script.told.header_lines())
        ) + (_framed(opening) if opening else b"")

    def token(self, number: int) -> bytes:
        """One token's chunk."""
        form, script = self._form, self._script
        if self._ready and (number > script.reasoning or not script.reasoning):
            return self._ready[number % len(self._ready)]
        turning = form.turning(script) if number and number == script.reasoning else b""
        return _framed(turning + form.token(script, number, script.word(number)))

    def _visible_tokens(self) -> list[bytes]:
        """The chunks of all words, for formats where only the text differs."""
        event = self._form.token(self._script, self._script.reasoning, _MARK)
        before, _, after = event.partition(_MARK.encode())
        return [_framed(b"%b%b%b" % (before, _encode(word)[1:-1], after)) for word in self._script.words]

    def ping(self) -> bytes:
        """A chunk that says nothing; empty where the format has none."""
        ping = self._form.ping()
        return _framed(ping) if ping else b""

    def end(self) -> bytes:
        """The closing events and the end of the body."""
        return _framed(self._form.closing(self._script)) + _END

    def cut(self) -> bytes:
        """The end of the body alone: the closing events are missing."""
        return _END

    def in_band_error(self) -> bytes:
        """An error event in the middle of a stream, then its regular end."""
        return _framed(self._form.failure("simulated failure in the stream")) + _END

    def whole(self) -> bytes:
        """The response that is not a stream."""
        form = self._form
        return json_response(form.whole_status, form.whole(self._script), headers=self._script.told.headers)

    def whole_failure(self) -> bytes:
        """The response that is not a stream, saying that it failed; the good one where the format cannot say so."""
        form = self._form
        said = form.whole_failure(self._script, "simulated failure in the answer")
        return self.whole() if said is None else json_response(form.whole_status, said)


def error_response(form: Format, status: int, message: str, *, close: bool = False) -> bytes:
    """An error in the shape of the API."""
    body, headers = form.error(status, message)
    if status == 429:
        headers = {"Retry-After": "1", **headers}
    return json_response(status, body, close=close, headers=headers)


def refusal_response(refusal: Refusal) -> bytes:
    """A refusal as it is sent."""
    return json_response(refusal.status, refusal.body, headers=refusal.headers)


def json_response(status: int, value: Any, *, close: bool = False, headers: Mapping[str, str] | None = None) -> bytes:
    """A whole JSON response; underscores in names of headers are dashes."""
    body = _encode(value)
    lines = [
        f"HTTP/1.1 {status} {_REASONS[status]}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(f"{name.replace('_', '-')}: {value}" for name, value in (headers or {}).items()),
    ]
    if close:
        lines.append("Connection: close")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def sse(*values: Any, named: bool = False) -> bytes:
    """Values as server-sent events; `named` puts each one's `type` into an `event` line."""
    return b"".join(
        (b"event: %b\n" % value["type"].encode() if named else b"") + b"data: " + _encode(value) + b"\n\n"
        for value in values
    )


def wanted(body: Any, names: Sequence[str]) -> None:
    """Refuse a body that is no object or lacks a field.

    Raises:
        ValueError: naming what is missing.
    """
    if not isinstance(body, dict):
        raise ValueError("the body must be a JSON object")  # noqa: TRY004  (the request is wrong, not the program)
    missing = [name for name in names if not body.get(name)]
    if missing:
        raise ValueError(f"{', '.join(missing)}: required")


def count(value: Any, name: str) -> int | None:
    """A limit on tokens, if it was given.

    Raises:
        ValueError: it is no positive whole number.
    """
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, not {value!r}")
    return value


def _framed(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
