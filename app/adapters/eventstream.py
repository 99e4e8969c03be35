"""`application/vnd.amazon.eventstream`: binary frames with two checksums, incrementally.

Source: Smithy 2.0, "Amazon Event Stream Specification". A frame is: total length, length of the headers, CRC-32 of
these eight bytes, headers, payload, CRC-32 of everything before it; integers are big-endian.
"""

import struct
import zlib
from typing import NamedTuple

_PRELUDE = struct.Struct(">III")
_CRC = struct.Struct(">I")
FRAME_LIMIT_BYTES = 24 * 2**20  # services send at most 16 MiB of payload
_HEADERS_LIMIT_BYTES = 128 * 1024
_FIXED_BYTES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}  # by the type of a header's value
_BYTES, _STRING = 6, 7


class Frame(NamedTuple):
    """One message: its headers that are text, and its payload."""

    headers: dict[str, str]
    payload: bytes


class EventStreamError(ValueError):
    """The bytes are no event stream, or were changed on their way."""


class EventStreamParser:
    """Feed bytes, get every frame that they complete. Raises `EventStreamError`; nothing after that can be read."""

    __slots__ = ("_buffer", "_wanted")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._wanted = _PRELUDE.size

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that end within `data`."""
        self._buffer += data
        frames: list[Frame] = []
        start = 0
        while len(self._buffer) - start >= _PRELUDE.size:
            length = _checked_length(self._buffer, start)
            if len(self._buffer) - start < length:
                break
            frames.append(_frame(bytes(self._buffer[start : start + length])))
            start += length
        del self._buffer[:start]
        return frames

    def is_idle(self) -> bool:
        """Whether the next byte begins a new frame."""
        return not self._buffer


def _checked_length(buffer: bytearray, start: int) -> int:
    length, headers, crc = _PRELUDE.unpack_from(buffer, start)
    if zlib.crc32(buffer[start : start + 8]) != crc:
        raise EventStreamError("the checksum of a frame's prelude is wrong")
    if not 16 <= length <= FRAME_LIMIT_BYTES or headers > min(length - 16, _HEADERS_LIMIT_BYTES):
        raise EventStreamError(f"a frame of {length} bytes with {headers} bytes of headers is not allowed")
    return int(length)


def _frame(raw: bytes) -> Frame:
    if zlib.crc32(raw[:-4]) != _CRC.unpack_from(raw, len(raw) - 4)[0]:
        raise EventStreamError("the checksum of a frame is wrong")
    end = _PRELUDE.size + _PRELUDE.unpack_from(raw)[1]
    try:
        return Frame(_headers(raw[_PRELUDE.size : end]), raw[end:-4])
    except (IndexError, struct.error, UnicodeDecodeError):
        raise EventStreamError("the headers of a frame cannot be read") from None


def _headers(raw: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    at = 0
    while at < len(raw):
        name_end = at + 1 + raw[at]
        name, kind = raw[at + 1 : name_end].decode(), raw[name_end]
        at = name_end + 1
        if kind in {_BYTES, _STRING}:
            (size,) = struct.unpack_from(">H", raw, at)
            at += 2
        elif kind in _FIXED_BYTES:
            size = _FIXED_BYTES[kind]
        else:
            raise EventStreamError(f"a header has the unknown type {kind}")
        if at + size > len(raw):
            raise EventStreamError("a header is longer than the headers")
        if kind == _STRING:
            found[name] = raw[at : at + size].decode()
        at += size
    return found
