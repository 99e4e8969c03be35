"""Every wire format: the same answer, whole or in pieces cut anywhere, and every way in which it can be broken."""

import json
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.adapters import registry
from app.adapters.base import Reply
from app.loadgen.http1 import BodyReader
from tests.adapters.streams import RECORDED, TEXT, Recorded
from tests.loadgen.servers import chunk

EACH = pytest.mark.parametrize("recorded", RECORDED, ids=lambda recorded: recorded.kind)
CUTS = st.lists(st.integers(0, 5000), max_size=30)


def decode(recorded: Recorded, pieces: list[bytes], *, complete: bool = True) -> Reply:
    decoder = registry.get(recorded.kind).decoder(200, recorded.content_type, keep_text=True)
    for stamp, piece in enumerate(pieces):
        decoder.feed(1000 + stamp, piece)
    return decoder.finish(complete=complete)


def body(recorded: Recorded, raw: bytes, status: int = 200, *, complete: bool = True) -> Reply:
    decoder = registry.get(recorded.kind).decoder(status, "application/json", keep_text=True)
    for stamp, byte in enumerate(raw):
        decoder.feed(1000 + stamp, bytes([byte]))
    return decoder.finish(complete=complete)


def check(recorded: Recorded, reply: Reply) -> None:
    assert (reply.error_type, reply.error) == (None, None)
    assert "".join(reply.text) == TEXT
    assert (reply.finish_reason, reply.response_id) == (recorded.finish, recorded.response_id)
    assert (reply.buckets, reply.token_count_source) == (recorded.buckets, "usage")


@EACH
def test_a_stream(recorded: Recorded) -> None:
    reply = decode(recorded, recorded.events)
    check(recorded, reply)
    assert list(reply.chunk_stamps) == [1000 + at for at in recorded.outputs]
    assert reply.first_output_ns == 1000 + recorded.first_visible, "reasoning is not answer content"
    assert json.loads(reply.usage), "the provider's own object is kept"


@EACH
def test_a_stream_cut_at_every_position(recorded: Recorded) -> None:
    raw = b"".join(recorded.events)
    for at in range(1, len(raw)):
        reply = decode(recorded, [raw[:at], raw[at:]])
        check(recorded, reply)
        assert len(reply.chunk_stamps) == len(recorded.outputs)


@EACH
@given(cuts=CUTS)
def test_a_stream_cut_anywhere(recorded: Recorded, cuts: list[int]) -> None:
    raw = b"".join(recorded.events)
    bounds = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
    reply = decode(recorded, [raw[start:end] for start, end in pairwise(bounds)])
    check(recorded, reply)
    assert list(reply.chunk_stamps) == sorted(reply.chunk_stamps)


@EACH
@given(cuts=CUTS, whole_reads=st.booleans())
def test_the_instrument_reads_the_same(recorded: Recorded, cuts: list[int], whole_reads: bool) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {recorded.content_type}\r\nTransfer-Encoding: chunked\r\n\r\n"
    reads = [head.encode(), *map(chunk, recorded.events), b"0\r\n\r\n"]
    if not whole_reads:
        raw = b"".join(reads)
        bounds = sorted({0, len(raw), *(min(cut, len(raw)) for cut in cuts)})
        reads = [raw[start:end] for start, end in pairwise(bounds)]
    decoder = registry.get(recorded.kind).decoder(200, recorded.content_type, keep_text=True)
    reader = BodyReader(decoder, b"", is_chunked=True)
    ends = [sum(map(len, reads[: number + 1])) for number in range(len(reads))]
    reader.feed(b"".join(reads), ends, [1000 + number for number in range(len(reads))])
    check(recorded, decoder.finish(complete=True))


@EACH
def test_a_whole_body(recorded: Recorded) -> None:
    raw = json.dumps(recorded.body).encode()
    reply = body(recorded, raw)
    check(recorded, reply)
    last = 1000 + len(raw) - 1
    assert list(reply.chunk_stamps) == [last]
    assert reply.first_output_ns == last


