"""HTTP/1.1 framing by httptools (llhttp): where a response ends, and its body with the stamp of every piece.

Framing runs while the response arrives but builds nothing; the body is taken apart later, off the hot path, from the
bytes and stamps that were kept. Source: RFC 9112.
"""

import zlib
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import httptools

_PLAIN_LIMIT = 8192
_plain: set[bytes] = set()  # texts that were found plain: models say the same words again and again

HeaderList = list[tuple[bytes, bytes]]


class ReplyDecoder(Protocol):
    """What the instrument wants of a wire format; see `adapters.base.ReplyDecoder`."""

    @property
    def reply(self) -> Any: ...
    @property
    def template(self) -> tuple[bytes, bytes] | None: ...
    def take_headers(self, headers: Sequence[tuple[bytes, bytes]]) -> None: ...
    def repeat(self, stamps_ns: Sequence[int], middles: Sequence[bytes]) -> None: ...
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

    def close(self) -> None:
        """Let go of the parser, which refers back to this: no garbage collector runs in the engine."""
        del self._parser

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
    """Takes one response apart again, this time for its body, and feeds it to a decoder with the stamps.

    A stream is mostly one event again and again with another word in it, each in a chunk of its own. Once the decoder
    has offered a template of such an event, chunks that fit are recognised as they lie in the read and never parsed:
    a fifth of the time. Whatever does not fit exactly takes the long way.
    """

    __slots__ = (
        "_at_boundary",
        "_decoder",
        "_frames",
        "_inflate",
        "_is_chunked",
        "_parser",
        "_stamp_ns",
        "_status_ok",
        "_template",
    )

    def __init__(self, decoder: ReplyDecoder, encoding: bytes, *, is_chunked: bool) -> None:
        self._decoder = decoder
        self._stamp_ns = 0
        self._status_ok = False
        self._is_chunked = is_chunked and not encoding
        self._at_boundary = False  # between two chunks
        self._template: tuple[bytes, bytes] | None = None
        self._frames: dict[int, bytes] = {}  # length of a read that is one chunk → how it must begin
        self._parser = httptools.HttpResponseParser(self)
        self._inflate: Callable[[bytes], bytes] | None = None
        if encoding in {b"gzip", b"deflate", b"x-gzip"}:
            self._inflate = zlib.decompressobj(wbits=47 if encoding != b"deflate" else 15).decompress

    def close(self) -> None:
        """Let go of the parser, which refers back to this: no garbage collector runs in the engine."""
        del self._parser

    def feed(self, data: bytes, ends: Sequence[int], stamps_ns: Sequence[int]) -> None:
        """Take reads of the response: read i ends at `ends[i]` in `data` and was received at `stamps_ns[i]`.

        Raises:
            httptools.HttpParserError: when the framing or the compression is broken.
        """
        start = read = 0
        while read < len(ends):
            if self._at_boundary and self._decoder.template is not None:
                skipped = self._skip_repeats(data, start, ends, stamps_ns, read)
                if skipped:
                    read += skipped
                    start = ends[read - 1]
                    continue
            self._stamp_ns = stamps_ns[read]
            self._parser.feed_data(data[start : ends[read]])
            start = ends[read]
            read += 1

    def _skip_repeats(self, data: bytes, start: int, ends: Sequence[int], stamps_ns: Sequence[int], first: int) -> int:
        """Hand every read from `first` on that is whole chunks of the template's kind to the decoder; says how many."""
        template = self._decoder.template
        if template is not self._template:
            self._template = template
            self._frames = {}
        assert template is not None
        before, after = template[0], template[1] + b"\r\n"
        frames = self._frames
        middles: list[bytes] = []
        stamps: list[int] = []
        read = first
        for read in range(first, len(ends)):
            end = ends[read]
            begins = frames.get(end - start)
            if begins is None:
                begins = frames[end - start] = _frame_begin(end - start, before)
            if data.startswith(begins, start) and data.endswith(after, start, end):
                middle = data[start + len(begins) : end - len(after)]
                if middle not in _plain and not _is_plain(middle):
                    break
                middles.append(middle)
                stamps.append(stamps_ns[read])
            else:
                several = _split(data[start:end], before, after)
                if several is None:
                    break
                middles += several
                stamps += [stamps_ns[read]] * len(several)
            start = end
        else:
            read = len(ends)
        if middles:
            self._decoder.repeat(stamps, middles)
        return read - first

    def on_headers_complete(self) -> None:
        self._status_ok = self._parser.get_status_code() >= 200

    def on_chunk_header(self) -> None:
        self._at_boundary = False

    def on_chunk_complete(self) -> None:
        self._at_boundary = self._is_chunked

    def on_body(self, data: bytes) -> None:
        if self._status_ok:
            self._decoder.feed(self._stamp_ns, self._inflate(data) if self._inflate else data)


def _frame_begin(length: int, before: bytes) -> bytes:
    """How a read of `length` bytes begins that is one chunk whose data begins with `before`."""
    for digits in range(1, 9):
        size = length - digits - 4
        if size > 0 and len(line := b"%x" % size) == digits:
            return line + b"\r\n" + before
    return b"\0"  # no chunk has this length: nothing begins so


def _split(data: bytes, before: bytes, after: bytes) -> list[bytes] | None:
    """The middles of chunks that lie in one read; None unless it is made of whole chunks of the template's kind."""
    middles = []
    start = length = 0
    begins = b""
    while start < len(data):
        if not begins or not data.startswith(begins, start):  # else it is as long as the one before
            line_end = data.find(b"\r\n", start, start + 10)
            try:
                length = line_end - start + 2 + int(data[start:line_end], 16) + 2
            except ValueError:
                return None
            begins = _frame_begin(length, before)
            if not data.startswith(begins, start):
                return None
        end = start + length
        middle = data[start + len(begins) : end - len(after)]
        if end > len(data) or not data.endswith(after, start + len(begins), end):
            return None
        if middle not in _plain and not _is_plain(middle):
            return None
        middles.append(middle)
        start = end
    return middles


def _is_plain(middle: bytes) -> bool:
    """Whether this is JSON text that stands for itself: ASCII, nothing escaped."""
    if not middle or not middle.isascii() or b'"' in middle or b"\\" in middle or not middle.decode().isprintable():
        return False
    if len(_plain) < _PLAIN_LIMIT:
        _plain.add(middle)
    return True


def header(headers: HeaderList, name: bytes) -> bytes | None:
    """The first value of a header, by its lower-case name."""
    return next((value for known, value in headers if known == name), None)
