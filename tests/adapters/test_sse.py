"""The event-stream parser against a plain reading of the standard, split at every position."""

import json
import re
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from app.adapters.sse import NamedSseParser, SseParser

LINE = st.sampled_from(
    [
        b"",
        b"",
        b"data: one",
        b"data:two",
        b"data: ",
        b"data",
        b": ping",
        b"event: x",
        b"id: 7",
        b'data: {"a": 1}',
        b"junk",
    ]
)
END = st.sampled_from([b"\n", b"\r\n", b"\r"])


def as_the_standard_says(stream: bytes) -> list[bytes]:
    """Section 9.2.6, read literally over the whole stream."""
    lines = re.split(rb"\r\n|\n|\r", stream.removeprefix(b"\xef\xbb\xbf"))
    events: list[bytes] = []
    data: list[bytes] = []
    for line in [*lines, b""]:  # the blank line at the end is our stated deviation
        if not line:
            if data:
                events.append(b"\n".join(data))
            data = []
        else:
            field, colon, value = line.partition(b":")
            if field == b"data":
                data.append(value.removeprefix(b" ") if colon else b"")
    return events


def parsed(pieces: list[bytes]) -> list[bytes]:
    parser = SseParser()
    events = [event for piece in pieces for event in parser.feed(piece)]
    return events + parser.finish()


@given(
    lines=st.lists(st.tuples(LINE, END), max_size=12),
    bom=st.booleans(),
    cuts=st.lists(st.integers(0, 200), max_size=8),
)
def test_any_split_gives_what_the_standard_says(lines: list[tuple[bytes, bytes]], bom: bool, cuts: list[int]) -> None:
    stream = b"".join(line + end for line, end in lines)
    # An empty first line must not swallow the LF of a CRLF that our own joining made out of "\r" + "\n…".
    stream = (b"\xef\xbb\xbf" if bom else b"") + stream
    bounds = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    pieces = [stream[start:end] for start, end in pairwise(bounds)]
    assert parsed(pieces) == as_the_standard_says(stream)


def test_an_event_is_delivered_by_the_read_that_closes_it() -> None:
    parser = SseParser()
    assert parser.feed(b"data: a\r\n\r") == [b"a"]
    assert parser.feed(b"\ndata: b\n") == []
    assert parser.feed(b"\n") == [b"b"]


def test_long_events_cost_linear_time() -> None:
    parser = SseParser()
    piece = b"x" * 1000
    parser.feed(b"data: ")
    for _ in range(10_000):
        assert parser.feed(piece) == []
    assert parser.feed(b"\n\n") == [piece * 10_000]


def named_as_the_standard_says(stream: bytes) -> list[bytes]:
    """The same with the names of events; what has a name but no data is our stated deviation."""
    lines = re.split(rb"\r\n|\n|\r", stream.removeprefix(b"\xef\xbb\xbf"))
    events: list[bytes] = []
    data: list[bytes] = []
    name = b""
    for line in [*lines, b""]:
        field, colon, value = line.partition(b":")
        value = value.removeprefix(b" ") if colon else b""
        if not line:
            if data or name:
                text = b"\n".join(data)
                is_json = text.startswith(b"{") and text.strip() == b'{"a": 1}'  # all that lines of LINE can make
                said = b"{}" if not data else text if is_json else json.dumps(text.decode()).encode()
                events.append(b'{"%b":%b}' % (name or b"message", said))
            data, name = [], b""
        elif field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
    return [json.dumps(json.loads(event)).encode() for event in events]


@settings(max_examples=50)
@given(st.lists(st.tuples(LINE, END), max_size=12), st.lists(st.integers(0, 200), max_size=5), st.booleans())
def test_names_of_events_however_it_is_cut(lines: list[tuple[bytes, bytes]], cuts: list[int], has_mark: bool) -> None:
    stream = (b"\xef\xbb\xbf" if has_mark else b"") + b"".join(line + end for line, end in lines)
    bounds = sorted({0, len(stream), *(min(cut, len(stream)) for cut in cuts)})
    parser = NamedSseParser()
    pieces = [stream[start:end] for start, end in pairwise(bounds)]
    found = [event for piece in pieces for event in parser.feed(piece)] + parser.finish()
    assert [json.dumps(json.loads(event)).encode() for event in found] == named_as_the_standard_says(stream)
    assert parser.is_idle()


def test_what_the_data_of_a_named_event_is() -> None:
    parser = NamedSseParser()
    fed = (
        b'event: token\ndata: {"text": "a"}\n\nevent: token\ndata: {"text\n\nevent:token\ndata: 7\n\n'
        b"event: end\n\ndata: [1,\ndata: 2]\n\nerror: {}\n\n"
    )
    assert parser.feed(fed) == [
        b'{"token":{"text": "a"}}', b'{"token":"{\\"text"}', b'{"token":"7"}', b'{"end":{}}', b'{"message":[1,\n2]}',
        b'{"error":{}}',
    ]  # fmt: skip
