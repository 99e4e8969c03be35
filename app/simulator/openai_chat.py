"""OpenAI Chat Completions from the server's side: request bodies in, response bytes out."""

from collections.abc import Mapping
from typing import Any

import msgspec

from app.simulator.counting import TokenCount

_WORDS = (b" time", b" year", b" hand", b" part", b" case", b" week", b" work", b" home")  # all of one length
_CREATED = 1_700_000_000


class ChatBody(msgspec.Struct):
    """What the simulator reads of a request."""

    model: str
    messages: list[dict[str, Any]]
    stream: bool = False
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    ignore_eos: bool = False
    stream_options: dict[str, Any] | None = None

    def prompt_tokens(self, count: TokenCount) -> int:
        """Tokens of all messages."""
        return count.tokens(" ".join(str(message.get("content") or "") for message in self.messages))

    def answer_tokens(self, usual: int) -> int:
        """How long the answer is: the usual length, cut by the request's limit, or just that limit if it insists."""
        limit = self.max_completion_tokens or self.max_tokens
        if limit is None:
            return usual
        return max(1, limit if self.ignore_eos else min(limit, usual))


decode_body = msgspec.json.Decoder(ChatBody).decode
_encode = msgspec.json.Encoder().encode


class ToldTimes(msgspec.Struct, frozen=True):
    """What an answer says about the server's own times: in headers as OpenAI and proxies do, or as llama.cpp does."""

    headers: dict[str, str] = {}
    timings: dict[str, float] = {}

    @classmethod
    def of(cls, where: str, ttft_ms: float, itl_ms: float, tokens: int) -> "ToldTimes":
        """The times of an answer of `tokens`; `where` is `none`, `headers`, `body` or `both`."""
        predicted_ms = itl_ms * (tokens - 1)
        headers = {
            "openai_processing_ms": f"{ttft_ms:g}",
            "Server_Timing": f'prefill;dur={ttft_ms:g};desc="simulated, all of it", decode;dur={predicted_ms:g}',
        }
        timings = {"prompt_ms": ttft_ms, "predicted_n": tokens, "predicted_ms": predicted_ms}
        return cls(headers if where in {"headers", "both"} else {}, timings if where in {"body", "both"} else {})

    def header_lines(self) -> bytes:
        """As they stand in a head."""
        return "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in self.headers.items()).encode()

    def fields(self) -> dict[str, Any]:
        """As they stand in a body."""
        return {"timings": self.timings} if self.timings else {}


class Answer:
    """The bytes of one answer, piece by piece."""

    def __init__(
        self,
        body: ChatBody,
        response_id: str,
        tokens: int,
        usual: int,
        count: TokenCount,
        told: "ToldTimes | None" = None,
    ) -> None:
        self._told = told or ToldTimes()
        self._body = body
        self._count = count
        self._id = response_id
        self._tokens = tokens
        limit = body.max_completion_tokens or body.max_tokens
        self._finish = "length" if limit is not None and limit <= tokens < max(usual, limit + 1) else "stop"
        token = self._chunk([{"index": 0, "delta": {"content": "@@@@@"}, "finish_reason": None}])
        before, after = token.split(b"@@@@@")
        self._words = [before + word + after for word in _WORDS]  # 100,000 a second are not put together anew

    def head(self) -> bytes:
        """Status line and headers of a stream, with the role-only chunk that real servers send at once."""
        return (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache\r\n"
            b"Transfer-Encoding: chunked\r\n%b\r\n" % self._told.header_lines()
        ) + self._chunk([{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}])

    def token(self, number: int) -> bytes:
        """One token's chunk."""
        return self._words[number % len(_WORDS)]

    def end(self) -> bytes:
        """Finish reason, usage if asked for, `[DONE]`, end of the body."""
        parts = [self._chunk([{"index": 0, "delta": {}, "finish_reason": self._finish}], **self._told.fields())]
        if (self._body.stream_options or {}).get("include_usage"):
            parts.append(self._chunk([], usage=self._usage()))
        return b"".join([*parts, _framed(b"data: [DONE]\n\n"), b"0\r\n\r\n"])

    def in_band_error(self) -> bytes:
        """An error event in the middle of a stream, then its regular end."""
        error = _encode({"error": {"message": "simulated failure in the stream", "type": "server_error", "code": 500}})
        return _framed(b"data: " + error + b"\n\n") + b"0\r\n\r\n"

    def whole(self) -> bytes:
        """The response that is not a stream."""
        text = b"".join(_WORDS[number % len(_WORDS)] for number in range(self._tokens)).decode()
        message = {"role": "assistant", "content": text}
        return json_response(
            200,
            {
                "id": self._id,
                "object": "chat.completion",
                "created": _CREATED,
                "model": self._body.model,
                "choices": [{"index": 0, "message": message, "finish_reason": self._finish}],
                "usage": self._usage(),
                **self._told.fields(),
            },
            headers=self._told.headers,
        )

    def _usage(self) -> dict[str, int]:
        prompt = self._body.prompt_tokens(self._count)
        return {"prompt_tokens": prompt, "completion_tokens": self._tokens, "total_tokens": prompt + self._tokens}

    def _chunk(self, choices: list[dict[str, Any]], **more: Any) -> bytes:
        value = {
            "id": self._id,
            "object": "chat.completion.chunk",
            "created": _CREATED,
            "model": self._body.model,
            "choices": choices,
            **more,
        }
        return _framed(b"data: " + _encode(value) + b"\n\n")


_REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 413: "Content Too Large"}
_REASONS |= {405: "Method Not Allowed", 429: "Too Many Requests", 500: "Internal Server Error"}


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


def error_response(status: int, message: str, kind: str, *, close: bool = False, **headers: str) -> bytes:
    """An error in the shape of the API."""
    error = {"message": message, "type": kind, "param": None, "code": None}
    return json_response(status, {"error": error}, close=close, headers=headers)


def _framed(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
