"""HTTP/1.1 framing by httptools (llhttp): where a response ends, and its body with the stamp of every piece.

Framing runs while the response arrives but builds nothing; the body is taken apart later, off the hot path, from the
bytes and stamps that were kept. Source: RFC 9112.
"""

import zlib
from collections.abc import Callable
from typing import Any, Protocol

import httptools

HeaderList = list[tuple[bytes, bytes]]


class ReplyDecoder(Protocol):
    """What the instrument wants of a wire format; see `adapters.base.ReplyDecoder`."""

    @property
    def reply(self) -> Any: ...
    def feed(self, stamp_ns: int, data: bytes) -> None: ...
    def finish(self, *, complete: bool) -> Any: ...


def request_bytes(method: str, target: str, host: str, headers: list[tuple[str, str]], body: bytes) -> bytes:
    """A request as it goes over the wire, keep-alive, asking for no compression."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}"]
    names = {name.lower() for name, _ in headers}
    lines += [f"{name}: {value}" for name, value in headers]
    if "accept-encoding" not in names:
        lines.append("Accept-Encoding: identity")  # compression would merge chunks inside the server
    if body or method in {"POST", "PUT", "PATCH"}:
        lines.append(f"Content-Length: {len(body)}")
    if any(character in line for line in lines for character in "\r\n\0"):
        raise ValueError("a header or the URL contains a line break")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


class Framer:
    """Follows the framing of the responses of one connection, one after the other."""

    __slots__ = ("_parser", "chunked", "complete", "header_list", "headers_complete", "keep_alive", "status")

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self.reset()

    def reset(self) -> None:
        """Ready for the next response."""
        self.status = 0
        self.header_list: HeaderList = []
        self.headers_complete = False
        self.complete = False
        self.keep_alive = False
        self.chunked = False

    def feed(self, data: bytes | bytearray) -> None:
        """Take bytes of the response.

        Raises:
            httptools.HttpParserError: when they are not HTTP, or go on after the end of the response.
        """
        if self.complete and data:
            raise httptools.HttpParserError("data after the end of the response")
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        if self.complete:
            raise ValueError("a second response to one request")

    def on_header(self, name: bytes, value: bytes) -> None:
        lowered = name.lower()
        if lowered == b"transfer-encoding":
            self.chunked = b"chunked" in value.lower()
        self.header_list.append((lowered, value))

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        self.headers_complete = self.status >= 200

    def on_message_complete(self) -> None:
        if self.status < 200:  # 100 Continue, 103 Early Hints: the real response follows
            self.reset()
            return
        self.keep_alive = self._parser.should_keep_alive()
        self.complete = True


class BodyReader:
    """Takes one response apart again, this time for its body, and feeds it to a decoder with the stamps."""

    __slots__ = ("_decoder", "_inflate", "_parser", "_stamp_ns", "_status_ok")

    def __init__(self, decoder: ReplyDecoder, encoding: bytes) -> None:
        self._decoder = decoder
        self._stamp_ns = 0
        self._status_ok = False
        self._parser = httptools.HttpResponseParser(self)
        self._inflate: Callable[[bytes], bytes] | None = None
        if encoding in {b"gzip", b"deflate", b"x-gzip"}:
            self._inflate = zlib.decompressobj(wbits=47 if encoding != b"deflate" else 15).decompress

    def feed(self, stamp_ns: int, data: bytes | bytearray) -> None:
        """Take bytes of the response that were received at `stamp_ns`."""
        self._stamp_ns = stamp_ns
        self._parser.feed_data(data)

    def on_headers_complete(self) -> None:
        self._status_ok = self._parser.get_status_code() >= 200

    def on_body(self, data: bytes) -> None:
        if self._status_ok:
            self._decoder.feed(self._stamp_ns, self._inflate(data) if self._inflate else data)


def header(headers: HeaderList, name: bytes) -> bytes | None:
    """The first value of a header, by its lower-case name."""
    return next((value for known, value in headers if known == name), None)
