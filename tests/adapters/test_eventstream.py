"""AWS event streams: frames as AWS's own decoder reads them, in any pieces, and every kind of damage."""

import struct
import zlib
from itertools import pairwise

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from app.adapters.eventstream import FRAME_LIMIT_BYTES, EventStreamError, EventStreamParser, Frame

NAME = st.text("abc:-", min_size=1, max_size=10)
VALUES = st.one_of(
    st.tuples(st.just(0), st.just(b"")),
    st.tuples(st.just(1), st.just(b"")),
    st.tuples(st.just(2), st.binary(min_size=1, max_size=1)),
    st.tuples(st.just(3), st.binary(min_size=2, max_size=2)),
    st.tuples(st.just(4), st.binary(min_size=4, max_size=4)),
    st.tuples(st.just(5), st.binary(min_size=8, max_size=8)),
    st.tuples(st.just(6), st.binary(max_size=9)),
    st.tuples(st.just(7), st.text(max_size=9).map(str.encode)),
    st.tuples(st.just(8), st.integers(0, 2**40).map(lambda value: struct.pack(">q", value))),
    st.tuples(st.just(9), st.binary(min_size=16, max_size=16)),
)
HEADERS = st.dictionaries(NAME, VALUES, max_size=4)


def built(headers: dict[str, tuple[int, bytes]], payload: bytes) -> bytes:
    head = b""
    for name, (kind, value) in headers.items():
        size = struct.pack(">H", len(value)) if kind in {6, 7} else b""
        head += bytes([len(name)]) + name.encode() + bytes([kind]) + size + value
    prelude = struct.pack(">II", len(head) + len(payload) + 16, len(head))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + head + payload
    return message + struct.pack(">I", zlib.crc32(message))


def parsed(pieces: list[bytes]) -> list[Frame]:
    parser = EventStreamParser()
    frames = [frame for piece in pieces for frame in parser.feed(piece)]
    assert parser.is_idle()
    return frames


@given(st.lists(st.tuples(HEADERS, st.binary(max_size=40)), max_size=4), st.lists(st.integers(0, 500), max_size=9))
def test_frames_are_those_that_aws_reads(
    frames: list[tuple[dict[str, tuple[int, bytes]], bytes]], cuts: list[int]
) -> None:
    raw = b"".join(built(*frame) for frame in frames)
    bounds = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
    mine = parsed([raw[start:end] for start, end in pairwise(bounds)])
    reference = EventStreamBuffer()
    reference.add_data(raw)
    theirs = list(reference)
    assert [frame.payload for frame in mine] == [event.payload for event in theirs]
    for frame, event, (headers, _) in zip(mine, theirs, frames, strict=True):
        texts = {name: event.headers[name] for name, (kind, _) in headers.items() if kind == 7}
        assert frame.headers == texts


WHOLE = built({":event-type": (7, b"metadata"), ":message-type": (7, b"event")}, b'{"a": 1}')


@pytest.mark.parametrize("at", range(len(WHOLE)))
def test_each_damaged_byte_is_noticed(at: int) -> None:
    damaged = bytearray(WHOLE)
    damaged[at] ^= 0x40
    with pytest.raises(EventStreamError):
        EventStreamParser().feed(bytes(damaged))


@pytest.mark.parametrize(
    ("length", "headers"), [(15, 0), (FRAME_LIMIT_BYTES + 1, 0), (16, 1), (2**32 - 1, 0), (2**20, 2**18)]
)
def test_absurd_lengths_are_refused_at_once(length: int, headers: int) -> None:
    prelude = struct.pack(">II", length, headers)
    with pytest.raises(EventStreamError, match="not allowed"):
        EventStreamParser().feed(prelude + struct.pack(">I", zlib.crc32(prelude)))


@pytest.mark.parametrize(
    "head", [b"\x05ab", b"\x01a\x07\x00\x09b", b"\x01a\x0a", b"\x01a", b"\x01\xff\x00", b"\x01a\x07\x00"]
)
def test_broken_headers(head: bytes) -> None:
    prelude = struct.pack(">II", len(head) + 16, len(head))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + head
    with pytest.raises(EventStreamError):
        EventStreamParser().feed(message + struct.pack(">I", zlib.crc32(message)))


@given(st.binary(max_size=200))
def test_junk_raises_nothing_else(junk: bytes) -> None:
    parser = EventStreamParser()
    try:
        frames = parser.feed(junk)
    except EventStreamError:
        return
    assert frames == []