@EACH
def test_a_stream_that_ends_too_early_is_truncated(recorded: Recorded) -> None:
    raw = b"".join(recorded.events)
    after_last_output = recorded.outputs[-1] + 1
    for count in range(1, after_last_output + 1):
        for complete in (True, False):
            reply = decode(recorded, recorded.events[:count], complete=complete)
            assert reply.error_type == ("truncated" if count > recorded.outputs[0] else "empty")
    for at in range(len(raw) - len(b"".join(recorded.events[after_last_output:])), len(raw)):
        reply = decode(recorded, [raw[:at]], complete=False)
        assert reply.error_type in {"truncated", None, "protocol"}
        assert reply.error_type is not None or reply.finish_reason == recorded.finish
        assert "".join(reply.text) == TEXT, "what came is kept"


@EACH
def test_without_the_closing_event_a_stream_is_not_finished(recorded: Recorded) -> None:
    """Where the API always sends one; where a finish reason may be the end, it is enough."""
    enough = {"openai", "mistral", "groq", "deepseek", "xai", "gemini", "bedrock"}
    finished = [event for event in recorded.events if event != b"data: [DONE]\n\n"]
    if recorded.kind in enough:
        assert decode(recorded, finished).error_type is None
    else:
        assert decode(recorded, finished[:-1]).error_type == "truncated"


@EACH
def test_an_error_within_a_stream(recorded: Recorded) -> None:
    reply = decode(recorded, [*recorded.events[: recorded.first_visible + 1], recorded.error])
    assert (reply.error_type, reply.error) == ("stream_error", "broken inside")
    assert reply.error_kind in {"server", "overloaded"}
    assert reply.chunk_stamps, "what came before it is kept"


@EACH
def test_an_error_body(recorded: Recorded) -> None:
    reply = body(recorded, json.dumps(recorded.error_body).encode(), 429)
    assert (reply.error, reply.error_kind, reply.error_type) == ("Rate limit reached", "rate_limit", None)


@EACH
def test_usage_is_missing(recorded: Recorded) -> None:
    events = [
        event
        for event in recorded.events
        if not any(word in event for word in (b"usage", b"tokens_predicted", b"eval_count"))
    ]
    reply = decode(recorded, events, complete=False)
    assert reply.token_count_source == ("chunks" if reply.chunk_stamps else None)
    reasoning = sum(at < recorded.first_visible for at in recorded.outputs)
    if recorded.kind != "gemini":  # each of its chunks has usage
        assert (reply.buckets.visible_output, reply.buckets.reasoning) == (len(recorded.outputs) - reasoning, reasoning)


@EACH
@given(junk=st.binary(max_size=300))
def test_junk_never_raises(recorded: Recorded, junk: bytes) -> None:
    assume(b"[DONE]" not in junk)  # the regular end of a stream is no junk: it may follow anything
    for pieces in ([junk], [*recorded.events[:3], junk], [b"data: " + junk + b"\n\n"], [junk + b"\n"]):
        assert decode(recorded, pieces).error_type is not None
    body(recorded, junk)
    body(recorded, junk, 500)


@EACH
@pytest.mark.parametrize("deep", [b"[" * 100_000, b'{"a":' * 100_000, b'{"error":' + b"[" * 100_000])
def test_deep_nesting_is_no_danger(recorded: Recorded, deep: bytes) -> None:
    assert body(recorded, deep).error_type == "protocol"
    assert body(recorded, deep, 500).error_kind == "server"
    if recorded.kind != "bedrock":
        assert decode(recorded, [b"data: " + deep + b"\n\n"]).error_type == "protocol"


@EACH
@pytest.mark.parametrize(
    ("raw", "complete", "error_type"),
    [(b"<html>", True, "protocol"), (b"{}", True, "empty"), (b'{"a', False, "truncated"), (b"[]", True, "protocol")],
)
def test_broken_bodies(recorded: Recorded, raw: bytes, complete: bool, error_type: str) -> None:
    assert body(recorded, raw, complete=complete).error_type == error_type


@EACH
def test_absurd_counts_are_not_believed(recorded: Recorded) -> None:
    text = json.dumps(recorded.body).replace(": 30", f": {10**30}").replace(": 30.0", f": {10**30}")
    reply = body(recorded, text.encode())
    assert reply.token_count_source is None or max(filter(None, (reply.buckets.visible_output,)), default=0) < 2**53
